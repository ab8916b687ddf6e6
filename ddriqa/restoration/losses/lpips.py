"""LPIPS v0.1: a distance of deep features whose channels are weighed by human judgements.

Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", CVPR 2018;
weights of richzhang/PerceptualSimilarity, version 0.1, which are files of a few kB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from ddriqa.errors import UsageError
from ddriqa.metrics.network_weights import load_weights
from ddriqa.restoration.losses.backbones import (
    all_loaded,
    load_backbone,
    weights_of,
    where_to_put,
)
from ddriqa.restoration.losses.base import Loss

if TYPE_CHECKING:
    from pathlib import Path

SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""Of pixels in [-1, 1]: nearly ImageNet's mean and deviation."""
EPS = 1e-10  # beside the norm over channels


class Taps(NamedTuple):
    """Which maps of a network are compared, and the shortest side that has them all."""

    network: str
    indices: tuple[int, ...]
    channels: tuple[int, ...]
    least: int


NETWORKS = {
    "alex": Taps("alexnet", (1, 4, 7, 9, 11), (64, 192, 384, 256, 256), 31),
    "vgg": Taps("vgg16", (3, 8, 15, 22, 29), (64, 128, 256, 512, 512), 16),
    "squeeze": Taps(
        "squeezenet1_1", (1, 4, 7, 9, 10, 11, 12), (64, 128, 256, 384, 384, 512, 512), 17
    ),
}


class LPIPS(nn.Module):
    """The distance: sum over layers of ``mean_hw sum_c w_lc (f_lc(x) - f_lc(y))^2``.

    f are maps of unit length over their channels. 0 for an equal pair, up to about 1.

    Args:
        network: ``alex`` (what papers report unless they say otherwise), ``vgg`` or ``squeeze``.
        weights: the network's, torchvision's file; see ``load_backbone``.
        heads: w, the file ``weights/v0.1/NETWORK.pth`` of richzhang/PerceptualSimilarity; by
            default ``lpips_NETWORK.pth`` or ``linear_NETWORK.pth`` in one of
            ``backbones.weights_folders``.

    Raises:
        UsageError: another network.
        WeightsError: weights or heads that are absent or don't fit.
    """

    shift: Tensor
    scale: Tensor

    def __init__(
        self,
        network: str = "alex",
        *,
        weights: str | Path | None = None,
        heads: str | Path | None = None,
    ) -> None:
        super().__init__()
        if network not in NETWORKS:
            known = f"Known: {', '.join(NETWORKS)}"
            raise UsageError("lpips", f"unknown network {network!r}", known)
        self.taps = taps = NETWORKS[network]
        self.heads = _Heads(taps.channels)
        _, self.backbone = all_loaded(
            lambda: self._load_heads(network, heads), lambda: load_backbone(taps.network, weights)
        )
        self.register_buffer("shift", torch.tensor(SHIFT).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor(SCALE).view(1, 3, 1, 1), persistent=False)

    def _load_heads(self, network: str, file: str | Path | None) -> str:
        own = f"lpips_{network}.pth"
        source = (
            f"The file lpips/weights/v0.1/{network}.pth of "
            f"https://github.com/richzhang/PerceptualSimilarity holds them. {where_to_put(own)}"
        )
        file = file or weights_of(own, f"linear_{network}.pth")
        name = f"lpips {network}'s linear heads"
        return load_weights(self.heads, file, name=name, source=source)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """``(B, 3, H, W)`` RGB in [0, 1] twice -> distances ``(B,)``; gradients flow to both.

        Raises:
            UsageError: two shapes, or pictures too small for the network.
        """
        if output.shape != target.shape or min(output.shape[-2:]) < self.taps.least:
            shapes = f"{tuple(output.shape)} and {tuple(target.shape)}"
            hint = f"Sides of {self.taps.least} pixels are the least for {self.taps.network}"
            raise UsageError("lpips", f"can't compare {shapes}", hint)
        maps = zip(self._unit_maps(output), self._unit_maps(target), strict=True)
        parts = [
            (self.heads.weights(layer) * (x - y).square()).sum(1).mean((1, 2))
            for layer, (x, y) in enumerate(maps)
        ]
        return torch.stack(parts).sum(0)

    def _unit_maps(self, pixels: Tensor) -> list[Tensor]:
        normalised = (2 * pixels - 1 - self.shift) / self.scale
        maps = self.backbone.maps(normalised, self.taps.indices)
        return [unit_length(features) for features in maps]


def unit_length(features: Tensor) -> Tensor:
    """``f / (sqrt(sum_c f^2) + 1e-10)``, ``(B, C, H, W)``; no NaN gradient where f is 0."""
    square = features.square().sum(1, keepdim=True)
    empty = square == 0
    norm = square.masked_fill(empty, 1).sqrt().masked_fill(empty, 0)
    return features / (norm + EPS)


class _Heads(nn.Module):
    """``lin0`` ...: a weight a channel, laid out as in the published files."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        for layer, count in enumerate(channels):
            head = nn.Module()
            head.model = nn.Sequential(nn.Dropout(), nn.Conv2d(count, 1, 1, bias=False))
            self.add_module(f"lin{layer}", head)

    def weights(self, layer: int) -> Tensor:
        return self.get_parameter(f"lin{layer}.model.1.weight")


class LPIPSLoss(Loss):
    """The mean LPIPS of a batch; see ``LPIPS`` for arguments and errors."""

    def __init__(
        self,
        network: str = "alex",
        *,
        weight: float = 1.0,
        weights: str | Path | None = None,
        heads: str | Path | None = None,
    ) -> None:
        super().__init__(weight)
        self.distance = LPIPS(network, weights=weights, heads=heads)

    def term(self, output: Tensor, target: Tensor) -> Tensor:
        """Scalar, 0 for an equal pair."""
        return self.distance(output, target).mean()
