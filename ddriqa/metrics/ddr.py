"""Deep Degradation Response: how far text-driven damage moves an image's features.

Wu et al., "DDR: Exploiting Deep Degradation Response as Flexible Image Descriptor", NeurIPS 2024.
A picture that is damaged already moves little, so a higher response means a better picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from ddriqa.errors import UsageError
from ddriqa.metrics.catalogue import DISPARITIES
from ddriqa.metrics.prompts import PromptPair, published_pairs, select_pairs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ddriqa.encoders import Encoder
    from ddriqa.images.views import View

Disparity = Literal["cosine", "l1", "l2"]
EPS = 0.001  # on the text's standard deviation, in the authors' code; the paper's Eq. 4 has none


def directions(encoder: Encoder, pairs: Sequence[PromptPair]) -> Tensor:
    """Eq. 3: T_d = text(degraded) - text(clean), one row a pair: ``(K, D)``."""
    texts = [text for pair in pairs for text in (pair.degraded, pair.clean)]
    features = encoder.text_features(texts)
    return features[0::2] - features[1::2]


def ddr(
    features: Tensor,
    directions: Tensor,
    *,
    adaptation: bool = True,
    disparity: Disparity = "cosine",
    eps: float = EPS,
) -> Tensor:
    """Eq. 4, 5 and 1 for every feature vector and every direction.

    With the cosine and adaptation, all types are one matrix product: with rho the correlation of
    F and T_d over the D entries, m = D mu^2 / ((D-1) sigma^2), kappa = sigma_T / (sigma_T + eps),
    ``DDR = 1 - (1 + 2m + kappa rho) / sqrt((1 + m)(1 + 4m + kappa^2 + 2 kappa rho))``,
    which equals the literal equations exactly.

    Args:
        features: F, projected and not normalised, ``(N, D)``.
        directions: T_d, ``(K, D)``.
        adaptation: Eq. 4 (AdaIN). Without it F_d = F + T_d, and the sign of the damage is lost.
        disparity: M of Eq. 1. ``cosine`` is DDR; ``l1`` is mean |F - F_d|; ``l2`` is the norm of
            F - F_d and degenerate: with adaptation it equals the norm of F, whatever the
            type, up to ``eps``.
        eps: added to sigma(T_d); 0.001 in the authors' code, 0 in the paper.

    Returns:
        ``(N, K)`` responses, differentiable. For the cosine in [0, 1], about 0.29 = 1 - 1/sqrt(2)
        where image and direction are uncorrelated; higher is better.
    """
    if disparity == "cosine" and adaptation:
        return _cosine_response(features, directions, eps)
    damage = (
        adapted(features, directions, eps)
        if adaptation
        else directions.expand(len(features), *directions.shape)
    )
    if disparity == "l1":
        return damage.abs().mean(-1)
    if disparity == "l2":
        return damage.norm(dim=-1)
    damaged = features[:, None] + damage
    dot = (features[:, None] * damaged).sum(-1)
    return 1 - dot / (features.norm(dim=-1)[:, None] * damaged.norm(dim=-1))


def adapted(features: Tensor, directions: Tensor, eps: float = EPS) -> Tensor:
    """Eq. 4: directions with the mean and deviation of each feature vector, ``(N, K, D)``."""
    unit, _ = _standardise(directions, eps)
    deviation, mean = torch.std_mean(features, dim=-1, keepdim=True)
    return unit[None] * deviation[:, None] + mean[:, None]


def _standardise(vectors: Tensor, eps: float = 0.0) -> tuple[Tensor, Tensor]:
    deviation, mean = torch.std_mean(vectors, dim=-1, keepdim=True)
    return (vectors - mean) / (deviation + eps), deviation


def _cosine_response(features: Tensor, directions: Tensor, eps: float) -> Tensor:
    count = features.shape[-1]
    deviation, mean = torch.std_mean(features, dim=-1, keepdim=True)
    m = count * mean**2 / ((count - 1) * deviation**2)
    unit, deviation_t = _standardise(directions, eps)
    kappa = (deviation_t / (deviation_t + eps)).T
    kappa_rho = ((features - mean) / deviation) @ unit.T / (count - 1)
    square = (1 + m) * (1 + 4 * m + kappa**2 + 2 * kappa_rho)
    return 1 - (1 + 2 * m + kappa_rho) / square.clamp_min(1e-12).sqrt()


class DDR:
    """The metric ``ddr``: the mean response (Eq. 7) and one response a type.

    Args:
        encoder: any ``Encoder``.
        types: names of prompt pairs; default color, noise, blur, exposure.
        pairs: a user's own pairs instead of the published five.
        geometry: ``crops`` (the authors') or ``view`` (the encoder's own); default by encoder.
        adaptation, disparity: see ``ddr``.

    Raises:
        UsageError: unknown type, geometry or disparity.
    """

    name = "ddr"
    needs = "features"
    higher_is_better = True

    def __init__(
        self,
        encoder: Encoder,
        types: Sequence[str] | None = None,
        pairs: Mapping[str, PromptPair] | None = None,
        *,
        geometry: str | None = None,
        adaptation: bool = True,
        disparity: Disparity = "cosine",
    ) -> None:
        if disparity not in DISPARITIES:
            raise UsageError("--disparity", f"unknown {disparity!r}", "Known: cosine, l1, l2")
        self.pairs = select_pairs(types, pairs)
        self.view: View = encoder.view_for(geometry)
        self.adaptation, self.disparity = adaptation, disparity
        self.directions = directions(encoder, self.pairs)
        self.usual = self._usual(encoder)

    def _usual(self, encoder: Encoder) -> dict[str, tuple[float, float]]:
        """Column of a type -> its median and deviation over clean photographs, where the card
        has them and they hold for these settings; else nothing."""
        published = published_pairs()
        plain = self.view == encoder.view_for() and self.adaptation and self.disparity == "cosine"
        if not plain or any(pair != published.get(pair.name) for pair in self.pairs):
            return {}
        known = encoder.card.numbers.get("usual", {})
        names = [f"ddr_{pair.name}" for pair in self.pairs]
        return {name: tuple(known[name]) for name in names if name in known}

    @property
    def columns(self) -> tuple[str, ...]:
        """``ddr`` and one ``ddr_TYPE`` for each type."""
        return ("ddr", *(f"ddr_{pair.name}" for pair in self.pairs))

    def score(self, features: Tensor) -> dict[str, Tensor]:
        """Features of B views ``(B, D)`` -> column -> ``(B,)``."""
        responses = ddr(
            features,
            self.directions.to(features),
            adaptation=self.adaptation,
            disparity=self.disparity,
        )
        return dict(zip(self.columns, (responses.mean(-1), *responses.unbind(-1)), strict=True))

    def describe(self) -> dict[str, object]:
        """Everything that fixes the numbers, for the sidecar."""
        return {
            "name": self.name,
            "types": {pair.name: [pair.clean, pair.degraded] for pair in self.pairs},
            "view": self.view.describe(),
            "adaptation": self.adaptation,
            "disparity": self.disparity,
            "eps": EPS,
        }
