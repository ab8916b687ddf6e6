"""Peak signal-to-noise ratio."""

from __future__ import annotations

import torch

from ddriqa.restoration.measures.planes import planes


def psnr(
    output: torch.Tensor, target: torch.Tensor, *, channel: str = "rgb", border: int = 0
) -> torch.Tensor:
    """``-10 log10(MSE)`` of each pair, over pixels and channels at once.

    Values are taken as they come: round them first (``planes.eight_bit``) where a paper measured
    saved files.

    Args:
        output, target: ``(B, 3, H, W)`` RGB floats in [0, 1].
        channel: ``rgb``, or ``y`` (BT.601 as in MATLAB) with the same peak of 1, as the papers on
            super-resolution have it.
        border: pixels that are left out at each side.

    Returns:
        dB, float64 ``(B,)``, higher is better; infinite for an equal pair.

    Raises:
        UsageError, ImageError: see ``planes``.
    """
    x, y = planes(output, target, channel, border)
    return -10 * torch.log10((x - y).square().mean((1, 2, 3)))
