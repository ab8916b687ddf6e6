"""What is wrong with a picture: the type of damage that its responses point to."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FEW = 8
"""With fewer pictures a median says little, and the lowest response counts as the weakest."""

UNUSUAL = 2.0
"""Deviations below what is usual. Of 40 clean photographs that the built-in encoder wasn't made
from, a quarter have a type so low, and half one that is a single deviation below."""


def type_columns(columns: Sequence[str]) -> list[str]:
    """The columns of types among the score columns: those named ``score_type``, in order.

    The column of the shape cue (``ddr+shape_shape``) is no type.

    >>> type_columns(["ddr", "ddr_noise", "ddr_blur", "percentile"])
    ['ddr_noise', 'ddr_blur']
    """
    score = columns[0]
    cue = f"{score}_shape" if "shape" in score.split("+") else ""
    return [name for name in columns if name.startswith(f"{score}_") and name != cue]


class Weakness:
    """Finds the type of damage that a picture shows most: its lowest response, seen against
    what is usual for clean photographs, else against the median over the run.

    Args:
        values: column of a type -> the responses of the run's scored pictures.
        usual: column -> median and deviation over clean photographs; it counts where it knows
            every type.
    """

    def __init__(
        self, values: Mapping[str, Sequence[float]], usual: Mapping[str, tuple[float, float]]
    ) -> None:
        self._types = list(values)
        self._usual = usual if all(name in usual for name in values) else None
        self._medians = {
            name: statistics.median(column) if len(column) >= FEW else 1.0
            for name, column in values.items()
        }

    def of(self, scores: Mapping[str, float]) -> str | None:
        """The column of the weakest type.

        None where there are no types, or where the usual is known and every response lies
        within ``UNUSUAL`` deviations of it or above.
        """
        column = min(self._types, key=lambda name: self._response(name, scores), default=None)
        if column is None or (self._usual and self._response(column, scores) > -UNUSUAL):
            return None
        return column

    def _response(self, name: str, scores: Mapping[str, float]) -> float:
        if self._usual:
            median, deviation = self._usual[name]
            return (scores[name] - median) / deviation
        return scores[name] / (self._medians[name] or 1.0)
