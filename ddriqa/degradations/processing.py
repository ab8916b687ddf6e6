"""Over-processing: too much sharpening, denoising or smoothing."""

import math

import numpy as np
import numpy.typing as npt
from scipy import special

from ddriqa.degradations.base import Pixels, degradation
from ddriqa.degradations.fields import (
    Field,
    box,
    convolve,
    gaussian,
    kernel_grid,
    luma,
    white_noise,
)
from ddriqa.degradations.levels import linear, log

Bytes = npt.NDArray[np.uint8]


@degradation("processing", ordered_from=0.4, amount=log(0, 0.5, 1, 2, 4, 8))
def sharpen(image: Pixels, amount: float) -> Pixels:
    """Unsharp mask of the luma, σ 1.5 px, added to all channels."""
    return unsharp_mask(image, 1.5, amount)


@degradation("processing", ordered_from=0.4, amount=log(0, 0.4, 0.8, 1.6, 3, 6))
def overshoot(image: Pixels, amount: float) -> Pixels:
    """Unsharp mask with σ 3 px: wide halos along edges."""
    return unsharp_mask(image, 3, amount)


def unsharp_mask(image: Pixels, sigma: float, amount: float) -> Pixels:
    """Add ``amount`` times what a Gaussian blur of σ px takes from the luma."""
    grey = luma(image)
    return image + np.float32(amount) * (grey - gaussian(grey, sigma))[..., None]


@degradation("processing", cutoff=linear(1, 0.7, 0.5, 0.36, 0.26, 0.18))
def ringing(image: Pixels, cutoff: float) -> Pixels:
    """Echoes along edges: a circular low-pass of 21×21 px, cut off at this share of Nyquist.

    Source: the sinc filter of Real-ESRGAN, Wang et al., ICCV workshops 2021.
    """
    omega = cutoff * math.pi
    x, y = kernel_grid(10)
    radius = np.hypot(x, y)
    radius[10, 10] = 1
    kernel = omega * special.j1(omega * radius) / (2 * math.pi * radius)
    kernel[10, 10] = omega**2 / (4 * math.pi)
    return convolve(image, kernel / kernel.sum())


@degradation("processing", sigma=linear(0, 8, 15, 25, 40, 60))
def denoise_smear(image: Pixels, rng: np.random.Generator, sigma: float) -> Pixels:
    """What a denoiser leaves: noise of σ (8-bit units), then a bilateral filter tuned to it."""
    noisy = np.clip(image + np.float32(sigma / 255) * white_noise(image.shape, rng), 0, 1)
    return bilateral(noisy, radius=4, space_sigma=3, range_sigma=2.5 * sigma / 255)


def bilateral(image: Pixels, radius: int, space_sigma: float, range_sigma: float) -> Pixels:
    """Bilateral filter over a round window; the distance of two colours is summed over channels.

    Source: Tomasi and Manduchi, "Bilateral Filtering for Gray and Color Images", ICCV 1998.
    """
    strip = 64
    padded = np.pad(image, [(radius, radius), (radius, radius), (0, 0)], mode="reflect")
    planes = padded.transpose(2, 0, 1)
    # Strips of rows stay in the processor's cache.
    strips = [
        _bilateral_strip(
            planes[:, top : top + strip + 2 * radius], radius, space_sigma, range_sigma
        )
        for top in range(0, image.shape[0], strip)
    ]
    return np.concatenate(strips, axis=1).transpose(1, 2, 0)


def _bilateral_strip(planes: Field, radius: int, space_sigma: float, range_sigma: float) -> Field:
    """The filtered inside of (3, h, w) planes, which have a border of ``radius`` px.

    Rows are laid end to end, so that each neighbour is one contiguous shift; what runs over a row's
    end falls into the border. A pair of pixels has one weight, so half of the window is enough.
    """
    pixels = np.ascontiguousarray(planes).reshape(3, -1)
    total, weights = pixels.copy(), np.ones_like(pixels[0])
    buffer = np.empty_like(pixels)
    for dy, dx in _half_window(radius):
        shift = dy * planes.shape[2] + dx
        here, there = pixels[:, :-shift], pixels[:, shift:]
        product = np.subtract(here, there, out=buffer[:, shift:])
        np.abs(product, out=product)
        weight = product[0] + product[1] + product[2]
        weight *= weight
        weight *= np.float32(-0.5 / range_sigma**2)
        weight -= np.float32((dy * dy + dx * dx) / (2 * space_sigma**2))
        # Far below one gray level already; smaller powers are slow subnormal numbers.
        np.exp(np.maximum(weight, -60, out=weight), out=weight)
        weights[:-shift] += weight
        weights[shift:] += weight
        total[:, :-shift] += np.multiply(weight, there, out=product)
        total[:, shift:] += np.multiply(weight, here, out=product)
    inside = slice(radius, -radius)
    return (total / weights).reshape(planes.shape)[:, inside, inside]


def _half_window(radius: int) -> list[tuple[int, int]]:
    offsets = [(dy, dx) for dy in range(radius + 1) for dx in range(-radius, radius + 1)]
    return [(dy, dx) for dy, dx in offsets if (dy, dx) > (0, 0) and dy**2 + dx**2 <= radius**2]


@degradation("processing", window=linear(1, 3, 5, 7, 9, 13))
def median_smear(image: Pixels, window: float) -> Pixels:
    """Median filter of each channel, window side in px, rounded to an odd number."""
    return median(image, round((window - 1) / 2))


def median(image: Pixels, radius: int) -> Pixels:
    """Median over a square window of side 2·radius + 1 ≤ 15, of the pixels rounded to 8 bit."""
    planes = np.rint(image * 255).astype(np.uint8).transpose(2, 0, 1)
    medians = np.stack([_median_plane(plane, radius) for plane in planes], axis=-1)
    return medians.astype(np.float32) / np.float32(255)


def _median_plane(plane: Bytes, radius: int) -> Bytes:
    """Count the gray levels that more than half of the window exceeds: their number is the median.

    Counts of a window fit into a byte, and rows are laid end to end, so that every step is one
    pass over contiguous bytes; the time hardly grows with the window.
    """
    side = 2 * radius + 1
    padded = np.pad(plane, radius, mode="reflect")
    stride, pixels = padded.shape[1], padded.ravel()
    medians = np.full(plane.shape[0] * stride, pixels.min(), dtype=np.uint8)
    for level in range(pixels.min(), pixels.max()):
        above = (pixels > level).view(np.uint8)
        counts = run_sums(run_sums(above, side, 1), side, stride)
        medians[: counts.size] += (counts > side * side // 2).view(np.uint8)
    return medians.reshape(-1, stride)[:, : plane.shape[1]]


def run_sums(values: Bytes, length: int, stride: int) -> Bytes:
    """Sums of ``length`` (odd) values ``stride`` apart, for every start, by doubling runs."""
    total, covered = values, 1
    doubled, size = values, 1
    while 2 * size <= length:
        doubled = doubled[: -size * stride] + doubled[size * stride :]
        size *= 2
        if (length - 1) & size:
            later = doubled[covered * stride :]
            total = total[: later.size] + later
            covered += size
    return total


@degradation("processing", epsilon=log(0, 0.0005, 0.002, 0.006, 0.02, 0.06))
def guided_smear(image: Pixels, epsilon: float) -> Pixels:
    """Skin-smoothing look: guided filter by luma, radius 8 px, regularisation ε.

    Source: He, Sun and Tang, "Guided Image Filtering", ECCV 2010, equations 5 and 6.
    """
    guide = luma(image)[..., None]
    mean_guide, mean_image = box(guide, 8), box(image, 8)
    variance = np.maximum(box(guide * guide, 8) - mean_guide**2, 0)
    covariance = box(guide * image, 8) - mean_guide * mean_image
    slope = covariance / (variance + np.float32(epsilon))
    offset = mean_image - slope * mean_guide
    return box(slope, 8) * guide + box(offset, 8)
