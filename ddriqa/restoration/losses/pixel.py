"""Losses that compare pixels one by one."""

from __future__ import annotations

import math

from torch import Tensor

from ddriqa.restoration.losses.base import Loss

EPS = 1e-8  # under the logarithm in NAFNet's code: an equal pair has -80 dB


class PSNRLoss(Loss):
    """Minus the PSNR in dB: ``10 log10(MSE + 1e-8)``, the mean over the batch.

    The MSE is over channels and pixels of each image, RGB in [0, 1]. Values from -80 (equal) up.
    Source: megvii-research/NAFNet, ``PSNRLoss``; DDR's section 4.1 uses it for every network.
    """

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__(weight)

    def term(self, output: Tensor, target: Tensor) -> Tensor:
        """Scalar in dB."""
        error = (output - target).square().mean((1, 2, 3))
        return 10 / math.log(10) * (error + EPS).log().mean()


class L1Loss(Loss):
    """The mean absolute difference over everything."""

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__(weight)

    def term(self, output: Tensor, target: Tensor) -> Tensor:
        """Scalar in units of the pixels."""
        return (output - target).abs().mean()


class CharbonnierLoss(Loss):
    """The mean of ``sqrt(d^2 + eps^2)`` over everything, a smooth L1.

    Source: Lai et al., "Deep Laplacian Pyramid Networks", CVPR 2017, section 3.3.

    Args:
        eps: 0.001 in the paper, for pixels in [0, 1].
    """

    def __init__(self, weight: float = 1.0, eps: float = 1e-3) -> None:
        super().__init__(weight)
        self.eps = eps

    def term(self, output: Tensor, target: Tensor) -> Tensor:
        """Scalar in units of the pixels, ``eps`` for an equal pair."""
        return ((output - target).square() + self.eps**2).sqrt().mean()
