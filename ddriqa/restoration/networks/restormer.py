"""Restormer: Zamir et al., "Restormer: Efficient Transformer for High-Resolution Image
Restoration" (CVPR 2022)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ddriqa.restoration.networks.padding import reflect_pad
from ddriqa.restoration.networks.transformer_block import blocks, downsample, upsample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MULTIPLE = 8


class Restormer(nn.Module):
    """``(B, in_channels, H, W)`` -> ``(B, out_channels, H, W)``.

    Args:
        dim: channels at full resolution; each of the three levels down doubles them.
        num_blocks: blocks of the four levels, fine to coarse.
        refinement_blocks: blocks after the decoder, at full resolution.
        heads: attention heads of the four levels.
        bias_free: the layer normalisation of the denoising models (no mean, no bias).
        dual_pixel: two views of one picture come in (six channels) and no picture is added to
            the output; features of the first convolution are, through a 1x1 convolution.
        in_channels, out_channels: 3 and 3; 1 and 1 for grey pictures; 6 and 3 for two views.

    The input is mirrored to a multiple of 8, as the authors' scripts do before their network.
    """

    scale = 1

    def __init__(
        self,
        dim: int,
        num_blocks: Sequence[int],
        refinement_blocks: int,
        heads: Sequence[int],
        bias_free: bool = False,
        dual_pixel: bool = False,
        in_channels: int = 3,
        out_channels: int = 3,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        if not dual_pixel and in_channels != out_channels:
            raise ValueError(f"{in_channels} channels can't be added to {out_channels}")
        c1, c2, c3, c4 = (dim << level for level in range(4))
        n1, n2, n3, n4 = num_blocks
        h1, h2, h3, h4 = heads
        self.patch_embed = nn.Conv2d(in_channels, c1, 3, padding=1, bias=False)
        self.encoder_level1 = blocks(n1, c1, h1, bias_free)
        self.down1_2 = downsample(c1)
        self.encoder_level2 = blocks(n2, c2, h2, bias_free)
        self.down2_3 = downsample(c2)
        self.encoder_level3 = blocks(n3, c3, h3, bias_free)
        self.down3_4 = downsample(c3)
        self.latent = blocks(n4, c4, h4, bias_free)
        self.up4_3 = upsample(c4)
        self.reduce_chan_level3 = nn.Conv2d(2 * c3, c3, 1, bias=False)
        self.decoder_level3 = blocks(n3, c3, h3, bias_free)
        self.up3_2 = upsample(c3)
        self.reduce_chan_level2 = nn.Conv2d(2 * c2, c2, 1, bias=False)
        self.decoder_level2 = blocks(n2, c2, h2, bias_free)
        self.up2_1 = upsample(c2)
        self.decoder_level1 = blocks(n1, c2, h1, bias_free)
        self.refinement = blocks(refinement_blocks, c2, h1, bias_free)
        self.skip_conv = nn.Conv2d(c1, c2, 1, bias=False) if dual_pixel else None
        self.output = nn.Conv2d(c2, out_channels, 3, padding=1, bias=False)

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        padded = reflect_pad(image, MULTIPLE)
        embedded = self.patch_embed(padded)
        x = self._features(embedded)
        if self.skip_conv is None:
            x = self.output(x) + padded
        else:
            x = self.output(x + self.skip_conv(embedded))
        return x[..., :height, :width]

    def _features(self, embedded: Tensor) -> Tensor:
        level1 = self.encoder_level1(embedded)
        level2 = self.encoder_level2(self.down1_2(level1))
        level3 = self.encoder_level3(self.down2_3(level2))
        x = self.latent(self.down3_4(level3))
        x = self.decoder_level3(self.reduce_chan_level3(torch.cat([self.up4_3(x), level3], 1)))
        x = self.decoder_level2(self.reduce_chan_level2(torch.cat([self.up3_2(x), level2], 1)))
        x = self.decoder_level1(torch.cat([self.up2_1(x), level1], 1))
        return self.refinement(x)

    def from_official(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The authors' names -> ours: their wrappers of one layer have no name here."""
        return {unwrapped(name): tensor for name, tensor in tensors.items()}


def unwrapped(name: str) -> str:
    """``norm1.body.weight`` -> ``norm1.weight``, ``patch_embed.proj.weight`` likewise."""
    return name.replace(".body.", ".").replace("patch_embed.proj.", "patch_embed.")
