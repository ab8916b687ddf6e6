"""``metrics.csv``: a row each time that losses are told or a validation is done."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from ddriqa.errors import OutputError
from ddriqa.scoring.replacing import replacing
from ddriqa.scoring.table import write_failure

STEP, STAGE = "step", "stage"
TIMES = ("seconds", "images_per_second")
"""The columns that two equal runs don't share."""


class MetricsTable:
    """A CSV that grows by whole rows.

    Args:
        path: the file.
        columns: beside step, stage and times.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path, self.columns = path, [STEP, STAGE, *TIMES, *columns]

    def begin(self, step: int) -> None:
        """Write the header, and keep of an older file the rows up to that step.

        Raises:
            OutputError: it can't be written.
        """
        kept = [row for row in read_rows(self.path) if int(row[STEP]) <= step]
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(kept)
        try:
            with replacing(self.path) as stream:
                stream.write(text.getvalue().encode("utf-8"))
        except OSError as fault:
            raise write_failure(self.path, fault) from fault

    def add(self, row: Mapping[str, object]) -> None:
        """Append a row; a column that it lacks stays empty.

        Raises:
            OutputError: it can't be written.
        """
        try:
            with self.path.open("a", encoding="utf-8", newline="") as stream:
                csv.DictWriter(stream, self.columns, lineterminator="\n").writerow(row)
        except OSError as fault:
            raise write_failure(self.path, fault, "The checkpoints before are safe") from fault


def read_rows(path: Path) -> list[dict[str, str]]:
    """The whole rows of a file, or none where it isn't there; a last torn one is left out.

    Raises:
        OutputError: it isn't such a table.
    """
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text[: text.rfind("\n") + 1])))
    if rows and not all((row.get(STEP) or "").isdigit() for row in rows):
        raise OutputError(str(path), "isn't a table of metrics: it has no steps")
    return rows
