"""Clean pictures damaged on the fly, and several tasks in one."""

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from ddriqa.errors import DatasetError, UsageError
from ddriqa.restoration.data import CleanFolder, PairedFolder, Pairs, Tasks
from ddriqa.restoration.imresize import bicubic_down

SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "restoration"
NOISE = {"degradation": "gaussian_noise", "sigma": 25, "clip": False}


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for n in range(4):
        pixels = rng.integers(0, 256, (50 + n, 70, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{n}.png")
    return tmp_path


def test_noise_of_an_exact_sigma(folder):
    sample = CleanFolder(folder, NOISE)[0]
    noise = (sample["lq"] - sample["gt"]) * 255
    assert noise.numel() == 10500
    # Four standard errors of the deviation and of the mean.
    assert float(noise.std()) == pytest.approx(25, abs=4 * 25 / (2 * 10500) ** 0.5)
    assert float(noise.mean()) == pytest.approx(0, abs=4 * 25 / 10500**0.5)
    assert sample["lq"].max() > 1  # not clipped, as was said


def test_every_pass_brings_other_noise_and_another_place(folder):
    data = CleanFolder(folder, NOISE, crop=16)
    first, second = data[1], data[1 + len(data)]
    assert first["name"] == second["name"]
    assert not torch.equal(first["gt"], second["gt"])
    whole = CleanFolder(folder, NOISE)
    assert torch.equal(whole[1]["gt"], whole[5]["gt"])
    assert not torch.equal(whole[1]["lq"], whole[5]["lq"])


def test_two_pictures_have_different_noise(folder):
    data = CleanFolder(folder, NOISE)
    noises = [(sample["lq"] - sample["gt"])[:, :50] for sample in data]
    flat = torch.stack(noises).flatten(1)
    correlation = torch.corrcoef(flat)
    assert (correlation - torch.eye(4)).abs().max() < 0.05


def test_by_name_a_picture_is_damaged_alike_wherever_it_stands(folder):
    whole, part = CleanFolder(folder, NOISE), CleanFolder([folder / "2.png"], NOISE)
    assert not torch.equal(whole[2]["lq"], part[0]["lq"])
    whole.by_name = part.by_name = True
    assert torch.equal(whole[2]["lq"], part[0]["lq"])
    assert not torch.equal(part[0]["lq"], part[1]["lq"])  # the next pass
    noises = [(sample["lq"] - sample["gt"])[:, :50] for sample in whole]
    correlation = torch.corrcoef(torch.stack(noises).flatten(1))
    assert (correlation - torch.eye(4)).abs().max() < 0.05


class Draws(Pairs):
    """Two samples, each a number that is drawn."""

    def __len__(self):
        return 2

    def name_of(self, place):
        return "ab"[place]

    def sample(self, place, rng):
        return {"drawn": rng.random()}


def test_by_name_chances_are_the_same_on_every_machine():
    data = Draws(seed=5)
    data.by_name = True
    name = int(hashlib.sha256(b"b").hexdigest()[:16], 16)
    for number, turn in ((1, 0), (7, 3)):
        expected = np.random.default_rng([5, turn, 2, name]).random()
        assert data[number]["drawn"] == expected
    data.by_name = False
    assert data[7]["drawn"] == np.random.default_rng([5, 7, 1]).random()


@pytest.mark.parametrize(
    "spec",
    [
        {"degradation": "bicubic_down", "scale": 2, "round": True},
        {"degradation": "second_order", "scale": 4},
        {"one_of": [NOISE, {"degradation": "rain", "level": [0.2, 1]}]},
    ],
    ids=lambda spec: spec.get("degradation", "mixture"),
)
def test_workers_do_not_change_a_sample(folder, spec):
    data = CleanFolder(folder, spec, crop=32, context=48, flips=True, rotations=True, seed=5)
    batches = [[0, 9, 2], [700, 4, 1]]
    runs = [
        list(DataLoader(data, batch_sampler=batches, num_workers=n, timeout=60 * n)) for n in (0, 2)
    ]
    for alone, shared in zip(*runs, strict=True):
        assert torch.equal(alone["lq"], shared["lq"])
        assert torch.equal(alone["gt"], shared["gt"])


def test_low_resolution_fits_its_ground_truth(folder):
    spec = {"degradation": "bicubic_down", "scale": 4, "clip": False}
    data = CleanFolder(folder, spec, crop=32, context=48, flips=True, rotations=True)
    for number in range(8):
        sample = data[number]
        assert sample["lq"].shape == (3, 8, 8)
        assert sample["gt"].shape == (3, 32, 32)
        again = bicubic_down(sample["gt"].permute(1, 2, 0).numpy(), 4)
        # Two samples of low resolution at the border see what lies beyond the patch.
        inner = sample["lq"].permute(1, 2, 0).numpy()[2:-2, 2:-2]
        np.testing.assert_allclose(again[2:-2, 2:-2], inner, atol=1e-6)


def test_whole_pictures_lose_what_exceeds_the_scale(folder):
    sample = CleanFolder(folder, {"degradation": "bicubic_down", "scale": 4})[3]
    assert sample["gt"].shape == (3, 52, 68)
    assert sample["lq"].shape == (3, 13, 17)


def test_small_pictures_fill_a_patch(folder):
    sample = CleanFolder(folder, NOISE, crop=96)[0]
    gt = sample["gt"]
    assert gt.shape == (3, 96, 96)
    assert torch.equal(gt[:, 50:96], gt[:, 4:50].flip(1))
    assert torch.equal(gt[:, :, 70:96], gt[:, :, 44:70].flip(2))


def test_sources_and_names(folder):
    (folder / "sub").mkdir()
    (folder / "0.png").rename(folder / "sub/0.png")
    (folder / "notes.txt").write_text("no picture")
    assert [s["name"] for s in CleanFolder(folder, NOISE)] == ["1", "2", "3", "sub/0"]
    assert [s["name"] for s in CleanFolder([folder / "2.png"], NOISE)] == ["2"]
    (folder / "empty").mkdir()
    with pytest.raises(DatasetError, match="holds no pictures"):
        CleanFolder(folder / "empty", NOISE)
    with pytest.raises(DatasetError, match="no such folder"):
        CleanFolder(folder / "nowhere", NOISE)


@pytest.mark.parametrize("sides", [(32, 16), (None, 64), (30, None), (32, 50)])
def test_sides_that_do_not_go_together_are_refused(folder, sides):
    spec = {"degradation": "bicubic_down", "scale": 4}
    with pytest.raises(UsageError, match="crop|context"):
        CleanFolder(folder, spec, crop=sides[0], context=sides[1])


@pytest.mark.parametrize(
    ("spec", "expected", "source"),
    [
        ({"sigma": 15, "round": True}, 24.84, "InstructIR's log: 8 bit, clipped"),
        ({"sigma": 25, "clip": False}, 20 * np.log10(255 / 25), "closed form"),
    ],
)
def test_noisy_cbsd68_has_its_known_psnr(spec, expected, source):
    folder = SAMPLES / "CBSD68"
    if not folder.is_dir():
        pytest.skip("the pictures aren't there")
    data = CleanFolder(folder, {"degradation": "gaussian_noise", **spec})
    errors = [float(((s["lq"] - s["gt"]).double() ** 2).mean()) for s in data]
    assert np.mean(-10 * np.log10(errors)) == pytest.approx(expected, abs=0.02), source


# --- several tasks


@pytest.fixture
def tasks(folder, tmp_path):
    for side in ("lq", "gt"):
        (tmp_path / "rain" / side).mkdir(parents=True)
        for n in (1, 2):
            (tmp_path / "rain" / side / f"r{n}.png").write_bytes((folder / f"{n}.png").read_bytes())
    clean = [folder / f"{n}.png" for n in range(4)]
    return {
        "noise": (CleanFolder(clean, NOISE, crop=16), 3),
        "rain": (PairedFolder(tmp_path / "rain", crop=16), 5),
    }


def test_every_task_comes_as_often_as_it_is_repeated(tasks):
    data = Tasks(tasks)
    assert len(data) == 4 * 3 + 2 * 5
    samples = list(data)
    assert Counter(sample["task"] for sample in samples) == {"noise": 12, "rain": 10}
    names = Counter((sample["task"], sample["name"]) for sample in samples)
    assert set(names.values()) == {3, 5}
    assert names["rain", "r1"] == 5
    patches = {s["gt"].numpy().tobytes() for s in samples}
    assert len(patches) > 18  # repetitions differ


def test_tasks_go_on_after_a_pass_with_other_patches(tasks):
    data = Tasks(tasks, seed=3)
    assert data[0]["name"] == data[len(data)]["name"]
    assert not torch.equal(data[0]["gt"], data[len(data)]["gt"])
    again = Tasks(tasks, seed=3)
    assert torch.equal(data[30]["lq"], again[30]["lq"])


def test_tasks_name_their_samples_without_reading_them(tasks):
    data = Tasks(tasks)
    names = [data.name_of(place) for place in range(len(data))]
    assert names == [f"{sample['task']}/{sample['name']}" for sample in data]


def test_impossible_tasks_are_refused(tasks, folder):
    with pytest.raises(UsageError, match="none"):
        Tasks({})
    with pytest.raises(UsageError, match="task noise"):
        Tasks({"noise": (tasks["noise"][0], 0)})
    smaller = CleanFolder(folder, {"degradation": "bicubic_down", "scale": 2})
    with pytest.raises(UsageError, match="different scales"):
        Tasks(tasks | {"sr": (smaller, 1)})


def test_negative_numbers_and_seeds_are_refused(folder):
    with pytest.raises(IndexError):
        CleanFolder(folder, NOISE)[-1]
    with pytest.raises(UsageError, match="negative"):
        CleanFolder(folder, NOISE, seed=-1)
