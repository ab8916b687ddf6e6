"""CLIP-IQA: does a picture look more like a good photo or more like a bad one?

Wang et al., "Exploring CLIP for Assessing the Look and Feel of Images", AAAI 2023. Prompts, scale
and geometry are those of the authors' code (IceClear/CLIP-IQA); the five pairs are those of the
IQA-PyTorch toolbox, whose ``clipiqa`` differs from the authors'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor

from ddriqa.metrics.prompts import PromptPair

if TYPE_CHECKING:
    from ddriqa.encoders import Encoder
    from ddriqa.images.views import View

SCALE = 100.0
"""exp(logit_scale) of OpenAI's models, and the scale of CLIP-IQA."""
UNTRAINED_SCALE = 1.0
"""For encoders trained without a temperature, whose cosines differ by more than CLIP's: with 100
most scores would be exactly 0 or 1."""
PAIR = PromptPair("quality", "Good photo.", "Bad photo.")
FIVE_PAIRS = (
    PromptPair("quality", "Good image", "bad image"),
    PromptPair("sharpness", "Sharp image", "blurry image"),
    PromptPair("edges", "sharp edges", "blurry edges"),
    PromptPair("resolution", "High resolution image", "low resolution image"),
    PromptPair("noise", "Noise-free image", "noisy image"),
)
"""The toolbox's, word for word: no full stops, and capitals as they fall."""


def clip_iqa(features: Tensor, good: Tensor, bad: Tensor, scale: float = SCALE) -> Tensor:
    """The share of the good text in the softmax over each pair of texts.

    ``softmax(scale * [cos(F, good), cos(F, bad)])``, its first entry, as the sigmoid of the
    difference, which is the same.

    Args:
        features: F, projected, normalised or not, ``(B, D)``.
        good: text features, ``(K, D)``.
        bad: text features, ``(K, D)``.
        scale: what the cosines are multiplied by.

    Returns:
        ``(B, K)`` in [0, 1], higher is better, differentiable.
    """
    apart = F.normalize(good, dim=-1) - F.normalize(bad, dim=-1)
    return (scale * F.normalize(features, dim=-1) @ apart.T).sigmoid()


class CLIPIQA:
    """The metric ``clip_iqa``: the probability of "Good photo." against "Bad photo.", in [0, 1].

    Args:
        encoder: any ``Encoder``. The authors' is OpenAI's RN50.
        geometry: see ``Encoder.view_for``; by default ``native`` for CLIP's ResNets, as the authors
            have it, and the encoder's own for the others.
        five: the toolbox's five pairs instead of the one; the score is the mean of their
            probabilities, and each has a column.

    Raises:
        UsageError: unknown geometry, or one that the encoder doesn't have.
    """

    name = "clip_iqa"
    needs = "features"
    higher_is_better = True

    def __init__(
        self, encoder: Encoder, *, geometry: str | None = None, five: bool = False
    ) -> None:
        self.view: View = encoder.view_for(
            geometry or ("native" if encoder.prefers_native else None)
        )
        if self.view.geometry == "native":
            self.needs = "native_features"
        self.five = five
        self.pairs = FIVE_PAIRS if five else (PAIR,)
        self.good = encoder.text_features([pair.clean for pair in self.pairs])
        self.bad = encoder.text_features([pair.degraded for pair in self.pairs])
        self.scale = float(encoder.card.numbers.get("logit_scale", UNTRAINED_SCALE))
        self.usual: dict[str, tuple[float, float]] = {}

    @property
    def columns(self) -> tuple[str, ...]:
        """``clip_iqa``, and with five pairs one ``clip_iqa_PAIR`` for each."""
        return (self.name, *(f"{self.name}_{pair.name}" for pair in self.pairs if self.five))

    def score(self, features: Tensor) -> dict[str, Tensor]:
        """Features of B views ``(B, D)`` -> column -> ``(B,)``."""
        shares = clip_iqa(features, self.good.to(features), self.bad.to(features), self.scale)
        each = shares.unbind(-1) if self.five else ()
        return dict(zip(self.columns, (shares.mean(-1), *each), strict=True))

    def describe(self) -> dict[str, object]:
        """Everything that fixes the numbers, for the sidecar."""
        return {
            "name": self.name,
            "types": {pair.name: [pair.clean, pair.degraded] for pair in self.pairs},
            "view": self.view.describe(),
            "scale": self.scale,
        }
