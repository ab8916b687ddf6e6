"""Pooled statistics of every damaged photograph, computed once and kept on disk."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import PIL
import torch
from torch import Tensor

from ddriqa import degradations
from ddriqa.encoder_training import damage
from ddriqa.encoder_training.damage import Variant, apply_variant, draw_detail, draw_variants
from ddriqa.encoder_training.inputs import writing
from ddriqa.encoders import efficientnet, pixel_statistics
from ddriqa.encoders.builtin import statistics
from ddriqa.errors import UsageError
from ddriqa.images import decode as decoding
from ddriqa.images import views as geometry
from ddriqa.images.decode import decode

if TYPE_CHECKING:
    from ddriqa.encoders.efficientnet import EfficientNetLite0
    from ddriqa.images.views import View

BATCH = 8
PIXELS = "pixels"


@dataclass(frozen=True)
class Statistics:
    """Statistics of N variants of P photographs.

    ``values`` is ``(N, 2610)`` float32, ``photo`` the photograph's number of each row,
    ``variants`` what was done to it. The first row of each photograph is the untouched one.
    """

    values: np.ndarray
    photo: np.ndarray
    variants: list[Variant]


def collect(
    tower: EfficientNetLite0,
    views: Sequence[View],
    photos: Sequence[Path],
    seed: int,
    folder: Path,
    report: Callable[[int], None],
    graded: int,
) -> list[Statistics]:
    """Damage every photograph and pool its features, once for each of the views.

    What ``folder`` already has is not done again. A photograph's damage follows from the seed
    and the file's bytes, so that photographs can be added. The first ``graded`` photographs get
    further damage to their detail (``draw_detail``).

    Raises:
        UsageError: a photograph that can't be read.
        OutputError: nothing can be written into ``folder``.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    values, numbers, variants = [], [], []
    for number, path in enumerate(photos):
        digest = hashlib.sha256(path.read_bytes())
        seeds = [seed, *np.frombuffer(digest.digest()[:16], dtype=np.uint32).tolist()]
        rng = np.random.default_rng(seeds)
        drawn = draw_variants(rng) + (draw_detail(rng) if number < graded else [])
        digest.update(repr((_code(), tuple(views), drawn, seed)).encode())
        kept = folder / f"{path.stem}-{_with_weights(digest, tower)}.npy"
        values.append(_of_photo(tower, views, path, drawn, seeds, kept))
        numbers += [number] * len(drawn)
        variants += drawn
        report(number + 1)
    photo = np.array(numbers)
    return [Statistics(np.concatenate(rows), photo, variants) for rows in zip(*values, strict=True)]


def _of_photo(
    tower: EfficientNetLite0,
    views: Sequence[View],
    path: Path,
    drawn: list[Variant],
    seeds: list[int],
    kept: Path,
) -> np.ndarray:
    """``(views, variants, 2610)``; the two levels of one kind of damage share their chance."""
    if kept.is_file():
        return np.load(kept)
    image = read_photo(path)
    pictures = [apply_variant(image, v, [*seeds, (i + 1) // 2]) for i, v in enumerate(drawn)]
    result = np.stack([pool(tower, [view(p) for p in pictures]).numpy() for view in views])
    temporary = kept.with_suffix(".partial.npy")
    with writing(kept):
        np.save(temporary, result)
        temporary.replace(kept)
    return result


@cache
def _code() -> str:
    """A digest of what reads, damages, cuts and measures: another code, other statistics."""
    modules = (damage, decoding, geometry, efficientnet, pixel_statistics)
    files = [*sorted(Path(inspect.getfile(degradations)).parent.glob("*.py"))]
    files += [Path(inspect.getfile(module)) for module in modules]
    functions = [inspect.getsource(function) for function in (statistics, _of_photo, pool)]
    versions = [module.__version__ for module in (np, torch, PIL)]
    digest = hashlib.sha256(repr((functions, versions)).encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _with_weights(digest: hashlib._Hash, tower: EfficientNetLite0) -> str:
    """Everything that a photograph's statistics follow from, as 16 hexadecimal digits."""
    for weight in tower.state_dict().values():
        digest.update(weight.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def read_photo(path: Path) -> np.ndarray:
    """uint8 ``(H, W, 3)`` of a picture file."""
    decoded = decode(path)
    if decoded.pixels is None:
        raise UsageError(str(path), decoded.error or "can't be read")
    return decoded.pixels


def pool(tower: EfficientNetLite0, views: Sequence[Tensor]) -> Tensor:
    """uint8 views of one shape, each ``(1, 3, h, w)`` -> statistics ``(N, 2610)`` on the CPU."""
    device = next(tower.parameters()).device
    parts = []
    with torch.inference_mode():
        for start in range(0, len(views), BATCH):
            pixels = torch.cat(list(views[start : start + BATCH])).to(device).float() / 255
            pixels = pixels.contiguous(memory_format=torch.channels_last)
            parts.append(statistics(tower, pixels, PIXELS).cpu())
    return torch.cat(parts)
