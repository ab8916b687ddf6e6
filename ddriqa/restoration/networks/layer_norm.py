"""Layer normalisation over the channels of each pixel (Ba et al., 2016), for feature maps."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LayerNorm2d(nn.Module):
    """``(B, C, H, W)``: ``(x - mean) / sqrt(variance + eps) * weight + bias`` over C."""

    def __init__(self, channels: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        last = x.permute(0, 2, 3, 1)
        normed = F.layer_norm(last, self.weight.shape, self.weight, self.bias, self.eps)
        return normed.permute(0, 3, 1, 2)


class BiasFreeLayerNorm2d(nn.Module):
    """``(B, C, H, W)``: ``x / sqrt(variance + eps) * weight`` over C.

    The variance is taken around the mean, but the mean is not subtracted (Restormer's denoising
    models).
    """

    def __init__(self, channels: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        variance = torch.var(x, dim=1, keepdim=True, correction=0)
        return x * torch.rsqrt(variance + self.eps) * self.weight[:, None, None]
