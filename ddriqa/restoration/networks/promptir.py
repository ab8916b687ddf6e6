"""PromptIR: Potlapalli et al., "PromptIR: Prompting for All-in-One Blind Image Restoration"
(NeurIPS 2023): Restormer's encoder, and a decoder that learned prompts steer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ddriqa.restoration.networks.padding import reflect_pad
from ddriqa.restoration.networks.restormer import unwrapped
from ddriqa.restoration.networks.transformer_block import (
    TransformerBlock,
    blocks,
    downsample,
    upsample,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MULTIPLE = 8
PROMPTS = 5
IDLE = (
    *(f"chnl_reduce{level}." for level in (1, 2, 3)),
    *(f"reduce_noise_channel_{level}." for level in (1, 2, 3)),
)
"""Convolutions that the authors' class has and never uses (215,296 weights); not built here."""


Part = tuple[int, int, int, int]
"""Where a tile lies: its top and left, then height and width of the whole picture; input pixels."""


class PromptBlock(nn.Module):
    """A mix of learned prompts for features ``(B, C, H, W)`` (the paper's Eq. 1 to 3).

    Args:
        channels: C.
        prompt_channels: P, channels of a prompt.
        size: the side of a stored prompt.
    """

    def __init__(self, channels: int, prompt_channels: int, size: int) -> None:
        super().__init__()
        self.prompt_param = nn.Parameter(torch.rand(1, PROMPTS, prompt_channels, size, size))
        self.linear_layer = nn.Linear(channels, PROMPTS)
        self.conv3x3 = nn.Conv2d(prompt_channels, prompt_channels, 3, padding=1, bias=False)

    def forward(self, x: Tensor, reduced: int = 1, part: Part | None = None) -> Tensor:
        """The prompt for x, ``(B, P, H, W)``, stretched over the picture.

        Args:
            x: features of a picture, or of the tile ``part`` of one.
            reduced: how many input pixels one of x is wide.
            part: a tile gets its part of what is stretched over the whole.
        """
        mixed = torch.einsum("bk,kpij->bpij", self.weights(x), self.prompt_param[0])
        if part is None:
            return self.conv3x3(F.interpolate(mixed, x.shape[-2:], mode="bilinear"))
        height, width = x.shape[-2:]
        down = _places(part[0], height, part[2], reduced, x)
        across = _places(part[1], width, part[3], reduced, x)
        grid = torch.stack(torch.meshgrid(across, down, indexing="xy"), -1)
        grid = grid.expand(len(x), -1, -1, -1)
        stretched = F.grid_sample(mixed, grid, padding_mode="border", align_corners=False)
        return self.conv3x3(stretched)

    def weights(self, x: Tensor) -> Tensor:
        """The share of each prompt, ``(B, 5)``; rows sum to 1."""
        return self.linear_layer(x.mean((-2, -1))).softmax(dim=-1)


def _places(start: int, size: int, whole: int, reduced: int, like: Tensor) -> Tensor:
    """Where ``size`` pixels of features from input pixel ``start`` on lie in the whole, -1 to 1."""
    length = -(-whole // MULTIPLE) * MULTIPLE // reduced
    centres = start // reduced + torch.arange(size, device=like.device, dtype=like.dtype) + 0.5
    return 2 * centres / length - 1


class PromptIR(nn.Module):
    """``(B, 3, H, W)`` -> the same shape; the network adds what it finds to its input.

    Args:
        dim: channels at full resolution; each of the three levels down doubles them.
        num_blocks: blocks of the four levels, fine to coarse.
        refinement_blocks: blocks after the decoder.
        heads: attention heads of the four levels; the prompts' blocks have the third level's.
        prompt_channels, prompt_sizes: of the prompts of the three levels, fine to coarse.

    The input is mirrored to a multiple of 8. A tile of a larger picture comes with its ``Part``,
    whose top and left are multiples of 8: its prompts are then what the whole would have there.
    """

    placed = True
    scale = 1
    in_channels = 3

    def __init__(
        self,
        dim: int,
        num_blocks: Sequence[int],
        refinement_blocks: int,
        heads: Sequence[int],
        prompt_channels: Sequence[int] = (64, 128, 320),
        prompt_sizes: Sequence[int] = (64, 32, 16),
    ) -> None:
        super().__init__()
        c1, c2, c3, c4 = (dim << level for level in range(4))
        (n1, n2, n3, n4), (h1, h2, h3, h4) = num_blocks, heads
        (p1, p2, p3), (s1, s2, s3) = prompt_channels, prompt_sizes
        self.patch_embed = nn.Conv2d(3, c1, 3, padding=1, bias=False)
        self.encoder_level1 = blocks(n1, c1, h1)
        self.down1_2 = downsample(c1)
        self.encoder_level2 = blocks(n2, c2, h2)
        self.down2_3 = downsample(c2)
        self.encoder_level3 = blocks(n3, c3, h3)
        self.down3_4 = downsample(c3)
        self.latent = blocks(n4, c4, h4)
        self.prompt3 = PromptBlock(c4, p3, s3)
        self.noise_level3 = TransformerBlock(c4 + p3, h3)
        self.reduce_noise_level3 = nn.Conv2d(c4 + p3, c3, 1, bias=False)
        self.up4_3 = upsample(c3)
        self.reduce_chan_level3 = nn.Conv2d(c2 + c3, c3, 1, bias=False)
        self.decoder_level3 = blocks(n3, c3, h3)
        self.prompt2 = PromptBlock(c3, p2, s2)
        self.noise_level2 = TransformerBlock(c3 + p2, h3)
        self.reduce_noise_level2 = nn.Conv2d(c3 + p2, c3, 1, bias=False)
        self.up3_2 = upsample(c3)
        self.reduce_chan_level2 = nn.Conv2d(2 * c2, c2, 1, bias=False)
        self.decoder_level2 = blocks(n2, c2, h2)
        self.prompt1 = PromptBlock(c2, p1, s1)
        self.noise_level1 = TransformerBlock(c2 + p1, h3)
        self.reduce_noise_level1 = nn.Conv2d(c2 + p1, c2, 1, bias=False)
        self.up2_1 = upsample(c2)
        self.decoder_level1 = blocks(n1, c2, h1)
        self.refinement = blocks(refinement_blocks, c2, h1)
        self.output = nn.Conv2d(c2, 3, 3, padding=1, bias=False)

    def forward(self, image: Tensor, part: Part | None = None) -> Tensor:
        height, width = image.shape[-2:]
        padded = reflect_pad(image, MULTIPLE)
        level1 = self.encoder_level1(self.patch_embed(padded))
        level2 = self.encoder_level2(self.down1_2(level1))
        level3 = self.encoder_level3(self.down2_3(level2))
        x = self.latent(self.down3_4(level3))
        x = self.reduce_noise_level3(self.noise_level3(torch.cat([x, self.prompt3(x, 8, part)], 1)))
        x = self.decoder_level3(self.reduce_chan_level3(torch.cat([self.up4_3(x), level3], 1)))
        x = self.reduce_noise_level2(self.noise_level2(torch.cat([x, self.prompt2(x, 4, part)], 1)))
        x = self.decoder_level2(self.reduce_chan_level2(torch.cat([self.up3_2(x), level2], 1)))
        x = self.reduce_noise_level1(self.noise_level1(torch.cat([x, self.prompt1(x, 2, part)], 1)))
        x = self.refinement(self.decoder_level1(torch.cat([self.up2_1(x), level1], 1)))
        return (self.output(x) + padded)[..., :height, :width]

    def from_official(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The authors' names -> ours, without the layers that they never use."""
        named = {unwrapped(name): t for name, t in tensors.items()}
        return {name: t for name, t in named.items() if not name.startswith(IDLE)}
