"""The data sets of a training, from the tables of its settings."""

import numpy as np
import pytest
import torch
from PIL import Image

from ddriqa.errors import DatasetError, UsageError
from ddriqa.restoration.data import CleanFolder, PairedFolder, Tasks
from ddriqa.restoration.sources import data_of, pairs_of

NOISE = {"degradation": "gaussian_noise", "sigma": 25}


def save(path, seed=0, side=24):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return pixels


@pytest.fixture
def folder(tmp_path):
    for index in range(3):
        save(tmp_path / "clean" / f"{index}.png", index)
        for side in ("lq", "gt"):
            save(tmp_path / "pairs" / side / f"{index}.png", index)
    for index in range(24):
        save(tmp_path / "kodak" / f"kodim{index:02}.png", index)
    return tmp_path


def test_a_folder_is_of_pairs_or_with_damage_of_clean_pictures(folder):
    pairs = pairs_of({"folder": str(folder / "pairs")}, 0, "x")
    clean = pairs_of({"folder": str(folder / "clean"), "damage": NOISE, "crop": 16}, 0, "x")
    assert (type(pairs), type(clean)) == (PairedFolder, CleanFolder)
    assert len(pairs) == len(clean) == 3
    assert clean[0]["gt"].shape == (3, 16, 16)


def test_a_set_of_clean_pictures_is_damaged(folder):
    """Kodak24 in its owner's layout: the truth is the file, and the input is it with noise."""
    table = {"set": "kodak24", "split": "test", "root": str(folder / "kodak")}
    found = pairs_of({**table, "damage": NOISE | {"clip": False}}, 0, "x")
    assert len(found) == 24
    sample = found[3]
    with Image.open(folder / "kodak" / "kodim03.png") as image:
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)
    assert torch.equal((sample["gt"] * 255).round().byte(), pixels)
    noise = (sample["lq"] - sample["gt"]) * 255
    assert noise.std().item() == pytest.approx(25, abs=2)


def test_a_partial_copy_is_taken_where_that_is_said(folder):
    table = {"set": "kodak24", "split": "test", "root": str(folder / "kodak"), "damage": NOISE}
    (folder / "kodak" / "kodim07.png").unlink()
    with pytest.raises(DatasetError, match="23 of 24 pictures. complete = false takes"):
        pairs_of(table, 0, "x")
    assert len(pairs_of({**table, "complete": False}, 0, "x")) == 23


def test_a_set_of_smaller_inputs_knows_its_scale(tmp_path):
    cameras = tmp_path / "Canon" / "Test" / "4"
    save(cameras / "Canon_001_LR4.png", side=6)
    save(cameras / "Canon_001_HR.png", side=24)
    table = {"set": "realsr", "split": "test-x4", "root": str(tmp_path), "complete": False}
    found = pairs_of(table, 0, "x")
    assert found.scale == 4
    assert found[0]["lq"].shape == (3, 6, 6)


def test_a_set_of_clean_pictures_needs_damage(folder):
    table = {"set": "kodak24", "split": "test", "root": str(folder / "kodak")}
    with pytest.raises(DatasetError, match="kodak24/test: is of clean pictures"):
        pairs_of(table, 0, "x")


def test_a_set_that_is_damaged_keeps_its_pairs_names(folder):
    """GoPro's sequences number their pictures alike."""
    for sequence in "ab":
        for side in ("blur", "sharp"):
            save(folder / "gopro" / "test" / sequence / side / "1.png")
    table = {"set": "gopro", "split": "test", "root": str(folder / "gopro"), "complete": False}
    found = pairs_of({**table, "damage": NOISE}, 0, "x")
    assert [sample["name"] for sample in found] == ["a/blur/1", "b/blur/1"]


def test_validation_is_damaged_by_name_and_training_by_number(folder):
    table = {"folder": str(folder / "clean"), "damage": NOISE}
    data = data_of({"train": table, "validation": table}, 0)
    assert (data.train.by_name, data.validation.by_name) == (False, True)
    assert torch.equal(data.validation[1]["lq"], pairs_of(table, 0, "x", by_name=True)[1]["lq"])
    assert torch.equal(data.train[1]["lq"], pairs_of(table, 0, "x")[1]["lq"])


def test_tasks_are_repeated_and_named(folder):
    task = {"folder": str(folder / "clean"), "damage": NOISE, "crop": 16}
    pairs = {"folder": str(folder / "pairs"), "crop": 16, "repeat": 2}
    found = pairs_of({"tasks": {"noise": task, "pairs": pairs}}, 0, "x")
    assert isinstance(found, Tasks)
    assert [sample["task"] for sample in found] == ["noise"] * 3 + ["pairs"] * 6


def test_validation_takes_the_first(folder):
    validation = {"folder": str(folder / "pairs"), "most": 2}
    data = data_of({"train": {"folder": str(folder / "pairs")}, "validation": validation}, 0)
    assert [sample["name"] for sample in data.validation] == ["0", "1"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "has no part train"),
        ({"test": {}}, "has no part 'test'"),
        ({"train": {"crop": 16}}, "must have one of set, folder, tasks"),
        ({"train": {"folder": "pairs", "crops": 16}}, "has no 'crops'"),
        ({"train": {"tasks": {"a": {"folder": "pairs"}}, "crop": 16}}, "'crop' beside its tasks"),
        (
            {
                "train": {"folder": "pairs"},
                "validation": {"tasks": {"a": {"folder": "pairs"}}, "most": 2},
            },
            "most is of one data set",
        ),
    ],
)
def test_what_is_wrong_is_said(folder, monkeypatch, table, said):
    monkeypatch.chdir(folder)
    with pytest.raises(UsageError, match=said):
        data_of(table, 0)
