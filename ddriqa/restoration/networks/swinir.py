"""SwinIR: Liang et al., "SwinIR: Image Restoration Using Swin Transformer" (ICCV workshops 2021).

Keep it in float32 or bfloat16: features grow along the layers until float16 overflows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ddriqa.restoration.networks.padding import reflect_pad
from ddriqa.restoration.networks.swin_block import EPS, SwinLayer, shift_mask
from ddriqa.restoration.networks.swinir_heads import HEADS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RGB_MEAN = (0.4488, 0.4371, 0.4040)
REBUILT = (".attn_mask", ".relative_position_index")
"""Endings of what official files save though size and window give it."""
HEAD_LAYERS = ("conv_before_upsample", "upsample", "conv_up1", "conv_up2", "conv_hr", "conv_last")


class ResidualSwinGroup(nn.Module):
    """RSTB: ``f + conv(STL_n(...STL_1(f)))`` on ``(B, H, W, C)``; odd layers shift their windows.

    Args:
        channels, heads, window, mlp_ratio: of the layers.
        drop_paths: one rate for each layer.
        three_convs: a bottleneck of three convolutions in the place of one.
    """

    def __init__(
        self,
        channels: int,
        heads: int,
        window: int,
        mlp_ratio: float,
        drop_paths: Sequence[float],
        three_convs: bool,
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            SwinLayer(channels, heads, window, index % 2 * (window // 2), mlp_ratio, rate)
            for index, rate in enumerate(drop_paths)
        )
        self.conv = group_conv(channels, three_convs)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        y = x
        for block in self.blocks:
            y = block(y, mask)
        return x + self.conv(y.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


def group_conv(channels: int, three_convs: bool) -> nn.Module:
    """The convolution after a group of layers, and after all of them."""
    if not three_convs:
        return nn.Conv2d(channels, channels, 3, padding=1)
    return nn.Sequential(
        nn.Conv2d(channels, channels // 4, 3, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(channels // 4, channels // 4, 1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(channels // 4, channels, 3, padding=1),
    )


class SwinIR(nn.Module):
    """``(B, in_channels, H, W)`` -> ``(B, in_channels, scale * H, scale * W)``.

    Args:
        dim: channels of the features, a multiple of every number of heads.
        depths: layers of each group.
        heads: attention heads of each group.
        window: side of the attention's windows; the input is mirrored to a multiple of it.
        upsampler: ``pixelshuffle`` (classical), ``pixelshuffledirect`` (lightweight),
            ``nearest+conv`` (real-world super-resolution), ``none`` (denoising, JPEG: adds what it
            finds to its input).
        scale: 1 with ``none``.
        in_channels: 3, or 1 for grey pictures (then no mean is subtracted).
        img_range: what pixels are multiplied by inside (255 in the JPEG models).
        mlp_ratio: hidden width of the layers' MLP over ``dim``.
        three_convs: of the large model.
        drop_path: stochastic depth in training, growing linearly from 0 at the first layer.
    """

    mean: Tensor

    def __init__(
        self,
        dim: int,
        depths: Sequence[int],
        heads: Sequence[int],
        window: int = 8,
        upsampler: str = "none",
        scale: int = 1,
        in_channels: int = 3,
        img_range: float = 1.0,
        mlp_ratio: float = 2.0,
        three_convs: bool = False,
        drop_path: float = 0.1,
    ) -> None:
        super().__init__()
        if upsampler not in HEADS:
            raise ValueError(f"unknown upsampler {upsampler!r}; known: {', '.join(HEADS)}")
        if len(depths) != len(heads):
            raise ValueError(f"{len(depths)} groups of layers and heads for {len(heads)}")
        self.window, self.scale, self.img_range = window, scale, img_range
        self.in_channels = in_channels
        self.adds_input = upsampler == "none"
        mean = torch.tensor(RGB_MEAN if in_channels == 3 else [0.0] * in_channels)
        self.register_buffer("mean", mean.view(-1, 1, 1), persistent=False)
        self.conv_first = nn.Conv2d(in_channels, dim, 3, padding=1)
        self.first_norm = nn.LayerNorm(dim, EPS)
        self.layers = nn.ModuleList()
        last = max(sum(depths) - 1, 1)
        rates = (drop_path * index / last for index in range(sum(depths)))
        for depth, count in zip(depths, heads, strict=True):
            paths = [next(rates) for _ in range(depth)]
            group = ResidualSwinGroup(dim, count, window, mlp_ratio, paths, three_convs)
            self.layers.append(group)
        self.norm = nn.LayerNorm(dim, EPS)
        self.conv_after_body = group_conv(dim, three_convs)
        self.head = HEADS[upsampler](dim, in_channels, scale)
        self.apply(_initialise)

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        x = (reflect_pad(image, self.window) - self.mean) * self.img_range
        shallow = self.conv_first(x)
        out = self.head(self.conv_after_body(self._deep(shallow)) + shallow)
        if self.adds_input:
            out = out + x
        out = out / self.img_range + self.mean
        return out[..., : height * self.scale, : width * self.scale]

    def _deep(self, shallow: Tensor) -> Tensor:
        """The groups of layers, ``(B, C, H, W)`` -> the same."""
        x = self.first_norm(shallow.permute(0, 2, 3, 1))
        height, width = x.shape[1:3]
        mask = shift_mask(height, width, self.window, self.window // 2, x)
        for layer in self.layers:
            x = layer(x, mask)
        return self.norm(x).permute(0, 3, 1, 2)

    def from_official(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The authors' names -> ours, without what is rebuilt from size and window."""
        kept = {name: t for name, t in tensors.items() if not name.endswith(REBUILT)}
        return {_own_name(name): tensor for name, tensor in kept.items()}


def _own_name(name: str) -> str:
    name = name.replace(".residual_group.", ".").replace("patch_embed.norm.", "first_norm.")
    return f"head.{name}" if name.split(".")[0] in HEAD_LAYERS else name


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
