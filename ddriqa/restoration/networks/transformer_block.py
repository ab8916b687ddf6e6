"""Restormer's transformer block: attention between channels, so its cost is linear in pixels.

Zamir et al., "Restormer" (CVPR 2022), section 3. PromptIR is made of the same block.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ddriqa.restoration.networks.layer_norm import BiasFreeLayerNorm2d, LayerNorm2d

EPS = 1e-5
EXPANSION = 2.66


class MDTA(nn.Module):
    """Multi-Dconv head transposed attention on ``(B, C, H, W)`` (Eq. 1).

    In each head of ``C / heads`` channels: ``softmax(t q k^T) v`` with q and k normalised along
    the pixels and a learned temperature t.
    """

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.qkv = nn.Conv2d(channels, 3 * channels, 1, bias=False)
        self.qkv_dwconv = _depthwise(3 * channels)
        self.project_out = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        heads = len(self.temperature)
        qkv = self.qkv_dwconv(self.qkv(x)).flatten(2)  # (B, 3C, HW)
        q, k, v = (part.unflatten(1, (heads, -1)) for part in qkv.chunk(3, dim=1))
        q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)
        attention = (self.temperature * (q @ k.transpose(-2, -1))).softmax(dim=-1)
        return self.project_out((attention @ v).flatten(1, 2).unflatten(2, x.shape[-2:]))


class GDFN(nn.Module):
    """Gated-Dconv feed-forward network on ``(B, C, H, W)`` (Eq. 2): ``GELU(a) b``."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = int(EXPANSION * channels)
        self.project_in = nn.Conv2d(channels, 2 * hidden, 1, bias=False)
        self.dwconv = _depthwise(2 * hidden)
        self.project_out = nn.Conv2d(hidden, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.dwconv(self.project_in(x)).chunk(2, dim=1)
        return self.project_out(F.gelu(a) * b)


class TransformerBlock(nn.Module):
    """``x = x + MDTA(LN x)``, then ``x = x + GDFN(LN x)``, on ``(B, C, H, W)``.

    Args:
        channels: C, a multiple of ``heads``.
        heads: of the attention.
        bias_free: the normalisation without mean subtraction and bias.
    """

    def __init__(self, channels: int, heads: int, bias_free: bool = False) -> None:
        super().__init__()
        norm = BiasFreeLayerNorm2d if bias_free else LayerNorm2d
        self.norm1 = norm(channels, EPS)
        self.attn = MDTA(channels, heads)
        self.norm2 = norm(channels, EPS)
        self.ffn = GDFN(channels)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.ffn(self.norm2(x))


def blocks(count: int, channels: int, heads: int, bias_free: bool = False) -> nn.Sequential:
    """``count`` transformer blocks one after the other."""
    return nn.Sequential(*(TransformerBlock(channels, heads, bias_free) for _ in range(count)))


def downsample(channels: int) -> nn.Sequential:
    """``(B, C, H, W)`` -> ``(B, 2C, H / 2, W / 2)``."""
    return nn.Sequential(_conv3(channels, channels // 2), nn.PixelUnshuffle(2))


def upsample(channels: int) -> nn.Sequential:
    """``(B, C, H, W)`` -> ``(B, C / 2, 2H, 2W)``."""
    return nn.Sequential(_conv3(channels, 2 * channels), nn.PixelShuffle(2))


def _conv3(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)


def _depthwise(channels: int) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
