"""How far scores and people's labels agree: SRCC, KRCC, PLCC on raw scores, with their sign."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import kendalltau, rankdata

Floats = NDArray[np.float64]

MIN_IMAGES = 2
MIN_GROUP = 3


def srcc(scores: ArrayLike, labels: ArrayLike) -> float:
    """Spearman's rank-order correlation: PLCC of the ranks, ties sharing their mean rank.

    Args:
        scores: (n,) a scorer's raw scores.
        labels: (n,) opinions of the same images in the same order, MOS or DMOS.

    Returns:
        In [-1, 1], negative where scores rise as labels fall; NaN if either is constant.

    Raises:
        ValueError: different lengths, fewer than 2 images, or values that are not finite.
    """
    scores, labels = paired(scores, labels)
    return pearson(rankdata(scores), rankdata(labels))


def krcc(scores: ArrayLike, labels: ArrayLike) -> float:
    """Kendall's rank-order correlation, the variant tau-b, which allows for ties in both.

    Arguments, range, NaN and errors are those of ``srcc``.
    """
    return kendall(*paired(scores, labels))


def plcc(scores: ArrayLike, labels: ArrayLike) -> float:
    """Pearson's linear correlation of raw scores with labels; no curve is fitted first.

    Arguments, range, NaN and errors are those of ``srcc``. For PLCC after a mapping see
    ``ddriqa.benchmark.fitting``.
    """
    return pearson(*paired(scores, labels))


STATISTICS: dict[str, Callable[[ArrayLike, ArrayLike], float]] = {
    "srcc": srcc,
    "krcc": krcc,
    "plcc": plcc,
}


class WithinGroups(NamedTuple):
    """A statistic averaged over groups of images.

    Attributes:
        mean: the mean over the groups that count; NaN if none does.
        groups: how many count.
    """

    mean: float
    groups: int


def mean_within(
    scores: ArrayLike,
    labels: ArrayLike,
    groups: Sequence[Hashable],
    statistic: Callable[[ArrayLike, ArrayLike], float] = srcc,
) -> WithinGroups:
    """The statistic inside each group, averaged with equal weights.

    With the reference image as the group this is PIPAL's mean SRCC for each reference. A group
    counts if it has at least 3 images and its labels differ. Constant *scores* in a group that
    counts make the mean NaN: leaving such a group out would flatter a scorer that can't decide.

    Args:
        scores: (n,) raw scores.
        labels: (n,) opinions.
        groups: n names, one for each image.
        statistic: ``srcc``, ``krcc`` or ``plcc``.

    Raises:
        ValueError: as ``srcc`` does, or as many groups are not given as images.
    """
    scores, labels = paired(scores, labels)
    if len(groups) != len(labels):
        raise ValueError(f"{len(labels)} images but {len(groups)} group names")
    members: dict[Hashable, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    values = [
        statistic(scores[chosen], labels[chosen])
        for chosen in members.values()
        if len(chosen) >= MIN_GROUP and not is_constant(labels[chosen])
    ]
    return WithinGroups(float(np.mean(values)) if values else float("nan"), len(values))


def orientation(*, scores_higher_is_better: bool, labels_higher_is_better: bool) -> int:
    """+1 or -1: what makes a correlation positive where a scorer agrees with people.

    DMOS and NIQE are lower-is-better: a good metric has a negative SRCC with DMOS, and NIQE a
    negative one with MOS but a positive one with DMOS.
    """
    return 1 if scores_higher_is_better == labels_higher_is_better else -1


def paired(scores: ArrayLike, labels: ArrayLike) -> tuple[Floats, Floats]:
    """Both as (n,) float64.

    Raises:
        ValueError: not one-dimensional, different lengths, fewer than 2, or not all finite.
    """
    first, second = np.asarray(scores, np.float64), np.asarray(labels, np.float64)
    for name, values in (("scores", first), ("labels", second)):
        if values.ndim != 1:
            raise ValueError(f"{name} must be one-dimensional, not of shape {values.shape}")
        if not np.isfinite(values).all():
            raise ValueError(f"{name} must be finite, {_not_finite(values)} of them are not")
    if len(first) != len(second):
        raise ValueError(f"{len(first)} scores but {len(second)} labels")
    if len(first) < MIN_IMAGES:
        raise ValueError(f"a correlation needs at least {MIN_IMAGES} images, not {len(first)}")
    return first, second


def pearson(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Pearson's correlation of two checked arrays; NaN if either is constant.

    A constant is recognised exactly, not by a variance that rounding has made tiny.
    """
    if is_constant(first) or is_constant(second):
        return float("nan")
    x, y = _centred(first), _centred(second)
    return float(np.clip((x @ y) / np.sqrt((x @ x) * (y @ y)), -1.0, 1.0))


def kendall(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Kendall's tau-b of two checked arrays; NaN if either is constant."""
    return float(kendalltau(first, second, variant="b").statistic)


def is_constant(values: NDArray[Any]) -> bool:
    """Whether all values are the same."""
    return bool((values == values[0]).all())


def _centred(values: NDArray[Any]) -> Floats:
    """Values less their mean, the largest brought to 1 so that squares neither vanish nor overflow.

    The first value goes before the mean is taken: of a narrow range far from 0 no digit is lost.
    """
    shifted = values - values[0]
    shifted = shifted / np.abs(shifted).max()
    return shifted - shifted.mean()


def _not_finite(values: Floats) -> int:
    return int((~np.isfinite(values)).sum())
