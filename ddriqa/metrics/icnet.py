"""ICNet: how complex people find a picture, from two truncated ResNet-18s.

Feng et al., "IC9600: A Benchmark Dataset for Automatic Image Complexity Assessment", PAMI 2022.
Modules bear the names that the authors' weights have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

SIDE, CONTEXT_SIDE, MAP_SIDE = 512, 256, 64


class BasicBlock(nn.Module):
    """ResNet's two 3 x 3 convolutions with a shortcut, projected where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1:
            projection = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        inside = self.bn1(self.conv1(x)).relu()
        return (self.bn2(self.conv2(inside)) + self.downsample(x)).relu()


def _layer(inputs: int, outputs: int) -> nn.Sequential:
    stride = 1 if inputs == outputs else 2
    return nn.Sequential(BasicBlock(inputs, outputs, stride), BasicBlock(outputs, outputs, 1))


def _stem() -> nn.Sequential:
    """ResNet-18's beginning and its first layer."""
    convolution = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
    pool = nn.MaxPool2d(3, 2, 1)
    return nn.Sequential(convolution, nn.BatchNorm2d(64), nn.ReLU(), pool, _layer(64, 64))


class SpatialGate(nn.Module):
    """Scales each channel by a number in (0, 1) that its map, resized to ``side``, gives."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side
        self.linear = nn.Sequential(
            nn.Linear(side**2, 512), nn.ReLU(), nn.Linear(512, 1), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        maps = _resized(x, self.side) if x.shape[-1] != self.side else x
        return self.linear(maps.flatten(2))[..., None] * x


class ConvNorm(nn.Module):
    """A convolution with bias, batch norm, ReLU; the size stays."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x)).relu()


class MapHead(nn.Module):
    """One channel in (0, 1)."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.to_map = nn.Sequential(nn.Conv2d(inputs, 1, 1), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        return self.to_map(x)


class ICNet(nn.Module):
    """A detail branch at 512 x 512, a context branch at 256 x 256, and two heads.

    20,328,074 parameters.
    """

    def __init__(self) -> None:
        super().__init__()
        self.b1_1, self.b1_1_slam = _stem(), SpatialGate(32)
        self.b1_2, self.b1_2_slam = _layer(64, 128), SpatialGate(32)
        self.b2_1, self.b2_1_slam = _stem(), SpatialGate(32)
        self.b2_2, self.b2_2_slam = _layer(64, 128), SpatialGate(32)
        self.b2_3, self.b2_3_slam = _layer(128, 256), SpatialGate(16)
        self.b2_4, self.b2_4_slam = _layer(256, 512), SpatialGate(8)
        self.up1, self.up2 = ConvNorm(128, 256, 1), ConvNorm(512, 256, 1)
        self.to_map_f, self.to_map_f_slam = ConvNorm(512, 512, 3), SpatialGate(32)
        self.to_map = MapHead(512)
        self.to_score_f, self.to_score_f_slam = ConvNorm(512, 512, 3), SpatialGate(32)
        self.head = nn.Sequential(nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 1), nn.Sigmoid())

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """ImageNet-normalised ``(B, 3, 512, 512)`` -> score ``(B,)``, map ``(B, 1, 64, 64)``.

        Both lie in (0, 1); higher is more complex.
        """
        detail = self.b1_1_slam(self.b1_1(pixels))
        detail = self.b1_2_slam(self.b1_2(detail))
        context = self.b2_1_slam(self.b2_1(_resized(pixels, CONTEXT_SIDE)))
        context = self.b2_2_slam(self.b2_2(context))
        context = self.b2_3_slam(self.b2_3(context))
        context = self.b2_4_slam(self.b2_4(context))
        both = (self.up1(_resized(detail, MAP_SIDE)), self.up2(_resized(context, MAP_SIDE)))
        features = torch.cat(both, dim=1)
        heat = self.to_map(self.to_map_f_slam(self.to_map_f(features)))
        pooled = self.to_score_f_slam(self.to_score_f(features)).mean((2, 3))
        return self.head(pooled)[:, 0], heat


def _resized(x: Tensor, side: int) -> Tensor:
    return F.interpolate(x, size=(side, side), mode="bilinear", align_corners=True)
