"""Which pictures real_pairs.py takes for a pair, and what it counts."""

import shutil

import numpy as np
import pytest
import real_pairs
from PIL import Image

NAMES = {
    "gopro-layout/test/flower/blur/000001.png": "gopro-layout/test/flower/sharp/000001.png",
    "lol-layout/eval15/low/1.png": "lol-layout/eval15/high/1.png",
    "raindrop-layout/test/data/183_rain.jpg": "raindrop-layout/test/gt/183_clean.jpg",
    "ndr-layout/haze/hazy/0001_0.8_0.2.jpg": "ndr-layout/haze/gt/0001.png",
    "ndr-layout/rain/rainy/rain-1.png": "ndr-layout/rain/gt/norain-1.png",
    "foundir-layout/LQ/0001.jpg": "foundir-layout/GT/0001.jpg",
}


@pytest.fixture
def folder(tmp_path):
    """Below a folder ``data``, whose name stands in a rule too."""
    for name in [*NAMES, *NAMES.values()]:
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).touch()
    return tmp_path / "data"


def test_pairs_of_the_owners_layouts(folder):
    found = [pair for pairs in real_pairs.pairs_of(folder).values() for pair in pairs]
    assert dict(found) == {folder / name: folder / truth for name, truth in NAMES.items()}
    (folder / "lol-layout/eval15/high/1.png").unlink()
    with pytest.raises(SystemExit, match="LOL aren't there"):
        real_pairs.pairs_of(folder)


def test_counts_what_scores_in_order(tmp_path, photograph, monkeypatch):
    truth, noisy = tmp_path / "a" / "truth.png", tmp_path / "a" / "noisy.png"
    truth.parent.mkdir()
    picture = Image.open(photograph).resize((96, 64))
    picture.save(truth)
    noise = np.random.default_rng(0).normal(0, 40, (64, 96, 3))
    Image.fromarray((np.asarray(picture) + noise).clip(0, 255).astype(np.uint8)).save(noisy)
    shutil.copy(noisy, noisy.with_name("same.png"))
    pairs = {"noise": [(noisy, truth)], "none": [(noisy, noisy.with_name("same.png"))]}
    found = real_pairs.measured("builtin-fast", pairs)
    assert (found["right"], found["pairs"]) == (1, 2)
    assert found["right and pairs by kind"] == {"noise": [1, 1], "none": [0, 1]}
    assert [row["picture"] for row in found["wrong"]] == [f"{tmp_path.name}/a/noisy.png"]
