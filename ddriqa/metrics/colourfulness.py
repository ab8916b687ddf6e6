"""Colourfulness of a picture: the metric M3 of Hasler and Suesstrunk.

"Measuring colourfulness in natural images", Human Vision and Electronic Imaging VIII, 2003.
"""

from __future__ import annotations

from math import hypot, sqrt

import numpy as np

from ddriqa.metrics.luma import check_pixels


def colourfulness(pixels: np.ndarray) -> float:
    """M3: ``hypot(std rg, std yb) + 0.3 hypot(mean rg, mean yb)``, rg = R - G, yb = (R + G)/2 - B.

    Deviations are the population's.

    Args:
        pixels: uint8 ``(H, W, 3)`` sRGB.

    Returns:
        0 for grey; about 30 to 60 for photographs; 85.53 for pure red.

    >>> colourfulness(np.full((4, 4, 3), 90, np.uint8))
    0.0
    """
    red, green, blue = (pixels[..., channel].astype(np.int16) for channel in range(3))
    rg_mean, rg_variance = _moments(red - green)
    yb_mean, yb_variance = _moments(red + green - 2 * blue)  # 2 yb, a whole number
    spread = sqrt(rg_variance + yb_variance / 4)
    return spread + 0.3 * hypot(rg_mean, yb_mean / 2)


def _moments(values: np.ndarray) -> tuple[float, float]:
    """Mean and variance of whole numbers below 2**15 in size, from exact sums."""
    count, total = values.size, int(values.sum(dtype=np.int64))
    squares = int(np.square(values, dtype=np.int32).sum(dtype=np.int64))
    return total / count, (squares * count - total * total) / count**2


class Colourfulness:
    """The metric ``colourfulness``. A characteristic: more of it is neither better nor worse."""

    name = "colourfulness"
    needs = "pixels"
    bytes_per_pixel = 30
    higher_is_better = None
    columns = ("colourfulness",)
    view = None
    usual: dict[str, tuple[float, float]] = {}

    def measure(self, pixels: np.ndarray) -> dict[str, float]:
        """uint8 ``(H, W, 3)`` sRGB -> column -> value, 0 or more.

        Raises:
            ImageError: other pixels.
        """
        return {self.columns[0]: colourfulness(check_pixels(pixels))}

    def describe(self) -> dict[str, object]:
        """Everything that fixes the number."""
        return {"name": self.name, "definition": "M3 of Hasler and Suesstrunk 2003"}
