"""Structural similarity in the four definitions that papers report under one name.

Wang, Bovik, Sheikh, Simoncelli, "Image Quality Assessment: From Error Visibility to Structural
Similarity", 2004. Values of two definitions don't compare, so each has a name.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ddriqa.errors import ImageError, UsageError
from ddriqa.restoration.measures.planes import planes

DEFINITIONS = {
    "gauss": "11 x 11 Gaussian, sigma 1.5, valid area, a channel at a time (BasicSR, NDR-Restore)",
    "gauss-y": "the same on the luma of BT.601 (super-resolution, deraining)",
    "uniform7": "7 x 7 box, sample covariance, scikit-image's default (AirNet, PromptIR)",
    "3d": "11 x 11 x 11 Gaussian over rows, columns and colours, replicated borders, MATLAB's ssim "
    "of a colour picture (MPRNet, NAFNet)",
}
C1, C2 = 0.01**2, 0.03**2  # for a range of 1
SIGMA, RADIUS, BOX = 1.5, 5, 7


def ssim(
    output: torch.Tensor, target: torch.Tensor, *, definition: str = "gauss", border: int = 0
) -> torch.Tensor:
    """The mean similarity of each pair (the paper's Eq. 13).

    Args:
        output, target: ``(B, 3, H, W)`` RGB floats in [0, 1]; round them first
            (``planes.eight_bit``) where a paper measured saved files.
        definition: a key of ``DEFINITIONS``.
        border: pixels that are left out at each side.

    Returns:
        float64 ``(B,)`` in [-1, 1], higher is better, 1 for an equal pair.

    Raises:
        UsageError: an unknown definition, a negative border.
        ImageError: pictures of two sizes, or smaller than the window.
    """
    if definition not in DEFINITIONS:
        known = f"Known: {', '.join(DEFINITIONS)}"
        raise UsageError("definition", f"unknown name {definition!r}", known)
    x, y = planes(output, target, "y" if definition == "gauss-y" else "rgb", border)
    window = {"uniform7": BOX, "3d": 1}.get(definition, 2 * RADIUS + 1)
    if min(x.shape[-2:]) < window:
        size = f"{x.shape[-1]} x {x.shape[-2]}"
        raise ImageError("", f"is {size} px, smaller than the window of {window} x {window}")
    smooth = {"uniform7": _box, "3d": _gauss_3d}.get(definition, _gauss)
    unbiased = BOX**2 / (BOX**2 - 1) if definition == "uniform7" else 1.0
    mean_x, mean_y = smooth(x), smooth(y)
    variance_x = unbiased * (smooth(x * x) - mean_x**2)
    variance_y = unbiased * (smooth(y * y) - mean_y**2)
    covariance = unbiased * (smooth(x * y) - mean_x * mean_y)
    luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
    structure = (2 * covariance + C2) / (variance_x + variance_y + C2)
    return (luminance * structure).mean((1, 2, 3))


def _kernel(like: torch.Tensor) -> torch.Tensor:
    places = torch.arange(-RADIUS, RADIUS + 1, dtype=like.dtype, device=like.device)
    weights = (-(places**2) / (2 * SIGMA**2)).exp()
    return weights / weights.sum()


def _gauss(values: torch.Tensor) -> torch.Tensor:
    """``(B, C, H, W)`` -> ``(B, C, H - 10, W - 10)``."""
    kernel = _kernel(values)
    flat = values.flatten(0, 1)[:, None]
    flat = F.conv2d(F.conv2d(flat, kernel.view(1, 1, -1, 1)), kernel.view(1, 1, 1, -1))
    return flat.view(*values.shape[:2], *flat.shape[-2:])


def _gauss_3d(values: torch.Tensor) -> torch.Tensor:
    """``(B, 3, H, W)`` -> the same size; the border pixels and colours are repeated outwards."""
    offsets = torch.arange(-RADIUS, RADIUS + 1, device=values.device)
    reached = (torch.arange(3, device=values.device)[:, None] + offsets).clamp(0, 2)
    mix = (_kernel(values)[:, None] * F.one_hot(reached, 3)).sum(1)  # colour to colour
    mixed = torch.einsum("ij,bjhw->bihw", mix, values)
    return _gauss(F.pad(mixed, (RADIUS,) * 4, mode="replicate"))


def _box(values: torch.Tensor) -> torch.Tensor:
    """``(B, C, H, W)`` -> ``(B, C, H - 6, W - 6)``."""
    return F.avg_pool2d(values, BOX, stride=1)
