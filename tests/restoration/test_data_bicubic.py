"""MATLAB's bicubic down-sampling against its measured values, and Pillow away from the border."""

import numpy as np
import pytest
from PIL import Image

from ddriqa.restoration.imresize import bicubic_down, bicubic_resize

RAMP = np.arange(16) / 15


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_a_ramp_shrunk_by_four():
    # Values of the recipe of MATLAB's imresize, to the six digits that were noted.
    expected = [0.090658, 0.365592, 0.634408, 0.909342]
    np.testing.assert_allclose(bicubic_resize(RAMP, 1 / 4), expected, atol=6e-7)


def test_a_ramp_enlarged_by_four():
    expected = [-0.007813, -0.003646, 0.005143, 0.020117, 0.038737, 0.057878]
    np.testing.assert_allclose(bicubic_resize(RAMP, 4)[:6], expected, atol=6e-7)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_pillow_agrees_away_from_the_border(scale, rng):
    image = rng.random((48, 60), dtype=np.float32)
    mine = bicubic_down(image, scale)
    size = (60 // scale, 48 // scale)
    theirs = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
    np.testing.assert_allclose(mine[2:-2, 2:-2], theirs[2:-2, 2:-2], atol=2e-6)
    assert np.abs(mine - theirs).max() > 1e-3  # the border differs, which is why this exists


def test_columns_and_channels_are_treated_alike(rng):
    image = rng.random((16, 24, 3), dtype=np.float32)
    result = bicubic_down(image, 4)
    assert result.shape == (4, 6, 3)
    assert result.dtype == np.float32
    turned = bicubic_down(image.swapaxes(0, 1), 4).swapaxes(0, 1)
    np.testing.assert_allclose(result, turned, atol=1e-6)
    np.testing.assert_array_equal(result[..., 1], bicubic_down(image[..., 1], 4))


@pytest.mark.parametrize("shape", [(4, 4, 3), (8, 4, 3)])
def test_a_constant_stays_constant_even_where_the_kernel_is_wider(shape):
    np.testing.assert_allclose(bicubic_down(np.full(shape, 0.3, np.float32), 4), 0.3, atol=1e-6)


def test_scale_one_changes_nothing(rng):
    image = rng.random((5, 7, 3), dtype=np.float32)
    np.testing.assert_allclose(bicubic_down(image, 1), image, atol=1e-7)


def test_sides_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="10x8 can't be divided by 4"):
        bicubic_down(np.zeros((8, 10, 3), np.float32), 4)
