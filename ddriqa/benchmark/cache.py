"""Scores that earlier runs made, kept so that other statistics, or one metric more, cost nothing.

A folder a data set, a table a run. A score is taken from it where the metric's settings and code,
the encoder's weights and the versions are the same, and the picture is the same file. Its rows name
pictures by their ``identity``.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from ddriqa.errors import DdriqaError, OutputError
from ddriqa.scoring.output import TableFile
from ddriqa.scoring.reading import read_rows
from ddriqa.scoring.table import write_failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ddriqa.benchmark.datasets.base import Rated
    from ddriqa.scoring import Scorer

FIXED_BY = ("ddriqa", "torch", "pillow", "precision", "draft", "short_side", "max_pixels")
"""Of ``Scorer.describe()``: what a score follows from, beside its metric and the encoder."""


@dataclass
class Known:
    """What is known of one metric.

    Attributes:
        scores: picture -> column -> score.
        errors: picture -> why it failed in this run; a failure isn't kept for the next one.
    """

    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def missing(self, pictures: Sequence[Rated]) -> tuple[Rated, ...]:
        """The pictures without scores, in order."""
        return tuple(picture for picture in pictures if picture.name not in self.scores)


class ScoreCache:
    """The tables of one data set.

    Args:
        folder: it is made when something is written.
        fresh: forget what is there: nothing is read, new tables are written.
    """

    def __init__(self, folder: Path, *, fresh: bool = False) -> None:
        self.folder, self._fresh = folder, fresh

    def read(self, scorer: Scorer, pictures: Sequence[Rated]) -> dict[str, Known]:
        """Metric -> what is known of it. A table that can't be read counts as not there."""
        keys, columns = keys_of(scorer), scorer.columns_of
        known = {metric: Known() for metric in keys}
        names = {identity(picture.path): picture.name for picture in pictures}
        for path, about in [] if self._fresh else self._tables():
            shared = [m for m in keys if about["metric_keys"].get(m) == keys[m]]
            with suppress(DdriqaError):
                for row in read_rows(path, about["format"], about["columns"]) if shared else ():
                    if row.record.path in names:
                        name, scores = names[row.record.path], row.record.scores
                        for metric in shared:
                            if all(column in scores for column in columns[metric]):
                                known[metric].scores[name] = scores
        return known

    def table(self, scorer: Scorer) -> TableFile:
        """A new table for the scorer's metrics; it is begun.

        Raises:
            OutputError: it can't be written.
        """
        columns = [c for columns in scorer.columns_of.values() for c in columns]
        about = {**scorer.describe(), "metric_keys": keys_of(scorer), "columns": columns}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise write_failure(self.folder, fault, "Name another place with --cache") from fault
        number = len(list(self.folder.glob("*.csv")))
        while True:
            table = TableFile(self.folder / f"{number:04d}.csv", "csv", columns, about)
            try:
                table.begin()
            except OutputError as fault:
                if fault.reason != "exists already":
                    raise
                number += 1  # another run took it
            else:
                return table

    def _tables(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        for path in sorted(self.folder.glob("*.csv")):
            with suppress(OSError, ValueError):
                about = json.loads(path.with_name(path.name + ".json").read_text("utf-8"))
                if _is_ours(about):
                    yield path, about


def _is_ours(about: Any) -> bool:
    kinds = {"metric_keys": dict, "columns": list}
    return (
        isinstance(about, dict)
        and all(isinstance(about.get(name), kind) for name, kind in kinds.items())
        and about.get("format") == "csv"
    )


def identity(path: Path) -> str:
    """Tells a file from any other, and from what it was before it was changed or replaced."""
    try:
        place, status = path.resolve(), path.stat()
    except OSError:
        return ""
    facts = (os.fspath(place), status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return hashlib.sha256(repr(facts).encode("utf-8", "backslashreplace")).hexdigest()[:32]


def keys_of(scorer: Scorer) -> dict[str, str]:
    """Metric -> a digest of everything that its scores follow from. Loads the model."""
    facts = scorer.describe()
    shared = {name: facts[name] for name in FIXED_BY} | {"device": facts["device"].split(":")[0]}
    shared |= {name: version(name) for name in ("numpy", "scipy")}
    needing, code = scorer.needing_encoder, scorer.code_of_metrics
    return {
        metric["name"]: _digest(
            shared
            | {"metric": metric, "code": code[metric["name"]]}
            | ({"encoder": facts["encoder"]["fingerprint"]} if metric["name"] in needing else {})
        )
        for metric in facts["metrics"]
    }


def _digest(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
