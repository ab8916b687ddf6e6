"""Inception v3 as the Frechet inception distance uses it: TensorFlow's network of 2015.

Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", CVPR 2016. Named as
torchvision's, with the three differences of the ported weights: average pools leave the padding
out of the count, and the last block has a maximum pool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ddriqa.errors import WeightsError
from ddriqa.metrics.network_weights import load_weights
from ddriqa.restoration.losses.backbones import weights_of, where_to_put

if TYPE_CHECKING:
    from pathlib import Path

FILE = "pt_inception-2015-12-05-6726825d.pth"
SOURCE = (
    f"The file {FILE} of https://github.com/mseitzer/pytorch-fid/releases holds them. "
    f"{where_to_put(FILE)}"
)


class Convolution(nn.Module):
    """Convolution, batch normalisation (eps 0.001), ReLU; padded so that a stride of 1 keeps the
    size, unless ``padded`` says no.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: tuple[int, int] = (1, 1),
        stride: int = 1,
        padded: bool = True,
    ) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2) if padded else (0, 0)
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, maps: Tensor) -> Tensor:
        """``(B, C, H, W)`` -> ``(B, outputs, H', W')``."""
        return F.relu(self.bn(self.conv(maps)))


def _average(maps: Tensor) -> Tensor:
    return F.avg_pool2d(maps, 3, stride=1, padding=1, count_include_pad=False)


class InceptionA(nn.Module):
    """1x1; 5x5; twice 3x3; a pool: 224 channels and those of the pool."""

    def __init__(self, inputs: int, pool: int) -> None:
        super().__init__()
        self.branch1x1 = Convolution(inputs, 64)
        self.branch5x5_1 = Convolution(inputs, 48)
        self.branch5x5_2 = Convolution(48, 64, (5, 5))
        self.branch3x3dbl_1 = Convolution(inputs, 64)
        self.branch3x3dbl_2 = Convolution(64, 96, (3, 3))
        self.branch3x3dbl_3 = Convolution(96, 96, (3, 3))
        self.branch_pool = Convolution(inputs, pool)

    def forward(self, maps: Tensor) -> Tensor:
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(maps)))
        five = self.branch5x5_2(self.branch5x5_1(maps))
        pooled = self.branch_pool(_average(maps))
        return torch.cat([self.branch1x1(maps), five, double, pooled], 1)


class InceptionB(nn.Module):
    """Half the size: 3x3; twice 3x3; a pool: 480 channels and the input's."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.branch3x3 = Convolution(inputs, 384, (3, 3), 2, padded=False)
        self.branch3x3dbl_1 = Convolution(inputs, 64)
        self.branch3x3dbl_2 = Convolution(64, 96, (3, 3))
        self.branch3x3dbl_3 = Convolution(96, 96, (3, 3), 2, padded=False)

    def forward(self, maps: Tensor) -> Tensor:
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(maps)))
        return torch.cat([self.branch3x3(maps), double, F.max_pool2d(maps, 3, stride=2)], 1)


class InceptionC(nn.Module):
    """1x1; 7x7 in two parts; twice 7x7 in four; a pool: 768 channels."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.branch1x1 = Convolution(inputs, 192)
        self.branch7x7_1 = Convolution(inputs, width)
        self.branch7x7_2 = Convolution(width, width, (1, 7))
        self.branch7x7_3 = Convolution(width, 192, (7, 1))
        self.branch7x7dbl_1 = Convolution(inputs, width)
        self.branch7x7dbl_2 = Convolution(width, width, (7, 1))
        self.branch7x7dbl_3 = Convolution(width, width, (1, 7))
        self.branch7x7dbl_4 = Convolution(width, width, (7, 1))
        self.branch7x7dbl_5 = Convolution(width, 192, (1, 7))
        self.branch_pool = Convolution(inputs, 192)

    def forward(self, maps: Tensor) -> Tensor:
        seven = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(maps)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(maps)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        pooled = self.branch_pool(_average(maps))
        return torch.cat([self.branch1x1(maps), seven, double, pooled], 1)


class InceptionD(nn.Module):
    """Half the size: 3x3; 7x7 and 3x3; a pool: 512 channels and the input's."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.branch3x3_1 = Convolution(inputs, 192)
        self.branch3x3_2 = Convolution(192, 320, (3, 3), 2, padded=False)
        self.branch7x7x3_1 = Convolution(inputs, 192)
        self.branch7x7x3_2 = Convolution(192, 192, (1, 7))
        self.branch7x7x3_3 = Convolution(192, 192, (7, 1))
        self.branch7x7x3_4 = Convolution(192, 192, (3, 3), 2, padded=False)

    def forward(self, maps: Tensor) -> Tensor:
        seven = self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(maps)))
        three = self.branch3x3_2(self.branch3x3_1(maps))
        return torch.cat([three, self.branch7x7x3_4(seven), F.max_pool2d(maps, 3, stride=2)], 1)


class InceptionE(nn.Module):
    """1x1; 3x3 forked; twice 3x3 forked; a pool, in the ``last`` of maxima: 2048 channels."""

    def __init__(self, inputs: int, last: bool = False) -> None:
        super().__init__()
        self.last = last
        self.branch1x1 = Convolution(inputs, 320)
        self.branch3x3_1 = Convolution(inputs, 384)
        self.branch3x3_2a = Convolution(384, 384, (1, 3))
        self.branch3x3_2b = Convolution(384, 384, (3, 1))
        self.branch3x3dbl_1 = Convolution(inputs, 448)
        self.branch3x3dbl_2 = Convolution(448, 384, (3, 3))
        self.branch3x3dbl_3a = Convolution(384, 384, (1, 3))
        self.branch3x3dbl_3b = Convolution(384, 384, (3, 1))
        self.branch_pool = Convolution(inputs, 192)

    def forward(self, maps: Tensor) -> Tensor:
        three = self.branch3x3_1(maps)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(maps))
        pooled = F.max_pool2d(maps, 3, stride=1, padding=1) if self.last else _average(maps)
        forks = [self.branch3x3_2a(three), self.branch3x3_2b(three)]
        forks += [self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double)]
        return torch.cat([self.branch1x1(maps), *forks, self.branch_pool(pooled)], 1)


class InceptionV3(nn.Module):
    """Up to the last pool: 21,785,568 numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Convolution(3, 32, (3, 3), 2, padded=False)
        self.Conv2d_2a_3x3 = Convolution(32, 32, (3, 3), padded=False)
        self.Conv2d_2b_3x3 = Convolution(32, 64, (3, 3))
        self.Conv2d_3b_1x1 = Convolution(64, 80)
        self.Conv2d_4a_3x3 = Convolution(80, 192, (3, 3), padded=False)
        self.Mixed_5b = InceptionA(192, pool=32)
        self.Mixed_5c = InceptionA(256, pool=64)
        self.Mixed_5d = InceptionA(288, pool=64)
        self.Mixed_6a = InceptionB(288)
        self.Mixed_6b = InceptionC(768, width=128)
        self.Mixed_6c = InceptionC(768, width=160)
        self.Mixed_6d = InceptionC(768, width=160)
        self.Mixed_6e = InceptionC(768, width=192)
        self.Mixed_7a = InceptionD(768)
        self.Mixed_7b = InceptionE(1280)
        self.Mixed_7c = InceptionE(2048, last=True)

    def forward(self, pixels: Tensor) -> Tensor:
        """``(B, 3, 299, 299)`` in [-1, 1] -> ``(B, 2048)``."""
        maps = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(pixels)))
        maps = F.max_pool2d(maps, 3, stride=2)
        maps = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(maps))
        maps = F.max_pool2d(maps, 3, stride=2)
        for name, block in self.named_children():
            if name.startswith("Mixed"):
                maps = block(maps)
        return maps.mean((2, 3))


def load_inception(file: str | Path | None) -> InceptionV3:
    """The network with weights of a file, frozen; by default ``FILE`` in one of
    ``backbones.weights_folders``.

    Raises:
        WeightsError: no file, or one that doesn't fit.
    """
    network, file = InceptionV3(), file or weights_of(FILE)
    try:
        load_weights(network, file, name="fid's Inception", source=SOURCE, unused="fc.")
    except WeightsError as error:
        for module in network.modules():  # files from before torch 0.4.1 count no batches
            if isinstance(module, nn.BatchNorm2d):
                module.num_batches_tracked = None
                module.track_running_stats = False
        try:
            load_weights(network, file, name="fid's Inception", source=SOURCE, unused="fc.")
        except WeightsError:
            raise error from None
    return network
