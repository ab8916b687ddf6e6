"""CLIP's towers on pictures of any size.

The positional tables of the towers belong to one size. A ResNet does without (as CLIP-IQA takes
it: position only enters at its last layer); a ViT reads positions from its first layer on, and
breaks without them, so its table is resized.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ddriqa.encoders.attention_pool import mean_token_pool

if TYPE_CHECKING:
    from collections.abc import Callable


def native_features(visual: Any) -> Callable[[Any, Tensor], Tensor] | None:
    """How a tower of open_clip takes pictures of any size; None where it can't.

    Returns:
        ``resnet_features`` or ``vit_features``.
    """
    from open_clip.modified_resnet import ModifiedResNet
    from open_clip.transformer import VisionTransformer

    if isinstance(visual, ModifiedResNet):
        return resnet_features
    if isinstance(visual, VisionTransformer):
        return vit_features
    return None


def resnet_features(visual: Any, pixels: Tensor) -> Tensor:
    """A ResNet without its positional table.

    Args:
        visual: open_clip's ``ModifiedResNet``.
        pixels: ``(B, 3, H, W)`` normalised, sides of 31 pixels at least.

    Returns:
        ``(B, D)`` projected features.
    """
    maps = visual.stem(pixels)
    for layer in (visual.layer1, visual.layer2, visual.layer3, visual.layer4):
        maps = layer(maps)
    return mean_token_pool(maps, visual.attnpool)


def vit_features(visual: Any, pixels: Tensor) -> Tensor:
    """A ViT with its positional table resized to the picture's grid of patches.

    A side that isn't a multiple of the patch is padded to one by reflection, at its far end.

    Args:
        visual: open_clip's ``VisionTransformer``.
        pixels: ``(B, 3, H, W)`` normalised, sides of one patch at least.

    Returns:
        ``(B, D)`` projected features; those of the tower itself at its own size.
    """
    (height, width), (rows, columns) = pixels.shape[-2:], visual.patch_size
    if height % rows or width % columns:
        pixels = F.pad(pixels, (0, -width % columns, 0, -height % rows), mode="reflect")
    patches = visual.conv1(pixels)
    positions = resized_positions(visual.positional_embedding, visual.grid_size, patches.shape[-2:])
    leading = visual.class_embedding.to(patches.dtype).expand(len(patches), 1, -1)
    tokens = torch.cat([leading, patches.flatten(2).transpose(1, 2)], dim=1)
    tokens = visual.ln_pre(tokens + positions.to(tokens.dtype))
    pooled, _ = visual._pool(visual.transformer(tokens))
    return pooled if visual.proj is None else pooled @ visual.proj


def resized_positions(table: Tensor, old: tuple[int, int], new: tuple[int, int]) -> Tensor:
    """A ViT's positional table for another grid of patches.

    The patches' part is resized on its grid, cubic with antialiasing as in open_clip's
    ``resize_pos_embed``; the class token's row stays. CLIP-IQA's code resizes the flattened table
    as if it were a picture, which mixes ends of rows, and the class token with the first patch.

    Args:
        table: ``(1 + rows * columns, width)``.
        old: its rows and columns.
        new: those wanted.

    Returns:
        ``(1 + rows * columns, width)`` of the new grid.
    """
    if tuple(old) == tuple(new):
        return table
    grid = table[1:].unflatten(0, tuple(old)).permute(2, 0, 1)[None].float()
    grid = grid.contiguous()  # torch 2.13 resizes to a width of 1 wrongly where channels come last
    grid = F.interpolate(grid, tuple(new), mode="bicubic", antialias=True, align_corners=False)
    return torch.cat([table[:1], grid[0].flatten(1).T.to(table.dtype)])
