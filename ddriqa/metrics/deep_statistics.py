"""Mean and deviation of deep features, layer by layer: what DDR's Fig. 7 correlates DDR with.

The figure has VGG's relu1_1 ... relu5_1. The paper states neither VGG16 or 19 nor a resize; taken
here are VGG19 and the picture's own size. ``StageStatistics`` gives the same of any encoder's
stages, so that it works without VGG's weights.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import torch

from ddriqa.errors import ImageError
from ddriqa.metrics.luma import check_pixels
from ddriqa.metrics.network_weights import load_weights
from ddriqa.metrics.vgg import VGG19Features, imagenet_normalised

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from ddriqa.encoders import Encoder

LAYERS = {"relu1_1": 1, "relu2_1": 6, "relu3_1": 11, "relu4_1": 20, "relu5_1": 29}
"""Name -> index in torchvision's ``features``. Each layer halves the size of the one before."""
STRIDE = 16
"""Pixels to a position of the last layer."""
BAND_PIXELS = 1 << 20
"""About so many, and the halo, go through at once: relu1_1 of them is 256 MB and more."""
HALO = 96
"""Rows that a band sees beyond its own; the network's reach is 85. A multiple of the stride."""
SOURCE = (
    "torchvision's file vgg19-dcbb9e9d.pth, from "
    "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth, holds them: "
    "give it as vgg_statistics=FILE, or take stage_statistics, which needs none"
)


class StageStatistics:
    """The metric ``stage_statistics``: mean and deviation of each of an encoder's stages.

    Over all channels and positions; the population's deviation.
    """

    name = "stage_statistics"
    needs = "stages"
    higher_is_better = None
    usual: dict[str, tuple[float, float]] = {}

    def __init__(self, encoder: Encoder) -> None:
        self.view = encoder.view_for(None)
        count = len(encoder.card.stage_channels)
        self.columns = _columns([f"stage{number}" for number in range(1, count + 1)])

    def score(self, stages: list[Tensor]) -> dict[str, Tensor]:
        """``[(B, C_i, H_i, W_i)]`` -> column -> ``(B,)``."""
        values: list[Tensor] = []
        for stage in stages:
            deviation, mean = torch.std_mean(stage.float(), dim=(1, 2, 3), correction=0)
            values += [mean, deviation]
        return dict(zip(self.columns, values, strict=True))

    def describe(self) -> dict[str, object]:
        """Everything that fixes the numbers, beside the encoder."""
        return {"name": self.name, "view": self.view.describe()}


class VGGStatistics:
    """The metric ``vgg_statistics``: mean and deviation of VGG19's relu1_1 ... relu5_1.

    Over all channels and positions of the picture at its own size; the population's deviation.

    Args:
        weights: torchvision's ``vgg19-dcbb9e9d.pth``.

    Raises:
        WeightsError: none were given, or they aren't VGG19's.
    """

    name = "vgg_statistics"
    needs = "pixels"
    bytes_per_pixel = 400  # at its peak, measured
    higher_is_better = None
    view = None
    usual: dict[str, tuple[float, float]] = {}

    def __init__(self, weights: str | Path | None = None) -> None:
        self.network = VGG19Features()
        self.fingerprint = load_weights(
            self.network, weights, name="vgg_statistics", source=SOURCE, unused="classifier."
        )
        self.columns = _columns([f"vgg_{layer}" for layer in LAYERS])
        self._one_at_a_time = Lock()  # a band takes up to 2 GB, and torch has threads of its own

    def measure(self, pixels: np.ndarray) -> dict[str, float]:
        """uint8 ``(H, W, 3)`` sRGB -> column -> value.

        Raises:
            ImageError: other pixels, or a side shorter than 16 px.
        """
        if min(check_pixels(pixels).shape[:2]) < STRIDE:
            raise ImageError("", f"has a side shorter than {STRIDE} px, too small for VGG19")
        values: list[float] = []
        with self._one_at_a_time:
            for mean, deviation in layer_statistics(self.network, pixels):
                values += [mean, deviation]
        return dict(zip(self.columns, values, strict=True))

    def describe(self) -> dict[str, object]:
        """Everything that fixes the numbers."""
        return {"name": self.name, "layers": list(LAYERS), "weights": self.fingerprint}


@torch.inference_mode()
def layer_statistics(network: VGG19Features, pixels: np.ndarray) -> list[tuple[float, float]]:
    """Mean and deviation of each of ``LAYERS``; uint8 ``(H, W, 3)``, sides of 16 px or more.

    A large picture goes through in bands of rows that overlap by the network's reach: the same
    numbers as in one go, without the gigabytes that its relu1_1 is.
    """
    height, width = pixels.shape[:2]
    band = max(BAND_PIXELS // width // STRIDE, HALO // STRIDE) * STRIDE
    sums = np.zeros((len(LAYERS), 3))  # count, sum, sum of squares
    for top in range(0, height, band):
        bottom, first = min(top + band, height), max(top - HALO, 0)
        around = imagenet_normalised(pixels[first : bottom + HALO])
        for place, features in enumerate(network.maps(around, list(LAYERS.values()))):
            stride = 2**place
            own = features[:, :, (top - first) // stride : (bottom - first) // stride]
            if own.numel():
                variance, mean = (float(v) for v in torch.var_mean(own, correction=0))
                sums[place] += own.numel() * np.array([1, mean, variance + mean**2])
    counts, totals, squares = sums.T
    means = totals / counts
    deviations = np.sqrt(np.maximum(squares / counts - means**2, 0))
    return list(zip(means.tolist(), deviations.tolist(), strict=True))


def _columns(layers: list[str]) -> tuple[str, ...]:
    return tuple(f"{layer}_{which}" for layer in layers for which in ("mean", "std"))
