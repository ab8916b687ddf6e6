"""NAFNet with local statistics for test time: Chu et al., "Improving Image Restoration by
Revisiting Global Information Aggregation" (ECCV 2022).

A network trained on crops sees other means in whole photographs. Its channel attention then takes
the mean of a window about each pixel instead, a little wider than the training crop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ddriqa.restoration.networks.nafnet import NAFBlock, NAFNet

if TYPE_CHECKING:
    from collections.abc import Sequence


def local_mean(x: Tensor, window: int) -> Tensor:
    """Means of all ``window`` x ``window`` squares of ``(B, C, H, W)``, borders replicated.

    Returns:
        ``(B, C, H, W)``: each pixel has the mean of the square that it is the centre of (of an
        even window: the pixel left and above of the centre); or ``(B, C, 1, 1)``, the mean of
        everything, where the window covers the picture.
    """
    height, width = x.shape[-2:]
    if window >= height and window >= width:
        return F.adaptive_avg_pool2d(x, 1)
    across, down = min(window, width), min(window, height)
    means = _sliding_mean(_sliding_mean(x, down, -2), across, -1)
    left, above = (across - 1) // 2, (down - 1) // 2
    border = (left, across - 1 - left, above, down - 1 - above)
    return F.pad(means, border, mode="replicate")


def _sliding_mean(x: Tensor, window: int, dim: int) -> Tensor:
    """One axis at a time, by prefix sums in float32: a sum over both would lose digits."""
    sums = x.cumsum(dim, dtype=torch.promote_types(x.dtype, torch.float32))
    sums = F.pad(sums, (1, 0) if dim == -1 else (0, 0, 1, 0))
    length = sums.shape[dim] - window
    return ((sums.narrow(dim, window, length) - sums.narrow(dim, 0, length)) / window).to(x.dtype)


class LocalMean(nn.Module):
    """``local_mean`` in the place of a global pool."""

    def __init__(self, window: int) -> None:
        super().__init__()
        self.window = window

    def forward(self, x: Tensor) -> Tensor:
        return local_mean(x, self.window)


class NAFNetLocal(NAFNet):
    """NAFNet whose channel attention looks at a window of 1.5 times the training crop.

    Keys and shapes are NAFNet's, so that one's weights are the other's. On pictures whose sides
    are at most ``1.5 * train_size`` it is NAFNet to the bit.

    Args:
        train_size: the side of the crops that the weights were trained on, in pixels.
        others: as NAFNet's.
    """

    def __init__(
        self,
        width: int,
        encoder_blocks: Sequence[int],
        middle_blocks: int,
        decoder_blocks: Sequence[int],
        train_size: int = 256,
    ) -> None:
        super().__init__(width, encoder_blocks, middle_blocks, decoder_blocks)
        self.train_size = train_size
        levels = len(encoder_blocks)
        for level, blocks in enumerate(self.encoders):
            self._localise(blocks, level)
        self._localise(self.middle_blks, levels)
        for index, blocks in enumerate(self.decoders):
            self._localise(blocks, levels - 1 - index)

    def _localise(self, blocks: nn.Module, level: int) -> None:
        for block in blocks.modules():
            if isinstance(block, NAFBlock):
                block.sca[0] = LocalMean(self.window(level))

    def window(self, level: int) -> int:
        """The window's side at a level, in its own pixels: (features of a crop) * 1.5."""
        padded = self.train_size + -self.train_size % self.multiple
        return (padded >> level) * int(1.5 * self.train_size) // self.train_size
