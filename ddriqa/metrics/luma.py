"""The grey picture that characteristics of pixels look at."""

from __future__ import annotations

import numpy as np
from PIL import Image

from ddriqa.errors import ImageError


def check_pixels(pixels: np.ndarray) -> np.ndarray:
    """The pixels themselves, if they are uint8 ``(H, W, 3)``.

    Raises:
        ImageError: they aren't.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise ImageError("", f"needs 8-bit colour pixels, not {pixels.dtype} {pixels.shape}")
    return pixels


def luma(pixels: np.ndarray) -> np.ndarray:
    """``0.299 R + 0.587 G + 0.114 B``, rounded: uint8 ``(H, W, 3)`` -> uint8 ``(H, W)``.

    Rounding matters where strict comparisons follow: it makes ties.

    Raises:
        ImageError: other pixels.
    """
    return np.asarray(Image.fromarray(np.ascontiguousarray(check_pixels(pixels))).convert("L"))
