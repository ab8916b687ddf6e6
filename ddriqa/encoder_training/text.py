"""Training the text tower: sentences land on their meaning, captions near their pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ddriqa.encoder_training.sentences import Meaning, meaning_of_pair, random_sentence
from ddriqa.encoders.builtin import tokenize
from ddriqa.encoders.text_tower import TextTower

if TYPE_CHECKING:
    from ddriqa.metrics.prompts import PromptPair

CORPUS = 20000
BATCH = 128
TEMPERATURE = 0.07


def corpus(
    names: Sequence[str], pairs: Sequence[PromptPair], captions: Sequence[str], seed: int
) -> tuple[list[str], Tensor, Tensor]:
    """Sentences, their response targets ``(N, R)`` and the caption each names (-1: none).

    The published prompts are repeated so that they are learnt to the last digit.
    """
    rng = np.random.default_rng(seed)
    rows = [random_sentence(rng, captions) for _ in range(CORPUS)]
    for pair in pairs:
        clean, degraded = meaning_of_pair(pair.name)
        rows += [(pair.clean, clean, None), (pair.degraded, degraded, None)] * (CORPUS // 400)
    targets = torch.tensor([_vector(meaning, names) for _, meaning, _ in rows])
    subject = torch.tensor([-1 if s is None else s for _, _, s in rows])
    return [row[0] for row in rows], targets, subject


def _vector(meaning: Meaning, names: Sequence[str]) -> list[float]:
    return [meaning.get(name, 0.0) for name in names]


def vocabulary_of(tokens: Tensor) -> Tensor:
    """The token ids that occur, ascending, without the padding."""
    return tokens.unique()[1:] if (tokens == 0).any() else tokens.unique()


def trimmed(tokens: Tensor) -> Tensor:
    """The tokens without the columns that are padding in every row."""
    return tokens[:, : int((tokens > 0).sum(1).max())]


def train_text(
    tower: TextTower,
    sentences: tuple[list[str], Tensor, Tensor],
    captions: Sequence[str],
    content: Tensor,
    *,
    steps: int,
    seed: int,
    report: Callable[[int], None],
) -> dict[str, float]:
    """Fit the tower in place.

    Args:
        sentences: of ``corpus``.
        captions: captions of pictures, several a picture.
        content: unit content vector of each caption's picture, ``(len(captions), M)``.
        steps: of AdamW under a one-cycle rate.

    Returns:
        The root mean square error of the responses over the corpus.
    """
    torch.manual_seed(seed)
    texts, targets, subject = sentences
    tokens, caption_tokens = tokenize(texts), tokenize(list(captions)) if captions else None
    responses = targets.shape[1]
    optimiser = torch.optim.AdamW(tower.parameters(), lr=1e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-3, total_steps=steps)
    tower.requires_grad_(True)
    for step in range(steps):
        rows = torch.randint(len(texts), (BATCH,))
        output = tower(trimmed(tokens[rows]))
        loss = F.mse_loss(output[:, :responses], targets[rows])
        loss = loss + 0.1 * _content_loss(output[:, responses:], subject[rows], content)
        if caption_tokens is not None:
            loss = loss + 0.1 * _caption_loss(tower, caption_tokens, content, responses)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        report(step + 1)
    tower.requires_grad_(False)
    with torch.no_grad():
        error = tower(tokens)[:, :responses] - targets
    return {"rms_error_of_responses": round(float(error.square().mean().sqrt()), 4)}


def _content_loss(output: Tensor, subject: Tensor, content: Tensor) -> Tensor:
    """Squared distance to the named picture's content; to nothing where none is named."""
    if not len(content):
        return output.square().sum(-1).mean()
    target = content[subject.clamp_min(0)] * (subject >= 0)[:, None]
    return (output - target).square().sum(-1).mean()


def _caption_loss(tower: TextTower, tokens: Tensor, content: Tensor, responses: int) -> Tensor:
    """Contrastive loss of captions against pictures, and no opinion about damage."""
    rows = torch.randperm(len(tokens))[:BATCH]
    output = tower(trimmed(tokens[rows]))
    pictures = content[rows]
    logits = F.normalize(output[:, responses:], dim=-1) @ pictures.T / TEMPERATURE
    same = (pictures @ pictures.T > 0.999).float()
    contrast = F.cross_entropy(logits, same / same.sum(1, keepdim=True))
    return contrast + output[:, :responses].square().mean()
