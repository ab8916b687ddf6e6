"""Statistics of the pixels that a network trained for objects doesn't keep: light, colour, detail.

Every function takes ``(B, 3, H, W)`` in [0, 1] and gives ``(B, N)``, differentiable. They read the
encoder's own view, so that they say the same of one picture at any size.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

LUMA = (0.299, 0.587, 0.114)
QUANTILES = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999)
SATURATIONS = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
BRIGHTNESSES = (0.1, 0.3, 0.5, 0.7, 0.9)
HUE_BINS = 8
DETAIL_BINS, DETAIL_SCALES = 12, 4
EVERY = 3  # of the rows and columns, for light and colour; detail reads all
LIGHT = 3 * len(QUANTILES)
SHADES = 4 * len(BRIGHTNESSES) + 3 + 3 * len(SATURATIONS) + 2
HUES = HUE_BINS**2
DETAIL = (DETAIL_SCALES + 2 * 2) * DETAIL_BINS
PIXELS = LIGHT + SHADES + HUES + DETAIL


def pixel_statistics(pixels: Tensor) -> Tensor:
    """All of them: ``(B, 242)``."""
    few = pixels[..., ::EVERY, ::EVERY]
    return torch.cat([light(few), shades(few), hues(few), detail(pixels)], dim=1)


def light(pixels: Tensor) -> Tensor:
    """Thirteen quantiles each of luma, of the brightest and of the darkest channel."""
    channels = (luma(pixels), pixels.amax(1), pixels.amin(1))
    return torch.cat([quantiles(channel, QUANTILES) for channel in channels], dim=1)


def shades(pixels: Tensor) -> Tensor:
    """Colour by brightness.

    For each of five brightnesses: mean of red - green and of yellow - blue, mean distance from
    grey, logarithm of the share of pixels there. Then the colour of what is nearly grey, which a
    cast gives away; quantiles of two kinds of saturation; shares of clipped and of black pixels.
    """
    grey = luma(pixels).flatten(1)
    red_green, yellow_blue = (plane.flatten(1) for plane in opponents(pixels))
    chroma = (red_green**2 + yellow_blue**2 + 1e-8).sqrt()
    parts = []
    for brightness in BRIGHTNESSES:
        weight = (1 - (grey - brightness).abs() / 0.2).relu() + 1e-5
        parts += _means(weight, red_green, yellow_blue, chroma)
    neutral = torch.exp(-((chroma / (0.08 * (grey + 0.1))) ** 2)) + 1e-5
    parts += _means(neutral, red_green / (grey + 0.05), yellow_blue / (grey + 0.05))
    largest, smallest = pixels.amax(1).flatten(1), pixels.amin(1).flatten(1)
    relative = quantiles(chroma / (grey + 0.05), SATURATIONS)
    saturation = quantiles((largest - smallest) / (largest + 0.02), SATURATIONS)
    ends = [_log_share(0.004 - smallest), _log_share(largest - 0.996)]
    return torch.cat(
        [torch.stack(parts, 1), (relative + 0.01).log(), relative, saturation, *ends], dim=1
    )


def _means(weight: Tensor, *values: Tensor) -> list[Tensor]:
    """Weighted means over the pixels, and the logarithm of the mean weight, each ``(B,)``."""
    total = weight.sum(1)
    share = (total / weight.shape[1] + 0.003).log()
    return [*((weight * value).sum(1) / total for value in values), share]


def _log_share(excess: Tensor) -> Tensor:
    """Logarithm of the share of values above 0, with a soft edge: ``(B, N)`` -> ``(B, 1)``."""
    return ((excess / 0.004).sigmoid().mean(1, keepdim=True) + 0.003).log()


def hues(pixels: Tensor) -> Tensor:
    """Logarithm of a histogram of log(green / red) and log(green / blue), 8 x 8 soft bins.

    The coordinates of Barron, "Convolutional Color Constancy" (ICCV 2015), in which a change of
    white balance is a shift; bins are finer near grey.
    """
    logs = (pixels.clamp(0, 1) + 0.03).log().flatten(2)
    red, blue = (_soft_bins(logs[:, 1] - logs[:, other]) for other in (0, 2))
    histogram = red @ blue.transpose(1, 2) / red.shape[2]
    return (histogram.flatten(1) + 1e-3).log()


def _soft_bins(values: Tensor) -> Tensor:
    """Membership of each value in 8 triangular bins: ``(B, N)`` -> ``(B, 8, N)``."""
    place = (torch.tanh(values / 0.6) + 1) * (HUE_BINS - 1) / 2
    centres = torch.arange(HUE_BINS, device=values.device).view(1, -1, 1)
    return (1 - (place[:, None] - centres).abs()).relu()


def detail(pixels: Tensor) -> Tensor:
    """Histograms of the energy of fine detail in blocks of 8 x 8, 12 soft bins each.

    Haar wavelets: of luma at four scales, of the two opponent colours at the first two.
    """
    planes = torch.stack([luma(pixels), *opponents(pixels)], dim=1)
    parts = []
    for scale in range(DETAIL_SCALES):
        if scale == 2:
            planes = planes[:, :1]
        planes, energy = _haar(planes)
        parts.append(_histograms(energy).flatten(1))
    return torch.cat(parts, dim=1)


def _haar(planes: Tensor) -> tuple[Tensor, Tensor]:
    """The planes at half the size, and the log deviation of what that takes away, by block.

    ``(B, C, H, W)`` -> ``(B, C, H/2, W/2)`` and ``(B, C, about H/8, W/8)``; an odd last row or
    column, and blocks that aren't whole, are left out.
    """
    height, width = planes.shape[-2] // 2 * 2, planes.shape[-1] // 2 * 2
    a, b = planes[..., 0:height:2, 0:width:2], planes[..., 0:height:2, 1:width:2]
    c, d = planes[..., 1:height:2, 0:width:2], planes[..., 1:height:2, 1:width:2]
    half = (a + b + c + d) / 4
    fine = (a - half).square() + (b - half).square() + (c - half).square() + (d - half).square()
    block = min(4, *fine.shape[-2:])
    return half, 0.5 * (F.avg_pool2d(fine / 4, block) + 4e-6).log()


def _histograms(energies: Tensor) -> Tensor:
    """Share of blocks in each bin from log .002 to log .27: ``(B, C, h, w)`` -> ``(B, C, 12)``."""
    place = (energies.flatten(2) + 6.3) / 5 * (DETAIL_BINS - 1)
    return torch.stack([(1 - (place - k).abs()).relu().mean(2) for k in range(DETAIL_BINS)], 2)


def luma(pixels: Tensor) -> Tensor:
    """``(B, 3, H, W)`` -> ``(B, H, W)``."""
    red, green, blue = pixels.unbind(1)
    return LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue


def opponents(pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Red - green and yellow - blue (Hasler and Süsstrunk 2003), each ``(B, H, W)``."""
    red, green, blue = pixels.unbind(1)
    return red - green, (red + green) / 2 - blue


def quantiles(values: Tensor, shares: tuple[float, ...]) -> Tensor:
    """The nearest order statistics: ``(B, ...)`` -> ``(B, len(shares))``."""
    ordered = _sorted(values.flatten(1))
    last = ordered.shape[1] - 1
    return ordered[:, [round(share * last) for share in shares]]


def _sorted(values: Tensor) -> Tensor:
    """Each row in order: numpy does it some twenty times faster, torch with a gradient."""
    if values.requires_grad or not values.is_cpu or values.dtype != torch.float32:
        return values.sort(1).values
    return torch.from_numpy(np.sort(values.numpy(), axis=1))
