"""What a person reads after a run: how many, how good, the best, the worst, and what failed."""

from __future__ import annotations

import heapq
import math
import statistics
from array import array
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from ddriqa.cli.progress import duration, rate
from ddriqa.cli.streams import readable
from ddriqa.scoring.table import PERCENTILE
from ddriqa.scoring.weakness import FEW, Weakness, type_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from ddriqa.scoring import Record

SHOWN, FAILURES_SHOWN, BINS, BAR = 5, 10, 8, 32


class Summary:
    """Collects records of one metric; memory grows by a few numbers an image.

    Args:
        columns: the score columns: the score itself, then its types as ``score_type``.
        usual: median and deviation of a type's column over clean photographs, where known.
        higher_is_better: of the score; None where it says nothing about quality.

    Attributes:
        from_before: how many of the images an earlier run has scored.
    """

    def __init__(
        self,
        columns: Sequence[str],
        usual: Mapping[str, tuple[float, float]] | None = None,
        higher_is_better: bool | None = True,
    ) -> None:
        self._higher_is_better = higher_is_better
        self._usual = usual or {}
        self._score = columns[0]
        self._types = type_columns(columns)
        self._values = {name: array("f") for name in (self._score, *self._types)}
        self._percentiles = array("f")
        self._best: list[tuple[float, int, Record]] = []
        self._worst: list[tuple[float, int, Record]] = []
        self._failures: list[Record] = []
        self.images = self.failed = self.from_before = 0

    def add(self, record: Record) -> None:
        """Take one record into account."""
        self.images += 1
        if record.error is not None:
            self.failed += 1
            if len(self._failures) < FAILURES_SHOWN:
                self._failures.append(record)
            return
        for name, values in self._values.items():
            values.append(record.scores[name])
        if PERCENTILE in record.scores:
            self._percentiles.append(record.scores[PERCENTILE])
        score = record.scores[self._score] * (-1 if self._higher_is_better is False else 1)
        _keep(self._best, (score, -self.images, record))
        _keep(self._worst, (-score, -self.images, record))

    def counts(self) -> dict[str, int]:
        """How many images, and how many of them failed or not, for the sidecar."""
        scored = self.images - self.failed
        return {"images": self.images, "failed": self.failed, "ok": scored}

    def line(self) -> str:
        """The run in one line."""
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{_images(self.images - self.failed)} scored{failed}"

    def show(self, console: Console, seconds: float) -> None:
        """Print everything."""
        speed = f" ({rate((self.images - self.from_before) / seconds)})" if seconds else ""
        console.print(Text(f"{self.line()} in {duration(seconds)}{speed}", style="bold"))
        if len(self._best) > 1:
            self._show_range(console)
        self._show_extremes(console)
        if self._failures:
            self._show_failures(console)

    def _show_range(self, console: Console) -> None:
        """The percentile, which is what people read; the score only where none is known."""
        name, values, digits = self._score, self._values[self._score], 3
        meaning = {True: "(higher is better)", False: "(lower is better)", None: ""}[
            self._higher_is_better
        ]
        if self._percentiles:
            name, values, digits = PERCENTILE, self._percentiles, 0
            meaning = "(100 is best of the reference photographs, half of them damaged)"
        low, middle, high = min(values), statistics.median(values), max(values)
        numbers = f" {low:.{digits}f} to {high:.{digits}f}, median {middle:.{digits}f}"
        console.print(Text.assemble((name, "bold"), numbers, (f"  {meaning}", "dim")))
        if len(values) >= FEW:
            console.print(histogram(values))

    def _show_extremes(self, console: Console) -> None:
        weakness = Weakness({name: self._values[name] for name in self._types}, self._usual)
        first, last = ("best", "worst")
        if self._higher_is_better is None:
            first, last = ("highest", "lowest")
        best = [record for *_, record in sorted(self._best, reverse=True)]
        worst = [record for *_, record in sorted(self._worst, reverse=True)]
        if self.images - self.failed <= 2 * SHOWN:  # few enough to show them all
            every = best + [record for record in reversed(worst) if record not in best]
            title = f", {first} first" if len(every) > 1 else ""
            self._show_records(console, f"{self._numbers}{title}", every, weakness)
        else:
            self._show_records(console, f"{self._numbers}, {first}", best, weakness)
            self._show_records(console, f"{self._numbers}, {last}", worst, weakness)

    @property
    def _numbers(self) -> str:
        return f"{PERCENTILE} and {self._score}" if self._percentiles else self._score

    def _show_records(
        self, console: Console, title: str, records: list[Record], weakness: Weakness
    ) -> None:
        if not records:
            return
        console.print(Text(f"\n{title}", style="bold"))
        weakest = [self._in_words(weakness, record) for record in records]
        width = max(map(len, weakest))
        for record, kind in zip(records, weakest, strict=True):
            line = Text.assemble(
                (f"{record.scores[PERCENTILE]:3.0f}  " if self._percentiles else "", "bold"),
                f"{record.scores[self._score]:.3f}  ",
                (f"{kind:{width}}  " if width else "", "dim"),
                readable(record.path),
            )
            console.print(line, soft_wrap=True)

    def _in_words(self, weakness: Weakness, record: Record) -> str:
        if not self._types:
            return ""
        column = weakness.of(record.scores)
        return f"weakest: {column.removeprefix(f'{self._score}_')}" if column else "no weakness"

    def _show_failures(self, console: Console) -> None:
        console.print(Text("\nFailed", style="bold"))
        for record in self._failures:
            console.print(Text(f"{readable(record.path)}: {record.error}"), soft_wrap=True)
        if self.failed > len(self._failures):
            console.print(Text(f"and {self.failed - len(self._failures)} more"))


def _keep(heap: list[tuple[float, int, Record]], item: tuple[float, int, Record]) -> None:
    if len(heap) < SHOWN:
        heapq.heappush(heap, item)
    else:
        heapq.heappushpop(heap, item)


def _images(count: int) -> str:
    return f"{count} image" if count == 1 else f"{count} images"


def histogram(values: Sequence[float]) -> Table:
    """Steps of a round width from the least to the greatest value, a bar and a count each."""
    step = round_step((max(values) - min(values)) / BINS)
    digits = max(0, -math.floor(math.log10(step)))
    first = math.floor(min(values) / step)
    counts = [0] * (math.floor(max(values) / step) - first + 1)
    for value in values:
        counts[math.floor(value / step) - first] += 1
    table = Table.grid(padding=(0, 1))
    for index, count in enumerate(counts, start=first):
        edges = f"{index * step:.{digits}f} to {(index + 1) * step:.{digits}f}"
        bar = "█" * max(round(count / max(counts) * BAR), int(count > 0))
        table.add_row(Text(edges, style="dim"), bar, str(count))
    return table


def round_step(width: float) -> float:
    """The next of 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(max(width, 1e-9)))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= width)
