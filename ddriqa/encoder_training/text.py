"""Training the text tower: sentences land on their meaning, captions near their pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ddriqa.encoder_training.content import CLASSES
from ddriqa.encoder_training.sentences import (
    Meaning,
    article,
    meaning_of_pair,
    opposite,
    random_sentence,
    tomllib,
    unit,
)
from ddriqa.encoders.builtin import tokenize
from ddriqa.encoders.text_tower import TextTower

if TYPE_CHECKING:
    from ddriqa.metrics.prompts import PromptPair

CORPUS = 50000
PLAIN = 0.35  # of the corpus: sentences about content alone
PINNED = 0.2  # of each batch: pairs that are learnt nearly to the last digit
BATCH, CAPTION_BATCH = 128, 64
RATE, EMBEDDING_RATE, EMBEDDING_START = 1e-3, 4e-3, 0.05
TEMPERATURE = 0.07
CONTENT_WEIGHT, CAPTION_WEIGHT = 1.0, 0.05
JUDGED = 2000  # sentences whose error is reported
SILENCED = 0.3  # share of a caption's words that a step doesn't hear
CONTENTS = 4  # the most that a sentence names
OPENINGS = (
    *("a photo of {}", "a picture of {}", "an image of {}", "a photograph of {}", "{}"),
    *("there is {} in this photo", "{} in the picture", "a snapshot of {}", "this is {}"),
)
LINKS = (
    *("and", "with", "next to", "in front of", "on", "in", "near", "at", "by", "over", "under"),
    *("behind", "through", "beside", "along", "holding", "wearing", "riding", "looking at"),
    *("sitting on", "standing in", "standing on", "walking on", "running through", "playing with"),
    *("jumping over", "is on", "is in", "are in", "are on", "up", "down", "while", "of", "from"),
)
FILLERS = (
    *("red", "blue", "white", "black", "green", "brown", "yellow", "pink", "orange", "tan", "grey"),
    *("young", "old", "small", "large", "little", "big", "tall", "two", "three", "several", "many"),
    *("wooden", "open", "empty", "other", "busy", "happy", "long", "short", "colored", "one"),
)
"""Words that say nothing of what the contents are."""


@dataclass(frozen=True)
class Corpus:
    """Sentences and what they should land on.

    ``responses`` is ``(N, R)``; ``subjects`` ``(N, 4)`` the rows of the contents that each names,
    captions first, then concepts, -1 where none; the last ``pinned`` sentences are those of known
    prompt pairs.
    """

    texts: list[str]
    responses: Tensor
    subjects: Tensor
    pinned: int


def corpus(
    names: Sequence[str],
    pairs: Sequence[PromptPair],
    captions: Sequence[str],
    concepts: Sequence[str],
    seed: int,
) -> Corpus:
    """Sentences about damage, about content, about both, and the known pairs.

    Args:
        names: of the responses, in the order of the embedding.
        pairs: published pairs; those of ``known_pairs.toml`` join them.
        captions: what the training pictures show.
        concepts: names for content.
        seed: of the drawing.
    """
    rng = np.random.default_rng(seed)
    subjects = [*captions, *(_with_article(name) for name in concepts)]
    plain = int(PLAIN * CORPUS) if concepts else 0
    pinned = _pinned(pairs)
    known = {_bare(text) for text, _ in pinned}
    rows: list[tuple[str, Meaning, tuple[int, ...]]] = []
    while len(rows) < CORPUS - plain:
        text, meaning, subject = random_sentence(rng, subjects)
        if _bare(text) not in known:  # a published prompt means what its method needs
            rows.append((text, meaning, () if subject is None else (subject,)))
    rows += [_about_content(rng, concepts, len(captions)) for _ in range(plain)]
    rows += [(text, meaning, ()) for text, meaning in pinned]
    return Corpus(
        texts=[text for text, _, _ in rows],
        responses=torch.tensor([[m.get(name, 0.0) for name in names] for _, m, _ in rows]),
        subjects=torch.tensor([[*named, *[-1] * (CONTENTS - len(named))] for _, _, named in rows]),
        pinned=len(pinned),
    )


def _bare(text: str) -> str:
    """As the tokens have it but for the full stop."""
    return text.lower().rstrip(".")


def _with_article(name: str) -> str:
    return f"{article(name)} {name}"


def _about_content(
    rng: np.random.Generator, concepts: Sequence[str], first: int
) -> tuple[str, Meaning, tuple[int, ...]]:
    """A sentence that names one to four concepts, as captions do, and says nothing about damage.

    ``first`` is the row of the first concept among the contents.
    """
    count = int(rng.choice([1, 1, 2, 3, CONTENTS]))
    chosen = [_any_concept(rng, len(concepts)) for _ in range(count)]
    words = _named(rng, concepts[chosen[0]])
    for number in chosen[1:]:
        words += f" {LINKS[rng.integers(len(LINKS))]} {_named(rng, concepts[number])}"
    opening = OPENINGS[rng.integers(len(OPENINGS))] if rng.random() < 0.6 else "{}"
    rows = tuple(first + number for number in chosen)
    return opening.format(words) + ("." if rng.random() < 0.5 else ""), {}, rows


def _any_concept(rng: np.random.Generator, count: int) -> int:
    """A concept's number; the later half of them, the everyday words, as often as the classes."""
    classes = min(CLASSES, count)
    everyday = count > classes and rng.random() < 0.5
    return int(rng.integers(classes, count) if everyday else rng.integers(classes))


def _named(rng: np.random.Generator, name: str) -> str:
    """A concept with its article or "the" or none, and now and then with a filler."""
    if rng.random() < 0.3:
        name = f"{FILLERS[rng.integers(len(FILLERS))]} {name}"
    return (_with_article(name), _with_article(name), f"the {name}", name)[rng.integers(4)]


def _pinned(pairs: Sequence[PromptPair]) -> list[tuple[str, Meaning]]:
    found: list[tuple[str, Meaning]] = []
    for pair in pairs:
        clean, degraded = meaning_of_pair(pair.name)
        found += [(pair.clean, clean), (pair.degraded, degraded)]
    for table in known_pairs().values():
        meaning = unit(table["means"])
        found += [(table["clean"], opposite(meaning)), (table["degraded"], meaning)]
    return found


@cache
def known_pairs() -> dict[str, Any]:
    """The pairs of ``known_pairs.toml``: name -> clean, degraded, means."""
    file = Path(__file__).with_name("known_pairs.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def vocabulary_of(tokens: Tensor) -> Tensor:
    """The token ids that occur, ascending, without the padding."""
    return tokens.unique()[1:] if (tokens == 0).any() else tokens.unique()


def trimmed(tokens: Tensor) -> Tensor:
    """The tokens without the columns that are padding in every row."""
    return tokens[:, : int(lengths(tokens).max())]


def lengths(tokens: Tensor) -> Tensor:
    """How many tokens each sentence has, up to the end token, the largest: ``(N,)``."""
    return tokens.argmax(1) + 1


def train_text(
    tower: TextTower,
    sentences: Corpus,
    captions: Sequence[str],
    pictures: Tensor,
    concepts: Tensor,
    *,
    steps: int,
    seed: int,
    report: Callable[[int], None],
) -> dict[str, float]:
    """Fit the tower in place.

    Args:
        sentences: of ``corpus``, of the same captions and concepts.
        captions: captions of pictures, several a picture.
        pictures: unit content vector of each caption's picture, ``(len(captions), M)``.
        concepts: unit content vector of each concept, ``(K, M)``.
        steps: of AdamW under a one-cycle rate.
        seed: of the batches.
        report: called with the number of steps done.

    Returns:
        The root mean square error of the responses over the corpus's first sentences, and over
        the pinned pairs.
    """
    torch.manual_seed(seed)
    tokens = tokenize(sentences.texts)
    caption_tokens = tokenize(list(captions)) if captions else None
    responses, contents = sentences.responses.shape[1], torch.cat([pictures, concepts])
    optimiser, schedule = _prepare(tower, steps)
    tower.requires_grad_(True)
    for step in range(steps):
        rows = _batch(sentences)
        loss = _sentence_loss(tower, tokens[rows], sentences, rows, contents)
        if caption_tokens is not None:
            loss = loss + CAPTION_WEIGHT * _caption_loss(tower, caption_tokens, pictures, responses)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        report(step + 1)
    tower.requires_grad_(False)
    return _errors(tower, tokens, sentences)


def _prepare(
    tower: TextTower, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.OneCycleLR]:
    """An optimiser, its schedule, and words that start small and move fast.

    Most words are heard a few dozen times only: from torch's start, of unit deviation, they would
    hardly move, and the tower would know frequent words alone.
    """
    words = tower.embedding.weight
    with torch.no_grad():
        words.normal_(std=EMBEDDING_START)
        words[0] = 0  # silence
    others = [parameter for parameter in tower.parameters() if parameter is not words]
    groups: list[dict[str, Any]] = [{"params": others}, {"params": [words], "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.02)
    rates = [RATE, EMBEDDING_RATE]
    return optimiser, torch.optim.lr_scheduler.OneCycleLR(optimiser, rates, total_steps=steps)


def _sentence_loss(
    tower: TextTower, tokens: Tensor, sentences: Corpus, rows: Tensor, contents: Tensor
) -> Tensor:
    """Squared distance of each sentence to its meaning and, with less weight, to its content."""
    meaning = sentences.responses[rows]
    target = content_target(sentences.subjects[rows], contents)
    responses, content = _by_length(tower, tokens).split([meaning.shape[1], target.shape[1]], 1)
    about_damage = (responses - meaning).square().sum(-1).mean()
    return about_damage + CONTENT_WEIGHT * (content - target).square().sum(-1).mean()


def _by_length(tower: TextTower, tokens: Tensor) -> Tensor:
    """The tower's outputs, a quarter of the batch at a time, so that little is padding."""
    order = lengths(tokens).argsort(stable=True)
    outputs = [tower(trimmed(part)) for part in tokens[order].chunk(4)]
    return torch.cat(outputs)[order.argsort()]


def _batch(sentences: Corpus) -> Tensor:
    """Rows of the corpus, a fixed share of them from the pinned pairs."""
    pinned, free = sentences.pinned, len(sentences.texts) - sentences.pinned
    count = int(PINNED * BATCH) if pinned else 0
    return torch.cat([torch.randint(free, (BATCH - count,)), _pinned_rows(free, pinned, count)])


def _pinned_rows(first: int, pinned: int, count: int) -> Tensor:
    return first + torch.randint(max(pinned, 1), (count,))


def content_target(subjects: Tensor, contents: Tensor) -> Tensor:
    """Where sentences' content should land: ``(N, 4)`` rows of ``(S, M)`` -> ``(N, M)``.

    The unit vector along the sum of the contents that a sentence names; zero where it names none.
    """
    if not len(contents):
        return contents.new_zeros(len(subjects), contents.shape[1])
    named = contents[subjects.clamp_min(0)] * (subjects >= 0)[..., None]
    return F.normalize(named.sum(1), dim=-1)


def _caption_loss(tower: TextTower, tokens: Tensor, pictures: Tensor, responses: int) -> Tensor:
    """Contrastive loss of captions against pictures, and no opinion about damage."""
    rows = torch.randperm(len(tokens))[:CAPTION_BATCH]
    heard = trimmed(tokens[rows])
    words = (heard > 0) & (heard < heard.amax(1, keepdim=True))
    silent = words & (torch.rand(heard.shape) < SILENCED)
    output = _by_length(tower, heard.masked_fill(silent, 0))
    chosen = pictures[rows]
    logits = F.normalize(output[:, responses:], dim=-1) @ chosen.T / TEMPERATURE
    same = (chosen @ chosen.T > 0.999).float()
    contrast = F.cross_entropy(logits, same / same.sum(1, keepdim=True))
    return contrast + output[:, :responses].square().mean()


def _errors(tower: TextTower, tokens: Tensor, sentences: Corpus) -> dict[str, float]:
    """Root mean square errors of the responses over a part of the corpus and over its pairs."""
    responses, known = sentences.responses.shape[1], len(tokens) - sentences.pinned

    def error(rows: slice) -> float:
        output = _by_length(tower, tokens[rows])[:, :responses]
        return round(float((output - sentences.responses[rows]).square().mean().sqrt()), 4)

    with torch.no_grad():
        return {
            "rms_error_of_responses": error(slice(0, min(known, JUDGED))),
            "rms_error_of_known_pairs": error(slice(known, None)),
        }
