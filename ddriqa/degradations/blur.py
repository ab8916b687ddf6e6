"""Blur: optics out of focus, motion, frosted glass."""

import math

import numpy as np
from PIL import Image

from ddriqa.degradations.base import Pixels, degradation
from ddriqa.degradations.fields import (
    Field,
    convolve,
    disk_kernel,
    gaussian,
    gaussian_kernel,
    line_kernel,
    luma,
    pixel_grid,
    sample,
    to_linear,
    to_srgb,
    white_noise,
)
from ddriqa.degradations.levels import linear


@degradation("blur", sigma=linear(0, 0.6, 1, 1.7, 2.8, 4.5))
def gaussian_blur(image: Pixels, sigma: float) -> Pixels:
    """Gaussian blur, σ in px."""
    return gaussian(image, sigma)


@degradation("blur", radius=linear(0, 1, 1.8, 3, 5, 8))
def defocus_blur(image: Pixels, radius: float) -> Pixels:
    """Blur with an anti-aliased disk, radius in px."""
    return convolve(image, disk_kernel(radius))


@degradation("blur", radius=linear(0, 1, 1.8, 3, 5, 8))
def lens_blur(image: Pixels, radius: float) -> Pixels:
    """Disk blur in linear light in which bright spots (luma above 0.8) bloom, radius in px."""
    boost = 1 + 4 * np.clip((luma(image)[..., None] - 0.8) / 0.2, 0, 1)
    kernel = disk_kernel(radius)
    blurred = convolve(to_linear(image) * boost, kernel)
    return to_srgb(blurred / np.maximum(1, 0.5 + 0.5 * convolve(boost, kernel)))


@degradation("blur", length=linear(1, 3, 6, 10, 16, 26))
def motion_blur(image: Pixels, rng: np.random.Generator, length: float) -> Pixels:
    """Camera shake along a straight line of ``length`` px in a random direction."""
    return convolve(image, line_kernel(length, rng.uniform(0, math.pi)))


@degradation("blur", sigma=linear(0, 0.9, 1.6, 2.7, 4.5, 7))
def aniso_blur(image: Pixels, rng: np.random.Generator, sigma: float) -> Pixels:
    """Gaussian blur of σ px along a random direction and 0.35 σ across it."""
    return convolve(image, gaussian_kernel(sigma, 0.35 * sigma, rng.uniform(0, math.pi)))


@degradation("blur", zoom=linear(1, 1.02, 1.04, 1.08, 1.15, 1.25))
def zoom_blur(image: Pixels, zoom: float) -> Pixels:
    """Mean of zooms about the centre, from 1 to ``zoom`` in steps of 0.01.

    Between whole steps the next zoom fades in.
    """
    steps = np.arange(math.ceil((zoom - 1) / 0.01) + 1)
    weights = np.clip((zoom - 1) / 0.01 - steps + 1, 0, 1)
    zooms = list(zip(1 + 0.01 * steps, weights / weights.sum(), strict=True))
    return np.stack([_mean_zoom(image[..., channel], zooms) for channel in range(3)], axis=-1)


def _mean_zoom(channel: Field, zooms: list[tuple[float, float]]) -> Field:
    height, width = channel.shape
    source = Image.fromarray(np.ascontiguousarray(channel))
    total = np.zeros_like(channel)
    for zoom, weight in zooms:
        x, y = width * (1 - 1 / zoom) / 2, height * (1 - 1 / zoom) / 2
        window = (x, y, width - x, height - y)
        magnified = source.resize((width, height), Image.Resampling.BILINEAR, window)
        total += np.float32(weight) * np.asarray(magnified)
    return total


@degradation("blur", reach=linear(0, 0.25, 0.5, 1, 1.8, 3.2))
def glass_blur(image: Pixels, rng: np.random.Generator, reach: float) -> Pixels:
    """Frosted glass: every pixel is read N(0, reach) px away, then blurred with 0.4·reach."""
    shift = np.float32(reach) * white_noise((2, *image.shape[:2]), rng)
    rows, columns = pixel_grid(image.shape)
    return gaussian(sample(image, rows + shift[0], columns + shift[1]), 0.4 * reach)
