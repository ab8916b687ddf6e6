"""VGG19's maps by name, for the losses that compare them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ddriqa.errors import UsageError
from ddriqa.metrics.vgg import CHANNELS, IMAGENET_MEAN, IMAGENET_STD
from ddriqa.restoration.losses.backbones import load_backbone

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LAYERS: dict[str, int] = {}
"""``relu1_1`` ... ``relu5_4`` -> index in torchvision's ``features``."""
LAYER_CHANNELS: dict[str, int] = {}
LAST_LAYERS = ("relu1_2", "relu2_2", "relu3_4", "relu4_4", "relu5_4")
"""The last map of each block, which FDL compares."""

_index = 1
for _block, (_channels, _count) in enumerate(CHANNELS, 1):
    for _number in range(1, _count + 1):
        LAYERS[f"relu{_block}_{_number}"] = _index
        LAYER_CHANNELS[f"relu{_block}_{_number}"] = _channels
        _index += 2
    _index += 1  # the pool


class VGG19Maps(nn.Module):
    """Frozen VGG19: pixels become the maps of some layers.

    Args:
        layers: names of ``LAYERS``, after the ReLU.
        weights: torchvision's ``vgg19-dcbb9e9d.pth``; see ``load_backbone``.

    Raises:
        UsageError: no layer, or an unknown one.
        WeightsError: weights that are absent or don't fit.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, layers: Sequence[str], weights: str | Path | None = None) -> None:
        super().__init__()
        if not layers or (unknown := [layer for layer in layers if layer not in LAYERS]):
            reason = f"unknown layer {unknown[0]!r}" if layers else "needs a layer"
            raise UsageError("layers", reason, f"Known: {', '.join(LAYERS)}")
        self.indices = sorted(LAYERS[layer] for layer in layers)
        self.network = load_backbone("vgg19", weights)
        for name, values in (("mean", IMAGENET_MEAN), ("std", IMAGENET_STD)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """``(B, 3, H, W)`` RGB in [0, 1] -> ``[(B, C_l, H_l, W_l)]``, fine to coarse.

        Raises:
            UsageError: a picture too small for the deepest layer.
        """
        blocks = sum(self.indices[-1] > LAYERS[last] for last in LAST_LAYERS)
        if min(pixels.shape[-2:]) < 2**blocks:
            size = " x ".join(map(str, pixels.shape[-2:]))
            reason = f"crops of {size} are too small for the deepest layer"
            raise UsageError("layers", reason, f"It needs {2**blocks} x {2**blocks}")
        return list(self.network.maps((pixels - self.mean) / self.std, self.indices))
