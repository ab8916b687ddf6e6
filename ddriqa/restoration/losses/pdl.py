"""Projected distribution loss: each feature channel's values should be distributed alike.

Delbracio, Talebi, Milanfar, "Projected Distribution Loss for Image Enhancement", 2020. Its authors
published no code: layers, and mean rather than sum, are choices that the class states.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ddriqa.restoration.losses.base import Loss
from ddriqa.restoration.losses.vgg import LAST_LAYERS, VGG19Maps

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor


def projected_distribution(x: Tensor, y: Tensor) -> Tensor:
    """The 1-D Wasserstein-1 distance of each channel's values, the mean over channels and batch.

    Args:
        x, y: features of output and target, ``(B, C, H, W)``.

    Returns:
        Scalar in units of the features, 0 where each channel holds the same values anywhere.
    """
    x, y = (features.flatten(2).sort(-1).values for features in (x, y))
    return (x - y).abs().mean()


class ProjectedDistributionLoss(Loss):
    """``projected_distribution`` of VGG19's maps, summed over layers; add a pixel loss to it.

    Args:
        layers: by default the last of each block, which FDL has too.
        weights: torchvision's ``vgg19-dcbb9e9d.pth``; see ``load_backbone``.

    Raises:
        UsageError: an unknown layer.
        WeightsError: weights that are absent or don't fit.
    """

    def __init__(
        self,
        *,
        weight: float = 1.0,
        layers: Sequence[str] = LAST_LAYERS,
        weights: str | Path | None = None,
    ) -> None:
        super().__init__(weight)
        self.maps = VGG19Maps(layers, weights)

    def term(self, output: Tensor, target: Tensor) -> Tensor:
        """Scalar, 0 for an equal pair."""
        parts = zip(self.maps(output), self.maps(target), strict=True)
        return torch.stack([projected_distribution(x, y) for x, y in parts]).sum()
