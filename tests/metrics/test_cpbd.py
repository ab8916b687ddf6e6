"""CPBD: the values of the public Python port, a width walk written out, and what it should do."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ddriqa.degradations import degrade
from ddriqa.errors import ImageError
from ddriqa.metrics.cpbd import CPBD, cpbd, edge_widths, vertical_edges

PHOTOS = Path(__file__).parents[1] / "photos"

# Measured with github.com/0x64746b/python-cpbd (scikit-image's Canny) on the pictures of
# ``wave``; its six digits are reached to one in the last, .003 allows for another Canny.
PORT = {
    90: {20: 1.0, 8: 0.028141, 5: 0.012900, 3: 0.001120, 2: 0.0, 1: 0.003927, 0.5: 0.005958},
    20: {20: 1.0, 8: 1.0, 5: 1.0, 3: 0.026689, 2: 0.018977, 1: 0.022391, 0.5: 0.021211},
}


def wave(amplitude, steepness):
    y, x = np.mgrid[:256, :256]
    profile = np.tanh(steepness * np.sin(0.217 * x + 0.061 * y))
    return np.round(127.5 + amplitude * profile).astype(np.uint8)


def photo(name):
    return np.asarray(Image.open(PHOTOS / f"{name}.jpg").convert("RGB"))


@pytest.mark.parametrize(
    ("amplitude", "steepness", "expected"),
    [(a, s, value) for a, row in PORT.items() for s, value in row.items()],
)
def test_values_of_the_port(amplitude, steepness, expected):
    assert cpbd(wave(amplitude, steepness)) == pytest.approx(expected, abs=2e-6)


def walked_width(row, x, rises):
    """The definition, step by step, at column ``x`` of a row."""
    sides = []
    for direction in (-1, 1):
        brighter = rises == (direction > 0)
        place, steps = x + direction, 0
        while 0 <= place + direction < len(row) and steps < 100:
            difference = row[place + direction] - row[place]
            if difference == 0 or (difference > 0) != brighter:
                break
            place, steps = place + direction, steps + 1
        sides.append(steps + 1)
    return sum(sides)


@pytest.mark.parametrize("name", ["lake", "lake_blurred"])
def test_widths_are_those_of_the_walk(name):
    grey = np.asarray(Image.open(PHOTOS / f"{name}.jpg").convert("L")).astype(float)
    grey = grey[100:400, 200:400]
    widths, edges = edge_widths(grey), vertical_edges(grey)
    measured = 0
    for y, x in np.argwhere(edges[1:-1, 1:-1]) + 1:
        gx = (grey[y, x + 1] - grey[y, x - 1]) / 2
        gy = (grey[y + 1, x] - grey[y - 1, x]) / 2
        angle = np.degrees(np.arctan2(gy, gx)) if gx else 0.0
        rounded = 45 * np.round(angle / 45)
        if rounded in (0, 180, -180):
            assert widths[y, x] == walked_width(grey[y], x, rises=rounded == 0), (y, x)
            measured += 1
        else:
            assert widths[y, x] == 0
    assert measured > 100
    assert (widths > 0).sum() == measured


def test_a_walk_ends_after_a_hundred_steps():
    """A ramp of 400 px with one steep place: left and right are 100 steps and one, each."""
    profile = np.arange(400) * 0.1 + 40 * np.tanh((np.arange(400) - 200) / 0.7)
    grey = np.tile(profile, (64, 1)) + np.linspace(0, 1e-3, 64)[:, None]
    widths = edge_widths(grey)
    assert widths[30, 200] == 202


def test_falls_with_blur():
    values = [
        CPBD().measure(degrade(photo("lake"), "gaussian_blur", level, seed=0))["cpbd"]
        for level in (0, 0.3, 0.6, 1)
    ]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.5 > values[-1] + 0.3


def test_only_full_blocks_take_part():
    picture = wave(90, 8)
    torn = np.pad(picture, ((0, 40), (0, 50)), mode="reflect")
    assert cpbd(torn) == pytest.approx(cpbd(picture), abs=0.01)
    noise = np.random.default_rng(0).integers(0, 256, torn.shape, np.uint8)
    assert cpbd(noise) > 0
    noise[:260, :260] = 127
    assert cpbd(noise) == 0


def test_blocks_with_few_canny_edges_are_left_out(monkeypatch):
    """Nine of 4096 pixels make an edge block, eight don't; a low contrast allows 5 px."""
    grey = np.concatenate([wave(20, 3), wave(90, 8)], axis=1)
    marked = np.zeros(grey.shape, bool)
    marked[::64, :256:64] = marked[1:256:64, :256:64] = True
    for column in range(8):
        marked[2::64, column:256:64] = True  # with the two above, ten in each block on the left
        marked[2::64, 256 + column :: 64] = True  # eight on the right
    monkeypatch.setattr("ddriqa.metrics.cpbd.canny", lambda *_: marked)
    widths = edge_widths(grey.astype(np.float32))[:, :256]
    assert cpbd(grey) == pytest.approx((widths[widths > 0] <= 5).mean())
    assert cpbd(grey) > 0


def test_no_edges_no_sharpness():
    assert CPBD().measure(np.full((128, 128, 3), 77, np.uint8)) == {"cpbd": 0.0}


def test_too_small_says_so():
    with pytest.raises(ImageError, match="smaller than one block of 64 x 64"):
        CPBD().measure(np.zeros((63, 200, 3), np.uint8))
