"""Statistics of brightness and colour that a network trained for objects doesn't keep."""

from __future__ import annotations

import torch
from torch import Tensor

BINS = 16
LUMA = (0.299, 0.587, 0.114)
CHROMA_RANGE = 0.5  # larger distances from grey share the last bin
TONE = 3 * BINS + 4


def tone_statistics(pixels: Tensor) -> Tensor:
    """Soft histograms and opponent colours of ``(B, 3, H, W)`` in [0, 1]: ``(B, 52)``.

    Histograms of luma, of the brightest channel (clipping) and of the distance from grey, with
    triangular bins so that they are differentiable; then mean and deviation of red - green and
    yellow - blue (the opponents of Hasler and Süsstrunk 2003). Every second pixel of every
    second row is read.
    """
    red, green, blue = pixels[..., ::2, ::2].flatten(2).unbind(1)
    luma = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    chroma = (red_green**2 + yellow_blue**2 + 1e-12).sqrt() / CHROMA_RANGE
    brightest = torch.maximum(torch.maximum(red, green), blue)
    opponents = torch.stack([red_green, yellow_blue], dim=1)
    variance, mean = torch.var_mean(opponents, dim=2, correction=0)
    histograms = [soft_histogram(values) for values in (luma, brightest, chroma)]
    return torch.cat([*histograms, mean, (variance + 1e-6).sqrt()], dim=1)


def soft_histogram(values: Tensor) -> Tensor:
    """Share of values near each of 16 centres from 0 to 1: ``(B, N)`` -> ``(B, 16)``, sum 1."""
    place = values.clamp(0, 1) * (BINS - 1)
    return torch.stack([(1 - (place - k).abs()).relu().mean(-1) for k in range(BINS)], dim=-1)
