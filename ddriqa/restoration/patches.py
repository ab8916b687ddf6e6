"""Cutting patches that belong together, and turning them over."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[Any]
"""(H, W, 3) of any type."""


class Symmetry(NamedTuple):
    """One of the eight symmetries of the square: mirrored first, then turned anticlockwise."""

    mirrored: bool = False
    quarters: int = 0

    def apply(self, image: Pixels) -> Pixels:
        """``(H, W, C)``, or ``(W, H, C)`` after an odd number of quarter turns; a view."""
        return np.rot90(image[:, ::-1] if self.mirrored else image, self.quarters)


def random_symmetry(rng: np.random.Generator, flips: bool, rotations: bool) -> Symmetry:
    """Mirrored left to right in half of the cases, and turned by 0 to 3 quarters, as allowed."""
    # Both are always drawn, so that what follows is the same whatever is allowed.
    mirrored, quarters = bool(rng.integers(2)), int(rng.integers(4))
    return Symmetry(flips and mirrored, quarters if rotations else 0)


def at_least(image: Pixels, height: int, width: int) -> Pixels:
    """The image, continued below and to the right by its mirror image where it is too small.

    The edge pixel is repeated, so that the mirror lies at the same place at every scale.
    """
    missing = max(0, height - image.shape[0]), max(0, width - image.shape[1])
    if not any(missing):
        return image
    return np.pad(image, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="symmetric")


def whole_multiple(image: Pixels, scale: int) -> Pixels:
    """The image without the last rows and columns that exceed a multiple of ``scale``."""
    height, width = image.shape[:2]
    return image[: height - height % scale, : width - width % scale]


def random_patch(
    lq: Pixels, gt: Pixels, size: int, scale: int, rng: np.random.Generator
) -> tuple[Pixels, Pixels]:
    """The same place of both pictures; ``gt`` is ``scale`` times as large as ``lq``.

    Args:
        size: the side of the patch of ``gt``, a multiple of ``scale``. Smaller pictures are
            continued by their mirror image.
    """
    side = size // scale
    lq, gt = at_least(lq, side, side), at_least(gt, size, size)
    top = int(rng.integers(lq.shape[0] - side + 1))
    left = int(rng.integers(lq.shape[1] - side + 1))
    return cut(lq, top, left, side), cut(gt, top * scale, left * scale, size)


def cut(image: Pixels, top: int, left: int, size: int) -> Pixels:
    """A square of the image, a view."""
    return image[top : top + size, left : left + size]
