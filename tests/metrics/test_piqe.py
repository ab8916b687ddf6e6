"""PIQE: the package's own number, MATLAB's, pictures that have none, the package absent."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from other_packages import hide, picture, usable
from PIL import Image

from ddriqa.errors import ImageError, UsageError
from ddriqa.metrics.piqe import PIQE

CALIBRATION = Path(__file__).resolve().parents[3] / "shared" / "weights" / "calibration" / "dist"


@pytest.fixture
def metric():
    usable("pypiqe.piqe")
    return PIQE()


@pytest.mark.parametrize("seed", [0, 1])
def test_it_is_the_packages_number_of_the_picture_in_bgr(metric, seed):
    import cv2

    pixels = picture(seed)
    expected = usable("pypiqe.piqe").piqe(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[0]
    assert metric.measure(pixels) == {"piqe": expected}
    assert 0 < expected < 100


@pytest.mark.skipif(not CALIBRATION.exists(), reason="needs the reference pictures")
@pytest.mark.parametrize(
    ("name", "matlab"),
    [("I03", 100.00), ("I04", 21.62), ("I06", 35.86), ("I08", 41.15), ("I19", 76.95)],
)
def test_the_numbers_of_matlab(metric, name, matlab):
    """IQA-PyTorch, results_official.csv, to the two digits that it gives."""
    pixels = np.asarray(Image.open(CALIBRATION / f"{name}.png").convert("RGB"))
    assert metric.measure(pixels)["piqe"] == pytest.approx(matlab, abs=0.01)


def test_threads_give_the_same_numbers(metric):
    pictures = [picture(seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(metric.measure, pictures)) == [metric.measure(p) for p in pictures]


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_flat_picture_has_the_worst_number(metric, value):
    assert metric.measure(np.full((40, 50, 3), value, dtype=np.uint8)) == {"piqe": 100.0}
    assert metric.higher_is_better is False


def test_smaller_than_a_block(metric):
    with pytest.raises(ImageError, match="80x15 is too small: PIQE needs a block of 16x16"):
        metric.measure(picture(0, (15, 80)))
    assert 0 <= metric.measure(picture(0, (16, 16)))["piqe"] <= 100


def test_the_description_names_the_versions(metric):
    described = metric.describe()
    assert all(described[name] for name in ("pypiqe", "opencv", "numpy"))


@pytest.mark.parametrize("absent", ["pypiqe", "cv2"])
def test_without_the_packages_the_error_says_what_to_install(absent, monkeypatch):
    if absent == "cv2":
        usable("pypiqe.piqe")
    hide(monkeypatch, absent, "pypiqe.piqe")
    with pytest.raises(UsageError, match=r'pip install "ddriqa\[metrics\]"') as caught:
        PIQE()
    assert caught.value.subject == "--metric piqe"
