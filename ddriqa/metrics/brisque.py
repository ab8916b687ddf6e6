"""BRISQUE through the package ``brisque``: its features, its trained regression. Lower is better.

Mittal, Moorthy, Bovik, "No-Reference Image Quality Assessment in the Spatial Domain", IEEE
Transactions on Image Processing 21(12), 2012. The package (Apache-2.0) carries its own model, and
implementations of BRISQUE differ: its numbers are neither OpenCV's nor MATLAB's.
"""

from __future__ import annotations

import hashlib
import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ddriqa.errors import ImageError
from ddriqa.metrics.installed import installed, version

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy import ndarray

SMALLEST = 14  # pixels: the 7x7 window fits at half size
PACKAGES = ("brisque", "libsvm-official", "scikit-image", "scipy", "numpy")
MODEL_FILES = ("svm.txt", "normalize.pickle")


def _scale_features(scale: Callable[[list[float]], ndarray], features: ndarray) -> ndarray:
    """The package's own, given plain numbers: version 0.2.0 hands it some arrays of one number,
    which NumPy takes for numbers no longer since 2.4."""
    import numpy as np

    return scale([float(np.asarray(feature).item()) for feature in features])


class BRISQUE:
    """The metric ``brisque``: mostly 0 to 100, outside for unusual pictures; lower is better.

    Raises:
        UsageError: the package isn't installed.
    """

    name = "brisque"
    needs = "pixels"
    bytes_per_pixel = 100  # at its peak, measured
    higher_is_better = False
    columns = ("brisque",)
    view = None
    usual: dict[str, tuple[float, float]] = {}

    def __init__(self) -> None:
        package = installed("brisque", self.name)
        self._opencv = installed("cv2", self.name).__version__
        self._folder = Path(package.__file__ or "").parent / "models"
        self._package = package.BRISQUE(url=False)
        self._package.scale_features = partial(_scale_features, self._package.scale_features)

    def measure(self, pixels: ndarray) -> dict[str, float]:
        """uint8 ``(H, W, 3)`` sRGB -> ``{"brisque": score}``.

        Raises:
            ImageError: smaller than 14x14, or so flat that its statistics have no fit.
        """
        import numpy as np

        height, width = pixels.shape[:2]
        if min(height, width) < SMALLEST:
            reason = f"{width}x{height} is too small: BRISQUE needs {SMALLEST}x{SMALLEST} pixels"
            raise ImageError("", reason)
        with np.errstate(all="ignore"):
            score = float(self._package.score(pixels))
        if not math.isfinite(score):
            raise ImageError("", "BRISQUE has no value for it: the picture is flat")
        return {"brisque": score}

    def describe(self) -> dict[str, object]:
        """Everything that fixes the number, for the sidecar."""
        return {
            "name": self.name,
            "source": "the package brisque",
            "opencv": self._opencv,
            **{package: version(package) for package in PACKAGES},
            "model_sha256": {
                name: hashlib.sha256((self._folder / name).read_bytes()).hexdigest()
                for name in MODEL_FILES
            },
        }
