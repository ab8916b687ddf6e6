"""VGG19's convolutions, named as torchvision's weights have them.

Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", 2015.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from torch import Tensor

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CHANNELS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))
"""Channels and number of convolutions of the five blocks."""


class VGG19Features(nn.Module):
    """``features``: 16 convolutions with ReLU, a 2 x 2 pool after each block; 20,024,384 numbers.

    Index of relu1_1 1, relu2_1 6, relu3_1 11, relu4_1 20, relu5_1 29.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for channels, count in CHANNELS:
            for _ in range(count):
                layers += [nn.Conv2d(inputs, channels, 3, padding=1), nn.ReLU(inplace=True)]
                inputs = channels
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)

    def maps(self, pixels: Tensor, indices: Sequence[int]) -> Iterator[Tensor]:
        """ImageNet-normalised ``(B, 3, H, W)`` -> the maps after the layers of these indices.

        One after the other in rising order: who keeps none needs the memory of one.
        """
        for index, layer in zip(range(max(indices) + 1), self.features, strict=False):
            pixels = layer(pixels)
            if index in indices:
                yield pixels


def imagenet_normalised(pixels: np.ndarray) -> Tensor:
    """uint8 ``(H, W, 3)`` -> ``(1, 3, H, W)`` float, ``(x / 255 - mean) / std`` of ImageNet."""
    channels = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    return (channels - mean) / std
