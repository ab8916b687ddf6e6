"""The Swin transformer layer that SwinIR is made of: attention inside windows, every other layer
with the windows shifted by half (Liu et al., ICCV 2021; Liang et al., 2021, Eq. 4 to 6).

Feature maps are ``(B, H, W, C)`` here, H and W multiples of the window.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

EPS = 1e-5
FORBIDDEN = -100.0
"""Added to the attention of two pixels that only the cyclic shift made neighbours."""


def to_windows(x: Tensor, window: int) -> Tensor:
    """``(B, H, W, C)`` -> ``(B, windows, window ** 2, C)``, windows row by row."""
    batch, height, width, channels = x.shape
    x = x.view(batch, height // window, window, width // window, window, channels)
    return x.transpose(2, 3).reshape(batch, -1, window * window, channels)


def from_windows(x: Tensor, window: int, height: int, width: int) -> Tensor:
    """What ``to_windows`` took, from what it gave."""
    batch, _, _, channels = x.shape
    x = x.view(batch, height // window, width // window, window, window, channels)
    return x.transpose(2, 3).reshape(batch, height, width, channels)


def shift_mask(height: int, width: int, window: int, shift: int, like: Tensor) -> Tensor:
    """What shifted windows add to their attention: ``(windows, window ** 2, window ** 2)``.

    After the cyclic shift the last windows hold pixels of opposite borders, which must not see
    each other: -100 for them, 0 for all others.
    """
    rows = _strips(height, window, shift, like)
    columns = _strips(width, window, shift, like)
    labels = (3 * rows[:, None] + columns)[None, :, :, None]
    labels = to_windows(labels, window)[0, :, :, 0]
    return (labels[:, :, None] != labels[:, None]).to(like.dtype) * FORBIDDEN


def _strips(length: int, window: int, shift: int, like: Tensor) -> Tensor:
    """0, 1 and 2 for pixels that no shift tears apart, the last window's own, and wrapped ones."""
    index = torch.arange(length, device=like.device)
    return (index >= length - window).long() + (index >= length - shift).long()


def relative_positions(window: int) -> Tensor:
    """Row of the bias table for each pair of a window's pixels, ``(window ** 2, window ** 2)``."""
    index = torch.arange(window)
    offset = index[:, None] - index + window - 1
    across = offset.repeat(window, window)
    down = offset.repeat_interleave(window, 0).repeat_interleave(window, 1)
    return down * (2 * window - 1) + across


class WindowAttention(nn.Module):
    """WMSA on ``(B, windows, window ** 2, C)``: ``softmax(q k^T / sqrt(C / h) + B + mask) v``."""

    relative_position_index: Tensor

    def __init__(self, channels: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads = heads
        table = torch.empty((2 * window - 1) ** 2, heads)
        self.relative_position_bias_table = nn.Parameter(nn.init.trunc_normal_(table, std=0.02))
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)
        index = relative_positions(window)
        self.register_buffer("relative_position_index", index, persistent=False)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        qkv = self.qkv(x).unflatten(-1, (3, self.heads, -1))  # (B, windows, n, 3, h, C / h)
        q, k, v = qkv.permute(3, 0, 1, 4, 2, 5)
        bias = self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1)
        attention = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1) + bias
        if mask is not None:
            attention = attention + mask[:, None]
        return self.proj((attention.softmax(dim=-1) @ v).transpose(2, 3).flatten(3))


class MLP(nn.Module):
    """Two linear layers with GELU between, on the last axis."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, hidden)
        self.fc2 = nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(nn.functional.gelu(self.fc1(x)))


class DropPath(nn.Module):
    """Stochastic depth (Huang et al., 2016): in training, a sample's branch is left out."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        kept = torch.rand(len(x), device=x.device) >= self.rate
        return x * (kept / (1 - self.rate)).to(x.dtype).view(-1, 1, 1, 1)


class SwinLayer(nn.Module):
    """STL: ``f = f + WMSA(LN f)``, then ``f = f + MLP(LN f)``, on ``(B, H, W, C)``.

    Args:
        channels, heads, window: of the attention.
        shift: pixels that the windows are shifted by, 0 for none.
        mlp_ratio: hidden width of the MLP over C.
        drop_path: how often a sample's branch is left out in training.
    """

    def __init__(
        self,
        channels: int,
        heads: int,
        window: int,
        shift: int,
        mlp_ratio: float,
        drop_path: float,
    ) -> None:
        super().__init__()
        self.window, self.shift = window, shift
        self.norm1 = nn.LayerNorm(channels, EPS)
        self.attn = WindowAttention(channels, heads, window)
        self.norm2 = nn.LayerNorm(channels, EPS)
        self.mlp = MLP(channels, int(channels * mlp_ratio))
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """``mask`` is ``shift_mask`` of x's size; layers without a shift don't use it."""
        x = x + self.drop_path(self._attended(self.norm1(x), mask))
        return x + self.drop_path(self.mlp(self.norm2(x)))

    def _attended(self, x: Tensor, mask: Tensor) -> Tensor:
        height, width = x.shape[1:3]
        if not self.shift:
            windows = self.attn(to_windows(x, self.window), None)
            return from_windows(windows, self.window, height, width)
        x = x.roll((-self.shift, -self.shift), (1, 2))
        windows = self.attn(to_windows(x, self.window), mask)
        x = from_windows(windows, self.window, height, width)
        return x.roll((self.shift, self.shift), (1, 2))
