"""Images that the tests of this folder share."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def scene() -> np.ndarray:
    """(96, 128, 3) float32: clouds with the spectrum of a photograph, edges, texture, a gradient.

    Made without the package, so that a fault there can't hide in the test image.
    """
    rng = np.random.default_rng(2024)
    height, width = 96, 128
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal((3, height, width))) / frequency**1.2
    clouds = np.fft.irfft2(spectrum, s=(height, width))
    clouds = np.moveaxis(clouds / clouds.std(axis=(1, 2), keepdims=True), 0, -1)
    rows, columns = np.mgrid[:height, :width]
    image = 0.45 + 0.12 * clouds + 0.2 * (rows[..., None] / height - 0.5)
    image[((rows - 40) ** 2 + (columns - 85) ** 2) < 20**2] += (0.3, 0.1, -0.2)
    image[60:80, 15:50] += (0.05, -0.15, 0.25)
    image[20:50, 20:45] += 0.15 * ((columns[20:50, 20:45] // 3) % 2)[..., None]
    return np.clip(image, 0.02, 0.98).astype(np.float32)


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator of known seed."""
    return np.random.default_rng(7)
