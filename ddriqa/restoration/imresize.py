"""Bicubic down-sampling as MATLAB's ``imresize`` does it: the low resolution of classical SR."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt


def bicubic_down(image: npt.NDArray[np.float32], scale: int) -> npt.NDArray[np.float32]:
    """An image at 1 / ``scale`` of its size, antialiased, in the convention of the SR papers.

    The cubic kernel (a = −0.5) is widened by ``scale``; the border is mirrored with the edge pixel
    repeated, which is where Pillow and torch differ. The result is neither clipped nor rounded.

    Args:
        image: ``(H, W, C)`` float, or ``(H, W)``.
        scale: a whole number from 1; both sides must be multiples of it.

    Returns:
        ``(H / scale, W / scale, C)`` float32, or without the channels.

    Raises:
        ValueError: a side isn't a multiple of ``scale``.
    """
    height, width = image.shape[:2]
    if height % scale or width % scale:
        raise ValueError(f"{width}x{height} can't be divided by {scale}")
    rows = _along_first(np.asarray(image, dtype=np.float64), 1 / scale, height // scale)
    columns = _along_first(rows.swapaxes(0, 1), 1 / scale, width // scale)
    return columns.swapaxes(0, 1).astype(np.float32)


def bicubic_resize(signal: npt.NDArray, factor: float) -> npt.NDArray[np.float64]:
    """The first axis of a float array at ``factor`` of its length, ⌈n·factor⌉ samples."""
    return _along_first(signal, factor, int(np.ceil(signal.shape[0] * factor)))


def _along_first(signal: npt.NDArray, factor: float, length: int) -> npt.NDArray[np.float64]:
    weights, places = _taps(signal.shape[0], factor, length)
    return np.einsum("ot,ot...->o...", weights, signal[places])


@lru_cache(maxsize=64)
def _taps(before: int, factor: float, after: int) -> tuple[npt.NDArray, npt.NDArray]:
    """Weights and source positions of every output sample, both ``(after, taps)``."""
    widening = max(1.0, 1 / factor)
    centres = (np.arange(after) + 0.5) / factor - 0.5
    taps = int(np.ceil(4 * widening)) + 2
    places = np.floor(centres - 2 * widening).astype(int)[:, None] + np.arange(taps)
    weights = _cubic((centres[:, None] - places) / widening)
    weights /= weights.sum(axis=1, keepdims=True)
    folded = places % (2 * before)
    return weights, np.where(folded < before, folded, 2 * before - 1 - folded)


def _cubic(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The cubic convolution kernel with a = −0.5 (Keys 1981)."""
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))
