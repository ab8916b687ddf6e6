"""``--fail-under``: a score, or a percentile with a percent sign."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ddriqa.errors import UsageError
from ddriqa.scoring.table import PERCENTILE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ddriqa.scoring import Record

OPTION = "--fail-under"


@dataclass
class Threshold:
    """The least value that passes, and how many pictures were below it."""

    value: float
    is_percentile: bool
    below: int = 0

    @classmethod
    def read(cls, text: str, *, bounded: bool = True) -> Threshold:
        """``.25`` or ``25%``. Raises ``UsageError`` for anything else.

        Args:
            text: as it was given.
            bounded: no score is above 1, so that such a value must be meant as a percentile.
        """
        number, percent = text.strip().removesuffix("%"), text.strip().endswith("%")
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            hint = "Give a score (.25) or a percentile (25%)"
            raise UsageError(OPTION, f"{text!r} isn't a number", hint)
        if percent and not 0 <= value <= 100:
            raise UsageError(OPTION, f"{text} isn't a percentile", "They go from 0% to 100%")
        if not percent and value > 1 and bounded:
            hint = f"For a percentile say {OPTION} {text}%"
            raise UsageError(OPTION, f"{text} is above every score", hint)
        return cls(value, percent)

    def check(self, percentiles: bool) -> None:
        """Raise a ``UsageError`` where a percentile is asked for and none are known."""
        if self.is_percentile and not percentiles:
            reason = "no percentiles are known for this encoder with these settings"
            raise UsageError(f"{OPTION} {self}", reason, "Give a score, such as .25")

    def add(self, record: Record, columns: Sequence[str]) -> None:
        """Count a record that is below."""
        value = record.scores.get(PERCENTILE if self.is_percentile else columns[0])
        self.below += value is not None and value < self.value

    def __str__(self) -> str:
        return f"{self.value:g}%" if self.is_percentile else f"{self.value:g}"
