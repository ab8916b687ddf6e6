"""Specifications of damage: every kind, exact parameters, chains, alternatives, and faults."""

import pickle
from collections import Counter

import numpy as np
import pytest

from ddriqa.degradations import DEGRADATIONS, MIXTURES, get
from ddriqa.errors import UsageError
from ddriqa.restoration.synthesis import synthesis


@pytest.fixture
def image():
    y, x = np.mgrid[:48, :64] / 64
    return np.stack([x, y, 0.5 + 0.4 * np.sin(20 * x)], axis=-1).astype(np.float32)


def apply(spec, image, seed=0):
    return synthesis(spec)(image, np.random.default_rng(seed))


@pytest.mark.parametrize("name", list(DEGRADATIONS))
def test_every_degradation_takes_its_own_parameters_or_a_level(name, image):
    expected = get(name).apply(image, 0.6, np.random.default_rng(0))
    np.testing.assert_array_equal(apply({"degradation": name, "level": 0.6}, image), expected)
    exact = {"degradation": name, **get(name).parameters(0.6)}
    np.testing.assert_array_equal(apply(exact, image), expected)


def test_noise_of_one_sigma_unclipped_clipped_and_rounded():
    grey = np.full((256, 256, 3), 128 / 255, np.float32)
    spec = {"degradation": "gaussian_noise", "sigma": 50}
    free = apply(spec | {"clip": False}, grey) * 255
    assert free.min() < 0
    assert free.max() > 255
    clipped = apply(spec, grey) * 255
    np.testing.assert_allclose(clipped, np.clip(free, 0, 255), atol=1e-4)
    nearest = apply(spec | {"round": True}, grey) * 255
    np.testing.assert_allclose(nearest, np.rint(clipped), atol=1e-4)
    below = apply(spec | {"round": "down"}, grey) * 255
    assert np.abs(nearest - np.rint(nearest)).max() < 1e-4
    # DA-CLIP's script (clipped, truncated) on mid grey: mean -0.40, deviation 49.5.
    assert float((below - 128).mean()) == pytest.approx(-0.5, abs=0.35)
    assert float(below.std()) == pytest.approx(49.5, abs=0.3)
    assert float((nearest - below).mean()) == pytest.approx(0.5, abs=0.02)


def test_rounding_down_keeps_whole_levels():
    levels = np.arange(256, dtype=np.float32).reshape(16, 16, 1).repeat(3, axis=2) / 255
    spec = {"degradation": "gaussian_noise", "sigma": 0, "round": "down"}
    np.testing.assert_array_equal(apply(spec, levels), levels)


def test_ranges_are_uniform_and_lists_are_drawn_from():
    grey = np.full((64, 64, 3), 0.5, np.float32)

    def sigmas(value):
        damage = synthesis({"degradation": "gaussian_noise", "sigma": value, "clip": False})
        return [float(damage(grey, np.random.default_rng(n)).std()) * 255 for n in range(300)]

    uniform = sigmas([5, 50])
    assert 4.8 < min(uniform) < 7
    assert 48 < max(uniform) < 51.5
    assert np.mean(uniform) == pytest.approx(27.5, abs=2.5)
    drawn = Counter(
        min((15, 25, 50), key=lambda s: abs(s - v)) for v in sigmas({"among": [15, 25, 50]})
    )
    assert set(drawn) == {15, 25, 50}
    assert min(drawn.values()) > 70


def test_a_chain_does_one_after_the_other(image):
    first = {"degradation": "gamma_dark", "gamma": 2}
    then = {"degradation": "gaussian_blur", "sigma": 2}
    expected = apply(then, apply(first, image))
    np.testing.assert_array_equal(apply([first, then], image), expected)
    assert not np.array_equal(apply([then, first], image), expected)


def test_scales_of_a_chain_multiply(image):
    down = {"degradation": "bicubic_down", "scale": 2}
    damage = synthesis([down, {"degradation": "jpeg", "quality": 50}, down])
    assert damage.scale == 4
    assert damage(image, np.random.default_rng(0)).shape == (12, 16, 3)


def test_alternatives_come_by_their_probabilities(image):
    dark = {"degradation": "underexpose", "stops": -2}
    bright = {"degradation": "overexpose", "stops": 2}
    damage = synthesis({"one_of": [dark, bright, []], "probabilities": [0.6, 0.3, 0.1]})
    change = [
        np.sign(round(float((damage(image, np.random.default_rng(n)) - image).mean()), 4))
        for n in range(600)
    ]
    counts = Counter(change)
    assert counts[-1] / 600 == pytest.approx(0.6, abs=0.07)
    assert counts[1] / 600 == pytest.approx(0.3, abs=0.07)
    assert counts[0] / 600 == pytest.approx(0.1, abs=0.05)
    equal = synthesis({"one_of": [dark, bright]})
    darker = [equal(image, np.random.default_rng(n)).mean() < image.mean() for n in range(300)]
    assert np.mean(darker) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("name", list(MIXTURES))
def test_named_mixtures(name, image):
    spec = {"mixture": name, "level": [0.2, 0.9]}
    first, again, other = apply(spec, image, 1), apply(spec, image, 1), apply(spec, image, 2)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.shape == image.shape


def test_strokes_hide_the_picture_and_a_mosaic_loses_colour_detail(image):
    strokes = {"degradation": "inpaint_lines", "count": {"among": [5, 6, 7, 8, 9, 10]}}
    hidden = apply(strokes | {"thickness": [5, 10]}, image)
    changed = (hidden != image).any(axis=2)
    assert 0.1 < changed.mean() < 1
    assert set(np.unique(hidden[changed])) <= {0, 1}
    plain = apply({"degradation": "mosaic", "sigma": 0, "share": 1}, image)
    # RGGB: the red sample of every second pixel of every second row is kept as it is.
    np.testing.assert_array_equal(plain[::2, ::2, 0], image[::2, ::2, 0])
    np.testing.assert_array_equal(plain[1::2, 1::2, 2], image[1::2, 1::2, 2])
    assert np.abs(plain - image).max() > 0.001


def test_input_is_left_alone_and_damage_survives_pickling(image):
    spec = [
        {"one_of": [{"degradation": "rain", "level": [0.1, 1]}, {"mixture": "camera"}]},
        {"degradation": "second_order", "scale": 2},
    ]
    damage, before = synthesis(spec), image.copy()
    image.flags.writeable = False
    result = damage(image, np.random.default_rng(0))
    np.testing.assert_array_equal(image, before)
    sent = pickle.loads(pickle.dumps(damage))
    np.testing.assert_array_equal(sent(image, np.random.default_rng(0)), result)


NOISE = {"degradation": "gaussian_noise", "sigma": 5}


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"degradation": "gausian_noise", "sigma": 5}, "Did you mean gaussian_noise"),
        ({"degradation": "second-order", "scale": 2}, "second_order"),
        ({"degradation": "gaussian_noise"}, "needs sigma, or level alone"),
        ({"degradation": "bicubic_down"}, "needs scale"),
        ({"degradation": "bicubic_down", "level": 0.5}, "has no level"),
        (NOISE | {"level": 0.5}, "has no level"),
        (NOISE | {"sgima": 5}, "has no sgima; its parameters: sigma"),
        (NOISE | {"sigma": "5"}, "sigma must be a number"),
        (NOISE | {"sigma": float("nan")}, "sigma must be a number"),
        (NOISE | {"sigma": [1, 2, 3]}, "sigma must be a number"),
        (NOISE | {"sigma": {"among": []}}, "sigma must be a number"),
        (NOISE | {"sigma": [50, 5]}, "from 50 down to 5"),
        (NOISE | {"clip": False, "round": True}, "round needs clip"),
        (NOISE | {"round": "up"}, "round true, false or"),
        (NOISE | {"clip": "no"}, "clip must be"),
        ({"degradation": "rain", "level": [0.5, 1.5]}, r"level must lie in \[0, 1\]"),
        ({"degradation": "bicubic_down", "scale": [2, 4]}, "one whole number"),
        ({"degradation": "bicubic_down", "scale": 0}, "one whole number"),
        ({"degradation": "bicubic_down", "scale": 2.5}, "one whole number"),
        ({"mixture": "kamera"}, "Known: camera"),
        ({"mixture": "camera", "level": [0.5, 2]}, "level must be"),
        ({"mixture": "camera", "levels": [0.5, 1]}, "has no levels"),
        ({"one_of": []}, "needs a list"),
        ({"one_of": [NOISE], "probabilities": [0.5]}, "add up to 1"),
        ({"one_of": [NOISE, NOISE], "probabilities": [1]}, "needs 2 probabilities"),
        ({"one_of": [NOISE, {"degradation": "bicubic_down", "scale": 2}]}, "different scales"),
        (NOISE | {"one_of": [NOISE]}, "exactly one of"),
        ({}, "exactly one of"),
        ("gaussian_noise", "is no table"),
        ([NOISE, 3], "is no table"),
    ],
)
def test_faults_are_told_before_anything_starts(spec, reason):
    with pytest.raises(UsageError, match=reason):
        synthesis(spec)
