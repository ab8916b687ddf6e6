"""PIQE through the package ``pypiqe``: blockiness and noise of active blocks. Lower is better.

Venkatanath et al., "Blind Image Quality Evaluation Using Perception Based Features", NCC 2015. The
package (MIT) follows MATLAB's ``piqe``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddriqa.errors import ImageError
from ddriqa.metrics.installed import installed, version

if TYPE_CHECKING:
    from numpy import ndarray

BLOCK = 16


class PIQE:
    """The metric ``piqe``: 0 to 100, 100 also for a picture without any active block; lower is
    better.

    Raises:
        UsageError: the package isn't installed.
    """

    name = "piqe"
    needs = "pixels"
    bytes_per_pixel = 43  # at its peak, measured
    higher_is_better = False
    columns = ("piqe",)
    view = None
    usual: dict[str, tuple[float, float]] = {}

    def __init__(self) -> None:
        self._piqe = installed("pypiqe.piqe", self.name).piqe
        self._opencv = installed("cv2", self.name).__version__

    def measure(self, pixels: ndarray) -> dict[str, float]:
        """uint8 ``(H, W, 3)`` sRGB -> ``{"piqe": score}``.

        Raises:
            ImageError: smaller than one block of 16x16.
        """
        import numpy as np

        height, width = pixels.shape[:2]
        if min(height, width) < BLOCK:
            reason = f"{width}x{height} is too small: PIQE needs a block of {BLOCK}x{BLOCK} pixels"
            raise ImageError("", reason)
        with np.errstate(all="ignore"):  # a black picture is divided by its maximum
            score, *_ = self._piqe(np.ascontiguousarray(pixels[..., ::-1]))  # it wants BGR
        return {"piqe": float(score)}

    def describe(self) -> dict[str, object]:
        """Everything that fixes the number, for the sidecar."""
        return {
            "name": self.name,
            "source": "the package pypiqe",
            "pypiqe": version("pypiqe"),
            "opencv": self._opencv,
            "numpy": version("numpy"),
        }
