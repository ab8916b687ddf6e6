"""``ddriqa evaluate`` on input pictures; those of a network are in ``test_train_restore``."""

import os
import shutil
import signal
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

WEIGHTS = Path(__file__).resolve().parents[3] / "shared" / "weights" / "lpips"
NOISE = ("--damage", "gaussian_noise,sigma=25", "--measure", "psnr")


def save(path, seed, shape=(40, 48)):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The current folder: four clean pictures, and as many pairs."""
    monkeypatch.chdir(tmp_path)
    for number in range(4):
        save(tmp_path / "clean" / f"{number}.png", number)
        save(tmp_path / "pairs" / "lq" / f"{number}.png", number)
        save(tmp_path / "pairs" / "gt" / f"{number}.png", 9 - number)
    return tmp_path


def test_a_part_of_a_set_is_damaged_as_the_whole(here, run):
    assert run("evaluate", "--data", "clean", *NOISE, "-o", "whole.csv")[0] == 0
    (here / "clean" / "0.png").unlink()
    assert run("evaluate", "--data", "clean", *NOISE, "-o", "part.csv")[0] == 0
    whole, part = (pd.read_csv(name, dtype={"name": str}) for name in ("whole.csv", "part.csv"))
    pd.testing.assert_frame_equal(whole[1:].reset_index(drop=True), part)
    assert whole["psnr"].nunique() == 4
    assert run("evaluate", "--data", "clean", *NOISE, "--seed", "1", "-o", "other.csv")[0] == 0
    assert not set(pd.read_csv("other.csv")["psnr"]) & set(part["psnr"])


def test_what_cant_be_read_is_a_row_and_the_means_are_of_the_others(here, run):
    (here / "pairs" / "gt" / "1.png").write_bytes(b"no picture")
    save(here / "pairs" / "lq" / "2.png", 2, (30, 30))
    code, out, err = run("evaluate", "--data", "pairs", "-o", "e.csv")
    assert code == 1
    table = pd.read_csv("e.csv")
    assert list(table["error"].isna()) == [True, False, False, True]
    assert "gt/1.png: can't be read" in table["error"][1]
    assert "30x30 and 48x40, which isn't of equal size" in table["error"][2]
    assert out.splitlines()[0] == f"psnr {table['psnr'].mean():.4f}"
    assert "ddriqa: 1: pairs/gt/1.png" in err
    assert err.endswith("ddriqa: 2 of 4 pictures failed\n")


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
def test_rows_before_an_interruption_are_kept(here, run, monkeypatch):
    from ddriqa.restoration import evaluate

    measured = evaluate.evaluate_one

    def then_interrupted(pairs, place, *arguments, **options):
        if place == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return measured(pairs, place, *arguments, **options)

    monkeypatch.setattr(evaluate, "evaluate_one", then_interrupted)
    code, out, err = run("evaluate", "--data", "pairs", "-o", "e.csv")
    assert code == 130
    assert out == ""  # means of a part would look like those of all
    assert "interrupted: 2 of 4 pictures measured" in err
    assert pd.read_csv("e.csv")["psnr"].notna().sum() == 2


def test_a_papers_set_is_read_as_its_owners_lay_it_out(here, run):
    sequence = here / "data" / "gopro" / "test" / "GOPR0384_11_00"
    save(sequence / "blur" / "000001.png", 1)
    save(sequence / "sharp" / "000001.png", 2)
    command = ["evaluate", "--set", "gopro/test", "--data-root", "data"]
    code, _, err = run(*command)
    assert code == 4
    assert "holds 1 of 1111 pictures" in err
    assert "--incomplete" in err
    code, out, _ = run(*command, "--incomplete", "--measure", "psnr", "-o", "e.csv")
    assert code == 0
    assert out.startswith("psnr ")
    assert list(pd.read_csv("e.csv", dtype=str)["name"]) == ["000001"]
    os.chdir("data/gopro")  # without --data-root the current folder is the set's
    assert run("evaluate", "--set", "gopro/test", "--incomplete", "--measure", "psnr")[1] == out


def test_all_weights_that_are_missing_are_named_at_once(here, run, monkeypatch):
    monkeypatch.setenv("DDRIQA_WEIGHTS", str(here))
    monkeypatch.setenv("TORCH_HOME", str(here / "nothing"))
    names = ("lpips", "dists", "fid")
    asked = [word for name in names for word in ("--measure", name)]
    code, _, err = run("evaluate", "--data", "pairs", *asked, "--lpips", "vgg")
    assert code == 4
    assert err.count("\n") == 1
    for file in ("lpips_vgg.pth", "vgg16-397923af.pth", "dists.pt", "pt_inception-2015-12-05"):
        assert f"Save it as {file}" in err
    assert err.count("Save it as vgg16") == 1  # LPIPS and DISTS need it


@pytest.mark.skipif(not WEIGHTS.is_dir(), reason="needs the reference weights")
def test_the_published_numbers_of_lpips_squeeze(here, run, monkeypatch):
    """richzhang/PerceptualSimilarity, of its own example pictures."""
    monkeypatch.setenv("DDRIQA_WEIGHTS", str(WEIGHTS))
    for name in ("ex_p0.png", "ex_p1.png"):
        for side, file in (("lq", name), ("gt", "ex_ref.png")):
            (here / "examples" / side).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(WEIGHTS / file, here / "examples" / side / name)
    command = ["evaluate", "--data", "examples", "--lpips", "squeeze", "-o", "e.csv"]
    code, out, err = run(*command, "--measure", "lpips")
    assert code == 0, err
    found = list(pd.read_csv("e.csv")["lpips-squeeze"])
    assert found == pytest.approx([0.711048, 0.147902], abs=1e-4)
    assert out == f"lpips-squeeze {np.mean(found):.4f}\n"


def test_pairs_have_the_scale_of_the_network(here, run, monkeypatch):
    """One that repeats each pixel is exact where the truth does the same."""
    from torch import nn

    from ddriqa.restoration import restorer

    twice = nn.Upsample(scale_factor=2, mode="nearest")
    monkeypatch.setattr(restorer, "network_of", lambda run, device: twice)
    monkeypatch.setattr(restorer, "steps_of", lambda run: 1)
    for path in (here / "pairs" / "lq").iterdir():
        with Image.open(path) as image:
            larger = image.resize((96, 80), Image.Resampling.NEAREST)
        larger.save(here / "pairs" / "gt" / path.name)
    code, out, err = run("evaluate", "--run", "x", "--data", "pairs", "--measure", "ssim")
    assert (code, out) == (0, "ssim 1.0000\n"), err
    damage = ["--damage", "bicubic_down,scale=4"]
    code, _, err = run("evaluate", "--run", "x", "--data", "clean", *damage)
    assert code == 2
    assert "4 times as large as the input. The network of --run enlarges 2 times" in err


def test_a_border_that_leaves_nothing_is_an_error_of_each_row(here, run):
    code, out, err = run("evaluate", "--data", "pairs", "--border", "20", "-o", "e.csv")
    assert (code, out) == (1, "")
    reason = "psnr, ssim: is 48 x 40 px, nothing inside a border of 20 px"
    assert set(pd.read_csv("e.csv")["error"]) == {reason}
    assert err.endswith("ddriqa: 4 of 4 pictures failed\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", "nope"], "nope: there is no such folder"),
        ([], "--data: what to measure isn't said"),
        (["--data", "pairs", "--set", "gopro/test"], "--set: excludes --data"),
        (["--set", "gopo/test"], "unknown name 'gopo'. Did you mean gopro?"),
        (["--set", "gopro"], "'gopro' lacks its split. Known: gopro/train, gopro/test"),
        (["--set", "gopro/val"], "has no split 'val'. Its splits: train, test"),
        (
            ["--set", "gopro/test", "--data-root", "."],
            "GoPro (GOPRO_Large), test: there is no such",
        ),
        (
            ["--data", "clean", "--damage", "bicubic_down,scale=4"],
            "the truth is 4 times as large as the input. Give --run of a x4 network",
        ),
    ],
)
def test_what_is_wrong_is_said_once(here, run, arguments, said):
    code, out, err = run("evaluate", *arguments)
    assert code in (2, 4)
    assert out == ""
    assert said in err
    assert err.count("ddriqa: ") == 1
