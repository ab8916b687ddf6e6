"""What views.py makes and counts: one damaged picture at many sizes."""

from types import SimpleNamespace

import numpy as np
import pytest
import views
from PIL import Image


@pytest.mark.parametrize(("width", "height"), [(720, 480), (480, 720), (500, 500), (2000, 3)])
def test_resized_has_the_long_side_and_the_proportions(width, height):
    found = views.resized(Image.new("RGB", (width, height)), 1024)
    assert max(found.size) == 1024
    factor = 1024 / max(width, height)
    assert found.size == pytest.approx((width * factor, height * factor), abs=1)


def test_shrinking_is_antialiased():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    small = np.asarray(views.resized(Image.fromarray(stripes), 16))
    assert np.abs(small.astype(float) - 127.5).max() < 30  # grey; nearest would be black or white


@pytest.mark.parametrize("size", [(720, 480), (1024, 1024)])
def test_large_side_makes_fifty_megapixels(size):
    side = views.large_side(Image.new("RGB", size))
    pixels = side * side * min(size) / max(size)
    assert pixels == pytest.approx(50e6, rel=1e-3)


def test_the_first_photograph_is_untouched_and_the_others_damaged(photograph):
    plain = views.resized(Image.open(photograph).convert("RGB"), views.DISPLAY)
    first, no_steps = views.damaged(photograph, 0)
    assert no_steps == []
    np.testing.assert_array_equal(np.asarray(first), np.asarray(plain))
    weak, steps = views.damaged(photograph, 1)
    again, _ = views.damaged(photograph, 1)
    assert 1 <= len(steps) <= 3
    assert all(1 / 14 <= level <= 1 / 7 for _, level in steps)
    np.testing.assert_array_equal(np.asarray(weak), np.asarray(again))
    assert not np.array_equal(np.asarray(weak), np.asarray(plain))


def test_agreement_takes_the_pictures_that_both_sizes_have():
    found = views.agreement({"512": [1.0, 2.0, 3.0, 0.0], "50 MP": [30.0, 20.0, 10.0]})
    assert found["512"]["50 MP"] == pytest.approx(-1)
    assert found["512"]["512"] == pytest.approx(1)


def test_summary_judges_the_lowest_of_three_sizes():
    scores = {"100": [3.0, 2.0, 1.0], "512": [1.0, 2.0, 3.0], "1024": [1.0, 2.0, 3.0]}
    scores["4000"] = [1.0, 3.0, 2.0]  # closed form: 1 - 6·2 / (3·8) = .5
    found = views.summary(
        {size: {"scores": values, "seconds": [2.0, 1.0, 9.0]} for size, values in scores.items()}
    )
    assert found["judged"]["lowest_srcc"] == 0.5
    assert found["sizes"]["100"]["median_seconds"] == 2
    assert found["sizes"]["512"]["mean"] == 2


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_score_that_is_not_finite_ends_the_run(value):
    record = SimpleNamespace(error=None, scores={"ddr": 0.5, "ddr_blur": value})
    scorer = SimpleNamespace(score=lambda pixels: record)
    with pytest.raises(SystemExit, match="30x20"):
        views.timed_score(scorer, np.zeros((20, 30, 3), np.uint8))
