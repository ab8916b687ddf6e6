"""``train-restore``, ``restore`` and ``evaluate`` as a user meets them."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

pytest.importorskip("lightning_fabric")

NOISE = "gaussian_noise,sigma=25"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with six clean pictures, and a run of three steps."""
    from ddriqa.cli.main import main

    folder = tmp_path_factory.mktemp("restore")
    (folder / "clean").mkdir()
    across = np.linspace(0, 6, 72)
    for index in range(6):
        waves = 128 + 60 * np.sin(across[None] * (index + 1)) + 40 * np.cos(across[:, None])
        pixels = np.stack([waves, waves.T, waves[::-1]], axis=-1).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "clean" / f"p{index}.png")
    with pytest.raises(SystemExit) as end:
        main([*training(folder), "--steps", "3"])
    assert end.value.code == 0
    return folder


def training(folder, out="run"):
    return [
        *("train-restore", "baseline", "--data", str(folder / "clean"), "--damage", NOISE),
        *("--validate", str(folder / "clean"), "--out", str(folder / out)),
        *("--batch-size", "1", "--crop", "32", "--device", "cpu", "-q"),
    ]


def test_a_run_folder_holds_everything(place):
    run = place / "run"
    names = {path.name for path in run.iterdir()}
    assert names >= {"settings.toml", "environment.json", "metrics.csv", "curves.svg"}
    assert (run / "checkpoints" / "step-00000003" / "network.safetensors").is_file()
    assert any((run / "samples").iterdir())


def test_it_isnt_overwritten_and_is_gone_on_with(place, run):
    code, _, err = run(*training(place), "--steps", "3")
    assert code == 2
    assert "--resume" in err
    code, _, _ = run("train-restore", "baseline", "--out", str(place / "run"), "--resume", "-q")
    assert code == 0


def test_resume_changes_nothing(place, run):
    code, _, err = run(
        *("train-restore", "baseline", "--out", str(place / "run"), "--resume", "--steps", "9")
    )
    assert code == 2
    assert "--steps: can't be changed by --resume" in err


def test_comparisons_of_one_name_dont_meet(place, run, tmp_path):
    pixels = np.zeros((40, 40, 3), np.uint8)
    for folder in ("one", "two"):
        (tmp_path / "photos" / folder).mkdir(parents=True)
        Image.fromarray(pixels).save(tmp_path / "photos" / folder / "a.png")
    command = ["restore", str(tmp_path / "photos"), "--run", str(place / "run"), "--device", "cpu"]
    pairs = ["--compare", str(tmp_path / "pairs")]
    code, _, _ = run(*command, "-o", str(tmp_path / "out"), *pairs, "-q")
    assert code == 0
    assert sorted(p.parent.name for p in (tmp_path / "pairs").rglob("*.png")) == ["one", "two"]
    code, _, err = run(*command, "-o", str(tmp_path / "other"), *pairs, "-q")
    assert code == 4
    assert "pairs" in err
    code, _, err = run(*command, "-o", str(tmp_path / "photos"), "--force", "-q")
    assert code == 4
    assert "is one of the pictures" in err


def test_restored_pictures_keep_names_and_formats(place, run, tmp_path):
    photos = tmp_path / "photos" / "below"
    photos.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[271], exif[274] = "maker", 6
    Image.fromarray(pixels).save(photos / "a.jpg", exif=exif)
    Image.fromarray(pixels).save(photos / "b.png")
    (photos / "c.png").write_bytes(b"")
    out = tmp_path / "out"
    command = ["restore", str(tmp_path / "photos"), "--run", str(place / "run"), "-o", str(out)]
    extras = ["--score", "--compare", str(tmp_path / "pairs")]
    code, _, err = run(*command, *extras, "--encoder", "toy", "--device", "cpu")
    assert code == 1
    assert "c.png" in err
    with Image.open(out / "below" / "a.jpg") as image:
        assert (image.format, image.size) == ("JPEG", (40, 60))  # upright
        assert dict(image.getexif()) == {271: "maker"}
    with Image.open(tmp_path / "pairs" / "below" / "b.png") as image:
        assert image.size == (60 + 8 + 60, 40)
    table = pd.read_csv(out / "restored.csv")
    assert table["ddr_before"].notna().sum() == table["ddr_after"].notna().sum() == 2
    code, _, err = run(*command, "--device", "cpu")
    assert code == 4
    assert "exists already" in err


def test_evaluate_measures_input_and_output(place, run, tmp_path):
    data = ["--data", str(place / "clean"), "--damage", f"{NOISE},clip=false", "--device", "cpu"]
    code, out, _ = run("evaluate", *data, "--measure", "psnr", "--unrounded")
    assert code == 0
    noisy = float(out.split()[1])
    assert noisy == pytest.approx(20.17, abs=0.15)  # 20 log10(255 / 25)
    figures = tmp_path / "e.csv"
    code, out, _ = run("evaluate", "--run", str(place / "run"), *data, "-o", str(figures))
    assert code == 0
    assert out.startswith("psnr ")
    assert "ssim " in out
    assert len(pd.read_csv(figures)) == 6


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train-restore", "magic", "--out", "x"], "Known: baseline, ddr"),
        (["train-restore", "baseline", "--out", "x"], "what to train with"),
        (["train-restore", "ddr", "--preset", "x", "--out", "x"], "gopro-nafnet"),
        (
            [
                "train-restore",
                "baseline",
                "--data",
                ".",
                "--damage",
                NOISE,
                "--network",
                "nafnot",
                "--out",
                "x",
            ],
            "nafnet",
        ),
        (
            ["train-restore", "baseline", "--data", ".", "--damage", "a,b", "--out", "x"],
            "KEY=VALUE",
        ),
        (
            ["train-restore", "ddr", "--preset", "gopro-nafnet", "--data-root", ".", "--out", "x"],
            "GoPro",
        ),
        (["restore", ".", "--run", "nowhere", "-o", "out"], "nowhere"),
        (["evaluate", "--data", "nowhere"], "nowhere"),
    ],
)
def test_what_is_wrong_is_said(run, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (40, 40)).save(tmp_path / "a.png")
    code, _, err = run(*arguments)
    assert code in (2, 4)
    assert said in err
    assert "Traceback" not in err
    assert not (tmp_path / "x" / "checkpoints").exists()
