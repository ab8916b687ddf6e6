"""Complexity of a picture: IC9600's network where its weights are at hand, and a substitute.

``EdgeDensity`` counts edges. It isn't IC9600, correlates with it only in part, and never bears
its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ddriqa.metrics.canny import canny
from ddriqa.metrics.luma import check_pixels, luma

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

SIGMA, LOW, HIGH = 1.0, 0.1, 0.2
"""Of Canny's detector on luma in [0, 1]: the defaults of scikit-image."""

SOURCE = (
    "IC9600's weights (ck.pth) are with its authors: github.com/tinglyfeng/IC9600 links them. "
    "Give the file as ic9600=FILE, or take edge_density, a substitute"
)


def edge_density(grey: np.ndarray) -> float:
    """The share of a picture's pixels that are Canny's edges: a substitute for complexity.

    It depends on the picture's size: compare pictures of one size.

    Args:
        grey: uint8 ``(H, W)`` luma.

    Returns:
        In [0, 1]; 0 for a flat picture.
    """
    return float(canny(grey.astype(np.float32) / np.float32(255), SIGMA, LOW, HIGH).mean())


class EdgeDensity:
    """The metric ``edge_density``. A characteristic, and a substitute for complexity."""

    name = "edge_density"
    needs = "pixels"
    bytes_per_pixel = 16  # at its peak, measured
    higher_is_better = None
    columns = ("edge_density",)
    view = None
    usual: dict[str, tuple[float, float]] = {}

    def measure(self, pixels: np.ndarray) -> dict[str, float]:
        """uint8 ``(H, W, 3)`` sRGB -> column -> value in [0, 1].

        Raises:
            ImageError: other pixels.
        """
        return {self.columns[0]: edge_density(luma(pixels))}

    def describe(self) -> dict[str, object]:
        """Everything that fixes the number."""
        return {
            "name": self.name,
            "definition": "share of Canny's edge pixels, a substitute for complexity",
            "canny": {"sigma": SIGMA, "low": LOW, "high": HIGH},
        }


class IC9600:
    """The metric ``ic9600``: complexity in (0, 1) as ICNet, trained on IC9600, sees it.

    Args:
        weights: the authors' ``ck.pth``.

    Raises:
        WeightsError: none were given, or they aren't ICNet's.
    """

    name = "ic9600"
    needs = "pixels"
    bytes_per_pixel = 3  # it shrinks the picture first
    higher_is_better = None
    columns = ("ic9600",)
    view = None
    usual: dict[str, tuple[float, float]] = {}

    def __init__(self, weights: str | Path | None = None) -> None:
        from ddriqa.metrics.icnet import ICNet
        from ddriqa.metrics.network_weights import load_weights

        self.network = ICNet()
        self.fingerprint = load_weights(self.network, weights, name="ic9600", source=SOURCE)

    def measure(self, pixels: np.ndarray) -> dict[str, float]:
        """uint8 ``(H, W, 3)`` sRGB -> column -> value in (0, 1), higher is more complex.

        Raises:
            ImageError: other pixels.
        """
        import torch

        with torch.inference_mode():
            score, _ = self.network(_input(pixels))
        return {self.columns[0]: float(score)}

    def describe(self) -> dict[str, object]:
        """Everything that fixes the number."""
        return {"name": self.name, "network": "ICNet", "weights": self.fingerprint}


def _input(pixels: np.ndarray) -> Tensor:
    """ICNet's view: squeezed to 512 x 512 with Pillow's bilinear, ImageNet's normalisation."""
    from ddriqa.metrics.icnet import SIDE
    from ddriqa.metrics.vgg import imagenet_normalised

    image = Image.fromarray(np.ascontiguousarray(check_pixels(pixels)))
    return imagenet_normalised(np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)))
