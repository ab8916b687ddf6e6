"""Deep Degradation Response: how far text-driven damage moves an image's features.

Wu et al., "DDR: Exploiting Deep Degradation Response as Flexible Image Descriptor", NeurIPS 2024.
A picture that is damaged already moves little, so a higher response means a better picture.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from ddriqa.errors import UsageError
from ddriqa.metrics.catalogue import DISPARITIES
from ddriqa.metrics.prompts import PromptPair, published_pairs, read_pairs, select_pairs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ddriqa.encoders import Encoder
    from ddriqa.images.views import View

MORE_PROMPTS = Path(__file__).with_name("prompts_more.toml")
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


def shape_cue(features: Tensor) -> Tensor:
    """How light the tails of an embedding's distribution are: MA-CLIP's Q_mag.

    The mean over the entries of ``2 (sqrt(|f| / s + 1) - 1)`` with s the deviation of |f|
    (+ 1e-6): about 0.98 for Gaussian entries, 0.76 for Laplace's, less with outliers. The norm
    doesn't count. Source: zhix000/MA-CLIP, ``Maclip/model.py`` (arXiv 2511.09948).

    Args:
        features: F, projected and not normalised, ``(N, D)``.

    Returns:
        ``(N,)``, higher for better pictures, differentiable.
    """
    size = features.abs()
    scaled = size / (size.std(-1, keepdim=True) + 1e-6)
    return 2 * ((scaled + 1).sqrt() - 1).mean(-1)


def join_shape(response: Tensor, shape: Tensor) -> Tensor:
    """MA-CLIP's weighted sum of a score and the shape cue, with weights by their difference.

    ``softmax(1.0 + d, 0.6 - d)`` with d = response - shape weighs them; ``response``, there the
    mean softmax over its prompts, is here the mean DDR.

    Args:
        response: ``(N,)``.
        shape: ``(N,)``, of ``shape_cue``.

    Returns:
        ``(N,)``, differentiable.
    """
    weight = (0.4 + 2 * (response - shape)).sigmoid()  # the softmax's first entry
    return weight * response + (1 - weight) * shape


class DDR:
    """The metric ``ddr``: the mean response (Eq. 7) and one response a type.

    Args:
        encoder: any ``Encoder``.
        types: names of prompt pairs; default color, noise, blur, exposure.
        pairs: a user's own pairs instead of the published five.
        geometry: ``crops`` (the authors') or ``view`` (the encoder's own), and the others of
            ``Encoder.view_for``; default by encoder.
        adaptation, disparity: see ``ddr``.
        shape: join MA-CLIP's cue of the embedding's shape to the mean response (``shape_cue``,
            ``join_shape``); a last column ``ddr_shape`` has the cue itself. Not of the paper.
        more: the seven pairs of ``prompts_more.toml`` beside the others. Not of the paper.

    Raises:
        UsageError: unknown type, geometry or disparity; a type with the name of an added pair or of
            the cue; the shape cue with a disparity that has no range.
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
        shape: bool = False,
        more: bool = False,
    ) -> None:
        if disparity not in DISPARITIES:
            raise UsageError("--disparity", f"unknown {disparity!r}", "Known: cosine, l1, l2")
        if shape and disparity != "cosine":
            reason = f"{disparity} has no range, so the shape cue can't be joined to it"
            raise UsageError("--disparity", reason, "Take cosine")
        self.pairs = select_pairs(types, pairs)
        if more:
            self.pairs += read_pairs(MORE_PROMPTS).values()
        self.view: View = encoder.view_for(geometry)
        if self.view.geometry == "native":
            self.needs = "native_features"
        self.adaptation, self.disparity, self.shape = adaptation, disparity, shape
        if twice := [name for name, count in Counter(self.columns).items() if count > 1]:
            raise UsageError("--prompts", f"a type's name is taken: {', '.join(twice)}")
        self.directions = directions(encoder, self.pairs)
        self._usual = self._known(encoder)

    def _known(self, encoder: Encoder) -> dict[str, tuple[float, float]]:
        """Type -> what is usual for it, where the card has it and it holds for these settings."""
        published = published_pairs()
        plain = self.view == encoder.view_for() and self.adaptation and self.disparity == "cosine"
        if not plain or any(pair != published.get(pair.name) for pair in self.pairs):
            return {}
        known = encoder.card.numbers.get("usual", {})
        names = [pair.name for pair in self.pairs if f"ddr_{pair.name}" in known]
        return {name: tuple(known[f"ddr_{name}"]) for name in names}

    @property
    def usual(self) -> dict[str, tuple[float, float]]:
        """Column of a type -> its median and deviation over clean photographs, where known."""
        return {f"{self.name}_{type_}": known for type_, known in self._usual.items()}

    @property
    def columns(self) -> tuple[str, ...]:
        """``ddr``, one ``ddr_TYPE`` for each type, and ``ddr_shape`` where that is joined."""
        parts = [pair.name for pair in self.pairs] + ["shape"] * self.shape
        return (self.name, *(f"{self.name}_{part}" for part in parts))

    def score(self, features: Tensor) -> dict[str, Tensor]:
        """Features of B views ``(B, D)`` -> column -> ``(B,)``."""
        responses = ddr(
            features,
            self.directions.to(features),
            adaptation=self.adaptation,
            disparity=self.disparity,
        )
        values = [responses.mean(-1), *responses.unbind(-1)]
        if self.shape:
            values.append(shape_cue(features))
            values[0] = join_shape(values[0], values[-1])
        return dict(zip(self.columns, values, strict=True))

    def describe(self) -> dict[str, object]:
        """Everything that fixes the numbers, for the sidecar."""
        described: dict[str, object] = {
            "name": self.name,
            "types": {pair.name: [pair.clean, pair.degraded] for pair in self.pairs},
            "view": self.view.describe(),
            "adaptation": self.adaptation,
            "disparity": self.disparity,
            "eps": EPS,
        }
        return described | {"shape": True} if self.shape else described
