"""``ddriqa bench`` as a user meets it."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import stats


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The current folder: ``set/scores.csv`` with forty pictures, the noisier the worse."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "kept"))
    random = np.random.default_rng(0)
    (tmp_path / "set" / "images").mkdir(parents=True)
    lines = ["image,mos,group"]
    for index in range(40):
        pixels = 128 + random.normal(0, 1 + index, (72, 80, 3))
        pixels = np.clip(pixels, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "set" / "images" / f"p{index}.png")
        lines.append(f"p{index}.png,{5 - index / 10:.2f},{'odd' if index % 2 else 'even'}")
    (tmp_path / "set" / "scores.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


BENCH = ["bench", "--dataset", "csv:set/scores.csv", "--encoder", "toy", "--rounds", "50"]


def test_figures_in_a_pipe_are_csv(run, own):
    code, out, err = run(*BENCH, "--metric", "laplacian_variance", "--metric", "ddr")
    assert code == 0
    frame = pd.read_csv(__import__("io").StringIO(out))
    whole = frame[frame["group"].isna()].set_index("column")
    assert list(whole.index) == [
        "laplacian_variance",
        "ddr",
        *(f"ddr_{kind}" for kind in ("color", "noise", "blur", "exposure")),
    ]
    assert (frame["dataset"] == "set").all()
    assert whole.loc["laplacian_variance", "srcc"] < -0.9  # noise looks sharp to it
    assert set(frame["group"].dropna()) == {"odd", "even"}


def test_figures_equal_scipys_on_the_written_scores(run, own):
    code, out, err = run(*BENCH, "-o", "figures.csv", "--scores", "scores.csv")
    assert (code, out) == (0, "")
    scores, figures = pd.read_csv("scores.csv"), pd.read_csv("figures.csv")
    row = figures[(figures["column"] == "ddr") & figures["group"].isna()].iloc[0]
    assert row["srcc"] == pytest.approx(stats.spearmanr(scores["ddr"], scores["label"]).statistic)
    assert row["krcc"] == pytest.approx(stats.kendalltau(scores["ddr"], scores["label"]).statistic)
    assert row["srcc_low"] <= row["srcc"] <= row["srcc_high"]
    about = json.loads((own / "figures.csv.json").read_text())
    assert about["protocols"][0]["scorer"]["encoder"]["fingerprint"].startswith("toy:")
    assert about["bootstrap"] == {"rounds": 50, "seed": 0, "interval": "95 %"}
    assert "SRCC" in err


def test_a_repeat_takes_the_scores_that_are_kept(run, own):
    assert run(*BENCH)[0] == 0
    for path in (own / "set" / "images").iterdir():
        path.touch()
    tables = sorted((own / "kept").rglob("*.csv"))
    code, out, _ = run(*BENCH, "--seed", "1")
    assert code == 0
    assert len(sorted((own / "kept").rglob("*.csv"))) == len(tables) + 1  # all were touched
    again = run(*BENCH, "--seed", "1")
    assert again[:2] == (code, out)
    assert len(sorted((own / "kept").rglob("*.csv"))) == len(tables) + 1


def test_nothing_is_overwritten_unasked(run, own):
    assert run(*BENCH, "-o", "f.csv")[0] == 0
    code, _, err = run(*BENCH, "-o", "f.csv")
    assert code == 4
    assert "--force" in err
    assert run(*BENCH, "-o", "f.csv", "--force")[0] == 0


def test_a_broken_picture_is_counted_and_named(run, own):
    (own / "set" / "images" / "p7.png").write_bytes(b"")
    code, out, err = run(*BENCH)
    assert code == 1
    assert "p7.png" in err
    assert "39 of 40" in err


def test_a_missing_picture_is_refused_unless_allowed(run, own):
    (own / "set" / "images" / "p7.png").unlink()
    code, _, err = run(*BENCH)
    assert code == 4
    assert "p7.png" in err
    assert "--incomplete" in err
    code, out, err = run(*BENCH, "--incomplete")
    assert code == 0
    assert "1 missing" in err


def test_compare_two_tables(run, own):
    run(*BENCH, "--metric", "ddr", "--metric", "laplacian_variance", "--scores", "a.csv")
    code, out, _ = run("bench", "--compare", "a.csv", "a.csv:laplacian_variance", "--rounds", "50")
    assert code == 0
    assert "40 pictures with both scores" in out
    assert "SRCC" in out
    code, out, _ = run("bench", "--compare", "a.csv", "a.csv", "--rounds", "50")
    assert "+0.000" in out
    code, _, err = run("bench", "--compare", "a.csv", "none.csv")
    assert code == 4
    assert "no such file" in err


def test_compare_refuses_what_it_cant_say(run, own):
    table = own / "set" / "scores.csv"
    run(*BENCH, "--scores", "a.csv", "--metric", "ddr", "--metric", "colourfulness")
    run(*BENCH, "--scores", "b.csv", "--lower-is-better")
    table.write_text(table.read_text().replace("5.00", "4.97"))
    run(*BENCH, "--scores", "c.csv")
    for arguments, said in [
        (["a.csv", "b.csv"], "in one table only"),
        (["a.csv", "c.csv"], "other labels"),
        (["a.csv:colourfulness", "a.csv"], "no measure of quality"),
        (["a.csv:x:y", "a.csv"], "has no column 'x:y'"),
        (["a.csv", "a.csv", "--rounds", "0"], "rests on resamples"),
        (["a.csv", "a.csv", "-o", "d.csv"], "says nothing to --compare"),
    ]:
        code, _, err = run("bench", "--compare", *arguments)
        assert (code, said in err) == (2, True), err


def test_constants_and_few_pictures_end_in_words(run, own):
    (own / "set" / "scores.csv").write_text("image,mos,group\np0.png,3,a\np1.png,3,\np2.png,3,\n")
    code, out, err = run(*BENCH, "--metric", "ddr", "--metric", "laplacian_variance", "-o", "f.csv")
    assert code == 0
    assert "ddr has no figures: scores or labels are all the same" in err
    (own / "set" / "scores.csv").write_text("image,mos\np0.png,3\np1.png,4\n")
    code, out, err = run(*BENCH, "-o", "g.csv")
    assert code == 0
    assert "too few pictures" in err


def test_an_output_is_no_input_and_no_other_output(run, own):
    before = (own / "set" / "scores.csv").read_text()
    code, _, err = run(*BENCH, "-o", "set/scores.csv", "--force")
    assert code == 4
    assert "is the table that is read" in err
    assert (own / "set" / "scores.csv").read_text() == before
    code, _, err = run(*BENCH, "-o", "f.csv", "--scores", "f.csv")
    assert code == 2


def test_the_list_names_every_data_set(run, own):
    from ddriqa.benchmark.datasets import DATASETS

    code, out, _ = run("bench", "--list")
    assert code == 0
    assert all(name in out for name in DATASETS)


def test_all_takes_those_that_are_there(run, own):
    code, _, err = run("bench", "--all", "--root", ".")
    assert code == 2
    assert "koniq10k" in err
    for name in ("TID2013", "Ma"):
        (own / "data" / name).mkdir(parents=True)
    code, _, err = run("bench", "--all", "--root", "data", "--protocol", "ddr")
    assert code == 4
    assert "left out, without the protocol ddr: ma" in err
    assert "mos_with_names.txt" in err
    assert "\n  distorted_images/" in err  # the layout, a line each


def test_a_folder_of_other_sets_isnt_taken_for_the_set(run, own):
    (own / "data" / "koniq10k").mkdir(parents=True)
    (own / "data" / "scores.csv").write_text("name,score\na.png,1\n")
    code, _, err = run("bench", "--dataset", "ma", "--root", "data")
    assert code == 4
    assert "holds no folder ma" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--dataset", "koniq"], "--root"),
        (["--dataset", "koniq", "--root", "set"], "KonIQ"),
        (["--dataset", "nonsense", "--root", "."], "unknown name 'nonsense'"),
        ([], "none is given"),
        (["--dataset", "csv:absent.csv"], "absent.csv"),
        (["--dataset", "csv:set/scores.csv", "--split", "test"], "It has none"),
        (["--dataset", "csv:set/scores.csv", "--protocol", "sfd"], "Known: official"),
        (["--dataset", "csv:set/scores.csv", "--metric", "ssim"], "unknown name 'ssim'"),
        (["--dataset", "csv:set/scores.csv", "--label-column", "x"], "mos"),
        (["--dataset", "konik", "--root", "."], "Did you mean koniq?"),
        (["--dataset", "koniq", "--root", ".", "--label-column", "x"], "csv:FILE"),
        (["--dataset", "csv:set/scores.csv", "--dataset", "csv:set/scores.csv"], "called set"),
        (
            ["--dataset", "csv:set/scores.csv", "--metric", "colourfulness", "--characteristics"],
            "are those of ddr",
        ),
        (
            ["--dataset", "csv:set/scores.csv", "--metric", "cpbd", "--pixel-levels"],
            "needs an encoder",
        ),
    ],
)
def test_what_is_wrong_is_said(run, own, arguments, said):
    code, out, err = run("bench", *arguments)
    assert code in (2, 4)
    assert said in err
    assert out == ""
    assert "Traceback" not in err


def test_characteristics_and_pixel_levels(run, own):
    code, _, err = run(*BENCH, "--characteristics", "--pixel-levels", "-o", "f.csv")
    assert code == 0
    extras = json.loads((own / "f.csv.json").read_text())["extras"][0]
    kinds = {row["characteristic"] for row in extras["characteristics"]["table_2"]}
    assert kinds == {"complexity", "colourfulness", "sharpness", "quality"}
    assert extras["pixel_levels"]["levels"].keys() == {
        "sigma 0.5",
        "sigma 1",
        "sigma 2",
        "sigma 4",
    }
    assert "substitute" in err
    assert "tuned on these labels" in err


def test_a_report_is_written(run, own):
    code, _, _ = run(*BENCH, "--report", "page")
    assert code == 0
    assert "<title>" in (own / "page" / "index.html").read_text()
    assert (own / "page" / ".gitignore").read_text().strip() == "*"
    assert run(*BENCH, "--report", "set")[0] == 4
