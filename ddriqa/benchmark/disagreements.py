"""The pictures on which a metric and people differ most, to be looked at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

COUNT = 5


@dataclass(frozen=True)
class Disagreement:
    """A picture's places from the top, 1 being the best; ties share the mean of their places.

    Attributes:
        index: of the picture among all of the set.
        people: its place by labels.
        metric: its place by scores.
        of: how many pictures have a place.
    """

    index: int
    people: float
    metric: float
    of: int


def disagreements(
    scores: ArrayLike, labels: ArrayLike, count: int = COUNT
) -> tuple[list[Disagreement], list[Disagreement]]:
    """Where a metric's place is furthest above that of people, and where it is furthest below.

    Args:
        scores: (n,) turned so that more is better; NaN for a picture without a place.
        labels: (n,) turned so that more is better.
        count: at most so many of each kind.

    Returns:
        Where the metric is too kind, and where it is too harsh, the worst first; of equal ones
        those that come first in the set. Pictures that have the same place twice are in neither.
    """
    scores, labels = np.asarray(scores, np.float64), np.asarray(labels, np.float64)
    known = np.flatnonzero(np.isfinite(scores))
    metric, people = rankdata(-scores[known]), rankdata(-labels[known])
    kindness = people - metric

    def worst(distance: np.ndarray) -> list[Disagreement]:
        order = np.argsort(-distance, kind="stable")[:count]
        return [
            Disagreement(int(known[i]), float(people[i]), float(metric[i]), len(known))
            for i in order
            if distance[i] > 0
        ]

    return worst(kindness), worst(-kindness)
