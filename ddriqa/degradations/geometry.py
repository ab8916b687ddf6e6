"""Pixels in the wrong place, and places without pixels."""

import math

import numpy as np

from ddriqa.degradations.base import Pixels, degradation
from ddriqa.degradations.fields import (
    pixel_grid,
    plasma,
    sample,
    smooth_noise,
    white_noise,
)
from ddriqa.degradations.levels import linear, log

KADID_AREA = 384 * 512
"""Counts of patches and blocks are given for this image size and grow with the area."""


@degradation("geometry", reach=log(0, 0.05, 0.1, 0.2, 0.5, 1))
def jitter(image: Pixels, rng: np.random.Generator, reach: float) -> Pixels:
    """Five passes in which each pixel is read N(0, reach) px away."""
    rows, columns = pixel_grid(image.shape)
    result = image
    for _ in range(5):
        shift = np.float32(reach) * white_noise((2, *image.shape[:2]), rng)
        result = sample(result, rows + shift[0], columns + shift[1])
    return result


@degradation("geometry", reach=linear(0, 0.3, 0.6, 1.1, 2, 3.5))
def elastic(image: Pixels, rng: np.random.Generator, reach: float) -> Pixels:
    """A smooth random warp (σ 6 px) whose displacements have the deviation ``reach`` px."""
    shift = np.float32(reach) * smooth_noise((*image.shape[:2], 2), 6, rng)
    rows, columns = pixel_grid(image.shape)
    return sample(image, rows + shift[..., 0], columns + shift[..., 1])


@degradation("geometry", distance=linear(0, 1, 2, 4, 7, 12))
def interlace(image: Pixels, distance: float) -> Pixels:
    """Every second row is shifted by ``distance`` px, as in interlaced video of a moving thing."""
    rows, columns = pixel_grid(image[1::2].shape)
    result = image.copy()
    if len(image) > 1:
        result[1::2] = sample(image[1::2], rows, columns - np.float32(distance))
    return result


@degradation("geometry", count=linear(0, 20, 40, 60, 80, 100))
def patch_displace(image: Pixels, rng: np.random.Generator, count: float) -> Pixels:
    """``count`` patches of 16×16 px (in 384×512) are copied to a place up to 8 px away."""
    result = image.copy()
    side = min(16, *image.shape[:2])
    limit = np.array(image.shape[:2]) - side
    for draw in rng.random((round(in_proportion(count, image)), 4)):
        source = (draw[:2] * (limit + 1)).astype(int)
        target = np.clip(source + np.floor(draw[2:] * 17).astype(int) - 8, 0, limit)
        result[_square(target, side)] = image[_square(source, side)]
    return result


@degradation("mask", count=linear(0, 2, 4, 6, 8, 10))
def colour_block(image: Pixels, rng: np.random.Generator, count: float) -> Pixels:
    """``count`` blocks of 32×32 px (in 384×512) of one random colour each.

    The last block is smaller where the count is no whole number, so that small images have levels
    too.
    """
    result = image.copy()
    blocks = in_proportion(count, image)
    limit = np.maximum(np.array(image.shape[:2]) - 32, 0)
    for index, draw in enumerate(rng.random((math.ceil(blocks), 5))):
        place = (draw[:2] * (limit + 1)).astype(int)
        side = round(32 * math.sqrt(min(1, blocks - index)))
        result[_square(place, side)] = draw[2:]
    return result


def in_proportion(count: float, image: Pixels) -> float:
    """A count given for 384×512 px, in proportion to the area of ``image``."""
    return count * image.shape[0] * image.shape[1] / KADID_AREA


def _square(corner: np.ndarray, side: int) -> tuple[slice, slice]:
    return slice(corner[0], corner[0] + side), slice(corner[1], corner[1] + side)


@degradation("mask", count=linear(0, 2, 4, 6, 8, 10), thickness=linear(3, 3, 5, 7, 9, 10))
def inpaint_lines(
    image: Pixels, rng: np.random.Generator, count: float, thickness: float
) -> Pixels:
    """``count`` (rounded) straight strokes of this thickness in px, all white or all black.

    Source: the inpainting task of DCPT, Hu et al., ICLR 2025.
    """
    shade = float(rng.random() < 0.5)
    ends = rng.random((round(count), 2, 2)) * image.shape[:2]
    rows, columns = pixel_grid(image.shape)
    result = image.copy()
    for start, stop in ends.astype(np.float32):
        along = stop - start
        length2 = max(float(along @ along), 1e-6)
        y, x = rows - start[0], columns - start[1]
        share = np.clip((y * along[0] + x * along[1]) / length2, 0, 1)
        away = np.hypot(y - share * along[0], x - share * along[1])
        result[away <= thickness / 2] = shade
    return result


@degradation("mask", area=linear(0, 0.03, 0.08, 0.16, 0.28, 0.45))
def inpaint_freeform(image: Pixels, rng: np.random.Generator, area: float) -> Pixels:
    """White holes of cloudy outline over this share of the area."""
    cloud = plasma(image.shape, 1.4, rng)
    return np.where((cloud > np.quantile(cloud, 1 - area))[..., None], np.float32(1), image)
