"""A score becomes a percentile: how many pictures of a reference population score lower.

A table belongs to the weights of one encoder and the settings of one metric. The tables that ship
stand in ``percentiles.json``; ``benchmarks/percentile_reference.py`` makes them, without opinions,
from photographs and from damage done to these.
"""

from __future__ import annotations

import hashlib
import json
import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TABLES = Path(__file__).with_suffix(".json")
POINTS = 201
"""Quantiles in a table, one every half per cent."""
DIGITS = 6


@dataclass(frozen=True)
class Percentiles:
    """The scores of a reference population, as quantiles at evenly spaced ranks.

    Attributes:
        quantiles: at least two, ascending: the lowest score of the population, the highest, and
            between them those below which equal shares lie.
        population: what it consists of, in words and numbers.
    """

    quantiles: tuple[float, ...]
    population: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """Tells this table from others: 12 hexadecimal digits."""
        return hashlib.sha256(repr(self.quantiles).encode()).hexdigest()[:12]

    def of(self, score: float) -> float:
        """The share of the population with a lower score, in per cent: 0 to 100.

        Linear between the quantiles; where several of them equal the score, the middle of their
        ranks; 0 below the lowest and 100 above the highest; NaN for NaN.

        >>> Percentiles((0.1, 0.2, 0.4), {}).of(0.3)
        75.0
        """
        if math.isnan(score):
            return math.nan
        below, upto = bisect_left(self.quantiles, score), bisect_right(self.quantiles, score)
        last = len(self.quantiles) - 1
        if below < upto:
            return 100 * (below + upto - 1) / 2 / last
        if below == 0:
            return 0.0
        if below > last:
            return 100.0
        low, high = self.quantiles[below - 1 : below + 1]
        return 100 * (below - 1 + (score - low) / (high - low)) / last


def table_for(fingerprint: str, metric: Mapping[str, Any]) -> Percentiles | None:
    """The table made with exactly these weights and settings, or None where there is none.

    Args:
        fingerprint: of the encoder.
        metric: what the metric's ``describe()`` gives.
    """
    wanted = json.loads(json.dumps(metric))
    for table in _tables():
        if table["encoder"] == fingerprint and table["metric"] == wanted:
            return Percentiles(tuple(table["quantiles"]), table["population"])
    return None


@cache
def _tables() -> list[dict[str, Any]]:
    return json.loads(TABLES.read_text(encoding="utf-8"))


def quantiles(scores: Sequence[float], weights: Sequence[float]) -> tuple[float, ...]:
    """The ``POINTS`` quantiles of weighted scores, to ``DIGITS`` digits.

    Args:
        scores: one a picture, in any order.
        weights: the share of the population that each picture stands for, in any unit, above 0.

    A picture lies at the middle of its share (Hazen's plotting position where all weights are
    equal), and the quantiles lie on the straight lines between the pictures.
    """
    import numpy as np

    order = np.argsort(scores, kind="stable")
    shares = np.asarray(weights, dtype=np.float64)[order]
    ranks = (np.cumsum(shares) - shares / 2) / shares.sum()
    at = np.linspace(0, 1, POINTS)
    values = np.interp(at, ranks, np.asarray(scores, dtype=np.float64)[order])
    return tuple(float(f"{value:.{DIGITS}g}") for value in values)
