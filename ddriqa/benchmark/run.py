"""A rated set goes through metrics: in one pass where they allow it, and not again where it did."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ddriqa.benchmark.cache import Known, identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ddriqa.benchmark.cache import ScoreCache
    from ddriqa.benchmark.datasets.base import Rated, RatedSet
    from ddriqa.scoring import Scorer


@dataclass
class Outcome:
    """What one column gave.

    Attributes:
        metric: whose column it is; the metric's first column is its score.
        higher_is_better: of the scores; None for a characteristic, which has no direction.
        scores: ``(n,)``, one a picture of the set; NaN where there is none.
    """

    metric: str
    column: str
    higher_is_better: bool | None
    scores: np.ndarray

    @property
    def is_score(self) -> bool:
        """Whether it is the metric's score, and not a part of it."""
        return self.column == self.metric


@dataclass
class Scored:
    """A rated set with its scores.

    Attributes:
        facts: how the numbers were made: ``Scorer.describe()``.
        outcomes: in the metrics' order.
        errors: picture -> why a metric or all have no score of it.
        computed: how many pictures were looked at; the others' scores were known.
    """

    rated: RatedSet
    facts: dict[str, Any]
    outcomes: list[Outcome]
    errors: dict[str, str]
    computed: int

    @property
    def labels(self) -> np.ndarray:
        """``(n,)``, as printed by the set's owners."""
        return np.array([picture.label for picture in self.rated.pictures])


def score_set(
    rated: RatedSet,
    scorer: Scorer,
    cache: ScoreCache,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
    until: Callable[[Iterable[str]], Iterable[str]] = lambda paths: paths,
) -> Scored:
    """Score what isn't known yet; scores are kept from the first on.

    Args:
        progress: called with how many of how many pictures are done.
        until: ends the input when a user asks for it.

    Raises:
        WeightsError, DeviceError, UsageError: the scorer can't be had.
        OutputError: scores can't be kept.
    """
    known = cache.read(scorer, rated.pictures)
    jobs: dict[tuple[Rated, ...], list[str]] = {}
    for metric, found in known.items():
        if pictures := found.missing(rated.pictures):
            jobs.setdefault(pictures, []).append(metric)
    total, done = sum(map(len, jobs)), 0
    progress(done, total)
    for pictures, metrics in jobs.items():
        for count in _score(pictures, scorer.only(metrics), cache, known, until):
            progress(done + count, total)
        done += len(pictures)
    return Scored(rated, scorer.describe(), _outcomes(rated, scorer, known), _errors(known), total)


def _score(
    pictures: Sequence[Rated],
    scorer: Scorer,
    cache: ScoreCache,
    known: dict[str, Known],
    until: Callable[[Iterable[str]], Iterable[str]],
) -> Iterable[int]:
    """Score the pictures into a new table; how many are done, after each."""
    with closing(cache.table(scorer)) as table:
        paths = until([str(picture.path) for picture in pictures])
        count = failed = 0
        with closing(scorer.iter(paths)) as records:
            for count, (picture, record) in enumerate(zip(pictures, records, strict=False), 1):
                table.write(replace(record, path=identity(picture.path)))
                failed += record.error is not None
                for metric, columns in scorer.columns_of.items():
                    if all(column in record.scores for column in columns):
                        known[metric].scores[picture.name] = record.scores
                    else:
                        known[metric].errors[picture.name] = _reason(record.error, metric)
                yield count
        if count == len(pictures):  # else the user has ended it
            table.complete({"images": count, "failed": failed, "ok": count - failed})


def _reason(error: str | None, metric: str) -> str:
    """A metric's own part of a row's error, or the whole where it has none."""
    parts = (error or "no score").split("; ")
    own = [part for part in parts if part.startswith(f"{metric}: ")]
    return "; ".join(own or parts)


def _outcomes(rated: RatedSet, scorer: Scorer, known: dict[str, Known]) -> list[Outcome]:
    nothing: dict[str, float] = {}
    return [
        Outcome(
            metric,
            column,
            scorer.directions[metric],
            np.array(
                [
                    known[metric].scores.get(picture.name, nothing).get(column, np.nan)
                    for picture in rated.pictures
                ]
            ),
        )
        for metric, columns in scorer.columns_of.items()
        for column in columns
    ]


def _errors(known: dict[str, Known]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for metric in known.values():
        for name, error in metric.errors.items():
            found.setdefault(name, [])
            if error not in found[name]:
                found[name].append(error)
    return {name: "; ".join(errors) for name, errors in found.items()}
