"""Tables are read back row by row: to go on with them, to merge them, to report on them."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from itertools import chain
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from ddriqa.errors import OutputError
from ddriqa.scoring.table import ANEW, WRITERS, Record, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path


LONGEST_ROW = 1 << 18
"""Bytes; a longer one is a quotation mark gone astray."""


class Row(NamedTuple):
    """A row of a table, and the byte after it."""

    record: Record
    end: int


def read_rows(path: Path, form: str, columns: Sequence[str]) -> Iterator[Row]:
    """The whole rows of a CSV or JSONL table, lazily. A row that is torn at the end is left out.

    Raises:
        OutputError: it can't be read, has other columns, or a row before the last isn't one.
    """
    try:
        with open(path, "rb") as stream:
            yield from _whole_rows(stream, path, form, columns)
    except OSError as fault:
        raise OutputError(str(path), (fault.strerror or "can't be read").lower()) from fault


def _whole_rows(stream: IO[bytes], path: Path, form: str, columns: Sequence[str]) -> Iterator[Row]:
    header = WRITERS[form](stream, columns).header().encode()
    begin = stream.readline(len(header)) if header else b""
    if begin != header and header.startswith(begin):
        return  # killed while it was written
    if begin != header:
        raise OutputError(str(path), "has other columns", ANEW)
    lines = _csv_lines(stream) if form == "csv" else iter(stream)
    parse = _parser(form, columns)
    end = len(begin)
    for line in lines:
        end += len(line)
        record = _parsed(parse, line)
        if record is not None:
            yield Row(record, end)
        elif stream.read(1):
            begin_of_row = end - len(line)
            reason = f"the row from byte {begin_of_row} to {end} isn't one of ddriqa's"
            hint = f"Cut the file at byte {begin_of_row}; --resume makes the rest anew"
            raise OutputError(str(path), reason, hint)


def _csv_lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Lines of a CSV file; a line end between quotes doesn't end one."""
    begun = b""
    for line in stream:
        begun += line
        if begun.count(b'"') % 2 == 0 or len(begun) > LONGEST_ROW:
            yield begun
            begun = b""
    if begun:
        yield begun


def _parsed(parse: Callable[[str], Record], line: bytes) -> Record | None:
    if not line.endswith(b"\n"):
        return None
    try:
        return parse(line.decode("utf-8"))
    except (ValueError, KeyError, TypeError, AttributeError, csv.Error):
        return None


def _parser(form: str, columns: Sequence[str]) -> Callable[[str], Record]:
    names = list(Record("").as_row(columns))

    def from_csv(line: str) -> Record:
        cells = next(csv.reader([line], strict=True))
        return record_of({k: v or None for k, v in zip(names, cells, strict=True)}, columns)

    def from_json(line: str) -> Record:
        return record_of(json.loads(line), columns)

    return from_csv if form == "csv" else from_json


def record_of(row: dict[str, Any], columns: Sequence[str]) -> Record:
    """The record of which ``row`` is the row. Raises ``KeyError`` or ``ValueError``."""
    scores = {name: float(row[name]) for name in columns if row[name] is not None}
    if (row["status"] == "ok") == (row["error"] is not None):
        raise ValueError("status and error don't fit")
    width, height = (None if row[side] is None else int(row[side]) for side in ("width", "height"))
    return Record(row["path"] or "", width, height, scores, row["error"])


def without_row(found: Iterable[str], done: Iterable[Record]) -> Iterator[str]:
    """The found paths that have no row yet.

    Rows are matched in order, which needs no memory; from the first difference on (pictures came
    or went meanwhile) by their paths, whatever their spelling (``./a.png`` is ``a.png``).
    """
    rows = iter(done)
    left: Counter[str] | None = None
    for path in found:
        name = printable(path)
        if left is None:
            row = next(rows, None)
            if row is not None and row.path == name:
                continue
            rest = chain([row] if row else [], rows)
            left = Counter(os.path.abspath(record.path) for record in rest)
        name = os.path.abspath(name)
        if left[name] > 0:
            left[name] -= 1
        else:
            yield path
