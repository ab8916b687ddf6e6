"""Degradations of tone, colour, light and place against closed forms and other implementations."""

import colorsys
import math

import numpy as np
import pytest
from scipy import ndimage

from ddriqa.degradations import get
from ddriqa.degradations.colour import bayer
from ddriqa.degradations.colour_spaces import from_lab, to_lab
from ddriqa.degradations.fields import depth, luma, plasma, sample, to_linear, to_srgb
from ddriqa.degradations.optics import demosaic


def apply(name: str, image: np.ndarray, level: float, seed: int = 3) -> np.ndarray:
    return get(name).apply(image, level, np.random.default_rng(seed))


def flat(value: float, height: int = 256, width: int = 256) -> np.ndarray:
    return np.full((height, width, 3), value, dtype=np.float32)


def linear_light(srgb: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1 in double precision."""
    srgb = np.asarray(srgb, dtype=float)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


class TestTone:
    def test_overexposing_by_one_stop_doubles_the_light(self):
        ramp = np.linspace(0, 0.7, 768, dtype=np.float32).reshape(16, 16, 3)
        bright = linear_light(apply("overexpose", ramp, 0.6))
        np.testing.assert_allclose(bright, 2 * linear_light(ramp), atol=1e-4)
        assert (apply("overexpose", flat(0.8), 0.6) == 1).all()

    def test_underexposing_halves_the_light_per_stop(self, scene):
        dark = linear_light(apply("underexpose", scene, 1))
        np.testing.assert_allclose(dark, linear_light(scene) * 2**-3.3, atol=1e-5)

    @pytest.mark.parametrize(("name", "middle"), [("brighten", 0.7), ("darken", 0.3)])
    def test_tone_curves_move_the_middle_and_keep_the_ends(self, name, middle):
        for value, expected in ((0, 0), (0.5, middle), (1, 1)):
            np.testing.assert_allclose(apply(name, flat(value, 2, 2), 0.6), expected, atol=1e-6)

    @pytest.mark.parametrize(("name", "gamma"), [("gamma_dark", 1.7), ("gamma_bright", 0.62)])
    def test_gamma_is_a_power(self, scene, name, gamma):
        np.testing.assert_allclose(apply(name, scene, 0.6), scene**gamma, rtol=1e-5)

    @pytest.mark.parametrize(("name", "gain"), [("contrast_down", 0.5), ("contrast_up", 1.35)])
    def test_contrast_scales_about_the_mean_luma(self, scene, name, gain):
        image = 0.5 + 0.5 * (scene - 0.5)
        mean = (image @ np.array([0.299, 0.587, 0.114])).mean()
        expected = np.clip(mean + gain * (image - mean), 0, 1)
        level = 0.6 if gain < 1 else 0.4
        np.testing.assert_allclose(apply(name, image, level), expected, atol=1e-5)

    def test_srgb_curve_goes_there_and_back(self):
        values = np.linspace(0, 1, 1001, dtype=np.float32)
        np.testing.assert_allclose(to_linear(values), linear_light(values), atol=1e-6)
        np.testing.assert_allclose(to_srgb(to_linear(values)), values, atol=1e-6)


class TestColour:
    def test_full_desaturation_is_the_luma(self, scene):
        expected = (scene @ np.array([0.299, 0.587, 0.114]))[..., None].repeat(3, axis=2)
        np.testing.assert_allclose(apply("desaturate", scene, 1), expected, atol=1e-6)

    def test_saturation_keeps_the_luma(self):
        image = np.broadcast_to(np.float32([0.5, 0.45, 0.4]), (4, 4, 3))
        vivid = apply("oversaturate", image, 0.6)
        np.testing.assert_allclose(luma(vivid), luma(image), atol=1e-6)
        np.testing.assert_allclose(np.ptp(vivid, axis=2), 2.2 * np.ptp(image, axis=2), atol=1e-6)

    def test_hue_rotation_is_that_of_hsv(self, rng):
        colours = np.concatenate([rng.random((60, 3)), np.eye(3), 1 - np.eye(3), [[0.4] * 3]])
        image = colours[None].astype(np.float32)
        expected = []
        for colour in image[0]:
            hue, saturation, value = colorsys.rgb_to_hsv(*map(float, colour))
            expected.append(colorsys.hsv_to_rgb((hue + 60 / 360) % 1, saturation, value))
        np.testing.assert_allclose(apply("hue_rotate", image, 0.8)[0], expected, atol=1e-5)

    @pytest.mark.parametrize(("name", "gain"), [("wb_warm", 0.28), ("wb_cool", -0.28)])
    def test_white_balance_tints_gray_without_changing_its_light(self, name, gain):
        tinted = linear_light(apply(name, flat(0.5, 2, 2), 0.6)[0, 0])
        np.testing.assert_allclose(tinted / tinted[1], [1 + gain, 1, 1 - gain], rtol=1e-4)
        assert tinted @ [0.299, 0.587, 0.114] == pytest.approx(linear_light(0.5), rel=1e-4)

    @pytest.mark.parametrize(
        ("srgb", "lab"),  # CIE Lab under D65, as tabulated by Lindbloom's calculator
        [
            ((1, 1, 1), (100, 0, 0)),
            ((1, 0, 0), (53.24, 80.09, 67.20)),
            ((0, 1, 0), (87.73, -86.18, 83.18)),
            ((0, 0, 1), (32.30, 79.19, -107.86)),
            ((0.5, 0.5, 0.5), (53.39, 0, 0)),
        ],
    )
    def test_lab_of_known_colours(self, srgb, lab):
        image = np.array([[srgb]], dtype=np.float32)
        np.testing.assert_allclose(to_lab(image)[0, 0], lab, atol=0.02)
        np.testing.assert_allclose(from_lab(to_lab(image)), image, atol=1e-3)

    def test_colour_diffusion_keeps_gray_and_lightness(self, scene):
        np.testing.assert_allclose(apply("colour_diffusion", flat(0.5), 1), 0.5, atol=1e-3)
        pale = 0.5 + 0.2 * (scene - 0.5)
        before, after = to_lab(pale), to_lab(apply("colour_diffusion", pale, 0.2))
        np.testing.assert_allclose(after[..., 0], before[..., 0], atol=0.5)
        assert np.abs(np.diff(after[..., 1])).mean() < 0.5 * np.abs(np.diff(before[..., 1])).mean()

    def test_colour_shift_moves_green_alone(self, scene):
        shifted = apply("colour_shift", scene, 0.6)
        np.testing.assert_array_equal(shifted[..., [0, 2]], scene[..., [0, 2]])
        assert np.abs(shifted[..., 1] - scene[..., 1]).max() > 0.1
        np.testing.assert_array_equal(apply("colour_shift", flat(0.4), 1), flat(0.4))


class TestQuantisation:
    def test_posterise_leaves_its_number_of_values(self, scene):
        values = np.unique(apply("posterise", scene, 0.8))
        np.testing.assert_allclose(values, np.arange(6) / 5, atol=1e-6)
        assert np.abs(apply("posterise", scene, 0.8) - scene).max() <= 0.1 + 1e-6

    def test_palette_has_its_number_of_colours(self, scene):
        colours = np.unique(apply("colour_quantise", scene, 1).reshape(-1, 3), axis=0)
        assert len(colours) == 8

    @pytest.mark.parametrize("name", ["ordered_dither", "error_diffusion"])
    def test_dithering_keeps_the_mean(self, name):
        dithered = apply(name, flat(0.3, 64, 64), 1)
        assert set(np.unique(dithered)) == {0, 1}
        np.testing.assert_allclose(dithered.mean(axis=(0, 1)), 0.3, atol=0.02)
        assert set(np.unique(apply(name, flat(0.3), 0.8))) <= {0, np.float32(0.5), 1} | {
            np.float32(128 / 255)
        }

    def test_bayer_thresholds(self):
        np.testing.assert_array_equal(bayer(2), [[0.125, 0.625], [0.875, 0.375]])
        np.testing.assert_allclose(np.sort(bayer(8).ravel()), (np.arange(64) + 0.5) / 64)

    def test_banding_spares_detail(self, rng):
        image = np.broadcast_to(np.linspace(0.2, 0.6, 200, dtype=np.float32)[:, None], (200, 200))
        image = np.dstack([image] * 3)
        image[:, 100:] += rng.normal(0, 0.1, (200, 100, 3)).astype(np.float32)
        change = np.abs(apply("banding", image, 0.8) - image)
        assert len(np.unique(apply("banding", image, 0.8)[:, 40, 0].round(3))) <= 4
        assert change[:, 120:].mean() < 0.01


class TestWeatherAndLight:
    def test_haze_is_koschmieders_law(self, scene):
        black, white = apply("haze", flat(0), 0.8), apply("haze", flat(1), 0.8)
        transmission = white - black
        np.testing.assert_allclose(
            black, np.array([0.90, 0.90, 0.92]) * (1 - transmission), atol=1e-5
        )
        distance = -np.log(transmission[..., 0]) / 1.4
        assert distance.min() == pytest.approx(0, abs=1e-5)
        assert distance.max() == pytest.approx(1, abs=1e-5)
        assert distance[:40].mean() > distance[-40:].mean() + 0.3

    def test_low_light_has_its_exposure_and_noise(self):
        dark = linear_light(apply("low_light", flat(0.8), 0.4))
        light = linear_light(0.8) / 2
        assert dark.mean() == pytest.approx(light, rel=0.01)
        assert dark.std() == pytest.approx(0.02 * math.sqrt(light + 0.01), rel=0.02)

    def test_shadow_covers_two_fifths(self):
        light = linear_light(apply("shadow", flat(0.8), 0.4)) / linear_light(0.8)
        assert (light[..., 0] < 0.75).mean() == pytest.approx(0.4, abs=0.03)
        np.testing.assert_allclose(light.min(axis=(0, 1)), 1 - 0.5 * np.array([1, 0.96, 0.9]), 1e-3)
        np.testing.assert_allclose(light.max(axis=(0, 1)), 1, atol=1e-3)

    def test_underwater_takes_red_first(self):
        red, green, blue = apply("underwater", flat(0.7), 0.8).mean(axis=(0, 1))
        assert red < green < blue

    def test_rain_and_snow_only_brighten_and_leave_white(self):
        for name in ("rain", "snow"):
            assert (apply(name, flat(0.3), 0.7) >= 0.3 - 1e-6).all()
            np.testing.assert_allclose(apply(name, flat(1), 0.7), 1, atol=1e-6)

    def test_rain_streaks_run_down(self):
        streaks = apply("rain", flat(0), 0.6)[..., 0]
        across, down = (np.abs(np.diff(streaks, axis=axis)).mean() for axis in (1, 0))
        assert across > 2 * down
        assert streaks.max() <= 0.4 + 1e-6

    def test_snow_blends_by_its_cover(self):
        cover = apply("snow", flat(0), 0.6)
        np.testing.assert_allclose(apply("snow", flat(0.4), 0.6), 0.4 + 0.6 * cover, atol=1e-5)

    def test_raindrops_mirror_their_surroundings(self, rng):
        ramp = np.linspace(0.1, 0.7, 300, dtype=np.float32)
        image = np.broadcast_to(ramp[None, :, None], (300, 300, 3)).copy()
        drop = get("raindrop").rule(image, rng=rng, count=1, radius=20)
        row = np.abs(drop - image).sum(axis=(1, 2)).argmax()
        inside = np.flatnonzero((drop != image)[row, :, 0])
        middle = drop[row, inside[len(inside) // 3] : inside[2 * len(inside) // 3], 0]
        assert (np.diff(middle) < 0).all()

    def test_raindrops_cover_more_and_more(self, scene):
        assert (apply("raindrop", scene, 0.01) == scene).all()  # less than half a drop
        changed = (apply("raindrop", scene, 1) != scene).any(axis=2).mean()
        assert 0.15 < changed < 0.6

    def test_plasma_has_its_spectrum(self):
        cloud = plasma((512, 512), 1.8, np.random.default_rng(0)).astype(float)
        power = np.abs(np.fft.rfft2(cloud)) ** 2
        frequency = np.hypot(np.fft.fftfreq(512)[:, None], np.fft.rfftfreq(512)[None])
        band = (frequency > 0.01) & (frequency < 0.4)
        slope = np.polyfit(np.log(frequency[band]), np.log(power[band]), 1)[0]
        assert slope == pytest.approx(-3.6, abs=0.1)

    def test_depth_is_far_at_the_top(self, rng):
        field = depth((90, 120), rng)
        assert field.min() == 0
        assert field.max() == 1
        assert field[:20].mean() > field[-20:].mean() + 0.4


class TestOptics:
    def test_vignette_in_the_corner_and_the_centre(self):
        light = linear_light(apply("vignette", flat(0.8, 65, 97), 0.6)) / linear_light(0.8)
        np.testing.assert_allclose(light[[0, 0, -1, -1], [0, -1, 0, -1]], (1 - 0.5) ** 2, rtol=1e-3)
        np.testing.assert_allclose(light[32, 48], 1, rtol=1e-4)

    def test_chromatic_aberration_zooms_red_and_blue(self):
        columns = np.arange(401, dtype=np.float32)
        ramp = np.broadcast_to((columns / 400)[None, :, None], (3, 401, 3)).astype(np.float32)
        result = apply("chromatic_aberration", ramp, 1) * 400
        inside, away = slice(20, 380), columns[20:380] - 200
        np.testing.assert_array_equal(result[1, inside, 1], ramp[1, inside, 1] * 400)
        np.testing.assert_allclose(result[1, inside, 0], 200 + away / 1.015, atol=0.01)
        np.testing.assert_allclose(result[1, inside, 2], 200 + away / 0.985, atol=0.01)

    def test_demosaicing_keeps_the_samples_and_smooth_colours(self, scene):
        result = demosaic(scene)
        np.testing.assert_allclose(result[::2, ::2, 0], scene[::2, ::2, 0], atol=1e-6)
        np.testing.assert_allclose(result[::2, 1::2, 1], scene[::2, 1::2, 1], atol=1e-6)
        np.testing.assert_allclose(result[1::2, 1::2, 2], scene[1::2, 1::2, 2], atol=1e-6)
        rows, columns = np.mgrid[:20, :30]
        plane = (0.01 * rows + 0.02 * columns)[..., None].repeat(3, 2).astype(np.float32)
        np.testing.assert_allclose(demosaic(plane)[1:-1, 1:-1], plane[1:-1, 1:-1], atol=1e-6)

    def test_moire_modulates_by_half_its_amplitude(self):
        gain = apply("moire", flat(0.5), 0.6) / 0.5
        np.testing.assert_allclose(gain.max(axis=(0, 1)), 1.1, atol=1e-3)
        np.testing.assert_allclose(gain.min(axis=(0, 1)), 0.9, atol=1e-3)


class TestGeometryAndMasks:
    def test_sampling_is_that_of_scipy(self, scene, rng):
        rows, columns = rng.uniform(-90, 200, (2, 50, 60)).astype(np.float32)
        expected = ndimage.map_coordinates(scene[..., 1], [rows, columns], order=1, mode="mirror")
        np.testing.assert_allclose(sample(scene, rows, columns)[..., 1], expected, atol=1e-4)
        np.testing.assert_allclose(sample(scene[..., 1], rows, columns), expected, atol=1e-4)

    def test_elastic_displaces_by_its_reach(self):
        ramp = np.linspace(0, 1, 256, dtype=np.float32)
        image = np.broadcast_to(ramp[:, None, None], (256, 256, 3))
        shift = (apply("elastic", image, 0.8) - image)[16:-16] * 255
        assert shift.std() == pytest.approx(2, rel=0.15)
        assert np.abs(np.diff(shift, axis=1)).mean() < 0.4

    def test_jitter_moves_by_its_reach_in_each_of_five_passes(self):
        ramp = np.linspace(0, 1, 256, dtype=np.float32)
        image = np.broadcast_to(ramp[:, None, None], (256, 256, 3))
        shift = (apply("jitter", image, 1) - image)[16:-16] * 255
        # Bilinear reading averages the displacements of earlier passes.
        assert 1 < shift.std() < math.sqrt(5)
        assert abs(shift.mean()) < 0.02

    def test_interlacing_shifts_every_second_row(self, scene):
        result = apply("interlace", scene, 0.4)
        np.testing.assert_array_equal(result[::2], scene[::2])
        np.testing.assert_allclose(result[1::2, 2:], scene[1::2, :-2], atol=1e-6)

    def test_patches_come_from_nearby(self):
        rows, columns = np.mgrid[:384, :512].astype(np.float32)
        image = np.dstack([rows / 384, columns / 512, np.zeros_like(rows)])
        shift = (apply("patch_displace", image, 1) - image) * np.float32([384, 512, 1])
        assert np.abs(shift).max() <= 8 + 1e-3
        changed = (np.abs(shift) > 0.5).any(axis=2).mean()
        assert 0.08 < changed < 100 * 256 / (384 * 512)

    def test_colour_blocks_cover_their_area(self):
        result = apply("colour_block", flat(0.5, 384, 512), 0.2)
        changed = (result != 0.5).any(axis=2)
        assert changed.sum() == 2 * 32 * 32
        assert len(np.unique(result[changed], axis=0)) == 2
        quarter = (apply("colour_block", flat(0.5, 192, 256), 0.2) != 0.5).any(axis=2)
        assert quarter.sum() == pytest.approx(2 * 32 * 32 / 4, rel=0.05)

    def test_lines_are_black_or_white(self):
        shades = set()
        for seed in range(8):
            result = apply("inpaint_lines", flat(0.5), 0.6, seed)
            changed = (result != 0.5).any(axis=2)
            values = np.unique(result[changed])
            assert len(values) == 1
            assert 0.02 < changed.mean() < 0.25
            shades.add(float(values[0]))
        assert shades == {0, 1}

    def test_freeform_holes_have_their_area(self):
        holes = (apply("inpaint_freeform", flat(0.5), 0.8) == 1).all(axis=2)
        assert holes.mean() == pytest.approx(0.28, abs=0.001)
