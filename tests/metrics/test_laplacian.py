"""The variance of the Laplacian against closed forms."""

import numpy as np
import pytest

from ddriqa.metrics.laplacian import LaplacianVariance

METRIC = LaplacianVariance()


def measure(grey):
    return METRIC.measure(np.asarray(grey, dtype=np.uint8)[..., None].repeat(3, axis=2))[
        "laplacian_variance"
    ]


def test_one_bright_point_is_the_stencil_itself():
    """-4 v at the point, v at its four neighbours, sum 0: variance 20 v^2 / N."""
    grey = np.zeros((20, 30))
    grey[10, 15] = 100
    assert measure(grey) == pytest.approx(20 * 100**2 / 600)


def test_a_checkerboard():
    """Inside, the Laplacian is -+8 v of the deviation v; on mirrored edges a neighbour is the
    pixel itself, so it is -+6 v there and -+4 v in the corners."""
    grey = 100 + 20 * ((np.indices((10, 12)).sum(0) % 2) * 2 - 1)
    squares = (8 * 10 * 8**2 + 2 * (8 + 10) * 6**2 + 4 * 4**2) * 20**2
    assert measure(grey) == pytest.approx(squares / 120)


def test_a_ramp_is_flat_but_for_its_edges():
    """Slope 2 along 50 columns: +2 on the first, -2 on the last, 0 between."""
    assert measure(np.tile(np.arange(50) * 2, (20, 1))) == pytest.approx(2 * 2**2 / 50)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (64, 48)])
def test_flat_pictures_have_none(shape):
    assert measure(np.full(shape, 77)) == 0


def test_grey_is_the_luma_of_the_colours():
    """A green point of 200 is 0.587 x 200 = 117 of grey."""
    pixels = np.zeros((20, 30, 3), dtype=np.uint8)
    pixels[10, 15, 1] = 200
    assert METRIC.measure(pixels)["laplacian_variance"] == pytest.approx(20 * 117**2 / 600)


def test_it_is_said_to_be_higher_for_sharper():
    assert METRIC.higher_is_better
    assert METRIC.columns == ("laplacian_variance",)
    assert METRIC.describe()["name"] == METRIC.name
