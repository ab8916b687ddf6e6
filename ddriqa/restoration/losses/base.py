"""The one way of every loss: checks, at least float32, and the weight."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn

from ddriqa.errors import UsageError


class Loss(nn.Module):
    """A number to lower: ``weight`` times a ``term`` of output and target.

    The term is calculated in float32 (float64 where the output is), whatever the precision of
    the network that is trained: half precision has three digits, too few for a mean square of
    1e-4. What a loss holds (a frozen network, buffers) moves with ``.to(device)``.
    """

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """The loss of a batch.

        Args:
            output: ``(B, 3, H, W)`` RGB in about [0, 1], not clamped; gradients flow to it.
            target: the same shape; no gradients.

        Returns:
            A scalar, lower is better.

        Raises:
            UsageError: shapes that differ or aren't of a batch of colour pictures.
        """
        if output.shape != target.shape or output.ndim != 4 or output.shape[1] != 3:
            shapes = f"output {tuple(output.shape)}, target {tuple(target.shape)}"
            raise UsageError(
                type(self).__name__, f"needs two (B, 3, H, W) of one shape, not {shapes}"
            )
        with torch.autocast(output.device.type, enabled=False):
            return self.weight * self.term(_wide(output), _wide(target.detach()))

    @abstractmethod
    def term(self, output: Tensor, target: Tensor) -> Tensor:
        """The loss without its weight; float32 or float64 ``(B, 3, H, W)`` -> scalar."""


def _wide(images: Tensor) -> Tensor:
    return images.to(torch.promote_types(images.dtype, torch.float32))
