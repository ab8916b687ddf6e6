"""``ddriqa score --resume``: a table is gone on with, wherever it was left."""

import csv
import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from PIL import Image

from ddriqa.scoring.output import TableFile

SETTINGS = ["--encoder", "toy", "--types", "blur"]
FORMS = ("csv", "jsonl", "parquet")


@pytest.fixture
def score(run, odd):
    """Score the folder ``odd``; its exit code (1: one of the pictures fails) and standard error."""

    def score(output, *more, pictures=("odd",), settings=SETTINGS):
        code, out, err = run("score", *pictures, "-o", output, *settings, *more)
        assert out == ""
        return code, err

    return score


def sidecar(table):
    return Path(f"{table}.json")


def facts(table):
    return json.loads(sidecar(table).read_text())


def leave_unfinished(table, content):
    """As a process leaves it that was killed."""
    Path(table).write_bytes(content)
    sidecar(table).write_text(json.dumps(facts(table) | {"finished": None}))


def paths(table):
    with open(table, newline="", encoding="utf-8") as stream:
        return [row["path"] for row in csv.DictReader(stream)]


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_table_that_was_cut_off_anywhere_becomes_the_whole_one(score, form):
    table = Path(f"scores.{form}")
    assert score(str(table))[0] == 1
    whole = table.read_bytes()
    for end in range(len(whole) + 1):
        leave_unfinished(table, whole[:end])
        assert score(str(table), "--resume", "-q") == (1, "")
        assert table.read_bytes() == whole, f"cut off after {end} bytes"
    assert facts(table)["finished"]
    assert sorted(os.listdir()) == ["odd", table.name, f"{table.name}.json"]


def test_a_journal_that_was_cut_off_becomes_the_whole_parquet_file(score):
    table, journal = Path("scores.parquet"), Path("scores.parquet.journal")
    score(str(table))
    score("lines.jsonl")
    whole, lines = table.read_bytes(), Path("lines.jsonl").read_bytes()
    for end in range(0, len(lines) + 1, 29):
        table.unlink()
        leave_unfinished(table, b"")
        table.unlink()
        journal.write_bytes(lines[:end])
        code, err = score(str(table))
        assert (code, "scores.parquet.journal: exists already, an unfinished" in err) == (4, True)
        assert score(str(table), "--resume", "-q") == (1, "")
        assert table.read_bytes() == whole, f"cut off after {end} bytes"
        assert not journal.exists()


@pytest.mark.parametrize("form", FORMS)
def test_it_starts_where_nothing_is_there(score, form):
    score(f"whole.{form}")
    assert score(f"scores.{form}", "--resume")[0] == 1
    assert Path(f"scores.{form}").read_bytes() == Path(f"whole.{form}").read_bytes()


@pytest.mark.parametrize("form", FORMS)
def test_it_starts_where_only_a_sidecar_is_there(score, form):
    """A process can be killed between the two."""
    score(f"scores.{form}")
    whole = Path(f"scores.{form}").read_bytes()
    Path(f"scores.{form}").unlink()
    assert score(f"scores.{form}", "--resume")[0] == 1
    assert Path(f"scores.{form}").read_bytes() == whole


@pytest.mark.parametrize("form", FORMS)
def test_nothing_is_left_to_do(score, monkeypatch, form):
    table = Path(f"scores.{form}")
    score(str(table))
    whole, before = table.read_bytes(), facts(table)
    monkeypatch.setattr("ddriqa.scoring.read_ahead.decode", None)  # no picture is looked at
    code, err = score(str(table), "--resume")
    assert code == 1  # the failed one still is
    assert f"{table} has 4 rows already" in err
    assert err.endswith("3 images scored, 1 failed\n")
    assert table.read_bytes() == whole
    assert facts(table)["counts"] == before["counts"] == {"images": 4, "failed": 1, "ok": 3}
    assert facts(table)["started"] == before["started"]
    assert len(facts(table)["resumed"]) == 1


@pytest.mark.parametrize("form", FORMS)
def test_new_pictures_are_added_to_a_finished_table(score, form):
    pictures = sorted(Path("odd").iterdir())
    shutil.copytree("odd", "first")
    score(f"whole.{form}", pictures=["odd", "first/a.png"])
    score(f"scores.{form}")
    score(f"scores.{form}", "--resume", pictures=["odd", "first/a.png"])
    assert Path(f"scores.{form}").read_bytes() == Path(f"whole.{form}").read_bytes()
    assert facts(f"scores.{form}")["counts"]["images"] == len(pictures) + 1


def test_pictures_came_and_went_meanwhile(score):
    for number in range(6):
        shutil.copy("odd/ f .png", f"odd/p{number}.png")
    score("scores.csv")
    whole, before = Path("scores.csv").read_bytes(), paths("scores.csv")
    start = whole[: whole.index(b"\n", whole.index(b"p2.png")) + 1]
    leave_unfinished("scores.csv", start)
    os.remove("odd/p1.png")  # it has a row
    os.remove("odd/p4.png")  # it has none
    shutil.copy("odd/ f .png", "odd/aa.png")  # where the rows are past already
    assert score("scores.csv", "--resume")[0] == 1
    assert Path("scores.csv").read_bytes().startswith(start)
    rest = [path for path in before[before.index("odd/p2.png") + 1 :] if path != "odd/p4.png"]
    assert paths("scores.csv") == [*before[: -len(rest) - 1], "odd/aa.png", *rest]


def test_paths_in_another_order_or_spelling_are_not_scored_twice(score):
    given = ["odd/a.png", "odd/ f .png", "odd"]
    score("scores.csv", pictures=given)
    whole = Path("scores.csv").read_bytes()
    leave_unfinished("scores.csv", whole[: whole.index(b"\n", 100) + 1])
    score("scores.csv", "--resume", pictures=[f"./{path}" for path in reversed(given)])
    assert sorted(os.path.normpath(path) for path in paths("scores.csv")) == sorted(
        line["path"] for line in csv.DictReader(whole.decode().splitlines(keepends=True))
    )


def test_what_a_list_names_twice_has_two_rows(score, run):
    Path("list").write_text("odd/a.png\nodd/a.png\nodd/ f .png\nodd/a.png\n")
    arguments = ["score", "--files-from", "list", "-o", "scores.csv", *SETTINGS]
    run(*arguments)
    whole = Path("scores.csv").read_bytes()
    for end in range(0, len(whole), 17):
        leave_unfinished("scores.csv", whole[:end])
        run(*arguments, "--resume")
        assert Path("scores.csv").read_bytes() == whole


def test_rows_that_were_there_count_for_the_threshold_and_the_page(score):
    score("scores.csv")
    code, err = score("scores.csv", "--resume", "--fail-under", "1", "--report", "page")
    assert code == 3
    assert "3 scored below 1" in err
    page = Path("page/index.html").read_text(encoding="utf-8")
    assert "odd/ f .png" in page


REFUSALS = [
    (
        ["--encoder", "builtin", "--types", "blur"],
        r"encoder: toy:\w{12} there, builtin:\w{12} here",
    ),
    (["--encoder", "toy", "--types", "noise"], "types: blur there, noise here"),
    (["--encoder", "toy"], "types: blur there, color, noise, blur, exposure here"),
    ([*SETTINGS, "--prompts", "mine.toml"], "prompts: other sentences"),
    ([*SETTINGS, "--geometry", "crops"], "geometry: view there, crops here"),
    ([*SETTINGS, "--no-adaptation"], "adaptation: on there, off here"),
    ([*SETTINGS, "--disparity", "l1"], "disparity: cosine there, l1 here"),
    ([*SETTINGS, "--precision", "bf16"], "precision: fp32 there, bf16 here"),
    ([*SETTINGS, "--draft"], "draft: off there, on here"),
    ([*SETTINGS, "--max-pixels", "5000"], "max-pixels: 250000000 there, 5000 here"),
    ([*SETTINGS, "--shard", "1/2"], "shard: none there, 1/2 here"),
    ([*SETTINGS, "--format", "jsonl"], "format: csv there, jsonl here"),
]


@pytest.mark.parametrize(("settings", "named"), REFUSALS, ids=[named for _, named in REFUSALS])
def test_other_settings_are_refused_with_the_difference_named(score, settings, named):
    Path("mine.toml").write_text('[blur]\nclean = "Crisp."\ndegraded = "Soft."\n')
    score("scores.csv")
    before = Path("scores.csv").read_bytes(), sidecar("scores.csv").read_bytes()
    code, err = score("scores.csv", "--resume", settings=settings)
    assert code == 2
    assert re.fullmatch(
        rf"ddriqa: --resume scores.csv: was made with other settings \({named}\). "
        "Use the same settings, or another output\n",
        err,
    )
    assert (Path("scores.csv").read_bytes(), sidecar("scores.csv").read_bytes()) == before


def test_of_many_differences_only_the_first_are_named(score):
    score("scores.csv")
    settings = ["--encoder", "builtin", "--geometry", "crops", "--no-adaptation"]
    settings += ["--max-pixels", "5000", "--shard", "1/2", "--format", "jsonl"]
    code, err = score("scores.csv", "--resume", settings=settings)
    assert code == 2
    assert err.count(" there") == 4
    assert "; and 3 more)" in err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "scores.csv: has no sidecar (scores.csv.json)"),
        (b"mine", "scores.csv.json: isn't a sidecar of ddriqa's"),
        (b"\xff\xfe", "scores.csv.json: isn't a sidecar of ddriqa's"),
        (b"[]", "scores.csv.json: isn't a sidecar of ddriqa's"),
        (b'{"columns": []}', "scores.csv.json: isn't a sidecar of ddriqa's"),
    ],
)
def test_a_table_of_unknown_origin_is_refused(score, content, said):
    score("scores.csv")
    table = Path("scores.csv").read_bytes()
    sidecar("scores.csv").unlink()
    if content is not None:
        sidecar("scores.csv").write_bytes(content)
    code, err = score("scores.csv", "--resume")
    assert code == 4
    assert said in err
    assert "--force" in err
    assert Path("scores.csv").read_bytes() == table
    assert content is None or sidecar("scores.csv").read_bytes() == content


def test_a_sidecar_that_is_somebody_else_s_is_not_replaced(score):
    sidecar("scores.csv").write_text("mine")
    assert score("scores.csv", "--resume")[0] == 4
    assert sidecar("scores.csv").read_text() == "mine"
    assert not Path("scores.csv").exists()


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_table_that_was_changed_by_hand_is_refused(score, form):
    table = Path(f"scores.{form}")
    score(str(table))
    changed = table.read_bytes().replace(b"odd/", b'"dd/', 1)
    if form == "parquet":
        changed = b"PAR1" + changed[4:100]
    table.write_bytes(changed)
    code, err = score(str(table), "--resume")
    assert code == 4
    assert err.count("\n") == 1
    assert "isn't" in err
    assert "Cut the file at byte" in err or form == "parquet"
    assert table.read_bytes() == changed
    assert score(str(table), "--force")[0] == 1


def test_other_columns_are_refused(score):
    score("scores.csv")
    table = Path("scores.csv").read_bytes()
    Path("scores.csv").write_bytes(table.replace(b"width,height", b"height,width"))
    code, err = score("scores.csv", "--resume")
    assert (code, "scores.csv: has other columns" in err) == (4, True)


def test_the_row_that_is_wrong_is_named(score):
    score("scores.csv")
    table = Path("scores.csv").read_bytes().splitlines(keepends=True)
    begin = len(b"".join(table[:2]))
    Path("scores.csv").write_bytes(b"".join([*table[:2], b"mine\n", *table[2:]]) + b"\n")
    err = score("scores.csv", "--resume")[1]
    assert f"the row from byte {begin} to {begin + 5} isn't" in err
    assert f"Cut the file at byte {begin}" in err


def test_another_working_folder_means_other_pictures(score, tmp_path, monkeypatch):
    score("scores.csv")
    (tmp_path / "elsewhere").mkdir()
    before = Path("scores.csv").read_bytes()
    output = Path("scores.csv").absolute()
    os.symlink(Path("photos").absolute(), tmp_path / "elsewhere" / "photos")
    monkeypatch.chdir(tmp_path / "elsewhere")
    code, err = score(str(output), "--resume")
    assert (code, "relative-to: " in err) == (2, True)
    assert output.read_bytes() == before


def test_resume_and_force_exclude_each_other(score):
    code, err = score("scores.csv", "--resume", "--force")
    assert (code, "--resume: excludes --force" in err) == (2, True)
    assert not Path("scores.csv").exists()


@pytest.mark.parametrize("output", [[], ["-o", "-"]])
def test_there_must_be_a_file_to_go_on_with(run, odd, output):
    code, out, err = run("score", "odd", *output, "--resume", *SETTINGS)
    assert (code, out) == (2, "")
    assert "-o scores.csv" in err


def test_other_versions_are_a_warning(score, tmp_path):
    Path("odd/a.png").unlink()
    score("scores.csv")
    whole = Path("scores.csv").read_bytes()
    about = facts("scores.csv") | {"torch": "2.0.1", "pillow": "9.0"}
    sidecar("scores.csv").write_text(json.dumps(about))
    code, err = score("scores.csv", "--resume", "--strict")
    assert code == 1  # a warning counts under --strict
    assert "scores.csv was begun with other versions (torch: 2.0.1 there, " in err
    assert "pillow: 9.0 there" in err
    assert score("scores.csv", "--resume", "--strict") == (
        0,
        "ddriqa: scores.csv has 3 rows already, going on after that\nddriqa: 3 images scored\n",
    )
    assert Path("scores.csv").read_bytes() == whole


def test_a_table_that_another_process_writes_is_left_alone(score):
    pytest.importorskip("fcntl", reason="needs the locks of Unix")
    score("scores.csv")
    whole = Path("scores.csv").read_bytes()
    about = facts("scores.csv")
    other = TableFile(Path("scores.csv"), "csv", about["columns"], about)
    other.resume()
    code, err = score("scores.csv", "--resume")
    assert (code, "scores.csv: another process is writing it" in err) == (4, True)
    other.close()
    assert score("scores.csv", "--resume")[0] == 1
    assert Path("scores.csv").read_bytes() == whole


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
@pytest.mark.parametrize("form", FORMS)
def test_a_link_stands_for_the_file_behind_it(score, form):
    os.mkdir("far")
    os.symlink(f"far/scores.{form}", f"link.{form}")
    score(f"link.{form}")
    assert sorted(os.listdir("far")) == [f"scores.{form}", f"scores.{form}.json"]
    assert os.path.islink(f"link.{form}")
    assert score(f"link.{form}")[0] == 4  # it exists
    whole = Path(f"far/scores.{form}").read_bytes()
    assert score(f"link.{form}", "--resume")[0] == 1
    assert score(f"link.{form}", "--force")[0] == 1
    assert Path(f"far/scores.{form}").read_bytes() == whole
    assert os.path.islink(f"link.{form}")


def test_the_output_may_lie_among_the_pictures(score):
    score("whole.csv")
    score("odd/scores.csv")
    leave_unfinished("odd/scores.csv", Path("whole.csv").read_bytes()[:150])
    score("odd/scores.csv", "--resume")
    assert Path("odd/scores.csv").read_bytes() == Path("whole.csv").read_bytes()


def test_the_shape_of_a_picture_that_changed_is_not_looked_at_again(score):
    """A row is a row: who wants new ones says --force."""
    score("scores.csv")
    whole = Path("scores.csv").read_bytes()
    Image.new("RGB", (99, 9)).save("odd/ f .png")
    score("scores.csv", "--resume")
    assert Path("scores.csv").read_bytes() == whole
    score("scores.csv", "--force")
    assert b"99,9" in Path("scores.csv").read_bytes()
