"""Frechet inception distance between two sets of pictures.

Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium",
NeurIPS 2017; the conventions of mseitzer/pytorch-fid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ddriqa.errors import UsageError
from ddriqa.restoration.measures.inception import load_inception

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SIDE = 299


def frechet_distance(x: Tensor, y: Tensor) -> float:
    """``|mu_x - mu_y|^2 + tr(S_x + S_y - 2 (S_x S_y)^(1/2))`` of two Gaussians fitted to features.

    With centred features A, B (S_x = A^T A), the last trace is the sum of the singular values of
    A B^T: exact also where there are fewer features than dimensions, where the root of S_x S_y is
    ill-conditioned.

    Args:
        x, y: ``(N, D)`` and ``(M, D)``, at least two each.

    Returns:
        The squared distance, 0 or more, lower is better.

    Raises:
        UsageError: fewer than two features, or of two lengths.
    """
    if min(len(x), len(y)) < 2 or x.shape[1:] != y.shape[1:]:
        shapes = f"{tuple(x.shape)} and {tuple(y.shape)}"
        raise UsageError("fid", f"needs two features or more of one length, not {shapes}")
    x, y = x.double(), y.double()
    shift = (x.mean(0) - y.mean(0)).square().sum()
    a, b = _factor(x), _factor(y)
    shared = torch.linalg.svdvals(a @ b.T).sum()
    return max(0.0, (shift + a.square().sum() + b.square().sum() - 2 * shared).item())


def _factor(features: Tensor) -> Tensor:
    """A with A^T A the sample covariance, ``(min(N, D), D)``."""
    centred = (features - features.mean(0)) / (len(features) - 1) ** 0.5
    return torch.linalg.qr(centred).R if len(features) > features.shape[1] else centred


class FID(nn.Module):
    """The distance of Inception's features of two sets of pictures.

    It depends on the number of pictures: with the tens or hundreds of a restoration test set it
    is far from its limit, and only values of one set and one number compare.

    Args:
        weights: ``pt_inception-2015-12-05-6726825d.pth`` of mseitzer/pytorch-fid; by default
            that file in one of ``backbones.weights_folders``.

    Raises:
        WeightsError: weights that are absent or don't fit.
    """

    def __init__(self, *, weights: str | Path | None = None) -> None:
        super().__init__()
        self.network = load_inception(weights)

    def forward(self, output: Iterable[Tensor], target: Iterable[Tensor]) -> float:
        """Two sets of batches ``(B, 3, H, W)`` RGB in [0, 1], of any sizes -> the distance."""
        sets = [torch.cat([self.features(batch) for batch in part]) for part in (output, target)]
        return frechet_distance(*sets)

    @torch.no_grad()
    def features(self, pixels: Tensor) -> Tensor:
        """``(B, 3, H, W)`` in [0, 1] -> the 2048 of the last pool, ``(B, 2048)``.

        The picture is resized to 299 x 299 bilinearly, without antialiasing.
        """
        size = (SIDE, SIDE)
        resized = F.interpolate(pixels, size=size, mode="bilinear", align_corners=False)
        return self.network(2 * resized - 1)


class Collected:
    """The distance of two sets that come picture by picture.

    Args:
        fid: whose features are kept, 16 kB a pair.
    """

    def __init__(self, fid: FID) -> None:
        self._fid = fid
        self._features: tuple[list[Tensor], list[Tensor]] = ([], [])

    def add(self, output: Tensor, target: Tensor) -> None:
        """One pair, each ``(3, H, W)`` RGB in [0, 1]."""
        for kept, picture in zip(self._features, (output, target), strict=True):
            kept.append(self._fid.features(picture[None]))

    def distance(self) -> float:
        """Of those that came. Raises ``UsageError`` where there are fewer than two."""
        sets = (torch.cat(kept) if kept else torch.empty(0, 1) for kept in self._features)
        return frechet_distance(*sets)
