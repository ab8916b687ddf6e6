"""How sure a correlation is: bootstrap intervals, and the paired comparison of two scorers.

Images are drawn with replacement, the same draws for every scorer, so that a difference between
two scorers is a difference on the same images (Efron and Tibshirani, An Introduction to the
Bootstrap, 1993, chapter 13: the percentile interval).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from ddriqa.benchmark.correlation import (
    STATISTICS,
    Floats,
    kendall,
    orientation,
    paired,
    pearson,
)

ROUNDS = 1000
LEVEL = 0.95
MOST_FOR_SIGNS = 2000
"""Images; for more, the matrix of all pairs' signs is dearer than sorting."""


def bootstrap(
    scores: ArrayLike,
    labels: ArrayLike,
    *,
    rounds: int = ROUNDS,
    seed: int = 0,
    statistics: Sequence[str] = tuple(STATISTICS),
) -> dict[str, Floats]:
    """The statistics of ``rounds`` resamples of the images.

    The same seed and number of images draw the same resamples on any machine, whatever the
    statistics or the number of scorers.

    Args:
        scores: (M, n) raw scores of M scorers, or (n,) of one.
        labels: (n,) opinions.
        rounds: resamples.
        seed: of the draws.
        statistics: names out of ``srcc``, ``krcc``, ``plcc``.

    Returns:
        For each name (rounds, M), M being 1 for scores of shape (n,); signed as in
        ``ddriqa.benchmark.correlation``. NaN where a resample has a single score or a single label.

    Raises:
        ValueError: as ``srcc`` does for any scorer, an unknown statistic, or rounds below 1.
    """
    unknown = [name for name in statistics if name not in _RESAMPLED]
    if unknown:
        raise ValueError(f"no statistic {', '.join(unknown)}: {', '.join(_RESAMPLED)}")
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1, not {rounds}")
    table = np.atleast_2d(np.asarray(scores, np.float64))
    if table.ndim != 2 or not len(table):
        raise ValueError(f"scores must be (M, n) or (n,), not of shape {table.shape}")
    pairs = [paired(row, labels) for row in table]
    results = {name: np.empty((rounds, len(pairs))) for name in statistics}
    for name, values in results.items():
        if name == "krcc" and len(pairs[0][0]) <= MOST_FOR_SIGNS:
            _fill_kendall(values, pairs, seed)
        else:
            _fill(values, pairs, _RESAMPLED[name], seed)
    return results


def interval(values: ArrayLike, level: float = LEVEL) -> Floats:
    """The percentile interval of resampled values.

    Args:
        values: (rounds,) or (rounds, M) as ``bootstrap`` gives them.
        level: the share of resamples inside, in (0, 1).

    Returns:
        Low and high end, (2,) or (2, M). Undefined (NaN) resamples are left out; both ends are NaN
        if no other is left.

    Raises:
        ValueError: the level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    array = np.asarray(values, np.float64)
    tails = [(1 - level) / 2, (1 + level) / 2]
    columns = array.reshape(len(array), -1).T
    ends = [_quantiles(column[~np.isnan(column)], tails) for column in columns]
    return np.stack(ends, axis=-1).reshape(2, *array.shape[1:])


@dataclass(frozen=True)
class Comparison:
    """Two scorers on the same images by one statistic, oriented: more is closer to people.

    Attributes:
        statistic: ``srcc``, ``krcc`` or ``plcc``.
        a: the first scorer's oriented agreement on all images.
        b: the second's.
        difference: a - b.
        low: lower end of the difference's 95 % bootstrap interval.
        high: upper end.
        share_a_better: the share of resamples with a > b, in [0, 1], an equal one counting half.
    """

    statistic: str
    a: float
    b: float
    difference: float
    low: float
    high: float
    share_a_better: float


def compare(
    scores_a: ArrayLike,
    scores_b: ArrayLike,
    labels: ArrayLike,
    *,
    a_higher_is_better: bool = True,
    b_higher_is_better: bool = True,
    labels_higher_is_better: bool = True,
    rounds: int = ROUNDS,
    seed: int = 0,
    statistics: Sequence[str] = tuple(STATISTICS),
) -> dict[str, Comparison]:
    """Whether one scorer agrees with people more than another, by each of the statistics.

    A correlation changes its sign here where directions differ (a higher-is-better scorer against
    DMOS, NIQE against MOS), so that a scorer which gets the direction wrong counts as bad, not as
    good: magnitudes are never compared.

    Args:
        scores_a: (n,) the first scorer's raw scores.
        scores_b: (n,) the second's, of the same images.
        labels: (n,) opinions.
        a_higher_is_better: the direction of ``scores_a``.
        b_higher_is_better: the direction of ``scores_b``.
        labels_higher_is_better: false for DMOS.
        rounds: resamples, the same ones for both.
        seed: of the draws.
        statistics: of ``srcc``, ``krcc``, ``plcc``.

    Returns:
        A ``Comparison`` for each statistic's name. Resamples in which either is undefined are left
        out; the figures are NaN if a scorer or the labels are constant.

    Raises:
        ValueError: as ``bootstrap``.
    """
    first, second = paired(scores_a, labels)[0], paired(scores_b, labels)[0]
    signs = [
        orientation(scores_higher_is_better=higher, labels_higher_is_better=labels_higher_is_better)
        for higher in (a_higher_is_better, b_higher_is_better)
    ]
    resampled = bootstrap(
        np.stack([first, second]), labels, rounds=rounds, seed=seed, statistics=statistics
    )
    comparisons = {}
    for name in statistics:
        statistic = STATISTICS[name]
        a, b = signs[0] * statistic(first, labels), signs[1] * statistic(second, labels)
        differences = (resampled[name] * signs) @ [1, -1]
        low, high = interval(differences)
        comparisons[name] = Comparison(
            name, a, b, a - b, float(low), float(high), _share_above_zero(differences)
        )
    return comparisons


@dataclass(frozen=True)
class _Resampled:
    """A statistic in three steps, so that sorting happens once and not in each resample.

    ``prepare`` sees all images, ``within`` the drawn ones; ``correlate`` ends with a number.
    """

    prepare: Callable[[Floats], NDArray[Any]]
    within: Callable[[NDArray[Any]], NDArray[Any]]
    correlate: Callable[[NDArray[Any], NDArray[Any]], float]


def _fill(
    values: Floats, pairs: Sequence[tuple[Floats, Floats]], statistic: _Resampled, seed: int
) -> None:
    """Fill (rounds, M) values, a row for each resample.

    The generator is named and the type of its integers fixed: ``default_rng`` may change.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    labels = statistic.prepare(pairs[0][1])
    scorers = [statistic.prepare(scores) for scores, _ in pairs]
    for row in values:
        drawn = generator.integers(len(labels), size=len(labels), dtype=np.int64)
        drawn_labels = statistic.within(labels[drawn])
        row[:] = [
            statistic.correlate(statistic.within(scores[drawn]), drawn_labels) for scores in scorers
        ]


def _fill_kendall(values: Floats, pairs: Sequence[tuple[Floats, Floats]], seed: int) -> None:
    """``_fill`` of tau-b for few images: all resamples are matrix products with pairs' signs.

    With c how often each image was drawn and S, T the signs of the differences of scores and of
    labels, tau-b is ``c'(S T)c / sqrt(c'|S|c c'|T|c)``. All are whole numbers below 2^24, so that
    float32 is exact.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    n, rounds = len(pairs[0][1]), len(values)
    drawn = [generator.integers(n, size=n, dtype=np.int64) for _ in range(rounds)]
    counts = np.stack([np.bincount(one, minlength=n) for one in drawn]).astype(np.float32)
    of_labels = _signs(pairs[0][1])
    apart_in_labels = _twice(counts, np.abs(of_labels))
    for column, (scores, _) in enumerate(pairs):
        of_scores = _signs(scores)
        concordance = _twice(counts, of_scores * of_labels)
        apart = _twice(counts, np.abs(of_scores)) * apart_in_labels
        with np.errstate(divide="ignore", invalid="ignore"):
            values[:, column] = np.where(apart > 0, concordance / np.sqrt(apart), np.nan)


def _signs(values: Floats) -> NDArray[np.float32]:
    return np.sign(values[:, None] - values[None, :]).astype(np.float32)


def _twice(counts: NDArray[np.float32], matrix: NDArray[np.float32]) -> Floats:
    """c'Mc of every row c."""
    return np.einsum("rn,rn->r", counts @ matrix, counts, dtype=np.float64)


def _order(values: Floats) -> NDArray[np.int64]:
    """The place of each value among the distinct values, from 0."""
    return rankdata(values, "dense").astype(np.int64) - 1


def _midranks(places: NDArray[np.int64]) -> Floats:
    """The rank of each drawn image, ties sharing their mean rank; counting, not sorting."""
    counts = np.bincount(places)
    ranks: Floats = np.cumsum(counts) - (counts - 1) / 2
    return ranks[places]


def _as_is(values: NDArray[Any]) -> NDArray[Any]:
    return values


_RESAMPLED = {
    "srcc": _Resampled(_order, _midranks, pearson),
    "krcc": _Resampled(_order, _as_is, kendall),
    "plcc": _Resampled(_as_is, _as_is, pearson),
}


def _quantiles(values: Floats, shares: list[float]) -> Floats:
    return np.quantile(values, shares) if values.size else np.full(len(shares), np.nan)


def _share_above_zero(differences: Floats) -> float:
    """The share of defined values above 0, a 0 counting half."""
    defined = differences[~np.isnan(differences)]
    if not defined.size:
        return float("nan")
    return float(np.mean(np.sign(defined) / 2 + 0.5))
