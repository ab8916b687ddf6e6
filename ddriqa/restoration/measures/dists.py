"""DISTS: structure and texture of deep features.

Ding, Ma, Wang, Simoncelli, "Image Quality Assessment: Unifying Structure and Texture Similarity",
TPAMI 2022; weights of its authors' code, dingkeyan93/DISTS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ddriqa.errors import UsageError
from ddriqa.metrics.network_weights import load_weights
from ddriqa.metrics.vgg import IMAGENET_MEAN, IMAGENET_STD
from ddriqa.restoration.losses.backbones import (
    all_loaded,
    load_backbone,
    weights_of,
    where_to_put,
)

if TYPE_CHECKING:
    from pathlib import Path

CHANNELS = (3, 64, 128, 256, 512, 512)
"""Of the pixels themselves and of VGG16's relu1_2, 2_2, 3_3, 4_3, 5_3."""
LAST_LAYERS = (3, 8, 15, 22, 29)
C1 = C2 = 1e-6
FILE, OTHER_FILE = "dists.pt", "dists_alpha_beta.pt"
SOURCE = (
    "The file DISTS_pytorch/weights.pt of https://github.com/dingkeyan93/DISTS holds them. "
    f"{where_to_put(FILE)}"
)


class DISTS(nn.Module):
    """The distance: ``1 - sum_lc (alpha_lc l_lc + beta_lc s_lc)`` (the paper's Eq. 6 to 9).

    l compares the means of a channel, s its covariance with the variances; VGG16's pools are
    Hanning windows over squares, so that it doesn't alias. 0 for an equal pair, up to about 1. The
    picture's own size counts: the authors' demo shrinks the short side to 256 first.

    Args:
        weights: torchvision's ``vgg16-397923af.pth``; see ``load_backbone``.
        alpha_beta: the authors' file ``weights.pt``; by default ``dists.pt`` or
            ``dists_alpha_beta.pt`` in one of ``backbones.weights_folders``.

    Raises:
        WeightsError: weights that are absent or don't fit.
    """

    mean: Tensor
    std: Tensor
    alpha: Tensor
    beta: Tensor

    def __init__(
        self, *, weights: str | Path | None = None, alpha_beta: str | Path | None = None
    ) -> None:
        super().__init__()
        learnt = nn.ParameterDict(
            {name: torch.zeros(1, sum(CHANNELS), 1, 1) for name in ("alpha", "beta")}
        )
        file, name = alpha_beta or weights_of(FILE, OTHER_FILE), "DISTS's alpha and beta"
        _, self.backbone = all_loaded(
            lambda: load_weights(learnt, file, name=name, source=SOURCE),
            lambda: load_backbone("vgg16", weights),
        )
        total = learnt["alpha"].sum() + learnt["beta"].sum()
        for key, values in learnt.items():
            self.register_buffer(key, (values.detach() / total).flatten(), persistent=False)
        for key, channels in (("mean", IMAGENET_MEAN), ("std", IMAGENET_STD)):
            self.register_buffer(key, torch.tensor(channels).view(1, 3, 1, 1), persistent=False)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """``(B, 3, H, W)`` RGB in [0, 1] twice -> distances ``(B,)``; gradients flow to both.

        Raises:
            UsageError: two shapes.
        """
        if output.shape != target.shape:
            shapes = f"{tuple(output.shape)} and {tuple(target.shape)}"
            raise UsageError("dists", f"needs two batches of one shape, not {shapes}")
        texture, structure = [], []
        for x, y in zip(self._maps(output), self._maps(target), strict=True):
            mean_x, mean_y = x.mean((2, 3)), y.mean((2, 3))
            around_x, around_y = x - mean_x[..., None, None], y - mean_y[..., None, None]
            covariance = (around_x * around_y).mean((2, 3))
            variances = (around_x.square() + around_y.square()).mean((2, 3))
            texture.append((2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1))
            structure.append((2 * covariance + C2) / (variances + C2))
        return 1 - torch.cat(texture, 1) @ self.alpha - torch.cat(structure, 1) @ self.beta

    def _maps(self, pixels: Tensor) -> list[Tensor]:
        """The pixels, not normalised, and the last map of each block."""
        maps, features = [pixels], (pixels - self.mean) / self.std
        for index, layer in enumerate(list(self.backbone.features)[:-1]):
            features = l2_pool(features) if isinstance(layer, nn.MaxPool2d) else layer(features)
            if index in LAST_LAYERS:
                maps.append(features)
        return maps


def l2_pool(features: Tensor) -> Tensor:
    """The paper's Eq. 2: ``sqrt(g * f^2)`` at every second position, g a 3 x 3 Hanning window.

    ``(B, C, H, W)`` -> ``(B, C, ceil(H / 2), ceil(W / 2))``, zeros beyond the border.
    """
    window = torch.tensor([0.25, 0.5, 0.25], dtype=features.dtype, device=features.device)
    kernel = torch.outer(window, window).expand(features.shape[1], 1, 3, 3)
    pooled = F.conv2d(features.square(), kernel, stride=2, padding=1, groups=features.shape[1])
    return (pooled + 1e-12).sqrt()
