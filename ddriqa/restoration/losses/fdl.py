"""Frequency distribution loss: amplitudes and phases of deep features distributed alike.

Ni et al., "Misalignment-Robust Frequency Distribution Loss for Image Transformation", CVPR 2024;
settings of its authors' code, eezkni/FDL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from ddriqa.errors import UsageError
from ddriqa.restoration.losses.base import Loss
from ddriqa.restoration.losses.vgg import LAST_LAYERS, LAYER_CHANNELS, VGG19Maps

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

FILTERS, PATCH = 256, 5
LEAST = 16 * PATCH
"""The shortest side of a crop: relu5_4 is a sixteenth of it and must hold a filter."""


def random_filters(channels: int, random: torch.Generator, count: int = FILTERS) -> Tensor:
    """Gaussian filters of unit norm, ``(count, channels, 5, 5)``."""
    filters = torch.randn(count, channels, PATCH, PATCH, generator=random)
    return filters / filters.flatten(1).norm(dim=1)[:, None, None, None]


def frequency_distribution(
    x: Tensor, y: Tensor, filters: Tensor, phase_weight: float = 1.0
) -> Tensor:
    """Sliced Wasserstein distance of the amplitudes, plus that of the phases.

    Args:
        x, y: features of output and target, ``(B, C, H, W)``, sides of at least a filter's.
        filters: ``(N, C, 5, 5)``, each a slice.
        phase_weight: of the phases' distance.

    Returns:
        Scalar, the mean over the batch; 0 for equal features.
    """
    x, y = torch.fft.fft2(x), torch.fft.fft2(y)
    amplitude = _sliced(x.abs(), y.abs(), filters)
    phase = _sliced(x.angle(), y.angle(), filters)
    return amplitude + phase_weight * phase


def _sliced(x: Tensor, y: Tensor, filters: Tensor) -> Tensor:
    x, y = (F.conv2d(values, filters).flatten(2).sort(-1).values for values in (x, y))
    return (x - y).abs().mean()


class FrequencyDistributionLoss(Loss):
    """``frequency_distribution`` of the last map of each of VGG19's blocks, summed over blocks.

    The 256 filters of each are drawn once, from the seed. Crops need sides of 80 pixels.

    Args:
        weight: 0.1 in DDR's comparison.
        phase_weight: 1 in the authors' code.
        seed: of the filters.
        weights: torchvision's ``vgg19-dcbb9e9d.pth``; see ``load_backbone``.

    Raises:
        WeightsError: weights that are absent or don't fit.
    """

    def __init__(
        self,
        *,
        weight: float = 0.1,
        phase_weight: float = 1.0,
        seed: int = 0,
        weights: str | Path | None = None,
    ) -> None:
        super().__init__(weight)
        self.maps = VGG19Maps(LAST_LAYERS, weights)
        self.phase_weight = phase_weight
        random = torch.Generator().manual_seed(seed)
        for layer in LAST_LAYERS:
            filters = random_filters(LAYER_CHANNELS[layer], random)
            self.register_buffer(f"filters_{layer}", filters, persistent=False)

    def term(self, output: Tensor, target: Tensor) -> Tensor:
        """Scalar, 0 for an equal pair.

        Raises:
            UsageError: crops with a side under 80 pixels.
        """
        if min(output.shape[-2:]) < LEAST:
            size = " x ".join(map(str, output.shape[-2:]))
            hint = f"Take crops of {LEAST} x {LEAST} or more"
            raise UsageError("fdl", f"crops of {size} are too small for its filters", hint)
        maps = zip(self.maps(output), self.maps(target), LAST_LAYERS, strict=True)
        parts = [
            frequency_distribution(x, y, self.get_buffer(f"filters_{layer}"), self.phase_weight)
            for x, y, layer in maps
        ]
        return torch.stack(parts).sum()
