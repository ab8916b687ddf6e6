"""Learned tokens in the published prompts, so that each type answers to its own damage.

Context optimisation (CoOp): Zhou et al., "Learning to Prompt for Vision-Language Models",
IJCV 2022, eq. 2, with vectors of each prompt's own. The words stay, and the encoder's two towers;
only the vectors between the start token and the words are learned. What they learn is DDR's own:
see ``tune_prompts``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ddriqa.encoder_training.damage import DAMAGE, Variant
from ddriqa.encoder_training.sentences import meaning_of_type
from ddriqa.encoders.builtin import BuiltinEncoder, tokenize
from ddriqa.encoders.text_tower import CONTEXT
from ddriqa.errors import UsageError
from ddriqa.metrics.ddr import ddr

if TYPE_CHECKING:
    from ddriqa.metrics.prompts import PromptPair

STEPS, BATCH, RATE = 300, 1024, 1e-3


def tune_prompts(
    encoder: BuiltinEncoder,
    pairs: Sequence[PromptPair],
    values: Tensor,
    variants: Sequence[Variant],
    count: int,
    *,
    seed: int,
    report: Callable[[int], None] = lambda done: None,
) -> dict[str, Tensor]:
    """Features of the pairs' prompts with learned tokens: text -> ``(D,)``.

    Each type's response learns to fall with the level of its own damage and with nothing else;
    the mean over the types, which is ``ddr``, learns to stay what it was.

    Args:
        encoder: with its words taught; nothing in it changes.
        pairs: published pairs, their names being types with damage of their own.
        values: statistics of the damaged photographs, ``(N, S)``.
        variants: what was done to each.
        count: learned tokens in each prompt, 1 to what ``check_room`` allows.
        seed: of their start and of the batches.
        report: called with the number of steps done.
    """
    torch.manual_seed(seed)
    texts = _texts(pairs)
    tokens = tokenize(texts)
    levels = own_levels([pair.name for pair in pairs], variants)
    with torch.no_grad():
        features = encoder.embed(values)
        before = ddr(features, _directions(encoder, tokens, None)).mean(1)
    width = encoder.text.embedding.embedding_dim
    learned = nn.Parameter(0.02 * torch.randn(len(tokens), count, width))
    optimiser = torch.optim.Adam([learned], lr=RATE)
    for step in range(STEPS):
        rows = torch.randint(len(features), (BATCH,))
        responses = ddr(features[rows], _directions(encoder, tokens, learned))
        loss = _disagreement(responses, levels[rows], before[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        report(step + 1)
    with torch.no_grad():
        prompts = encoder.text(tokens, learned) @ encoder.basis.T
    return dict(zip(texts, prompts, strict=True))


def check_room(pairs: Sequence[PromptPair], count: int) -> None:
    """Whether ``count`` tokens fit before the words of every prompt.

    Raises:
        UsageError: a prompt's end would be cut off.
    """
    room = CONTEXT - 1 - int(tokenize(_texts(pairs)).argmax(1).max())
    if count > room:
        raise UsageError("--prompt-tokens", f"{count} don't fit", f"At most {room} do")


def _texts(pairs: Sequence[PromptPair]) -> list[str]:
    return [text for pair in pairs for text in (pair.degraded, pair.clean)]


def own_levels(names: Sequence[str], variants: Sequence[Variant]) -> Tensor:
    """The level of each type's own damage in each variant, 0 without: ``(N, types)``."""
    kinds = [
        tuple(
            kind
            for response in meaning_of_type(name)
            for facet in DAMAGE[response]
            for kind in facet
        )
        for name in names
    ]
    return torch.tensor([[variant.level(own) for own in kinds] for variant in variants])


def _directions(encoder: BuiltinEncoder, tokens: Tensor, learned: Tensor | None) -> Tensor:
    prompts = encoder.text(tokens, learned) @ encoder.basis.T
    return prompts[0::2] - prompts[1::2]


def _disagreement(responses: Tensor, levels: Tensor, before: Tensor) -> Tensor:
    """1 less the correlation with the own level, mean over types, and with ``ddr`` as it was."""
    of_types = torch.stack([correlation(-r, v) for r, v in zip(responses.T, levels.T, strict=True)])
    return (1 - of_types).mean() + (1 - correlation(responses.mean(1), before))


def correlation(one: Tensor, other: Tensor) -> Tensor:
    """Pearson's, of two vectors; 0 where one is constant."""
    a, b = one - one.mean(), other - other.mean()
    return (a * b).sum() / (a.norm() * b.norm()).clamp_min(1e-12)
