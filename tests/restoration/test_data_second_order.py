"""Real-ESRGAN's chain: its kernels against measured values, the rest against closed forms."""

import math

import numpy as np
import pytest

from ddriqa.restoration import kernels
from ddriqa.restoration.second_order import random_kernel, second_order, usm_sharpen

# From the formulas of the paper as the authors' code evaluates them, to six digits.
CHECKS = [
    (kernels.gaussian(7, 1, 1, 0), (3, 3), 0.159241),
    (kernels.gaussian(7, 2, 0.5, math.pi / 4), (3, 3), 0.162475),
    (kernels.gaussian(7, 2, 0.5, math.pi / 4), (2, 2), 0.126536),
    (kernels.gaussian(7, 2, 0.5, math.pi / 4), (2, 4), 0.002976),
    (kernels.generalised(7, 1, 1, 0, 0.5), (3, 3), 0.067593),
    (kernels.generalised(7, 1, 1, 0, 0.5), (3, 4), 0.040997),
    (kernels.plateau(7, 1, 1, 0, 1.5), (3, 3), 0.168855),
    (kernels.plateau(7, 1, 1, 0, 1.5), (2, 3), 0.084427),
    (kernels.sinc(7, math.pi / 2), (3, 3), 0.235759),
    (kernels.sinc(7, math.pi / 2), (3, 4), 0.170148),
    (kernels.sinc(7, math.pi / 2), (0, 0), -0.007499),
    (kernels.sinc(7, math.pi / 3), (3, 3), 0.063635),
]


@pytest.mark.parametrize(("kernel", "place", "value"), CHECKS)
def test_kernels(kernel, place, value):
    assert kernel[place] == pytest.approx(value, abs=6e-7)
    assert kernel.sum() == pytest.approx(1)
    np.testing.assert_allclose(kernel, kernel[::-1, ::-1])  # so correlation is convolution


def test_generalised_and_plateau_of_beta_one_are_known_shapes():
    gaussian = kernels.gaussian(9, 1.5, 0.7, 0.4)
    np.testing.assert_allclose(kernels.generalised(9, 1.5, 0.7, 0.4, 1), gaussian)
    lorentzian = kernels.plateau(9, 1, 1, 0, 1)
    assert lorentzian[4, 6] / lorentzian[4, 4] == pytest.approx(1 / 5)  # 1 / (1 + 2²)


def test_random_kernels_have_the_sizes_and_the_share_of_sinc():
    rng = np.random.default_rng(0)
    drawn = [random_kernel(rng, (0.2, 3)) for _ in range(3000)]
    sides = np.array([kernel.shape[0] for kernel in drawn])
    assert sorted(set(sides)) == [7, 9, 11, 13, 15, 17, 19, 21]
    assert all(abs((sides == side).mean() - 1 / 8) < 0.03 for side in set(sides))
    ringing = np.mean([kernel.min() < 0 for kernel in drawn])
    assert ringing == pytest.approx(0.1, abs=0.02)
    assert all(kernel.sum() == pytest.approx(1) for kernel in drawn)
    # The three isotropic families, among those that don't ring.
    smooth = [kernel for kernel in drawn if kernel.min() >= 0]
    round_ones = np.mean([np.allclose(kernel, kernel.T) for kernel in smooth])
    assert round_ones == pytest.approx(0.45 + 0.12 + 0.12, abs=0.03)


def test_sharpening_leaves_faint_detail_and_even_areas_alone():
    rng = np.random.default_rng(0)
    faint = (0.5 + 0.02 * rng.uniform(-1, 1, (64, 64, 3))).astype(np.float32)
    np.testing.assert_allclose(usm_sharpen(faint), faint, atol=1e-6)


def test_sharpening_of_a_single_dot_is_as_computed_by_hand():
    # Only the dot exceeds the threshold, so the soft mask is the centre weight w of the Gaussian
    # 51x51 with σ 8, 0.002494, and the dot gains w·0.5·(0.5 − 0.5·w).
    image = np.zeros((101, 101, 3), np.float32)
    image[50, 50] = 0.5
    w = 0.002494
    expected = 0.5 + w * 0.5 * (0.5 - 0.5 * w)
    np.testing.assert_allclose(usm_sharpen(image)[50, 50], expected, atol=2e-7)


def test_sharpening_makes_an_edge_overshoot():
    image = np.full((80, 80, 3), 0.3, np.float32)
    image[:, 40:] = 0.7
    sharp = usm_sharpen(image)
    assert sharp[40, 39].max() < 0.25
    assert sharp[40, 40].min() > 0.75
    assert sharp.min() >= 0
    assert sharp.max() <= 1


@pytest.mark.parametrize(("shape", "scale"), [((64, 96), 4), ((50, 70), 1), ((33, 17), 2)])
def test_size_range_and_levels(shape, scale):
    image = np.random.default_rng(0).random((*shape, 3), dtype=np.float32)
    for seed in range(20):
        result = second_order(image, np.random.default_rng(seed), scale)
        assert result.shape == (shape[0] // scale, shape[1] // scale, 3)
        assert result.dtype == np.float32
        levels = result * 255
        np.testing.assert_allclose(levels, np.rint(levels), atol=1e-4)
        assert 0 <= result.min() <= result.max() <= 1


def test_the_generator_alone_decides():
    image = np.random.default_rng(0).random((64, 64, 3), dtype=np.float32)
    first, again, other = (second_order(image, np.random.default_rng(s), 4) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_mean_colour_survives_and_every_chain_loses_detail():
    y, x = np.mgrid[:128, :128]
    image = np.repeat((0.5 + 0.2 * np.sin(x) * np.sin(y))[..., None], 3, axis=2).astype(np.float32)
    image *= np.array([0.6, 1, 1.2], np.float32)
    means = [second_order(image, np.random.default_rng(s), 2).mean(axis=(0, 1)) for s in range(30)]
    np.testing.assert_allclose(np.mean(means, axis=0), image.mean(axis=(0, 1)), atol=0.02)


def test_small_pictures_are_refused():
    with pytest.raises(ValueError, match="16 px a side, got 40x8"):
        second_order(np.zeros((8, 40, 3), np.float32), np.random.default_rng(0), 4)
