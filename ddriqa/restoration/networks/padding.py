"""Pictures of any size for networks that need a multiple: padding at the right and below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F

if TYPE_CHECKING:
    from torch import Tensor


def zero_pad(x: Tensor, multiple: int) -> Tensor:
    """``(B, C, H, W)`` -> H and W up to the next multiple, with zeros."""
    return F.pad(x, (0, -x.shape[-1] % multiple, 0, -x.shape[-2] % multiple))


def reflect_pad(x: Tensor, multiple: int) -> Tensor:
    """``(B, C, H, W)`` -> H and W up to the next multiple, mirrored without repeating the edge.

    A side shorter than its padding is mirrored again and again (a triangle wave); a side of one
    pixel is repeated.
    """
    height, width = x.shape[-2:]
    height, width = height + -height % multiple, width + -width % multiple
    while x.shape[-2:] != (height, width):
        right = min(width - x.shape[-1], max(x.shape[-1] - 1, 1))
        below = min(height - x.shape[-2], max(x.shape[-2] - 1, 1))
        x = _one_side(_one_side(x, (0, right, 0, 0)), (0, 0, 0, below))
    return x


def _one_side(x: Tensor, border: tuple[int, int, int, int]) -> Tensor:
    if not any(border):
        return x
    length = x.shape[-1] if border[1] else x.shape[-2]
    return F.pad(x, border, mode="reflect" if length > 1 else "replicate")
