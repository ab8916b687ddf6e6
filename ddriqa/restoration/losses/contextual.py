"""The contextual loss: each feature of the target should have one near it in the output.

Mechrez, Talmi, Zelnik-Manor, "The Contextual Loss for Image Transformation with Non-Aligned Data",
ECCV 2018; of its authors' code (roimehrez/contextualLoss) the variant with cosine distances.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from ddriqa.restoration.losses.base import Loss
from ddriqa.restoration.losses.vgg import VGG19Maps

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

EPS = 1e-5


def contextual(x: Tensor, y: Tensor, bandwidth: float = 0.5) -> Tensor:
    """Minus the logarithm of the contextual similarity (the paper's Eq. 2 to 5).

    Args:
        x, y: features of the output and of the target, ``(B, C, H, W)``. Memory grows with
            ``(H W)^2``: 64 MiB an image for the 64 x 64 positions of relu3_4 of a 256 x 256 crop.
        bandwidth: h of Eq. 3.

    Returns:
        Scalar, the mean over the batch; -1e-5 for equal features that all differ, more elsewhere.
    """
    mean = y.mean((0, 2, 3), keepdim=True)
    x, y = (F.normalize((f - mean).flatten(2), dim=1) for f in (x, y))
    distance = 1 - x.transpose(1, 2) @ y  # (B, i, j)
    relative = distance / (distance.amin(2, keepdim=True) + EPS)
    affinity = ((1 - relative) / bandwidth).softmax(2)
    similarity = affinity.amax(1).mean(1)
    return -torch.log(similarity + EPS).mean()


class ContextualLoss(Loss):
    """``contextual`` of VGG19's maps, summed over layers.

    Args:
        layers: relu3_4, as PyTorch ports have it; the original's are relu3_2 and relu4_2.
        bandwidth: h of the paper's Eq. 3.
        weights: torchvision's ``vgg19-dcbb9e9d.pth``; see ``load_backbone``.

    Raises:
        UsageError: an unknown layer.
        WeightsError: weights that are absent or don't fit.
    """

    def __init__(
        self,
        *,
        weight: float = 1.0,
        layers: Sequence[str] = ("relu3_4",),
        bandwidth: float = 0.5,
        weights: str | Path | None = None,
    ) -> None:
        super().__init__(weight)
        self.maps = VGG19Maps(layers, weights)
        self.bandwidth = bandwidth

    def term(self, output: Tensor, target: Tensor) -> Tensor:
        """Scalar."""
        pairs = zip(self.maps(output), self.maps(target), strict=True)
        return torch.stack([contextual(x, y, self.bandwidth) for x, y in pairs]).sum()
