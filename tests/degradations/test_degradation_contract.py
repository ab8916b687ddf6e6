"""What every degradation of the table promises, whatever it does."""

import importlib
import pickle
import pkgutil
import subprocess
import sys

import numpy as np
import pytest

import ddriqa.degradations
from ddriqa.degradations import DEGRADATIONS, Degradation, degrade, get, groups, names

SHARED = {"base", "catalogue", "colour_spaces", "fields", "levels", "mixtures"}
GROUPS = {
    "blur", "colour", "compression", "contrast", "exposure", "geometry", "light", "mask", "noise",
    "optics", "processing", "quantisation", "resampling", "weather",
}  # fmt: skip

every_name = pytest.mark.parametrize("name", list(DEGRADATIONS))


def apply(name: str, image: np.ndarray, level: float, seed: int = 3) -> np.ndarray:
    return get(name).apply(image, level, np.random.default_rng(seed))


def psnr(image: np.ndarray, reference: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((image.astype(float) - reference) ** 2)))


@every_name
class TestEveryDegradation:
    def test_row_resolves_to_its_name(self, name):
        degradation = get(name)
        assert isinstance(degradation, Degradation)
        assert degradation.name == name
        assert degradation.group in GROUPS
        assert degradation.rule.__doc__

    def test_level_zero_is_the_input_to_the_bit(self, name, scene):
        result = apply(name, scene, 0)
        assert result is not scene
        np.testing.assert_array_equal(result, scene)

    @pytest.mark.parametrize("level", [1e-9, 1e-4, 0.07, 0.5, 1.0])
    def test_shape_type_and_range_are_kept(self, name, scene, level):
        result = apply(name, scene, level)
        assert result.shape == scene.shape
        assert result.dtype == np.float32
        assert np.isfinite(result).all()
        assert result.min() >= 0
        assert result.max() <= 1

    @pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 3), (7, 5), (33, 47)])
    @pytest.mark.parametrize("level", [0.1, 1.0])
    def test_small_and_odd_sizes_work(self, name, shape, level, rng):
        image = rng.random((*shape, 3), dtype=np.float32)
        result = apply(name, image, level)
        assert result.shape == image.shape
        assert np.isfinite(result).all()

    @pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
    def test_constant_images_work(self, name, value):
        result = apply(name, np.full((40, 40, 3), value, dtype=np.float32), 0.9)
        assert np.isfinite(result).all()

    def test_input_is_not_modified(self, name, scene):
        image = scene.copy()
        image.flags.writeable = False
        result = apply(name, image, 0.7)
        np.testing.assert_array_equal(image, scene)
        assert not np.shares_memory(result, image)

    def test_views_give_the_same_as_copies(self, name, scene):
        view = scene[::-1, ::-1]
        np.testing.assert_array_equal(apply(name, view, 0.6), apply(name, view.copy(), 0.6))

    def test_same_seed_same_pixels_and_only_random_ones_vary(self, name, scene):
        first, again, other = (apply(name, scene, 1, seed) for seed in (3, 3, 4))
        np.testing.assert_array_equal(first, again)
        assert np.array_equal(first, other) != get(name).random

    def test_psnr_falls_from_level_to_level(self, name, scene):
        values = [psnr(apply(name, scene, level), scene) for level in (0.2, 0.4, 0.6, 0.8, 1)]
        # The test image has 48 blocks, too few for another one to be lost at every level.
        falls = np.diff(values) <= 0 if name == "block_loss" else np.diff(values) < 0
        assert falls.all(), values
        assert values[0] < 60

    def test_levels_in_between_never_jump_back(self, name, scene):
        levels = np.linspace(0.2, 1, 17)
        values = np.array([psnr(apply(name, scene, level), scene) for level in levels])
        # Whole numbers (windows, palettes) make plateaus; content shifted by a period of the
        # picture's texture makes small ripples.
        assert (np.diff(values) < 0.4).all(), values

    def test_survives_pickling(self, name):
        assert pickle.loads(pickle.dumps(get(name))) is get(name)

    @pytest.mark.parametrize("level", [-0.01, 1.01, float("nan"), float("inf")])
    def test_levels_outside_the_range_are_refused(self, name, scene, level):
        with pytest.raises(ValueError, match="level must lie in"):
            apply(name, scene, level)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((8, 8), dtype=np.float32),
        np.zeros((8, 8, 4), dtype=np.float32),
        np.zeros((0, 8, 3), dtype=np.float32),
        np.zeros((8, 8, 3)),
        np.zeros((8, 8, 3), dtype=np.uint8),
    ],
)
def test_other_shapes_and_types_are_refused(image):
    with pytest.raises(ValueError, match="an image must"):
        apply("gaussian_blur", image, 0.5)


def test_every_degradation_of_every_family_has_its_row():
    found = {}
    for info in pkgutil.iter_modules(ddriqa.degradations.__path__):
        module = importlib.import_module(f"ddriqa.degradations.{info.name}")
        rows = {
            value.name: f"{module.__name__}:{attribute}"
            for attribute, value in vars(module).items()
            if isinstance(value, Degradation)
        }
        assert bool(rows) != (info.name in SHARED), info.name
        found |= rows
    assert found == DEGRADATIONS


def test_names_and_groups_agree():
    assert names() == list(DEGRADATIONS)
    assert set(groups()) == GROUPS
    assert sorted(sum((names(group) for group in GROUPS), [])) == sorted(names())
    assert "jpeg" in names("compression")


def test_unknown_names_get_a_hint():
    with pytest.raises(ValueError, match="did you mean gaussian_noise"):
        get("gausian_noise")
    with pytest.raises(ValueError, match="the groups are"):
        names("noises")


def test_listing_loads_no_family():
    code = (
        "import sys, ddriqa.degradations as d; d.names();"
        "print(sorted({'scipy', 'PIL', 'torch', 'ddriqa.degradations.noise'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


class TestDegrade:
    def test_uint8_is_rounded(self, scene):
        image = np.rint(scene * 255).astype(np.uint8)
        pixels = image.astype(np.float32) / np.float32(255)
        expected = np.rint(apply("gaussian_noise", pixels, 0.5, seed=11) * 255)
        result = degrade(image, "gaussian_noise", 0.5, seed=11)
        assert result.dtype == np.uint8
        np.testing.assert_array_equal(result, expected)

    @pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float32, np.float64])
    def test_type_is_kept_and_level_zero_is_exact(self, scene, dtype):
        scale = 255 if dtype == np.uint8 else 1
        image = (scene.astype(np.float64) * scale / 1.0001).astype(dtype)
        assert degrade(image, "haze", 0.5, seed=0).dtype == dtype
        np.testing.assert_array_equal(degrade(image, "haze", 0, seed=0), image)

    def test_other_types_are_refused(self):
        with pytest.raises(ValueError, match="uint8 or floating point"):
            degrade(np.zeros((4, 4, 3), dtype=np.int32), "haze", 0.5, seed=0)
