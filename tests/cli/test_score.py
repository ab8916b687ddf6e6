"""``ddriqa score`` as a user sees it. The toy encoder keeps each run short."""

import csv
import io
import json
import os
import subprocess
import sys

import pandas as pd
import pytest

from ddriqa import Scorer
from ddriqa.encoders import load_encoder

TOY = ["--encoder", "toy"]


def rows(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_folder_in_a_pipe_gives_a_table_and_nothing_else(run, folder):
    code, out, err = run("score", "photos", *TOY)
    assert code == 1  # one picture failed
    table = rows(out)
    assert list(table[0]) == [
        *("path", "width", "height", "ddr", "ddr_color", "ddr_noise", "ddr_blur", "ddr_exposure"),
        *("percentile", "status", "error"),
    ]
    assert [row["path"] for row in table] == [f"photos/img{i}.png" for i in range(1, 11)]
    assert [row["status"] for row in table].count("failed") == 1
    assert table[2]["error"] == "empty file (0 bytes)"
    assert {row["percentile"] for row in table} == {""}  # none is known for the toy encoder
    assert err == "ddriqa: 9 images scored, 1 failed\n"


def test_the_table_holds_the_library_s_scores_in_full_precision(run, folder):
    _, out, _ = run("score", "photos", *TOY)
    records = Scorer(encoder="toy").score([row["path"] for row in rows(out)])
    for row, record in zip(rows(out), records, strict=True):
        assert {name: float(row[name]) for name in record.scores} == record.scores
    frame = pd.read_csv(io.StringIO(out))
    assert frame["ddr"].isna().sum() == 1


def test_all_scored_is_exit_0(run, folder):
    code, out, _ = run("score", "photos/img1.png", "-q", *TOY)
    assert code == 0
    assert len(rows(out)) == 1


def test_paths_globs_and_lists_in_the_order_given(run, folder):
    (folder / "list.txt").write_text("photos/img2.png\nphotos/img1.png\n")
    _, out, _ = run(
        "score", "photos/img9.png", "photos/img[45].png", "--files-from", "list.txt", *TOY
    )
    names = [row["path"] for row in rows(out)]
    assert names == [f"photos/img{i}.png" for i in (9, 4, 5, 2, 1)]


def test_a_list_on_stdin(run, folder):
    odd = 'photos/a\nb,"c".png'
    os.rename("photos/img1.png", odd)
    code, out, _ = run("score", "-", "-0", *TOY, stdin=f"{odd}\0photos/img2.png\0".encode())
    assert code == 0
    assert [row["path"] for row in rows(out)] == [odd, "photos/img2.png"]
    _, out, _ = run("score", "--files-from", "-", *TOY, stdin=b"photos/img2.png\n")
    assert len(rows(out)) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file system of bytes")
def test_a_name_that_is_no_text(run, folder):
    os.rename("photos/img1.png", b"photos/\xff.png")
    for form in ("csv", "jsonl"):
        code, out, _ = run("score", "photos", "--format", form, *TOY)
        assert code == 1
        assert r"\xff.png" in out.replace("\\\\", "\\")


def test_a_missing_path_is_a_row(run, folder):
    code, out, _ = run("score", "gone.jpg", "photos/img1.png", *TOY)
    assert code == 1
    assert rows(out)[0]["error"] == "no such file"
    assert rows(out)[1]["status"] == "ok"


def test_nothing_found_is_wrong_usage_and_leaves_no_output(run, folder):
    (folder / "empty").mkdir()
    code, out, err = run("score", "empty", "-o", "scores.csv", *TOY)
    assert (code, out) == (2, "")
    assert "empty: no pictures found" in err
    assert not (folder / "scores.csv").exists()


def test_an_empty_folder_among_others_is_only_mentioned(run, folder):
    (folder / "empty").mkdir()
    code, _, err = run("score", "empty", "photos/img1.png", *TOY)
    assert code == 0
    assert "empty: holds no pictures" in err
    assert "empty" not in run("score", "empty", "photos/img1.png", "-q", *TOY)[2]


def test_strict_counts_a_warning_as_a_failure(run, folder):
    (folder / "empty").mkdir()
    arguments = ["score", "empty", "photos/img1.png", *TOY]
    code, out, err = run(*arguments, "--strict")
    assert code == 1
    assert len(rows(out)) == 1
    assert err == "ddriqa: empty: holds no pictures\nddriqa: 1 image scored\n"
    assert run(*arguments, "--strict", "-q")[::2] == (1, "ddriqa: empty: holds no pictures\n")
    assert run("score", "photos/img1.png", *TOY, "--strict")[0] == 0


def test_abort_on_error_stops_at_the_first_failure(run, folder):
    (folder / "photos" / "img5.png").write_bytes(b"no picture")
    arguments = ["score", "photos", "-o", "scores.csv", "--abort-on-error", *TOY]
    code, out, err = run(*arguments)
    assert (code, out) == (1, "")
    assert err == (
        "ddriqa: photos/img3.png: empty file (0 bytes)\n"
        "ddriqa: stopped there, as --abort-on-error says: 2 images scored, the rows for scores.csv "
        "are safe. To go on: ddriqa score --resume photos -o scores.csv --abort-on-error "
        "--encoder toy\n"
    )
    table = rows((folder / "scores.csv").read_text())
    assert [row["path"] for row in table] == ["photos/img1.png", "photos/img2.png"]
    assert json.loads((folder / "scores.csv.json").read_text())["finished"] is None
    assert run(*arguments, "--resume")[0] == 1  # the picture without a row is tried again
    (folder / "photos" / "img3.png").write_bytes((folder / "photos" / "img2.png").read_bytes())
    assert "5 images scored" not in run(*arguments, "--resume")[2]
    assert len(rows((folder / "scores.csv").read_text())) == 4
    assert run("score", "photos", "-o", "scores.csv", "--resume", *TOY)[0] == 1
    assert len(rows((folder / "scores.csv").read_text())) == 10


def test_abort_on_error_without_a_table(run, folder):
    code, out, err = run("score", "photos", "--abort-on-error", *TOY)
    assert code == 1
    assert len(rows(out)) == 2
    assert err.endswith("stopped there, as --abort-on-error says: 2 images scored\n")
    assert run("score", "photos/img1.png", "--abort-on-error", *TOY)[0] == 0


@pytest.mark.parametrize("arguments", [["-", "--files-from", "-"], ["--files-from", "no-list"]])
def test_lists_that_cannot_be_read(run, folder, arguments):
    code, _, err = run("score", *arguments, *TOY)
    assert code == 2
    assert err.count("\n") == 1


def test_a_file_and_its_sidecar(run, folder):
    code, out, err = run("score", "photos", "-o", "scores.csv", "--types", "blur,noise", *TOY)
    assert (code, out) == (1, "")
    assert list(rows((folder / "scores.csv").read_text())[0])[3:6] == [
        "ddr",
        "ddr_blur",
        "ddr_noise",
    ]
    facts = json.loads((folder / "scores.csv.json").read_text())
    assert facts["counts"] == {"images": 10, "failed": 1, "ok": 9}
    assert facts["encoder"]["fingerprint"] == load_encoder("toy").fingerprint
    assert list(facts["metrics"][0]["types"]) == ["blur", "noise"]
    assert facts["input"]["paths"] == ["photos"]
    assert facts["arguments"][:4] == ["score", "photos", "-o", "scores.csv"]
    assert (facts["output"], facts["format"]) == ("scores.csv", "csv")
    assert facts["started"] <= facts["finished"]
    assert sorted(os.listdir(folder)) == ["photos", "scores.csv", "scores.csv.json"]


def test_the_output_goes_by_its_ending_or_by_format(run, folder):
    run("score", "photos", "-o", "scores.jsonl", *TOY)
    lines = (folder / "scores.jsonl").read_text().splitlines()
    assert json.loads(lines[2])["error"] == "empty file (0 bytes)"
    run("score", "photos", "-o", "scores.txt", "--format", "csv", *TOY)
    assert len(rows((folder / "scores.txt").read_text())) == 10
    code, _, err = run("score", "photos", "-o", "scores.xlsx", *TOY)
    assert (code, "names no form" in err) == (2, True)


def test_an_output_is_never_overwritten_unasked(run, folder):
    (folder / "scores.csv").write_text("precious")
    code, _, err = run("score", "photos", "-o", "scores.csv", *TOY)
    assert code == 4
    assert "exists already. Add --resume to go on with it, or --force to overwrite it" in err
    assert (folder / "scores.csv").read_text() == "precious"
    code, _, _ = run("score", "photos", "-o", "scores.csv", "--force", *TOY)
    assert len(rows((folder / "scores.csv").read_text())) == 10


def test_force_keeps_the_old_table_until_there_is_a_model(run, folder):
    (folder / "scores.csv").write_text("precious")
    code, _, _ = run("score", "photos", "-o", "scores.csv", "--force", "--encoder", "no-such")
    assert code in (2, 4)
    assert (folder / "scores.csv").read_text() == "precious"


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("photos", "is a folder"),
        ("photos/", "is a folder"),
        ("", "is a folder"),
        ("no/such/folder/scores.csv", "its folder doesn't exist"),
        ("photos/img1.png/scores.csv", "its folder doesn't exist"),
        ("x" * 250 + ".csv", "file name too long"),
        ("x" * 252, "file name too long"),
        pytest.param(
            "/proc/scores.csv",
            "no such file or directory",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="needs /proc"),
        ),
    ],
)
@pytest.mark.parametrize("option", [[], ["--force"], ["--resume"]])
def test_an_output_that_cannot_be(run, folder, output, reason, option):
    code, _, err = run("score", "photos", "-o", output, "--format", "csv", *option, *TOY)
    assert code == 4
    assert reason in err
    assert err.count("\n") == 1
    assert os.listdir(folder) == ["photos"]


def test_a_folder_that_may_not_be_written_is_told_before_a_model_is_loaded(
    run, folder, monkeypatch
):
    monkeypatch.setattr("os.access", lambda path, mode: mode != os.W_OK | os.X_OK)
    code, _, err = run("score", "photos", "-o", "scores.csv", "--encoder", "builtin")
    assert (code, err) == (4, "ddriqa: scores.csv: its folder can't be written\n")


def test_a_compressed_table_is_not_promised(run, folder):
    code, _, err = run("score", "photos", "-o", "scores.csv.gz", *TOY)
    assert code == 2
    assert "its ending names no form. Use .csv, .jsonl, .ndjson, .parquet, or --format" in err


@pytest.mark.parametrize("arguments", [["--format", "parquet"], ["--format", "parquet", "-o", "-"]])
def test_parquet_needs_a_file(run, folder, arguments):
    code, out, err = run("score", "photos", *arguments, *TOY)
    assert (code, out, "Add -o scores.parquet" in err) == (2, "", True)


def test_parquet(run, folder):
    code, out, err = run("score", "photos", "-o", "scores.parquet", *TOY)
    assert (code, out, err) == (1, "", "ddriqa: 9 images scored, 1 failed\n")
    run("score", "photos", "-o", "scores.csv", *TOY)
    frame = pd.read_parquet("scores.parquet")
    assert frame["path"].tolist() == [
        row["path"] for row in rows((folder / "scores.csv").read_text())
    ]
    assert frame["ddr"].dropna().tolist() == pd.read_csv("scores.csv")["ddr"].dropna().tolist()
    assert "scores.parquet.journal" not in os.listdir(folder)
    assert run("score", "photos", "-o", "scores.parquet", *TOY)[0] == 4


def test_a_page_that_cannot_be_is_told_before_anything_is_scored(run, folder):
    code, _, err = run("score", "photos", "-o", "scores.csv", "--report", "photos", *TOY)
    assert (code, "photos: holds other files" in err) == (4, True)
    assert os.listdir(folder) == ["photos"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_one_line(folder, environment):
    command = f"{sys.executable} -m ddriqa score photos --encoder toy > /dev/full"
    done = subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True)
    assert done.returncode == 4
    assert b"no space left on device" in done.stderr.lower()
    assert done.stderr.count(b"\n") == 1


def test_a_device_is_no_place_for_a_table(run, folder):
    code, out, err = run("score", "photos", "-o", "/dev/null", "--format", "csv", "--force", *TOY)
    assert (code, out) == (4, "")
    assert "-o -" in err
    assert not os.path.exists("/dev/null.json")


def test_a_sidecar_is_not_lost(run, folder):
    (folder / "scores.csv.json").write_text("mine")
    code, _, err = run("score", "photos", "-o", "scores.csv", *TOY)
    assert code == 4
    assert "--force" in err
    assert (folder / "scores.csv.json").read_text() == "mine"


def test_options_reach_the_scorer(run, folder):
    (folder / "pairs.toml").write_text('[haze]\nclean = "Clear."\ndegraded = "Hazy."\n')
    options = ["--prompts", "pairs.toml", "--geometry", "crops", "--no-adaptation"]
    options += ["--disparity", "l1", "--batch-size", "3", "--workers", "1", "--device", "cpu"]
    code, out, _ = run("score", "photos/img1.png", *options, *TOY)
    expected = Scorer(
        encoder="toy", prompts="pairs.toml", geometry="crops", adaptation=False, disparity="l1"
    ).score("photos/img1.png")
    assert float(rows(out)[0]["ddr_haze"]) == expected.scores["ddr_haze"]


def test_verbose_says_what_was_used(run, folder):
    _, _, err = run("score", "photos/img1.png", "-v", *TOY)
    assert "encoder toy:" in err
    assert "geometry view" in err
    assert "cpu" in err


def test_max_pixels(run, folder):
    _, out, _ = run("score", "photos/img1.png", "--max-pixels", "100", *TOY)
    assert "--max-pixels raises it" in rows(out)[0]["error"]


POLLUTER = """
import ctypes, os, sys
import ddriqa.scoring.read_ahead as room
decode = room.decode
def polluted(*arguments, **options):
    print("stray print")
    sys.__stdout__.write("stray write")
    os.write(1, b"stray bytes")
    os.write(2, b"stray words of a C library")
    libc = ctypes.CDLL(None); libc.puts(b"stray puts"); libc.fflush(None)
    os.system("echo stray child")
    return decode(*arguments, **options)
room.decode = polluted
from ddriqa.cli.main import main
main(["score", "photos", "--encoder", "toy"])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="uses the C library")
def test_nothing_but_rows_reaches_stdout(folder, environment, run_process):
    done = subprocess.run([sys.executable, "-c", POLLUTER], capture_output=True, env=environment)
    assert done.stdout.decode() == run_process("score", "photos", *TOY)[1]
    assert b"stray print" in done.stderr
    assert b"C library" not in done.stderr
    assert b"9 images scored, 1 failed" in done.stderr


def test_damaged_tiff_files_make_no_noise(run_process, folder):
    from PIL import Image

    stream = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(stream, "TIFF", compression="jpeg")
    data = stream.getvalue()
    (folder / "photos" / "bad.tif").write_bytes(data[: len(data) // 2] + data[40:])
    code, out, err = run_process("score", "photos/bad.tif", *TOY)
    assert code == 1
    assert err == "ddriqa: 0 images scored, 1 failed\n"


def test_a_reader_that_has_seen_enough(folder, command, environment):
    with subprocess.Popen(
        [*command, "score", "photos", *TOY],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    ) as process:
        process.stdout.close()
        err = process.stderr.read()
    assert (process.returncode, err) == (0, b"")


def test_nobody_listens_to_what_is_said(folder, command, environment):
    """As in ``ddriqa … 2>&1 >/dev/null | true``: the work is done nevertheless."""
    with subprocess.Popen(
        [*command, "score", "photos", "-o", "scores.csv", "-v", *TOY],
        stderr=subprocess.PIPE,
        env=environment,
    ) as process:
        process.stderr.close()
    assert process.returncode == 1
    assert len(rows((folder / "scores.csv").read_text())) == 10


def test_closed_streams_are_no_fault(folder, environment):
    command = f"{sys.executable} -m ddriqa score photos -o s.csv --encoder toy"
    for closed in (">&-", "2>&-", ">&- 2>&-", "<&-"):
        done = subprocess.run(f"{command} --force {closed}", shell=True, env=environment)
        assert done.returncode == 1
        assert len(rows((folder / "s.csv").read_text())) == 10
