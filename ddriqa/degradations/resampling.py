"""Loss of resolution: scaled down by a factor, and back up to the old size."""

import numpy as np
from PIL import Image

from ddriqa.degradations.base import Pixels, degradation
from ddriqa.degradations.levels import log_throughout

Resampling = Image.Resampling


def down_and_up(image: Pixels, factor: float, down: Resampling, up: Resampling) -> Pixels:
    """Scale by 1 / factor and back with Pillow's filters (antialiased downwards), in float."""
    height, width = image.shape[:2]
    small = max(1, round(width / factor)), max(1, round(height / factor))
    channels = [
        Image.fromarray(np.ascontiguousarray(image[..., channel]))
        .resize(small, down)
        .resize((width, height), up)
        for channel in range(3)
    ]
    return np.stack([np.asarray(channel) for channel in channels], axis=-1)


@degradation("resampling", factor=log_throughout(1, 1.25, 1.6, 2.2, 3.2, 5))
def resize_nearest(image: Pixels, factor: float) -> Pixels:
    """Down by ``factor`` with the nearest pixel, up with the nearest pixel."""
    return down_and_up(image, factor, Resampling.NEAREST, Resampling.NEAREST)


@degradation("resampling", factor=log_throughout(1, 1.4, 2, 3, 4.5, 7))
def resize_bilinear(image: Pixels, factor: float) -> Pixels:
    """Down and up by ``factor`` with antialiased bilinear filters."""
    return down_and_up(image, factor, Resampling.BILINEAR, Resampling.BILINEAR)


@degradation("resampling", factor=log_throughout(1, 1.5, 2.2, 3.3, 5, 8))
def resize_bicubic(image: Pixels, factor: float) -> Pixels:
    """Down and up by ``factor`` with antialiased bicubic filters."""
    return down_and_up(image, factor, Resampling.BICUBIC, Resampling.BICUBIC)


@degradation("resampling", factor=log_throughout(1, 1.5, 2.2, 3.3, 5, 8))
def resize_lanczos(image: Pixels, factor: float) -> Pixels:
    """Down and up by ``factor`` with Lanczos filters of three lobes."""
    return down_and_up(image, factor, Resampling.LANCZOS, Resampling.LANCZOS)


@degradation("resampling", factor=log_throughout(1, 1.5, 2.2, 3.3, 5, 8))
def resize_area(image: Pixels, factor: float) -> Pixels:
    """Down by ``factor`` with the mean over the area, up with a bicubic filter."""
    return down_and_up(image, factor, Resampling.BOX, Resampling.BICUBIC)


@degradation("resampling", factor=log_throughout(1, 2, 3, 4, 6, 9))
def pixelate(image: Pixels, factor: float) -> Pixels:
    """Squares of ``factor`` px (rounded: other sizes would move the content) become their mean."""
    side = round(factor)
    height, width = image.shape[:2]
    starts = np.arange(0, height, side), np.arange(0, width, side)
    sums = np.add.reduceat(np.add.reduceat(image, starts[0], axis=0), starts[1], axis=1)
    counts = np.diff(starts[0], append=height)[:, None] * np.diff(starts[1], append=width)
    means = (sums / counts[..., None]).astype(np.float32)
    return means.repeat(side, axis=0).repeat(side, axis=1)[:height, :width]
