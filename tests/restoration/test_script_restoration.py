"""The long benchmarks of restoration, on miniature data: they stop, go on, and count right."""

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("lightning_fabric")
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import ddr_ablation
import denoising
import machine
import tiling
import trainer_overhead


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Two small pictures in every set; results and budgets of the test's own."""
    random = np.random.default_rng(0)
    sets = [f"restoration/{name}" for name in ("Set5", *denoising.SETS)]
    for name in ("clean/train", *sets):
        folder = tmp_path / "data" / name
        folder.mkdir(parents=True)
        for index in range(2):
            small = random.integers(0, 256, (6, 6, 3), dtype=np.uint8)
            image = Image.fromarray(small).resize((40, 40), Image.Resampling.BICUBIC)
            image.save(folder / f"{index}.png")
    (tmp_path / "results").mkdir()
    monkeypatch.setattr(machine, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(denoising, "BATCH", 1)
    for script in (denoising, ddr_ablation, trainer_overhead):
        monkeypatch.setattr(script, "CROP", 32)
    toy = ddr_ablation.DDR.replace('"builtin"', '"toy"').replace("128", "32")
    monkeypatch.setattr(
        ddr_ablation, "LOSSES", {"PSNR": ("baseline", ""), "PSNR + DDR": ("ddr", toy)}
    )
    monkeypatch.setattr(ddr_ablation, "ENCODER", "toy")
    ddr_ablation.fingerprint.cache_clear()
    return tmp_path / "data"


def start(monkeypatch, script, *words):
    monkeypatch.setattr(sys, "argv", [script.__name__, *map(str, words)])
    script.main()


def result(name):
    return json.loads((machine.RESULTS / f"{name}.json").read_text())


def test_denoising_measures_input_and_output(data, tmp_path, monkeypatch):
    start(monkeypatch, denoising, data, tmp_path / "runs", "--steps", 2)
    found = result("denoising")
    for name in denoising.SETS:
        assert found["input"][name]["psnr"] == pytest.approx(20.17, abs=0.3)
        assert math.isfinite(found["output"][name]["ssim"])
    with pytest.raises(SystemExit, match="has 2 steps, not 3"):
        start(monkeypatch, denoising, data, tmp_path / "runs", "--steps", 3)
    with pytest.raises(SystemExit, match="inside the repository"):
        start(monkeypatch, denoising, data, Path(denoising.__file__).parent / "runs")


def test_the_ablation_goes_on_where_it_was_stopped(data, tmp_path, monkeypatch):
    monkeypatch.setattr(ddr_ablation, "SEEDS", (0, 1))
    words = [data, tmp_path / "runs", "--steps", 1]
    train, trained = ddr_ablation.train, []

    def until_the_third(folder, *rest):
        if len(trained) == 2:
            raise SystemExit(130)  # what Ctrl-C makes of a training
        train(folder, *rest)
        trained.append(folder)

    monkeypatch.setattr(ddr_ablation, "train", until_the_third)
    with pytest.raises(SystemExit) as stopped:
        start(monkeypatch, ddr_ablation, *words)
    assert stopped.value.code == 130
    early = result("ddr_ablation")
    assert early["state"] == "unfinished: 6 of 8 runs are missing"
    spread = early["denoising"]["mean and standard deviation over seeds"]
    assert spread["PSNR"]["CBSD68"]["psnr"]["sd"] is None  # of one run

    monkeypatch.setattr(ddr_ablation, "train", train)
    begun = {folder: (folder / "environment.json").stat().st_mtime_ns for folder in trained}
    start(monkeypatch, ddr_ablation, *words)
    assert {f: (f / "environment.json").stat().st_mtime_ns for f in trained} == begun
    found = result("ddr_ablation")
    assert found["state"] == "finished"
    for task in ddr_ablation.DAMAGE:
        assert set(found[task]["runs"]["PSNR + DDR"]) == {"0", "1"}
        check_moments(found[task])

    monkeypatch.setattr(ddr_ablation, "train", lambda *arguments: pytest.fail("known already"))
    start(monkeypatch, ddr_ablation, data, tmp_path / "elsewhere", "--steps", 1)
    assert {**result("ddr_ablation"), "machine": 0} == {**found, "machine": 0}


def check_moments(task):
    runs = task["runs"]
    plain = [runs["PSNR"][seed]["Kodak24"]["ddr"] for seed in "01"]
    ddr = [runs["PSNR + DDR"][seed]["Kodak24"]["ddr"] for seed in "01"]
    spread = task["mean and standard deviation over seeds"]["PSNR"]["Kodak24"]["ddr"]
    assert spread["mean"] == pytest.approx(np.mean(plain), abs=1e-6)
    assert spread["sd"] == pytest.approx(np.std(plain, ddof=1), abs=1e-6)
    gain = task["PSNR + DDR minus PSNR, seed by seed"]["Kodak24"]["ddr"]
    assert gain["mean"] == pytest.approx(np.mean(np.subtract(ddr, plain)), abs=2e-6)


def test_both_losses_begin_with_the_same_weights_and_differ_after(data, tmp_path, monkeypatch):
    from ddriqa.restoration.restorer import network_of
    from ddriqa.restoration.run_folder import RunFolder

    monkeypatch.setattr(ddr_ablation, "SEEDS", (0,))
    monkeypatch.setattr(ddr_ablation, "DAMAGE", {"deblurring": "motion_blur,length=5..15"})
    start(monkeypatch, ddr_ablation, data, tmp_path / "runs", "--steps", 3)
    folders = sorted(path for path in (tmp_path / "runs").iterdir() if path.is_dir())
    plain, ddr = (RunFolder(folder).settings() for folder in folders)
    assert (plain.seed, plain.data, plain.training) == (ddr.seed, ddr.data, ddr.training)
    assert ddr.method.options["ddr"]["types"] == ["color", "content", "blur"]
    first, second = (list(network_of(folder).parameters()) for folder in folders)
    assert any(not torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_overhead_counts_macs_and_ratios():
    layer = torch.nn.Conv2d(3, 8, 3, padding=1)
    assert trainer_overhead.macs(layer, torch.rand(1, 3, 16, 16)) == 16 * 16 * 27 * 8
    seconds = {"bare": [9.0] * 5 + [1.0, 1.0, 1.0], "trainer": [9.0] * 5 + [1.0, 1.1, 1.2]}
    found = trainer_overhead.compared(seconds, "bare")["trainer"]
    assert found["% more by medians"] == found["% more by means"] == pytest.approx(10)


def test_overhead_times_both(data):
    found = trainer_overhead.trainer(data, 3)
    assert found["bare"]["median s"] > 0
    assert "% more by medians" in found["trainer"]
    assert trainer_overhead.peak_of(data, "without") > 100


def test_a_seam_is_a_straight_step():
    ramp = torch.linspace(0, 1, 256).expand(3, 256, 256)
    assert tiling.seam(ramp) == pytest.approx(1, rel=1e-3)  # a level a pixel
    for turned in (ramp.clone(), ramp.transpose(1, 2).clone()):
        turned[..., 96:] += 0.1
        assert tiling.seam(turned) > 25
    grain = (torch.rand(3, 256, 256, generator=torch.Generator().manual_seed(0)) - 0.5) * 0.1
    assert tiling.seam(grain) < 3  # of no direction


def test_tiling_compares_convolutions_and_others(data):
    picture = tiling.photograph(data, 160)
    assert picture.shape == (3, 160, 160)
    exact = tiling.compared("convolutions, receptive field 33", tiling.convolutions(), picture)
    assert exact["reaches the target"]
    assert exact["tile"] < 160
    attentive = tiling.awake("nafnet-local", train_size=128)
    assert tiling.compared("nafnet", attentive, picture)["dB"] > 30


def test_tiling_measures_a_restore():
    found = tiling.memory(300, 200)
    assert found["peak MB"] > 100
    assert found["megapixels"] == 0.1
