"""Label lists of two fields: lines ``name,score``, mostly without a header."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from ddriqa.benchmark.datasets.tables import Table, make_table, read_text
from ddriqa.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ("name", "score")


def read_pairs(path: Path) -> Table:
    """The table of such a file, with the columns ``name`` and ``score``; empty lines are left out.

    Raises:
        DatasetError: it can't be read, or a line has not two fields.
    """
    rows = enumerate(csv.reader(read_text(path).splitlines()), 1)
    filled = [(number, [field.strip() for field in row]) for number, row in rows if row]
    if filled and tuple(field.lower() for field in filled[0][1]) == COLUMNS:
        filled = filled[1:]
    for number, row in filled:
        if len(row) != len(COLUMNS):
            raise DatasetError(str(path), f"line {number} isn't a name and a score")
    return make_table(path, COLUMNS, filled)
