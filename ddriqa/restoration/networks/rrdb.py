"""RRDB: the generator of Wang et al., "ESRGAN" (ECCV workshops 2018), and of "Real-ESRGAN" (2021),
which brings scales 1 and 2 to it by un-shuffling the input's pixels."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ddriqa.restoration.networks.padding import reflect_pad

if TYPE_CHECKING:
    from collections.abc import Mapping

SLOPE = 0.2
RESIDUAL_SCALE = 0.2
INIT_SCALE = 0.1

ESRGAN_NAMES = {
    "RRDB_trunk": "body",
    "trunk_conv": "conv_body",
    "upconv1": "conv_up1",
    "upconv2": "conv_up2",
    "HRconv": "conv_hr",
}


class ResidualDenseBlock(nn.Module):
    """RDB: five convolutions, each of all that came before, on ``(B, features, H, W)``."""

    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        for index in range(1, 6):
            outputs = growth if index < 5 else features
            conv = _conv(features + (index - 1) * growth, outputs)
            _initialise(conv)
            self.add_module(f"conv{index}", conv)

    def forward(self, x: Tensor) -> Tensor:
        *growing, last = self.children()
        seen = [x]
        for conv in growing:
            seen.append(F.leaky_relu(conv(torch.cat(seen, 1)), SLOPE))
        return x + RESIDUAL_SCALE * last(torch.cat(seen, 1))


class RRDB(nn.Module):
    """Three residual dense blocks in a residual: ``x + 0.2 RDB3(RDB2(RDB1(x)))``."""

    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        self.rdb1 = ResidualDenseBlock(features, growth)
        self.rdb2 = ResidualDenseBlock(features, growth)
        self.rdb3 = ResidualDenseBlock(features, growth)

    def forward(self, x: Tensor) -> Tensor:
        return x + RESIDUAL_SCALE * self.rdb3(self.rdb2(self.rdb1(x)))


class RRDBNet(nn.Module):
    """``(B, 3, H, W)`` -> ``(B, 3, scale * H, scale * W)``; no picture is added to the output.

    Args:
        scale: 1, 2 or 4.
        blocks: RRDBs.
        features: channels of the features.
        growth: channels that each convolution of a dense block adds.
        unshuffle: scales 1 and 2 un-shuffle the input's pixels by 4 and 2 and always grow by 4
            (Real-ESRGAN); without it the features grow by the scale (SFD's RRDB of scale 2).

    The input is mirrored to the multiple that the un-shuffling needs.
    """

    in_channels = 3

    def __init__(
        self,
        scale: int = 4,
        blocks: int = 23,
        features: int = 64,
        growth: int = 32,
        unshuffle: bool = True,
    ) -> None:
        super().__init__()
        if scale not in (1, 2, 4):
            raise ValueError(f"scale {scale} is none of 1, 2 and 4")
        self.scale = scale
        self.multiple = 4 // scale if unshuffle else 1
        doublings = (scale * self.multiple).bit_length() - 1
        self.conv_first = _conv(3 * self.multiple**2, features)
        self.body = nn.Sequential(*(RRDB(features, growth) for _ in range(blocks)))
        self.conv_body = _conv(features, features)
        self.conv_up1 = _conv(features, features) if doublings > 0 else None
        self.conv_up2 = _conv(features, features) if doublings > 1 else None
        self.conv_hr = _conv(features, features)
        self.conv_last = _conv(features, 3)

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        x = F.pixel_unshuffle(reflect_pad(image, self.multiple), self.multiple)
        x = self.conv_first(x)
        x = x + self.conv_body(self.body(x))
        for conv in (self.conv_up1, self.conv_up2):
            if conv is not None:
                x = F.leaky_relu(conv(F.interpolate(x, scale_factor=2, mode="nearest")), SLOPE)
        out = self.conv_last(F.leaky_relu(self.conv_hr(x), SLOPE))
        return out[..., : height * self.scale, : width * self.scale]

    def from_official(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """BasicSR's names are ours; ESRGAN's of 2018 (also KAIR's), new and old, become them."""
        if "model.0.weight" in tensors:
            return _from_numbered(tensors)
        return {_from_esrgan(name): tensor for name, tensor in tensors.items()}


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


@torch.no_grad()
def _initialise(conv: nn.Conv2d) -> None:
    nn.init.kaiming_normal_(conv.weight).mul_(INIT_SCALE)
    assert conv.bias is not None
    nn.init.zeros_(conv.bias)


def _from_esrgan(name: str) -> str:
    """``RRDB_trunk.7.RDB1.conv2.bias`` -> ``body.7.rdb1.conv2.bias``."""
    first, _, rest = name.partition(".")
    return f"{ESRGAN_NAMES.get(first, first)}.{rest.replace('RDB', 'rdb')}"


def _from_numbered(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The oldest names, which count layers: ``model.1.sub.7.RDB1.conv2.0.bias``.

    The convolutions after ``model.1`` are the last ones in their order, as many as the scale has.
    """
    numbers = {match[1] for name in tensors if (match := re.match(r"model\.(\d+)\.(?!sub)", name))}
    ordered = sorted(numbers - {"0"}, key=int)
    last = ["conv_up1", "conv_up2"][: max(len(ordered) - 2, 0)] + ["conv_hr", "conv_last"]
    names = {"0": "conv_first", **dict(zip(ordered, last, strict=False))}
    return {_from_number(name, names): tensor for name, tensor in tensors.items()}


def _from_number(name: str, names: Mapping[str, str]) -> str:
    if match := re.fullmatch(r"model\.1\.sub\.(\d+)\.RDB(\d)\.conv(\d)\.0\.(\w+)", name):
        return "body.{}.rdb{}.conv{}.{}".format(*match.groups())
    if match := re.fullmatch(r"model\.1\.sub\.\d+\.(\w+)", name):
        return f"conv_body.{match[1]}"
    match = re.fullmatch(r"model\.(\d+)\.(\w+)", name)
    return f"{names[match[1]]}.{match[2]}" if match and match[1] in names else name
