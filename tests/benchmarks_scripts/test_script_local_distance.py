"""What local_distance.py measures: nothing for the clean pictures themselves, more for others."""

import local_distance
import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def looker(photograph, tmp_path):
    small = tmp_path / "clean.png"
    Image.open(photograph).resize((192, 128)).save(small)
    looker = local_distance.Looker()
    looker.learn([str(small)])
    return looker, local_distance.read(small)


def test_the_distance_is_to_the_clean_pictures(looker):
    looker, pixels = looker
    same = looker.scores(pixels)
    assert set(same) == {*local_distance.TAPS, "all taps", "ddr"}
    assert same["all taps"] == pytest.approx(0, abs=1e-3)
    noise = np.random.default_rng(0).integers(0, 256, pixels.shape, dtype=np.uint8)
    assert looker.scores(noise)["all taps"] < -1


def test_ranks_join_the_two():
    rows = [{"all taps": a, "ddr": b} for a, b in ((-3, 0.2), (-1, 0.3), (-2, 0.1))]
    assert local_distance.columns(rows)["ranks of all taps and ddr"].tolist() == [3, 6, 3]
