"""Kernels, filters, warps and random fields that several families share.

Images are (H, W, 3) or (H, W) float32. Borders are mirrored without repeating the edge pixel
("reflect-101"), for filters and for warps.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

Field = npt.NDArray[np.float32]

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def luma(image: Field) -> Field:
    """(H, W) weighted mean of the channels, ITU-R BT.601 weights on the given values."""
    return image @ LUMA


def to_linear(srgb: Field) -> Field:
    """sRGB values to linear light, both in [0, 1] (IEC 61966-2-1)."""
    curve = ((np.maximum(srgb, 0) + 0.055) / 1.055) ** np.float32(2.4)
    return np.where(srgb <= 0.04045, srgb / np.float32(12.92), curve)


def to_srgb(linear: Field) -> Field:
    """Linear light, clipped to [0, 1], to sRGB values (IEC 61966-2-1)."""
    light = np.clip(linear, 0, 1)
    root = light ** np.float32(1 / 2.4)
    curve = root + 0.055 * (root - 1)  # 1.055·root − 0.055, and exactly 1 for 1
    return np.where(light <= 0.0031308, light * np.float32(12.92), curve)


def min_max(field: Field) -> Field:
    """Stretch a field to [0, 1]; a constant field becomes 0."""
    low, high = field.min(), field.max()
    return (field - low) / max(high - low, np.float32(1e-12))


def white_noise(shape: tuple[int, ...], rng: np.random.Generator) -> Field:
    """Independent N(0, 1) values."""
    return rng.standard_normal(shape, dtype=np.float32)


def smooth_noise(shape: tuple[int, ...], sigma: float, rng: np.random.Generator) -> Field:
    """White noise blurred with ``sigma`` px, scaled back to variance 1."""
    taps = gaussian_taps(sigma)
    return gaussian(white_noise(shape, rng), sigma) / np.float32((taps**2).sum())


def gaussian_taps(sigma: float) -> Field:
    """Normalised samples of a Gaussian, radius ⌈3σ⌉."""
    radius = math.ceil(3 * sigma)
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    return (taps / taps.sum()).astype(np.float32)


def gaussian(image: Field, sigma: float) -> Field:
    """Gaussian blur of the first two axes, σ in px, radius ⌈3σ⌉."""
    if sigma <= 0:
        return image
    taps = gaussian_taps(sigma)
    rows = ndimage.correlate1d(image, taps, axis=0, mode="mirror")
    return ndimage.correlate1d(rows, taps, axis=1, mode="mirror")


def box(image: Field, radius: int) -> Field:
    """Mean over a square window of side 2·radius + 1."""
    rows = ndimage.uniform_filter1d(image, 2 * radius + 1, axis=0, mode="mirror")
    return ndimage.uniform_filter1d(rows, 2 * radius + 1, axis=1, mode="mirror")


def convolve(image: Field, kernel: npt.NDArray[Any]) -> Field:
    """Convolve the first two axes with an odd-sized (k, k) kernel, through the FFT."""
    radius = kernel.shape[0] // 2
    height, width = image.shape[:2]
    padding = [(radius, radius), (radius, radius)] + [(0, 0)] * (image.ndim - 2)
    padded = np.pad(image, padding, mode="reflect")
    # A circular convolution: what wraps around falls on the padding, which is cut off.
    size = [fft.next_fast_len(length, real=True) for length in padded.shape[:2]]
    transfer = fft.rfft2(kernel.astype(np.float32), s=size)
    transfer = transfer.reshape(transfer.shape + (1,) * (image.ndim - 2))
    spectrum = fft.rfft2(padded, s=size, axes=(0, 1))
    result = fft.irfft2(spectrum * transfer, s=size, axes=(0, 1))
    return result[2 * radius : 2 * radius + height, 2 * radius : 2 * radius + width]


def kernel_grid(reach: float) -> tuple[Field, Field]:
    """Coordinates (x, y) of an odd-sized kernel that reaches ``reach`` px from its centre."""
    radius = max(1, math.ceil(reach))
    axis = np.arange(-radius, radius + 1, dtype=np.float32)
    return np.meshgrid(axis, axis)


def disk(radius: float) -> Field:
    """Anti-aliased disk with peak 1: clip(radius + 0.5 − r, 0, 1)."""
    x, y = kernel_grid(radius + 0.5)
    return np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)


def disk_kernel(radius: float) -> Field:
    """Anti-aliased disk with sum 1."""
    weights = disk(radius)
    return weights / weights.sum()


def line_kernel(length: float, angle: float) -> Field:
    """Anti-aliased line of ``length`` px, one px wide, at ``angle`` radians, sum 1."""
    x, y = kernel_grid(length / 2 + 1)
    along = np.abs(x * math.cos(angle) + y * math.sin(angle))
    across = np.abs(y * math.cos(angle) - x * math.sin(angle))
    weights = np.clip(length / 2 + 0.5 - along, 0, 1) * np.clip(1 - across, 0, 1)
    return weights / weights.sum()


def gaussian_kernel(sigma: float, across: float, angle: float) -> Field:
    """Rotated Gaussian: σ along and across the direction ``angle``, radius ⌈3σ⌉, sum 1."""
    x, y = kernel_grid(3 * sigma)
    u = x * math.cos(angle) + y * math.sin(angle)
    v = y * math.cos(angle) - x * math.sin(angle)
    weights = np.exp(-0.5 * ((u / sigma) ** 2 + (v / across) ** 2))
    return weights / weights.sum()


def sample(image: Field, rows: Field, columns: Field) -> Field:
    """Bilinear values at float positions that broadcast to (H, W); outside is mirrored."""
    height, width = image.shape[:2]
    top, down = _split(rows, height)
    left, across = _split(columns, width)
    corner = top * width + left
    flat = image.reshape(height * width, -1)
    to_right, to_below = min(1, width - 1), width * min(1, height - 1)
    # One channel after the other: weights need no stretching over a last axis of three.
    result = np.empty(corner.shape + (flat.shape[1],), dtype=np.float32)
    for channel in range(flat.shape[1]):
        plane = np.ascontiguousarray(flat[:, channel])
        upper = _mix(plane.take(corner), plane[to_right:].take(corner), across)
        plane = plane[to_below:]
        lower = _mix(plane.take(corner), plane[to_right:].take(corner), across)
        result[..., channel] = _mix(upper, lower, down)
    return result.reshape(corner.shape + image.shape[2:])


def _split(position: Field, length: int) -> tuple[npt.NDArray[np.intp], Field]:
    """The pixel before each position, but not the last one, and the share of the way to the next.

    Positions outside [0, length - 1] are folded back at the outermost pixels.
    """
    last = length - 1
    folded = last - np.abs(last - np.abs(position))
    if folded.min() < 0:  # more than one reflection away
        folded = np.abs((position + last) % max(2 * last, 1) - last)
    first = np.minimum(folded.astype(np.intp), max(last - 1, 0))
    return first, folded - first.astype(np.float32)


def _mix(first: Field, second: Field, share: Field) -> Field:
    second -= first
    second *= share
    second += first
    return second


def pixel_grid(shape: tuple[int, ...]) -> tuple[Field, Field]:
    """Row and column positions in px, shaped (H, 1) and (1, W)."""
    rows = np.arange(shape[0], dtype=np.float32)[:, None]
    return rows, np.arange(shape[1], dtype=np.float32)[None, :]


def plasma(shape: tuple[int, ...], exponent: float, rng: np.random.Generator) -> Field:
    """(H, W) cloud in [0, 1]: Gaussian Fourier coefficients with amplitude 1/f^exponent."""
    side = 1 << (max(2, *shape[:2]) - 1).bit_length()
    frequency = np.hypot(fft.fftfreq(side)[:, None], fft.rfftfreq(side)[None, :])
    frequency[0, 0] = np.inf
    phases = white_noise((2, *frequency.shape), rng)
    spectrum = (phases[0] + 1j * phases[1]) * (frequency * side) ** -exponent
    field = fft.irfft2(spectrum.astype(np.complex64), s=(side, side))
    return min_max(field[: shape[0], : shape[1]])


def depth(shape: tuple[int, ...], rng: np.random.Generator) -> Field:
    """(H, W) stand-in for a depth map in [0, 1]: far at the top, with clouds, smoothed."""
    rows, _ = pixel_grid(shape)
    ramp = 1 - rows / max(shape[0] - 1, 1)
    return min_max(gaussian(0.7 * ramp + 0.3 * plasma(shape, 1.6, rng), min(shape[:2]) / 60))
