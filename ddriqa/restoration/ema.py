"""Exponential moving averages of weights."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class Average:
    """A module whose weights follow those of another: a ← decay·a + (1 − decay)·w.

    What isn't a floating-point number, and every buffer, is copied.

    Args:
        module: what is followed; the average starts at its weights.
        decay: from 0 to below 1.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self._source, self._decay = module, decay
        self.module = copy.deepcopy(module).requires_grad_(False).eval()

    @torch.no_grad()
    def update(self) -> None:
        """Take one step of the source in."""
        averages: list[Tensor] = list(self.module.parameters())
        weights: list[Tensor] = list(self._source.parameters())
        if averages:
            torch._foreach_lerp_(averages, weights, 1 - self._decay)
        for average, buffer in zip(self.module.buffers(), self._source.buffers(), strict=True):
            average.copy_(buffer)
