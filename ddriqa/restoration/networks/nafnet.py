"""NAFNet: Chen et al., "Simple Baselines for Image Restoration" (ECCV 2022).

A U-shape of blocks without non-linear activation: a product of two halves of the channels takes
the activation's place, and one vector of channel weights the attention's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ddriqa.restoration.networks.layer_norm import LayerNorm2d
from ddriqa.restoration.networks.padding import zero_pad

if TYPE_CHECKING:
    from collections.abc import Sequence

EPS = 1e-6


def simple_gate(x: Tensor) -> Tensor:
    """SG: ``(B, 2c, H, W)`` -> the first half of the channels times the second."""
    first, second = x.chunk(2, dim=1)
    return first * second


class NAFBlock(nn.Module):
    """Two residual halves on ``(B, c, H, W)``, the identity at initialisation (beta = gamma = 0).

    ``y = x + beta conv3(s SCA(s))``, ``s = SG(conv2(conv1(LN x)))``;
    ``z = y + gamma conv5(SG(conv4(LN y)))``. SCA is a 1x1 convolution of the mean over the picture.
    """

    def __init__(self, c: int) -> None:
        super().__init__()
        self.norm1 = LayerNorm2d(c, EPS)
        self.conv1 = nn.Conv2d(c, 2 * c, 1)
        self.conv2 = nn.Conv2d(2 * c, 2 * c, 3, padding=1, groups=2 * c)
        self.sca = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(c, c, 1))
        self.conv3 = nn.Conv2d(c, c, 1)
        self.norm2 = LayerNorm2d(c, EPS)
        self.conv4 = nn.Conv2d(c, 2 * c, 1)
        self.conv5 = nn.Conv2d(c, c, 1)
        self.beta = nn.Parameter(torch.zeros(1, c, 1, 1))
        self.gamma = nn.Parameter(torch.zeros(1, c, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        s = simple_gate(self.conv2(self.conv1(self.norm1(x))))
        y = x + self.beta * self.conv3(s * self.sca(s))
        return y + self.gamma * self.conv5(simple_gate(self.conv4(self.norm2(y))))


class NAFNet(nn.Module):
    """``(B, 3, H, W)`` -> the same shape; the network adds what it finds to its input.

    Args:
        width: channels at full resolution; each level down doubles them.
        encoder_blocks: blocks of each level, fine to coarse.
        middle_blocks: blocks at the coarsest resolution.
        decoder_blocks: blocks of each level, coarse to fine; as many levels as the encoder's.

    Sides are padded with zeros to a multiple of ``2 ** levels``, as the authors do.
    """

    scale = 1
    in_channels = 3

    def __init__(
        self,
        width: int,
        encoder_blocks: Sequence[int],
        middle_blocks: int,
        decoder_blocks: Sequence[int],
    ) -> None:
        super().__init__()
        levels = len(encoder_blocks)
        if len(decoder_blocks) != levels:
            raise ValueError(f"{levels} encoder levels and {len(decoder_blocks)} decoder levels")
        widths = [width << level for level in range(levels)]
        self.multiple = 1 << levels
        self.intro = nn.Conv2d(3, width, 3, padding=1)
        self.encoders = nn.ModuleList(map(_blocks, widths, encoder_blocks))
        self.downs = nn.ModuleList(nn.Conv2d(c, 2 * c, 2, 2) for c in widths)
        self.middle_blks = _blocks(width << levels, middle_blocks)
        self.ups = nn.ModuleList(map(_up, reversed(widths)))
        self.decoders = nn.ModuleList(map(_blocks, reversed(widths), decoder_blocks))
        self.ending = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        # channels last: the norms and gates go over channels, a fifth of a step faster on a CPU
        padded = zero_pad(image, self.multiple).contiguous(memory_format=torch.channels_last)
        x, skips = self.intro(padded), []
        for encoder, down in zip(self.encoders, self.downs, strict=True):
            x = encoder(x)
            skips.append(x)
            x = down(x)
        x = self.middle_blks(x)
        for up, decoder in zip(self.ups, self.decoders, strict=True):
            x = decoder(up(x) + skips.pop())
        return (self.ending(x) + padded)[..., :height, :width]


def _blocks(c: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(NAFBlock(c) for _ in range(count)))


def _up(c: int) -> nn.Sequential:
    """``(B, 2c, H, W)`` -> ``(B, c, 2H, 2W)``."""
    return nn.Sequential(nn.Conv2d(2 * c, 4 * c, 1, bias=False), nn.PixelShuffle(2))
