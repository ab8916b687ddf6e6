"""Canny's edge detector, in bands of rows so that a large picture needs little memory.

Canny, "A computational approach to edge detection", PAMI 1986; the variant of scikit-image:
Sobel derivatives of a blurred picture, the gradient's neighbours interpolated along its
direction, hysteresis over eight neighbours.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

BAND = 256
TRUNCATE = 4.0
"""The Gaussian reaches this many sigmas."""
TINY = np.float32(1e-30)
"""Keeps the quotient of a gradient of zero finite."""


def canny(grey: np.ndarray, sigma: float, low: float, high: float) -> np.ndarray:
    """Where the edges of a picture are.

    Args:
        grey: ``(H, W)`` real numbers.
        sigma: of the Gaussian, in px; beyond the border the picture's edge repeats.
        low, high: thresholds on the gradient, in the picture's unit times the 8 of a Sobel
            kernel that isn't divided by its weights (a ramp of 1 per px gives 8).

    Returns:
        bool ``(H, W)``; a picture's outermost pixels are never edges.
    """
    strong = np.zeros(grey.shape, bool)
    weak = np.zeros(grey.shape, bool)
    reach = int(TRUNCATE * sigma + 0.5) + 2
    for top in range(0, len(grey), BAND):
        bottom = min(top + BAND, len(grey))
        first, last = max(top - reach, 0), min(bottom + reach, len(grey))
        magnitude, ridge = _ridges(grey[first:last], sigma)
        inside = slice(top - first, bottom - first)
        weak[top:bottom] = ridge[inside] & (magnitude[inside] >= low)
        strong[top:bottom] = weak[top:bottom] & (magnitude[inside] >= high)
    weak[[0, -1]] = weak[:, [0, -1]] = False
    return _hysteresis(weak, strong & weak)


def _ridges(grey: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """The gradient's magnitude, and where it is no smaller than before and behind the edge."""
    smooth = ndimage.gaussian_filter(
        grey.astype(np.float32), sigma, mode="nearest", truncate=TRUNCATE
    )
    gx, gy = (ndimage.sobel(smooth, axis=axis, mode="nearest") for axis in (1, 0))
    magnitude = np.hypot(gx, gy)
    ridge = np.zeros(grey.shape, bool)
    ridge[1:-1, 1:-1] = _is_ridge(magnitude, gx[1:-1, 1:-1], gy[1:-1, 1:-1], magnitude[1:-1, 1:-1])
    return magnitude, ridge


def _is_ridge(
    all_of_it: np.ndarray, gx: np.ndarray, gy: np.ndarray, here: np.ndarray
) -> np.ndarray:
    """Whether ``here`` is at least the magnitude one pixel further on either side.

    One pixel further lies between a neighbour along an axis and one along a diagonal.
    """
    ax, ay = np.abs(gx), np.abs(gy)
    along_x, falling = ax >= ay, (gx >= 0) != (gy >= 0)
    share = np.minimum(ax, ay) / np.maximum(np.maximum(ax, ay), TINY)  # of the diagonal

    def near(down: int, right: int) -> np.ndarray:
        rows, columns = here.shape
        return all_of_it[1 + down : 1 + down + rows, 1 + right : 1 + right + columns]

    ridge = np.ones(here.shape, bool)
    for side in (1, -1):
        # Where the gradient falls to the right, the diagonal beside "right" lies above it.
        vertical = np.where(falling, near(-side, 0), near(side, 0))
        axis = np.where(along_x, near(0, side), vertical)
        diagonal = np.where(falling, near(-side, side), near(side, side))
        ridge &= axis + share * (diagonal - axis) <= here
    return ridge


def _hysteresis(weak: np.ndarray, strong: np.ndarray) -> np.ndarray:
    """The connected parts of ``weak`` that hold a strong pixel."""
    parts, count = ndimage.label(weak, np.ones((3, 3), bool))
    kept = np.zeros(count + 1, bool)
    kept[parts[strong]] = True
    return kept[parts]
