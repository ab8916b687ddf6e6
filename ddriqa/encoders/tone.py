"""Statistics of brightness and colour that a network trained for objects doesn't keep."""

from __future__ import annotations

import torch
from torch import Tensor

BINS = 16
LUMA = (0.299, 0.587, 0.114)
CHROMA_RANGE = 0.5  # larger distances from grey share the last bin
CLIPPED, BLACK = 0.975, 0.04  # brighter counts as clipped, darker as black
TONE = 3 * BINS + 11


def tone_statistics(pixels: Tensor) -> Tensor:
    """Brightness and colour of ``(B, 3, H, W)`` in [0, 1]: ``(B, 59)``, differentiable.

    Histograms of luma, of the brightest channel and of the distance from grey, with triangular
    bins; mean and deviation of red - green and yellow - blue (the opponents of Hasler and
    Süsstrunk 2003), and their means beside the mean luma; logarithms of the mean luma, of the
    mean distance from grey, and of the shares of pixels that are clipped in one channel, white,
    or black. Every second pixel of every second row is read.
    """
    red, green, blue = pixels[..., ::2, ::2].flatten(2).unbind(1)
    luma = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
    opponents = torch.stack([red - green, (red + green) / 2 - blue], dim=1)
    chroma = (opponents.square().sum(1) + 1e-12).sqrt() / CHROMA_RANGE
    brightest = torch.maximum(torch.maximum(red, green), blue)
    variance, mean = torch.var_mean(opponents, dim=2, correction=0)
    level = luma.mean(1, keepdim=True)
    logarithms = [
        (level + 0.02).log(),
        (chroma.mean(1, keepdim=True) + 0.01).log(),
        *(_log_share(x) for x in (brightest - CLIPPED, luma - CLIPPED, BLACK - luma)),
    ]
    histograms = [soft_histogram(values) for values in (luma, brightest, chroma)]
    parts = [*histograms, mean, (variance + 1e-6).sqrt(), mean / (level + 0.02), *logarithms]
    return torch.cat(parts, dim=1)


def _log_share(excess: Tensor) -> Tensor:
    """Logarithm of the share of values above 0, with a soft edge: ``(B, N)`` -> ``(B, 1)``."""
    return ((excess / 0.008).sigmoid().mean(1, keepdim=True) + 0.003).log()


def soft_histogram(values: Tensor) -> Tensor:
    """Share of values near each of 16 centres from 0 to 1: ``(B, N)`` -> ``(B, 16)``, sum 1."""
    place = values.clamp(0, 1) * (BINS - 1)
    return torch.stack([(1 - (place - k).abs()).relu().mean(-1) for k in range(BINS)], dim=-1)
