"""Colourfulness: Hasler and Suesstrunk's M3 against closed forms and plain numpy."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ddriqa.errors import ImageError
from ddriqa.metrics.colourfulness import Colourfulness, colourfulness

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def halves(left, right):
    pixels = np.empty((32, 64, 3), np.uint8)
    pixels[:, :32], pixels[:, 32:] = left, right
    return pixels


def ramp():
    y, x = np.mgrid[:256, :256]
    return np.stack([x, y, 255 - x], axis=-1).astype(np.uint8)


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (halves((90, 90, 90), (10, 10, 10)), 0),  # grey: rg = yb = 0
        (halves(RED, RED), 0.3 * 255 * 1.25**0.5),  # no spread; means 255 and 127.5
        (halves(RED, GREEN), 255 + 0.3 * 127.5),  # rg = +-255; yb = 127.5 everywhere
        (halves(RED, BLUE), 272.6187),  # measured from the formula, four digits
        (ramp(), 156.766147),
    ],
    ids=["grey", "red", "red-green", "red-blue", "ramp"],
)
def test_known_pictures(pixels, expected):
    assert Colourfulness().measure(pixels)["colourfulness"] == pytest.approx(expected, abs=5e-5)


@settings(deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
def test_equals_the_formula_in_floats(pixels):
    red, green, blue = pixels.astype(float).transpose(2, 0, 1)
    rg, yb = red - green, (red + green) / 2 - blue
    expected = np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())
    assert colourfulness(pixels) == pytest.approx(expected, abs=1e-9)


def test_sums_of_a_large_picture_are_exact():
    """Squares of 255 times two million pixels exceed 32 bits."""
    expected = colourfulness(halves(RED, GREEN))
    assert colourfulness(np.tile(halves(RED, GREEN), (32, 32, 1))) == expected


def test_threads_agree():
    metric, pictures = Colourfulness(), [halves(RED, GREEN), ramp()] * 8
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(metric.measure, pictures))
    assert together == [metric.measure(picture) for picture in pictures]


@pytest.mark.parametrize("pixels", [np.zeros((8, 8, 3), np.float32), np.zeros((8, 8), np.uint8)])
def test_other_pixels_are_refused(pixels):
    with pytest.raises(ImageError, match="8-bit colour"):
        Colourfulness().measure(pixels)
