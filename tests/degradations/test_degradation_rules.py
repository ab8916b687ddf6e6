"""Noise, blur, codecs and processing against closed forms and other implementations."""

import io
import math

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage, stats

from ddriqa.degradations import get
from ddriqa.degradations.fields import (
    convolve,
    disk_kernel,
    line_kernel,
    luma,
)
from ddriqa.degradations.noise import poisson_quantile
from ddriqa.degradations.processing import bilateral, median, run_sums


def apply(name: str, image: np.ndarray, level: float, seed: int = 3) -> np.ndarray:
    return get(name).apply(image, level, np.random.default_rng(seed))


def flat(value: float, height: int = 256, width: int = 256) -> np.ndarray:
    return np.full((height, width, 3), value, dtype=np.float32)


def impulse(side: int = 65) -> np.ndarray:
    image = flat(0, side, side)
    image[side // 2, side // 2] = 1
    return image


def linear_light(srgb: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1 in double precision."""
    srgb = np.asarray(srgb, dtype=float)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


class TestNoise:
    def test_gaussian_noise_has_the_deviation_of_its_level(self):
        noise = apply("gaussian_noise", flat(0.5), 0.4) - 0.5
        assert noise.std() == pytest.approx(10 / 255, rel=0.01)
        assert abs(noise.mean()) < 1e-3
        correlation = np.corrcoef(noise.reshape(-1, 3).T)
        np.testing.assert_allclose(correlation, np.eye(3), atol=0.02)

    def test_gray_noise_is_equal_in_the_channels(self):
        noise = apply("gray_noise", flat(0.5), 0.4) - 0.5
        assert noise.std() == pytest.approx(10 / 255, rel=0.01)
        assert np.ptp(noise, axis=2).max() < 1e-6

    @pytest.mark.parametrize(("level", "photons"), [(0.2, 400), (0.6, 60), (1, 10)])
    def test_poisson_noise_counts_photons(self, level, photons):
        noisy = apply("poisson_noise", flat(0.25), level)
        assert noisy.mean() == pytest.approx(0.25, rel=0.01)
        assert noisy.var() == pytest.approx(0.25 / photons, rel=0.05)
        counts = noisy * photons
        np.testing.assert_allclose(counts, np.rint(counts), atol=1e-3)

    @pytest.mark.parametrize("rate", [0.05, 0.7, 1.9, 2.1, 5, 30, 200])
    def test_poisson_quantiles_have_the_exact_distribution(self, rate):
        probability = (np.arange(100_000) + 0.5) / 100_000
        normal = stats.norm.ppf(probability).astype(np.float32)
        counts = poisson_quantile(np.full_like(normal, rate), normal)
        values = np.arange(counts.max() + 1)
        measured = np.searchsorted(np.sort(counts), values, side="right") / counts.size
        np.testing.assert_allclose(measured, stats.poisson.cdf(values, rate), atol=0.006)

    def test_iso_noise_follows_the_camera_model(self):
        noise = linear_light(apply("iso_noise", flat(0.6), 0.4)) - linear_light(0.6)
        read = math.exp(2.18 * math.log(0.0015) + 1.20)
        assert noise.var() == pytest.approx(0.0015 * linear_light(0.6) + read, rel=0.03)

    def test_chroma_noise_leaves_the_luma(self):
        noise = apply("chroma_noise", flat(0.5), 0.6) - np.float32(0.5)
        assert np.abs(luma(noise)).max() < 1e-5
        cb, cr = noise[..., 2] / 1.772, noise[..., 0] / 1.402
        assert cb.std() == pytest.approx(12 / 255, rel=0.05)
        assert cr.std() == pytest.approx(12 / 255, rel=0.05)
        neighbours = np.corrcoef(cb[:, :-1].ravel(), cb[:, 1:].ravel())[0, 1]
        assert neighbours == pytest.approx(math.exp(-1 / 4), abs=0.03)

    def test_impulse_noise_has_its_density_in_black_and_white(self):
        noisy = apply("impulse_noise", flat(0.5), 1)
        assert (noisy == 0).all(axis=2).mean() == pytest.approx(0.075, abs=0.005)
        assert (noisy == 1).all(axis=2).mean() == pytest.approx(0.075, abs=0.005)
        assert (noisy == 0.5).all(axis=2).mean() == pytest.approx(0.85, abs=0.01)

    def test_speckle_grows_with_the_value(self):
        deviations = [apply("speckle_noise", flat(value), 0.4).std() for value in (0.2, 0.5)]
        assert deviations == pytest.approx([0.02, 0.05], rel=0.02)

    def test_stripes_are_constant_along_rows(self):
        noise = apply("stripe_noise", flat(0.5, 2000, 8), 0.6) - 0.5
        assert np.ptp(noise, axis=1).max() == 0
        assert noise.std() == pytest.approx(14 / 255, rel=0.05)

    def test_film_grain_is_strongest_in_the_midtones(self):
        midtones, shadows = (apply("film_grain", flat(v), 0.4).std() for v in (0.5, 0.1))
        assert midtones == pytest.approx(10 / 255, rel=0.03)
        assert shadows / midtones == pytest.approx(0.3 + 0.7 * 0.36, rel=0.05)

    @pytest.mark.parametrize("name", ["gaussian_noise", "poisson_noise", "film_grain", "iso_noise"])
    def test_raising_the_level_keeps_the_pattern(self, name):
        image = flat(0.5)
        weak, strong = (apply(name, image, level) - image for level in (0.3, 0.7))
        assert np.corrcoef(weak.ravel(), strong.ravel())[0, 1] > 0.98


class TestBlur:
    def test_gaussian_blur_is_that_of_scipy(self, scene):
        expected = ndimage.gaussian_filter(scene, (1.7, 1.7, 0), mode="mirror", truncate=6 / 1.7)
        np.testing.assert_allclose(apply("gaussian_blur", scene, 0.6), expected, atol=1e-5)

    def test_defocus_spreads_a_point_over_a_disk(self):
        blurred = apply("defocus_blur", impulse(), 0.8)[..., 0].astype(float)
        assert blurred.sum() == pytest.approx(1, abs=1e-3)
        rows, columns = np.indices(blurred.shape) - 32
        radius = np.hypot(rows, columns)
        assert np.abs(blurred[radius > 5.6]).max() < 1e-6
        np.testing.assert_allclose(blurred[radius < 4.4], blurred[32, 32], rtol=1e-3)
        assert 1 / blurred[32, 32] == pytest.approx(math.pi * 25, rel=0.02)

    @pytest.mark.parametrize("name", ["motion_blur", "aniso_blur"])
    def test_directions_are_random_and_spread_along_one_axis(self, name):
        angles = []
        for seed in range(12):
            blurred = apply(name, impulse(101), 1, seed)[..., 0].astype(float)
            rows, columns = np.indices(blurred.shape) - 50
            moments = np.cov(np.stack([columns.ravel(), rows.ravel()]), aweights=blurred.ravel())
            spread, axes = np.linalg.eigh(moments)
            assert spread[1] > 6 * spread[0]
            angles.append(math.atan2(axes[1, 1], axes[0, 1]) % math.pi)
        assert np.std(angles) > 0.5

    def test_motion_blur_has_the_deviation_of_its_length(self):
        blurred = line_kernel(26, 0.4)
        rows, columns = np.indices(blurred.shape) - len(blurred) // 2
        along = columns * math.cos(0.4) + rows * math.sin(0.4)
        assert math.sqrt((blurred * along**2).sum()) == pytest.approx(26 / math.sqrt(12), rel=0.02)

    def test_convolution_agrees_with_scipy_at_the_borders(self, scene):
        kernel = disk_kernel(5)
        expected = ndimage.convolve(scene[..., 0], kernel, mode="mirror")
        np.testing.assert_allclose(convolve(scene[..., 0], kernel), expected, atol=1e-5)
        np.testing.assert_allclose(convolve(scene, kernel)[..., 0], expected, atol=1e-5)

    def test_lens_blur_blooms_but_keeps_gray(self):
        np.testing.assert_allclose(apply("lens_blur", flat(0.5), 0.8), 0.5, atol=1e-4)
        image = flat(0.3)
        image[120:124, 120:124] = 1
        lens, plain = (apply(name, image, 0.8) for name in ("lens_blur", "defocus_blur"))
        assert lens.sum() > plain.sum()

    def test_zoom_blur_leaves_the_centre(self):
        rows, columns = np.mgrid[:101, :101] - 50.0
        rings = (0.5 + 0.4 * np.sin(np.hypot(rows, columns) / 1.5)).astype(np.float32)
        change = np.abs(apply("zoom_blur", np.dstack([rings] * 3), 0.4)[..., 0] - rings)
        assert change[48:53, 48:53].mean() < 0.1 * change[:5].mean()

    def test_glass_blur_moves_and_smooths(self, scene):
        rule, reach = get("glass_blur").rule, 1e-3
        tiny = rule(scene, rng=np.random.default_rng(0), reach=reach)
        slope = np.hypot(*np.gradient(scene, axis=(0, 1)))
        assert np.std((tiny - scene)[slope > 0.05] / slope[slope > 0.05]) < 1.5 * reach
        assert np.abs(np.diff(apply("glass_blur", scene, 1), axis=0)).mean() < 0.5 * slope.mean()


class TestCompression:
    @pytest.mark.parametrize(
        ("name", "level", "codec", "options"),
        [
            ("jpeg", 0.4, "JPEG", {"quality": 40, "subsampling": 2}),
            ("jpeg", 1, "JPEG", {"quality": 5, "subsampling": 2}),
            ("webp", 0.6, "WEBP", {"quality": 15}),
            (
                "jpeg2000",
                0.4,
                "JPEG2000",
                {"quality_mode": "rates", "quality_layers": [32], "irreversible": True},
            ),
        ],
    )
    def test_codecs_are_those_of_pillow(self, scene, name, level, codec, options):
        buffer = io.BytesIO()
        Image.fromarray(np.rint(scene * 255).astype(np.uint8)).save(buffer, codec, **options)
        expected = np.asarray(Image.open(buffer).convert("RGB"))
        np.testing.assert_array_equal(np.rint(apply(name, scene, level) * 255), expected)

    def test_lost_blocks_repeat_the_column_to_their_left(self, rng):
        image = rng.random((160, 320, 3), dtype=np.float32)
        result = apply("block_loss", image, 1)
        blocks = (result != image).any(axis=2).reshape(10, 16, 20, 16).any(axis=(1, 3))
        assert blocks.mean() == pytest.approx(0.2, abs=0.07)
        for row, column in np.argwhere(blocks[:, 1:]) + (0, 1):
            rows = slice(16 * row, 16 * row + 16)
            filled = result[rows, 16 * column : 16 * column + 16]
            np.testing.assert_array_equal(filled, np.repeat(result[rows, [16 * column - 1]], 16, 1))


class TestResampling:
    @pytest.mark.parametrize(
        ("name", "factor", "down", "up"),
        [
            ("resize_nearest", 2.2, Image.Resampling.NEAREST, Image.Resampling.NEAREST),
            ("resize_bilinear", 3, Image.Resampling.BILINEAR, Image.Resampling.BILINEAR),
            ("resize_bicubic", 3.3, Image.Resampling.BICUBIC, Image.Resampling.BICUBIC),
            ("resize_lanczos", 3.3, Image.Resampling.LANCZOS, Image.Resampling.LANCZOS),
            ("resize_area", 3.3, Image.Resampling.BOX, Image.Resampling.BICUBIC),
        ],
    )
    def test_resizing_is_that_of_pillow(self, scene, name, factor, down, up):
        size = (round(128 / factor), round(96 / factor))
        picture = Image.fromarray(np.rint(scene * 255).astype(np.uint8))
        expected = np.asarray(picture.resize(size, down).resize((128, 96), up))
        difference = apply(name, np.asarray(picture, np.float32) / 255, 0.6) * 255 - expected
        assert np.abs(difference).max() < 2  # Pillow rounds the small picture to 8 bit

    def test_pixelate_takes_means_of_whole_squares(self, rng):
        image = rng.random((24, 36, 3), dtype=np.float32)
        result = apply("pixelate", image, 0.6)
        means = image.reshape(6, 4, 9, 4, 3).mean(axis=(1, 3))
        np.testing.assert_allclose(result, means.repeat(4, 0).repeat(4, 1), atol=1e-6)


class TestProcessing:
    @pytest.mark.parametrize(
        ("name", "sigma", "amount"), [("sharpen", 1.5, 2), ("overshoot", 3, 1.6)]
    )
    def test_unsharp_masks(self, scene, name, sigma, amount):
        grey = scene @ np.array([0.299, 0.587, 0.114])
        radius = math.ceil(3 * sigma)
        blurred = ndimage.gaussian_filter(grey, sigma, mode="mirror", truncate=radius / sigma)
        expected = np.clip(scene + amount * (grey - blurred)[..., None], 0, 1)
        np.testing.assert_allclose(apply(name, scene, 0.6), expected, atol=1e-5)

    def test_ringing_passes_low_and_stops_high_frequencies(self):
        columns = np.arange(256, dtype=np.float32)

        def gain(share_of_nyquist: float) -> float:
            wave = 0.4 * np.sin(math.pi * share_of_nyquist * columns)
            image = np.broadcast_to((0.5 + wave)[None, :, None], (64, 256, 3)).astype(np.float32)
            inside = apply("ringing", image, 0.6)[20:-20, 20:-20]
            return inside.std() / image[20:-20, 20:-20].std()

        assert gain(0.15) == pytest.approx(1, abs=0.1)
        assert gain(0.6) < 0.1
        step = flat(0.2)
        step[:, 128:] = 0.8
        assert apply("ringing", step, 0.6).max() > 0.83

    def test_bilateral_filter_is_the_plain_double_loop(self, rng):
        image = rng.random((12, 90, 3), dtype=np.float32)
        padded = np.pad(image, [(4, 4), (4, 4), (0, 0)], mode="reflect").astype(float)
        total, weights = np.zeros(image.shape), np.zeros((12, 90, 1))
        for dy in range(-4, 5):
            for dx in range(-4, 5):
                if dy * dy + dx * dx > 16:
                    continue
                other = padded[4 + dy : 16 + dy, 4 + dx : 94 + dx]
                distance = np.abs(other - image).sum(axis=2, keepdims=True)
                weight = np.exp(-(dy * dy + dx * dx) / 18 - distance**2 / (2 * 0.3**2))
                total += weight * other
                weights += weight
        result = bilateral(image, radius=4, space_sigma=3, range_sigma=0.3)
        np.testing.assert_allclose(result, total / weights, atol=1e-5)

    def test_denoise_smear_flattens_texture_and_keeps_edges(self, rng):
        image = flat(0.3, 64, 64)
        image[:, 32:] = 0.8
        textured = image + rng.normal(0, 0.02, image.shape).astype(np.float32)
        smeared = get("denoise_smear").apply(textured, 0.6, rng)
        assert smeared[:, :28].std() < 0.045  # against 25 / 255 = 0.098 of the added noise
        assert smeared[:, 34:].mean() - smeared[:, :30].mean() == pytest.approx(0.5, abs=0.02)

    @pytest.mark.parametrize("radius", range(1, 8))
    def test_median_is_that_of_scipy(self, scene, radius):
        grey_levels = np.rint(scene * 255)
        side = 2 * radius + 1
        expected = ndimage.median_filter(grey_levels, (side, side, 1), mode="mirror")
        np.testing.assert_array_equal(np.rint(median(scene, radius) * 255), expected)

    @pytest.mark.parametrize("length", [1, 3, 5, 7, 9, 11, 13, 15])
    def test_run_sums(self, rng, length):
        values = rng.integers(0, 15, 60).astype(np.uint8)
        starts = range(60 - 3 * (length - 1))
        expected = [values[start : start + 3 * length : 3].sum() for start in starts]
        np.testing.assert_array_equal(run_sums(values, length, 3), expected)

    def test_guided_filter_is_the_plain_loop_over_windows(self, scene):
        image = scene[:24, :24]
        guide = image @ np.array([0.299, 0.587, 0.114])
        slopes, offsets = np.zeros((2, 24 + 16, 24 + 16, 3))
        padded, guide = (
            np.pad(a, [(16, 16), (16, 16), (0, 0)][: a.ndim], "reflect") for a in (image, guide)
        )
        for row in range(40):
            for column in range(40):
                g = guide[row : row + 17, column : column + 17].ravel()
                p = padded[row : row + 17, column : column + 17].reshape(-1, 3)
                slope = ((g - g.mean()) @ (p - p.mean(0)) / g.size) / (g.var() + 0.006)
                slopes[row, column] = slope
                offsets[row, column] = p.mean(0) - slope * g.mean()
        means = [ndimage.uniform_filter(a, (17, 17, 1))[8:-8, 8:-8] for a in (slopes, offsets)]
        expected = means[0] * guide[16:-16, 16:-16, None] + means[1]
        np.testing.assert_allclose(apply("guided_smear", image, 0.6), expected, atol=1e-4)
