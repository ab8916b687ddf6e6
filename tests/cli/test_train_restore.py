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


def test_its_settings_say_every_default(place):
    """A later default must not change a run that is gone on with."""
    from ddriqa.restoration.networks.catalogue import PRESETS
    from ddriqa.restoration.toml_file import read_toml

    saved = read_toml(place / "run" / "settings.toml")
    small = PRESETS["nafnet"]["small"]
    assert saved["network"]["options"]["width"] == small["width"]
    assert saved["network"]["options"]["encoder_blocks"] == list(small["encoder_blocks"])
    assert saved["method"]["options"]["loss"]["name"] == "psnr"
    assert saved["method"]["options"]["loss"]["weight"] == 1.0
    damage = {"degradation": "gaussian_noise", "sigma": 25, "clip": True, "round": False}
    assert saved["data"]["train"]["damage"] == saved["data"]["validation"]["damage"] == damage
    assert saved["training"]["validate_every"] == 1


def test_the_ddr_loss_is_in_the_settings(place, run, tmp_path):
    from ddriqa.restoration.toml_file import read_toml

    words = [word.replace("baseline", "ddr") for word in training(place)]
    words[words.index("--out") + 1] = str(tmp_path / "x")
    code, _, err = run(*words, "--steps", "1")
    assert code == 0, err
    ddr = read_toml(tmp_path / "x" / "settings.toml")["method"]["options"]["ddr"]
    assert (ddr["encoder"], ddr["weight"], ddr["reduction"]) == ("builtin", 2.0, "mean")
    assert ddr["types"] == ["color", "content", "blur"]
    assert run("train-restore", "ddr", "--out", str(tmp_path / "x"), "--resume", "-q")[0] == 0


def test_a_network_of_another_scale_is_refused_before_anything_is_written(place, run, tmp_path):
    words = training(place)
    words[words.index("--out") + 1] = str(tmp_path / "x")
    code, _, err = run(*words, "--network", "rrdb/small", "--steps", "1")
    assert code == 2
    assert "the network enlarges 4 times, the train data ask for 1" in err
    assert not (tmp_path / "x").exists()


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


def test_measures_that_need_weights_take_those_of_the_named_folder(
    place, run, monkeypatch, tmp_path
):
    """LPIPS with random weights, FID with none: what is missing is said by its name."""
    import torch

    from ddriqa.restoration.losses.backbones import FILES, alexnet

    monkeypatch.setenv("DDRIQA_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "nothing"))
    data = ["--data", str(place / "clean"), "--damage", NOISE, "--device", "cpu"]
    for measure, file in (("lpips", "lpips_alex.pth"), ("dists", "dists.pt"), ("fid", "inception")):
        code, _, err = run("evaluate", *data, "--measure", measure)
        assert code == 4
        assert "DDRIQA_WEIGHTS" in err
        assert file in err
    heads = enumerate((64, 192, 384, 256, 256))
    ones = {f"lin{layer}.model.1.weight": torch.ones(1, n, 1, 1) for layer, n in heads}
    torch.save(ones, tmp_path / "lpips_alex.pth")
    torch.manual_seed(0)
    torch.save(alexnet().state_dict(), tmp_path / FILES["alexnet"])
    code, out, err = run("evaluate", *data, "--measure", "lpips")
    assert code == 0, err
    assert float(out.removeprefix("lpips ")) > 0


def test_fid_is_of_the_whole_set(place, run, monkeypatch, tmp_path):
    """Random weights: 0 against itself, as with any; the pairs' own measures stay beside it."""
    import torch

    from ddriqa.restoration.measures.inception import FILE, InceptionV3

    torch.manual_seed(0)
    torch.save(InceptionV3().state_dict(), tmp_path / FILE)
    monkeypatch.setenv("DDRIQA_WEIGHTS", str(tmp_path))
    for name in ("0.png", "1.png"):
        for side in ("lq", "gt"):
            (tmp_path / side).mkdir(exist_ok=True)
            (tmp_path / side / name).write_bytes((place / "clean" / f"p{name}").read_bytes())
    data = ["--data", str(tmp_path), "--device", "cpu"]
    code, out, err = run("evaluate", *data, "--measure", "fid", "--measure", "ssim")
    assert code == 0, err
    assert out.splitlines() == ["ssim 1.0000", "fid 0.0000"]


def test_a_scale_is_a_whole_number_and_a_range_is_drawn(place, run, tmp_path):
    from ddriqa.restoration.toml_file import read_toml

    damage = ["--damage", "bicubic_down,scale=2"]
    code, _, err = run(
        *("train-restore", "baseline", "--data", str(place / "clean")),
        *(*damage, "--crop", "32", "--steps", "1", "--batch-size", "1", "--device", "cpu"),
        *("--settings", str(_two_times(tmp_path)), "--out", str(tmp_path / "x")),
    )
    assert code == 0, err
    saved = read_toml(tmp_path / "x" / "settings.toml")
    assert saved["data"]["train"]["damage"]["scale"] == 2


def _two_times(folder):
    path = folder / "x2.toml"
    options = "scale = 2\nblocks = 1\nfeatures = 8\ngrowth = 4\n"
    path.write_text(f'[network]\nname = "rrdb"\n[network.options]\n{options}')
    return path


def test_a_preset_keeps_its_crop_for_other_pictures(place, run, tmp_path):
    """And may be named with its method; a crop goes to all tasks."""
    from types import SimpleNamespace

    from ddriqa.cli.train_restore_run import OF_NEW_RUNS, _table

    nothing = dict.fromkeys(OF_NEW_RUNS)
    given = {**nothing, "method": "baseline", "preset": "baseline/gopro-nafnet"}
    other = _table(SimpleNamespace(**{**given, "data": place / "clean", "damage": NOISE}))
    assert other["data"]["train"]["crop"] == 256
    assert other["data"]["train"]["damage"] == {"degradation": "gaussian_noise", "sigma": 25}
    given |= {"preset": "realsr-nafnet", "crop": 96, "data_root": tmp_path}
    tasks = _table(SimpleNamespace(**given))["data"]["train"]["tasks"].values()
    assert {task["crop"] for task in tasks} == {96}
    assert {task["root"] for task in tasks} == {str(tmp_path / n) for n in ("realsr-v2", "city100")}


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
        (
            ["train-restore", "ddr", "--preset", "realsr-nafnet", "--data-root", ".", "--out", "x"],
            "RealSR",
        ),
        (
            ["train-restore", "ddr", "--preset", "gopro-nafnet", "--damage", NOISE, "--out", "x"],
            "is done to the pictures of --data",
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


def test_everything_that_is_wrong_is_said_at_once(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("")
    wrong = ["--network", "nafnot", "--data", "nowhere", "--device", "mps", "--out", "full"]
    code, _, err = run("train-restore", "baseline", *wrong)
    assert code == 2
    parts = ("nowhere: there is no such folder", "'nafnot'", "device is mps", "full exists already")
    for part in parts:
        assert err.count(part) == 1
    monkeypatch.setenv("DDRIQA_WEIGHTS", str(tmp_path / "no weights"))
    measures = ["--measure", "psnrr", "--measure", "dists"]
    code, _, err = run("evaluate", *measures, "--run", "none", "-o", "full")
    assert code == 2
    parts = ("'psnrr'", "vgg16", "none/settings.toml", "what to measure isn't said", "full: exists")
    for part in parts:
        assert part in err
    assert err.count("ddriqa: ") == len(parts)
    for path in (tmp_path / "a.png", tmp_path / "full" / "a.png"):
        Image.new("RGB", (40, 40)).save(path)
    encoder = ["--encoder", "builtin"]  # nothing is scored
    code, _, err = run("restore", "a.png", "--run", "none", "-o", "full", *encoder)
    assert code == 2
    for part in ("full/a.png", "none/settings.toml", "--encoder"):
        assert part in err


def test_a_failure_that_no_other_call_would_mend_has_its_own_code(
    place, run, tmp_path, monkeypatch
):
    """Neither an output that is there nor absent weights are a wrong usage."""
    monkeypatch.setenv("DDRIQA_WEIGHTS", str(tmp_path / "no weights"))
    (tmp_path / "e.csv").write_text("")
    data = ["--data", str(place / "clean"), "--damage", NOISE]
    code, _, err = run("evaluate", *data, "--measure", "dists", "-o", str(tmp_path / "e.csv"))
    assert code == 4
    assert "exists already" in err
    assert "vgg16" in err


def test_an_untrained_network_is_told(place, run, tmp_path):
    from ddriqa.restoration import checkpoint
    from ddriqa.restoration.networks.catalogue import build
    from ddriqa.restoration.run_folder import RunFolder

    folder = RunFolder(tmp_path / "begun")
    folder.create(RunFolder(place / "run").settings())
    checkpoint.save(folder.checkpoints, 0, {"network": build("nafnet", "small")}, {}, {})
    arguments = ("evaluate", "--data", str(place / "clean"), "--damage", NOISE, "--device", "cpu")
    code, _, err = run(*arguments, "--run", str(tmp_path / "begun"))
    assert (code, err.count("is untrained")) == (0, 1)
    code, _, err = run(*arguments, "--run", str(place / "run"))
    assert (code, err.count("is untrained")) == (0, 0)
