"""The reference population behind the column ``percentile``, and its table for one encoder.

    python benchmarks/percentile_reference.py DATA_FOLDER [--encoder builtin]

DATA_FOLDER holds the photographs as ``SOURCES`` names them: 40 of desktop collections and
McMaster, 56 of Sun-Hays80, Kodak24 and CBSD68, undamaged, of 0.15 to 0.5 megapixels; the built-in
encoder wasn't trained on them. No opinion enters. Each photograph counts as it is and once with
each kind of damage in ``KINDS``, about every other time with a second kind, at levels drawn evenly.

Writes a table into ddriqa/metrics/percentiles.json, where the encoder's fingerprint and the
metric's settings find it, and results/percentile_reference.json. Scores go into a cache as they
come, so that an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import machine
import numpy as np

from ddriqa import Scorer
from ddriqa.degradations import apply_chain, get
from ddriqa.degradations.catalogue import from_float, to_float
from ddriqa.images.decode import decode
from ddriqa.metrics import percentiles
from ddriqa.metrics.percentiles import Percentiles

SOURCES = (
    *("clean/heldout/*", "clean/train/sunhays_*"),
    *("restoration/Kodak24/*", "restoration/CBSD68/*"),
)
KINDS = (
    *("haze", "low_light", "underexpose", "overexpose"),
    *("defocus_blur", "motion_blur", "gaussian_blur", "gaussian_noise", "iso_noise"),
    *("denoise_smear", "contrast_down", "contrast_up", "desaturate", "oversaturate"),
    *("wb_warm", "wb_cool", "banding", "sharpen", "resize_bicubic", "jpeg", "webp"),
)
"""What people meet, in the order in which it comes about: scene, lens, sensor, editing, web."""
LEAST = 0.1
SEED = 0
UNDAMAGED = 0.5
WORDS = (
    "half undamaged photographs, half the same ones with one or two of "
    f"{len(KINDS)} kinds of damage at levels spread evenly from barely visible to severe"
)
PLACES, ROUNDS = (5, 25, 50, 75, 95), 200
BANDS = ((LEAST, 0.4), (0.4, 0.7), (0.7, 1))


@dataclass(frozen=True)
class Picture:
    """A photograph, and the damage done to it: names and levels in order; none: undamaged."""

    path: Path
    source: str
    digest: str
    steps: tuple[tuple[str, float], ...] = ()

    @property
    def key(self) -> str:
        """Names the pixels."""
        return " ".join([self.digest, *(f"{name}={level:.6f}" for name, level in self.steps)])

    def pixels(self) -> np.ndarray:
        """uint8 ``(H, W, 3)``."""
        decoded = decode(self.path)
        if decoded.pixels is None:
            raise SystemExit(f"{self.path}: {decoded.error}")
        rng = np.random.default_rng([SEED, crc32(self.key.encode())])
        return from_float(apply_chain(to_float(decoded.pixels), self.steps, rng), np.uint8)


def find_photographs(folder: Path) -> list[Picture]:
    photographs = []
    for source in SOURCES:
        found = [path for path in sorted(folder.glob(source)) if path.suffix in (".jpg", ".png")]
        if not found:
            raise SystemExit(f"{folder / source}: no photographs")
        for path in found:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
            photographs.append(Picture(path, source, digest))
    return photographs


def population(photographs: Iterable[Picture]) -> list[Picture]:
    """Each photograph undamaged, then once with each kind first of all."""
    return [picture for photo in photographs for picture in (photo, *damaged(photo))]


def damaged(photo: Picture) -> Iterator[Picture]:
    """A version for each kind; which of them get a second one is drawn, half of them do.

    What is drawn depends on the photograph alone, not on which others there are.
    """
    rng = np.random.default_rng([SEED, int(photo.digest, 16)])
    doubled = rng.permutation(len(KINDS)) < len(KINDS) // 2
    for kind, twice in zip(KINDS, doubled, strict=True):
        names = [kind]
        if twice:
            others = [name for name in KINDS if get(name).group != get(kind).group]
            names.append(str(rng.choice(others)))
        steps = tuple((name, _level(name, rng)) for name in sorted(names, key=KINDS.index))
        yield Picture(photo.path, photo.source, photo.digest, steps)


def _level(name: str, rng: np.random.Generator) -> float:
    """Even between barely visible, or where people agree that it is damage, and severe."""
    return float(rng.uniform(max(LEAST, get(name).ordered_from), 1))


def scores_of(pictures: list[Picture], scorer: Scorer, cache: Path) -> np.ndarray:
    """The score of each picture, ``(N,)``; new ones are added to the cache as they come."""
    cache.mkdir(parents=True, exist_ok=True)
    made = json.dumps([SEED, belonging(scorer)], sort_keys=True)
    file = cache / f"{hashlib.sha256(made.encode()).hexdigest()[:16]}.tsv"
    lines = file.read_text().splitlines() if file.is_file() else []
    known = dict(line.split("\t") for line in lines if line.count("\t") == 1)
    missing = [picture for picture in pictures if picture.key not in known]
    column = scorer.columns[0]
    with file.open("a") as journal:
        records = scorer.iter(picture.pixels() for picture in missing)
        for number, (picture, record) in enumerate(zip(missing, records, strict=True), 1):
            if record.error is not None:
                raise SystemExit(f"{picture.path}: {record.error}")
            known[picture.key] = repr(record.scores[column])
            journal.write(f"{picture.key}\t{known[picture.key]}\n")
            if number % 50 == 0 or number == len(missing):
                journal.flush()
                print(f"\r{number}/{len(missing)}", end="", flush=True)
    return np.array([float(known[picture.key]) for picture in pictures])


def belonging(scorer: Scorer) -> dict[str, Any]:
    """What finds a table: the encoder's fingerprint and the settings of its first metric."""
    described = scorer.describe()
    return {"encoder": described["encoder"]["fingerprint"], "metric": described["metrics"][0]}


def weights_of(pictures: list[Picture]) -> np.ndarray:
    """The share of the population that each picture stands for, ``(N,)``; the sum is 1."""
    bad = np.array([bool(picture.steps) for picture in pictures])
    return np.where(bad, (1 - UNDAMAGED) / bad.sum(), UNDAMAGED / (~bad).sum())


def sanity(pictures: list[Picture], scores: np.ndarray, table: Percentiles) -> dict[str, Any]:
    """What percentiles the population itself gets."""
    values = np.array([table.of(score) for score in scores])
    bad = np.array([bool(picture.steps) for picture in pictures])
    own = {p.digest: score for p, score in zip(pictures, scores, strict=True) if not p.steps}
    lower = [scores[i] < own[pictures[i].digest] for i in np.flatnonzero(bad)]
    single = np.array([len(picture.steps) == 1 for picture in pictures])
    first = np.array([p.steps[0][0] if p.steps else "" for p in pictures])
    level = np.array([p.steps[0][1] if p.steps else 0 for p in pictures])
    sources = np.array([picture.source for picture in pictures])
    return {
        "quartiles_undamaged": quartiles(values[~bad]),
        "quartiles_damaged": quartiles(values[bad]),
        "quartiles_undamaged_by_source": {
            name: quartiles(values[~bad & (sources == name)]) for name in SOURCES
        },
        "quartiles_one_kind_by_level": {
            f"{low} to {high}": quartiles(values[single & (level >= low) & (level < high)])
            for low, high in BANDS
        },
        "quartiles_two_kinds": quartiles(values[bad & ~single]),
        "median_one_kind": {kind: quartiles(values[single & (first == kind)])[1] for kind in KINDS},
        "damaged_below_their_original": round(float(np.mean(lower)), 4),
    }


def quartiles(values: np.ndarray) -> list[float]:
    return [round(float(value), 1) for value in np.percentile(values, [25, 50, 75])]


def steadiness(pictures: list[Picture], scores: np.ndarray, table: Percentiles) -> dict[str, float]:
    """How far other photographs of these sources would move a percentile: its standard error,
    in points, from drawing the photographs anew with all their versions.
    """
    photos = [picture.digest for picture in pictures]
    starts, number = np.unique(photos, return_inverse=True)
    shares, rng = weights_of(pictures), np.random.default_rng(SEED)
    at = {f"{p}": table.quantiles[p * (len(table.quantiles) - 1) // 100] for p in PLACES}
    drawn = []
    for _ in range(ROUNDS):
        times = np.bincount(rng.integers(len(starts), size=len(starts)), minlength=len(starts))
        mass = shares * times[number]
        drawn.append([100 * mass[scores < score].sum() / mass.sum() for score in at.values()])
    return {p: round(float(e), 2) for p, e in zip(at, np.std(drawn, axis=0), strict=True)}


def rounding(scores: np.ndarray, weights: np.ndarray, table: Percentiles) -> float:
    """The largest error, in points, that storing quantiles instead of all scores makes."""
    below = (scores[None] < scores[:, None]) @ weights
    upto = (scores[None] <= scores[:, None]) @ weights
    values = np.array([table.of(score) for score in scores])
    return round(float(np.abs(values - 50 * (below + upto)).max()), 3)


def write_table(table: dict[str, Any]) -> None:
    """Add a table, or put it in the place of the one for the same weights and settings."""

    def same(other: dict[str, Any]) -> bool:
        return (other["encoder"], other["metric"]) == (table["encoder"], table["metric"])

    old = json.loads(percentiles.TABLES.read_text())
    text = json.dumps([*(other for other in old if not same(other)), table], indent=1)
    text = re.sub(r"\[[\d\s.,e-]+\]", lambda match: _ten_a_line(match[0]), text)
    percentiles.TABLES.write_text(text + "\n")


def _ten_a_line(text: str) -> str:
    numbers = [number.strip() for number in text.strip("[]").split(",")]
    if len(numbers) <= 10:
        return f"[{', '.join(numbers)}]"
    lines = [", ".join(numbers[i : i + 10]) for i in range(0, len(numbers), 10)]
    return "[\n   " + ",\n   ".join(lines) + "\n  ]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--encoder", default="builtin")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "ddriqa-scores")
    arguments = parser.parse_args()

    scorer = Scorer(encoder=arguments.encoder)
    photographs = find_photographs(arguments.folder)
    pictures = population(photographs)
    scores, weights = scores_of(pictures, scorer, arguments.cache), weights_of(pictures)
    digests = " ".join(sorted(photo.digest for photo in photographs))
    made_of = {
        "words": WORDS,
        "photographs": {
            source: sum(photo.source == source for photo in photographs) for source in SOURCES
        },
        "photographs_sha256": hashlib.sha256(digests.encode()).hexdigest(),
        "pictures": len(pictures),
        "weight_undamaged": UNDAMAGED,
        "kinds": KINDS,
        "levels": [LEAST, 1],
        "seed": SEED,
    }
    table = Percentiles(percentiles.quantiles(scores, weights), made_of)
    write_table({**belonging(scorer), "population": made_of, "quantiles": table.quantiles})
    result = {
        "scorer": scorer.describe(),
        "population": made_of,
        **sanity(pictures, scores, table),
        "standard_error_at_percentile": steadiness(pictures, scores, table),
        "largest_error_of_the_stored_quantiles": rounding(scores, weights, table),
    }
    of_other = "" if arguments.encoder == "builtin" else f"-{arguments.encoder}"
    machine.write(f"percentile_reference{of_other}", result)
    print(json.dumps({name: result[name] for name in list(result)[2:]}, indent=1))


if __name__ == "__main__":
    main()
