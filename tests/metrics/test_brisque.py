"""BRISQUE: the package's own number, pictures that have none, the package absent."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from other_packages import hide, picture, usable

from ddriqa.errors import ImageError, UsageError
from ddriqa.metrics.brisque import BRISQUE


@pytest.fixture
def metric():
    usable("brisque")
    return BRISQUE()


def number_of_the_package(pixels):
    """Its own steps. Its ``score`` in one go fails under NumPy 2.4 (see the metric)."""
    import cv2
    import skimage.color

    package = usable("brisque").BRISQUE(url=False)
    grey = skimage.color.rgb2gray(pixels)
    half = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_CUBIC)
    rows = [package.calculate_brisque_features(g, kernel_size=7, sigma=7 / 6) for g in (grey, half)]
    plain = [np.asarray(value).item() for value in np.concatenate(rows)]
    return package.calculate_image_quality_score(np.array(plain))


@pytest.mark.parametrize("seed", [0, 1])
def test_it_is_the_packages_number(metric, seed):
    score = metric.measure(picture(seed))
    assert score == {"brisque": pytest.approx(number_of_the_package(picture(seed)), rel=1e-12)}
    assert metric.measure(picture(seed)) == score


def test_noise_is_worse(metric):
    clean = picture(0)
    noise = np.random.default_rng(0).normal(0, 40, clean.shape)
    noisy = np.clip(clean + noise, 0, 255).astype(np.uint8)
    assert metric.measure(noisy)["brisque"] > metric.measure(clean)["brisque"]
    assert metric.higher_is_better is False


def test_threads_give_the_same_numbers(metric):
    pictures = [picture(seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(metric.measure, pictures)) == [metric.measure(p) for p in pictures]


def test_too_small_and_too_flat(metric):
    with pytest.raises(ImageError, match="13x80 is too small: BRISQUE needs 14x14"):
        metric.measure(picture(0, (80, 13)))
    assert np.isfinite(metric.measure(picture(0, (14, 14)))["brisque"])
    with pytest.raises(ImageError, match="flat"):
        metric.measure(np.full((64, 64, 3), 99, dtype=np.uint8))


def test_the_description_names_the_model_and_the_versions(metric):
    described = metric.describe()
    assert set(described["model_sha256"]) == {"svm.txt", "normalize.pickle"}
    assert all(described[name] for name in ("brisque", "opencv", "libsvm-official", "numpy"))


@pytest.mark.parametrize("absent", ["brisque", "cv2"])
def test_without_the_packages_the_error_says_what_to_install(absent, monkeypatch):
    if absent == "cv2":
        usable("brisque")
    hide(monkeypatch, absent)
    with pytest.raises(UsageError, match=rf'{absent} .*pip install "ddriqa\[metrics\]"') as caught:
        BRISQUE()
    assert caught.value.subject == "--metric brisque"
