"""What a measure of pixels looks at: colours or luma, without a border, 8 bit or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddriqa.errors import ImageError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

CHANNELS = ("rgb", "y")


def eight_bit(images: Tensor) -> Tensor:
    """Clamped to [0, 1] and rounded to 255ths, as a saved file has it; any shape."""
    return (images.clamp(0, 1) * 255).round() / 255


def planes(output: Tensor, target: Tensor, channel: str, border: int) -> tuple[Tensor, Tensor]:
    """The pair in float64 as a measure compares it: ``(B, 3 or 1, H - 2 border, W - 2 border)``.

    Args:
        output, target: ``(B, 3, H, W)`` RGB floats in [0, 1].
        channel: ``rgb``, or ``y``: the luma of BT.601 as MATLAB's rgb2ycbcr has it, not rounded.
        border: pixels that are left out at each side; the scale in super-resolution.

    Raises:
        UsageError: an unknown channel, a negative border.
        ImageError: pictures of two sizes, or nothing left inside the border.
    """
    if channel not in CHANNELS:
        raise UsageError("channel", f"unknown name {channel!r}", f"Known: {', '.join(CHANNELS)}")
    if border < 0:
        raise UsageError("border", f"{border} is too small", "It must be at least 0")
    if output.shape != target.shape or output.ndim != 4 or output.shape[1] != 3:
        shapes = f"{tuple(output.shape)} and {tuple(target.shape)}"
        raise ImageError("", f"needs two (B, 3, H, W) of one shape, not {shapes}")
    height, width = output.shape[-2:]
    if min(height, width) <= 2 * border:
        raise ImageError("", f"is {width} x {height} px, nothing inside a border of {border} px")
    inside = (..., slice(border, height - border), slice(border, width - border))
    pair = output[inside].double(), target[inside].double()
    return pair if channel == "rgb" else (luma(pair[0]), luma(pair[1]))


def luma(images: Tensor) -> Tensor:
    """``Y / 255`` with ``Y = 16 + 65.481 R + 128.553 G + 24.966 B``: ``(B, 3, H, W)`` RGB in
    [0, 1] -> ``(B, 1, H, W)`` in [16, 235] / 255. Source: ITU-R BT.601, MATLAB's rgb2ycbcr.
    """
    red, green, blue = images.split(1, dim=1)
    return (16 + 65.481 * red + 128.553 * green + 24.966 * blue) / 255
