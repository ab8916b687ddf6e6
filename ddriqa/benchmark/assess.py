"""Scores and labels become figures: correlations, intervals, fitted curves, groups, pairs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ddriqa.benchmark.bootstrap import bootstrap, compare, interval
from ddriqa.benchmark.correlation import STATISTICS, WithinGroups, mean_within
from ddriqa.benchmark.fitting import FITS, Fit, FitError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ddriqa.benchmark.bootstrap import Comparison
    from ddriqa.benchmark.run import Outcome, Scored

FEWEST = 3
"""Pictures; fewer have no correlation worth a number."""


@dataclass(frozen=True)
class Assessment:
    """How a column agrees with people, over a whole set or over one of its groups.

    Labels are turned so that more is better before anything is correlated; scores are as they are.
    A lower-is-better metric that agrees with people therefore has negative figures.

    Attributes:
        column: whose figures these are; that of a metric's score, or of a part of it.
        group: of pictures; None for all of them.
        n: pictures with a score.
        failed: pictures without.
        figures: ``srcc``, ``krcc`` and ``plcc`` (of raw scores); NaN where one isn't defined.
        intervals: of these, 95 %, where they were asked for.
        fits: ``logistic4``, ``logistic5``, ``cubic`` -> the fitted curve, or why there is none.
        within: the mean SRCC within references, or else groups; None where there are none.
    """

    metric: str
    column: str
    higher_is_better: bool | None
    group: str | None
    n: int
    failed: int
    figures: dict[str, float]
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    fits: dict[str, Fit | str] = field(default_factory=dict)
    within: WithinGroups | None = None

    @property
    def agreement(self) -> float:
        """SRCC turned so that positive is agreement, whatever the metric's direction."""
        return -self.figures["srcc"] if self.higher_is_better is False else self.figures["srcc"]

    def as_row(self) -> dict[str, Any]:
        """Flat, plain values; what there isn't is None."""
        row: dict[str, Any] = {
            "metric": self.metric,
            "column": self.column,
            "higher_is_better": self.higher_is_better,
            "group": self.group,
            "n": self.n,
            "n_failed": self.failed,
        }
        for name in STATISTICS:
            low, high = self.intervals.get(name, (math.nan, math.nan))
            row |= {name: self.figures[name], f"{name}_low": low, f"{name}_high": high}
        for name in FITS:
            fit = self.fits.get(name)
            row[f"plcc_{name}"] = fit.plcc if isinstance(fit, Fit) else None
            row[f"rmse_{name}"] = fit.rmse if isinstance(fit, Fit) else None
        row["srcc_within"] = self.within.mean if self.within else None
        row["within_groups"] = self.within.groups if self.within else None
        return {key: plain(value) for key, value in row.items()}


def assess(scored: Scored, *, rounds: int = 1000, seed: int = 0) -> list[Assessment]:
    """Every column over all pictures, then every metric's score over each group.

    Intervals belong to metrics' scores over all pictures (all three statistics) and over groups
    (SRCC), and to parts of them (SRCC).

    Args:
        rounds: resamples of the bootstrap; 0 for no intervals.
        seed: of the resamples, the same ones for every column.
    """
    labels = oriented(scored)
    pictures = scored.rated.pictures
    groups = np.array([picture.group for picture in pictures], dtype=object)
    references = np.array([picture.reference for picture in pictures], dtype=object)
    everything = np.ones(len(pictures), dtype=bool)
    resampling = (rounds, seed)
    found = []
    for outcome in scored.outcomes:
        by = references if any(references) else groups if any(groups) else None
        found.append(_assessed(outcome, labels, everything, None, resampling, by))
    for outcome in filter(lambda outcome: outcome.is_score, scored.outcomes):
        for group in sorted({group for group in groups if group is not None}):
            found.append(_assessed(outcome, labels, groups == group, group, resampling))
    return found


def oriented(scored: Scored) -> NDArray[np.float64]:
    """The labels ``(n,)``, turned so that more is better."""
    return scored.labels if scored.rated.dataset.higher_is_better else -scored.labels


def _assessed(
    outcome: Outcome,
    labels: NDArray[np.float64],
    chosen: NDArray[np.bool_],
    group: str | None,
    resampling: tuple[int, int],
    by: NDArray[Any] | None = None,
) -> Assessment:
    known = chosen & np.isfinite(outcome.scores)
    scores, marks = outcome.scores[known], labels[known]
    n, failed = int(known.sum()), int(chosen.sum() - known.sum())
    about = (outcome.metric, outcome.column, outcome.higher_is_better, group, n, failed)
    if n < FEWEST:
        return Assessment(*about, dict.fromkeys(STATISTICS, math.nan))
    whole = group is None
    statistics = tuple(STATISTICS) if whole and outcome.is_score else ("srcc",)
    return Assessment(
        *about,
        {name: statistic(scores, marks) for name, statistic in STATISTICS.items()},
        _intervals(scores, marks, statistics, *resampling),
        {name: _fitted(fit, scores, marks) for name, fit in FITS.items()} if whole else {},
        _within(scores, marks, by[known]) if by is not None else None,
    )


def _within(
    scores: NDArray[np.float64], labels: NDArray[np.float64], by: NDArray[Any]
) -> WithinGroups:
    """The mean SRCC within groups; pictures without one don't count."""
    grouped = np.array([group is not None for group in by], dtype=bool)
    if grouped.sum() < FEWEST:
        return WithinGroups(math.nan, 0)
    return mean_within(scores[grouped], labels[grouped], by[grouped].tolist())


def _intervals(
    scores: NDArray[np.float64],
    labels: NDArray[np.float64],
    statistics: Sequence[str],
    rounds: int,
    seed: int,
) -> dict[str, tuple[float, float]]:
    if not rounds:
        return {}
    samples = bootstrap(scores, labels, rounds=rounds, seed=seed, statistics=statistics)
    return {name: tuple(interval(values)[:, 0]) for name, values in samples.items()}


def _fitted(
    fit: Callable[[ArrayLike, ArrayLike], Fit], scores: ArrayLike, labels: ArrayLike
) -> Fit | str:
    try:
        return fit(scores, labels)
    except FitError as fault:
        return str(fault)


@dataclass(frozen=True)
class Pair:
    """Two metrics on the pictures that both have a score of. See ``bootstrap.Comparison``."""

    a: str
    b: str
    n: int
    statistics: dict[str, Comparison]


def pairs_with_first(scored: Scored, *, rounds: int = 1000, seed: int = 0) -> Iterator[Pair]:
    """The first metric's SRCC against each other one's; a characteristic isn't compared."""
    scores = [o for o in scored.outcomes if o.is_score and o.higher_is_better is not None]
    labels = oriented(scored)
    for other in scores[1:]:
        if np.sum(np.isfinite(scores[0].scores) & np.isfinite(other.scores)) >= FEWEST:
            yield paired_metrics(
                *(scores[0], other, labels), rounds=rounds, seed=seed, statistics=("srcc",)
            )


def paired_metrics(
    a: Outcome,
    b: Outcome,
    labels: NDArray[np.float64],
    *,
    rounds: int = 1000,
    seed: int = 0,
    statistics: Sequence[str] = tuple(STATISTICS),
) -> Pair:
    """Whether one metric agrees with people more than another; labels are oriented.

    Raises:
        ValueError: too few pictures have both scores.
    """
    both = np.isfinite(a.scores) & np.isfinite(b.scores)
    found = compare(
        a.scores[both],
        b.scores[both],
        labels[both],
        a_higher_is_better=a.higher_is_better is not False,
        b_higher_is_better=b.higher_is_better is not False,
        rounds=rounds,
        seed=seed,
        statistics=statistics,
    )
    return Pair(a.metric, b.metric, int(both.sum()), found)


def plain(value: Any) -> Any:
    """NaN as None, numpy's floats as Python's; anything else as it is."""
    if isinstance(value, float):
        return None if math.isnan(value) else float(value)
    return value
