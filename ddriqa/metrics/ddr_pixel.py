"""DDR with damage done to the pixels instead of the features (the paper's Eq. 1 and 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ddriqa.degradations import degrade
from ddriqa.errors import UsageError
from ddriqa.metrics.catalogue import DISPARITIES
from ddriqa.metrics.ddr import Disparity

if TYPE_CHECKING:
    from ddriqa.encoders import Encoder


def pixel_response(
    encoder: Encoder,
    image: np.ndarray,
    degradation: str,
    level: float,
    *,
    disparity: Disparity = "cosine",
    geometry: str | None = None,
    seed: int = 0,
) -> float:
    """How far a synthetic damage at ``level`` moves an image's features.

    The damage is done at the image's own size, before the view; crops are averaged. The paper
    gives neither levels nor kernels and tunes the level to its data, so the number depends on
    yours; a sharper picture moves further under blur.

    Args:
        image: uint8 ``(H, W, 3)`` sRGB.
        degradation: a name of ``ddriqa.degradations``.
        level: in [0, 1]; 0 gives 0.
        disparity: M of Eq. 1: ``cosine`` (1 - cosine), ``l1`` (mean absolute difference) or
            ``l2`` (norm of the difference).
        geometry: ``crops``, ``view``, or by encoder.
        seed: of what is random in the damage.

    Raises:
        UsageError: an unknown degradation, disparity or geometry, a level outside [0, 1].
    """
    if disparity not in DISPARITIES:
        raise UsageError("disparity", f"unknown {disparity!r}", "Known: cosine, l1, l2")
    try:
        damaged = degrade(image, degradation, level, seed)
    except ValueError as error:
        raise UsageError(degradation, str(error)) from error
    if geometry == "native":
        raise UsageError("geometry", "native isn't one of the paper's", "Known: crops, view")
    view = encoder.view_for(geometry)
    with torch.inference_mode():
        before, after = (_encode(encoder, view(pixels)) for pixels in (image, damaged))
    return float(_distance(before, after, disparity).mean())


def _encode(encoder: Encoder, view: Tensor) -> Tensor:
    pixels = view.to(encoder.mean.device)
    return encoder.encode_image(pixels if pixels.is_floating_point() else pixels.float() / 255)


def _distance(before: Tensor, after: Tensor, disparity: Disparity) -> Tensor:
    if disparity == "cosine":
        return 1 - F.cosine_similarity(before, after, dim=-1)
    difference = after - before
    return difference.abs().mean(-1) if disparity == "l1" else difference.norm(dim=-1)
