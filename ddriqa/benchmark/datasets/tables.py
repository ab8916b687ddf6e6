"""Label tables with a header: a CSV file or a sheet of a workbook becomes checked rows of text."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

from ddriqa.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Line:
    """A row of a table; ``number`` is the one that a spreadsheet shows beside it."""

    path: Path
    number: int
    cells: dict[str, str]

    def text(self, column: str) -> str:
        """The cell without blanks around it.

        Raises:
            DatasetError: it is empty.
        """
        if text := self.cells[column]:
            return text
        raise self.wrong(column, "is empty")

    def value(self, column: str) -> float:
        """The cell's number.

        Raises:
            DatasetError: it is empty or not a finite number.
        """
        text = self.text(column)
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self.wrong(column, f"{text!r} is not a number")
        return value

    def wrong(self, column: str, reason: str) -> DatasetError:
        """The failure that names this row and the column."""
        return DatasetError(str(self.path), f"row {self.number}, column {column!r}: {reason}")


@dataclass(frozen=True)
class Table:
    """A header and its rows. Empty rows are left out, blanks inside a column's name are one."""

    path: Path
    columns: tuple[str, ...]
    lines: list[Line]

    def column(self, *names: str) -> str | None:
        """The first of the names that is a column's, as the table writes it, or None.

        An exact match goes before one that differs in case or in blanks.
        """
        printed = {_folded(column): column for column in reversed(self.columns)}
        for name in names:
            if name in self.columns:
                return name
            if _folded(name) in printed:
                return printed[_folded(name)]
        return None

    def need(self, *names: str) -> str:
        """See ``column``.

        Raises:
            DatasetError: there is no such column, or there are two.
        """
        if (column := self.column(*names)) is None:
            columns = ", ".join(column for column in self.columns if column)
            reason = f"has no column {' or '.join(names)}"
            raise DatasetError(str(self.path), reason, f"Its columns: {columns}")
        if self.columns.count(column) > 1:
            raise DatasetError(str(self.path), f"two columns are called {column!r}")
        return column


def read_text(path: Path) -> str:
    """A text file in UTF-8, with or without a mark at its beginning.

    Raises:
        DatasetError: it can't be read or has another encoding.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DatasetError(str(path), error.strerror or str(error)) from None
    except UnicodeDecodeError:
        raise DatasetError(str(path), "is not text in UTF-8", "Save it as UTF-8") from None


def read_csv(path: Path) -> Table:
    """A table with a header, separated by commas, semicolons or tabs, as the header shows.

    Raises:
        DatasetError: it can't be read, has no header, or a row has more fields than the header.
    """
    text = read_text(path)
    header = text.lstrip().partition("\n")[0]
    delimiter = max(DELIMITERS, key=header.count)
    try:
        rows = list(csv.reader(StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise DatasetError(str(path), f"is not a table: {error}") from None
    first = next((index for index, row in enumerate(rows) if any(map(str.strip, row))), None)
    if first is None:
        raise DatasetError(str(path), "is empty")
    return make_table(path, rows[first], enumerate(rows[first + 1 :], first + 2))


def make_table(
    path: Path, header: Sequence[str], rows: Iterable[tuple[int, Sequence[str]]]
) -> Table:
    """A table of a header and numbered rows of text.

    Raises:
        DatasetError: a row with more fields than the header.
    """
    columns = tuple(" ".join(name.split()) for name in header)
    lines = []
    for number, row in rows:
        cells = [cell.strip() for cell in row]
        if any(cells[len(columns) :]):
            reason = f"row {number} has {len(cells)} fields, the header {len(columns)}"
            raise DatasetError(str(path), reason)
        if any(cells):
            cells += [""] * (len(columns) - len(cells))
            lines.append(Line(path, number, dict(zip(columns, cells, strict=False))))
    return Table(path, columns, lines)


def _folded(name: str) -> str:
    return " ".join(name.lower().split())
