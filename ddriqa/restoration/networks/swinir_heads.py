"""SwinIR's four ways from features to pixels, one for each kind of task."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

FEATURES = 64


class PixelShuffle(nn.Module):
    """Classical super-resolution: ``(B, C, H, W)`` -> ``(B, out, scale * H, scale * W)``.

    By 3 in one step, by a power of two in steps of 2.
    """

    def __init__(self, channels: int, out: int, scale: int) -> None:
        super().__init__()
        steps = [3] if scale == 3 else [2] * (scale.bit_length() - 1)
        if not steps or (scale != 3 and scale != 1 << len(steps)):
            raise ValueError(f"scale {scale} is neither 3 nor a power of two above 1")
        self.conv_before_upsample = _conv_then_relu(channels)
        self.upsample = nn.Sequential()
        for step in steps:
            self.upsample.append(_conv(FEATURES, step * step * FEATURES))
            self.upsample.append(nn.PixelShuffle(step))
        self.conv_last = _conv(FEATURES, out)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_last(self.upsample(self.conv_before_upsample(x)))


class PixelShuffleDirect(nn.Module):
    """Lightweight super-resolution: one convolution, one shuffle."""

    def __init__(self, channels: int, out: int, scale: int) -> None:
        super().__init__()
        self.upsample = nn.Sequential(_conv(channels, out * scale * scale), nn.PixelShuffle(scale))

    def forward(self, x: Tensor) -> Tensor:
        return self.upsample(x)


class NearestConv(nn.Module):
    """Real-world super-resolution by 2 or 4: nearest neighbour, then a convolution, each time."""

    def __init__(self, channels: int, out: int, scale: int) -> None:
        super().__init__()
        if scale not in (2, 4):
            raise ValueError(f"scale {scale} is neither 2 nor 4")
        self.conv_before_upsample = _conv_then_relu(channels)
        self.conv_up1 = _conv(FEATURES, FEATURES)
        self.conv_up2 = _conv(FEATURES, FEATURES) if scale == 4 else None
        self.conv_hr = _conv(FEATURES, FEATURES)
        self.conv_last = _conv(FEATURES, out)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_before_upsample(x)
        for conv in (self.conv_up1, self.conv_up2):
            if conv is not None:
                x = F.leaky_relu(conv(F.interpolate(x, scale_factor=2, mode="nearest")), 0.2)
        return self.conv_last(F.leaky_relu(self.conv_hr(x), 0.2))


class Residual(nn.Module):
    """Denoising and JPEG: what is to be added to the picture, at its size."""

    def __init__(self, channels: int, out: int, scale: int) -> None:
        super().__init__()
        if scale != 1:
            raise ValueError(f"scale {scale} needs an upsampler")
        self.conv_last = _conv(channels, out)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_last(x)


HEADS = {
    "pixelshuffle": PixelShuffle,
    "pixelshuffledirect": PixelShuffleDirect,
    "nearest+conv": NearestConv,
    "none": Residual,
}


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def _conv_then_relu(channels: int) -> nn.Sequential:
    return nn.Sequential(_conv(channels, FEATURES), nn.LeakyReLU(0.01))
