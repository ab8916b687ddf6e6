"""Lens and sensor faults: vignette, colour fringes, moiré, demosaicing."""

import math

import numpy as np
from scipy import ndimage

from ddriqa.degradations.base import Pixels, degradation
from ddriqa.degradations.fields import (
    Field,
    pixel_grid,
    plasma,
    sample,
    to_linear,
    to_srgb,
    white_noise,
)
from ddriqa.degradations.levels import linear, log


@degradation("optics", amplitude=linear(0, 0.06, 0.12, 0.2, 0.32, 0.5))
def moire(image: Pixels, rng: np.random.Generator, amplitude: float) -> Pixels:
    """Warped stripes of 17 to 50 px, different in each channel, as from a photographed screen."""
    warp = 8 * plasma(image.shape, 2.2, rng)
    frequency = rng.uniform(0.02, 0.06, 3)
    angle, phase = rng.uniform(0, math.pi, 3), rng.uniform(0, 2 * math.pi, 3)
    rows, columns = pixel_grid(image.shape)
    gain = np.empty_like(image)
    for c in range(3):
        position = columns * math.cos(angle[c]) + rows * math.sin(angle[c]) + warp
        wave = np.sin(np.float32(2 * math.pi * frequency[c]) * position + np.float32(phase[c]))
        gain[..., c] = 1 + np.float32(0.5 * amplitude) * wave
    return image * gain


@degradation("optics", sigma=linear(0, 0, 4, 8, 15, 25), share=linear(0, 1, 1, 1, 1, 1))
def mosaic(image: Pixels, rng: np.random.Generator, sigma: float, share: float) -> Pixels:
    """Noise of σ (8-bit units), an RGGB mosaic, bilinear demosaicing; ``share`` is blended in."""
    noisy = image + np.float32(sigma / 255) * white_noise(image.shape, rng)
    return image + np.float32(share) * (demosaic(np.clip(noisy, 0, 1)) - image)


def demosaic(image: Pixels) -> Pixels:
    """Keep one channel per pixel (RGGB) and interpolate the others bilinearly."""
    rows, columns = np.indices(image.shape[:2])
    kept = {0: (rows % 2 == 0) & (columns % 2 == 0), 2: (rows % 2 == 1) & (columns % 2 == 1)}
    kept[1] = ~(kept[0] | kept[2])
    planes = [_fill(image[..., c], kept[c], crosswise=c == 1) for c in range(3)]
    return np.stack(planes, axis=-1)


def _fill(plane: Field, kept: Field, crosswise: bool) -> Field:
    """Weighted means of the kept neighbours; the weights sum to one on a Bayer grid."""
    tent = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], dtype=np.float32) / 4
    cross = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]], dtype=np.float32) / 4
    return ndimage.correlate(plane * kept, cross if crosswise else tent, mode="mirror")


@degradation("optics", strength=linear(0, 0.15, 0.3, 0.5, 0.7, 0.9))
def vignette(image: Pixels, strength: float) -> Pixels:
    """Darker corners: linear light times (1 − strength·r²)², with r = 1 in the corners."""
    y, x = centred_grid(image.shape)
    radius2 = (x**2 + y**2) / max(float(x.max() ** 2 + y.max() ** 2), 1e-6)
    return to_srgb(to_linear(image) * ((1 - np.float32(strength) * radius2) ** 2)[..., None])


def centred_grid(shape: tuple[int, ...]) -> tuple[Field, Field]:
    """Distances in px from the centre, (H, 1) downwards and (1, W) to the right."""
    rows, columns = pixel_grid(shape)
    return rows - np.float32((shape[0] - 1) / 2), columns - np.float32((shape[1] - 1) / 2)


@degradation("optics", zoom=log(0, 0.001, 0.002, 0.004, 0.008, 0.015))
def chromatic_aberration(image: Pixels, zoom: float) -> Pixels:
    """Red magnified by 1 + zoom and blue by 1 − zoom about the centre."""
    rows, columns = pixel_grid(image.shape)
    y, x = centred_grid(image.shape)
    result = image.copy()
    for channel, factor in ((0, 1 + zoom), (2, 1 - zoom)):
        away = np.float32(1 / factor - 1)
        result[..., channel] = sample(image[..., channel], rows + away * y, columns + away * x)
    return result
