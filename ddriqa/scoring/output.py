"""A table on disk that outlives its process: it can be killed at any moment, and gone on with."""

from __future__ import annotations

import contextlib
import os
import time
from datetime import datetime, timezone
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

from ddriqa.errors import OutputError
from ddriqa.scoring import parquet
from ddriqa.scoring.reading import read_rows
from ddriqa.scoring.sidecar import (
    check_same,
    other_versions,
    read_sidecar,
    sidecar_path,
    write_sidecar,
)
from ddriqa.scoring.table import WRITERS, Record, RowWriter, write_failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

SYNC_SECONDS = 5.0
"""Rows outlive a power cut at the latest so long after they were written."""


class TableFile:
    """A table and its sidecar.

    Rows are appended to the file itself (CSV, JSONL) or to a journal beside it (Parquet, which is
    made of it at the end). The sidecar says first that the table isn't finished, and last that
    it is.

    Args:
        path: of the table; its folder exists.
        form: csv, jsonl or parquet.
        columns: the score columns, in order.
        settings: how the numbers are made, ``Scorer.describe()``, and whatever else the sidecar
            is to hold; plain values.
    """

    def __init__(
        self, path: Path, form: str, columns: Sequence[str], settings: Mapping[str, Any]
    ) -> None:
        self.path, self.form, self.columns = path, form, list(columns)
        self.about: dict[str, Any] = {
            **settings,
            "output": path.name,
            "format": form,
            "started": now(),
            "finished": None,
        }
        self.warnings: list[str] = []
        self.rows_before = 0
        self._lines = "jsonl" if form == "parquet" else form
        self._rows = parquet.journal_path(path) if form == "parquet" else path
        self._stream: IO[bytes] | None = None
        self._synced = time.monotonic()

    def begin(self) -> None:
        """Start anew; what was there is gone.

        Raises:
            OutputError: it can't be written.
        """
        with self._telling():
            for path in {self.path, self._rows, sidecar_path(self.path)}:
                path.unlink(missing_ok=True)
            write_sidecar(self.path, self.about)
            self._open("wb")

    def resume(self) -> None:
        """Go on after the last whole row; start anew where nothing is there yet.

        Raises:
            UsageError: the table was made with other settings.
            OutputError: there is a table, but not one that can be gone on with.
        """
        exists = self._rows.exists() or self.path.exists()
        if not exists and not sidecar_path(self.path).exists():
            self.begin()
            return
        before = read_sidecar(self.path)
        check_same(self.path, before, self.about, "--resume")
        self.warnings = [f"{text} ({self.path})" for text in other_versions(before, self.about)]
        self.about["resumed"] = [*before.get("resumed", []), self.about["started"]]
        self.about["started"] = before.get("started")
        with self._telling():
            if self.form == "parquet" and self.path.exists() and not self._rows.exists():
                self._journal_of_finished()
            end = self._whole()
            write_sidecar(self.path, self.about)
            if end:
                os.truncate(self._rows, end)
            self._open("ab" if end else "wb")

    def rows(self) -> Iterator[Record]:
        """The rows that were there before this run, lazily."""
        if self.rows_before:
            rows = read_rows(self._rows, self._lines, self.columns)
            yield from (row.record for row in islice(rows, self.rows_before))

    def write(self, record: Record) -> None:
        """Append a row. Raises ``OutputError``, e.g. where the disk is full."""
        self._writer.write(record)
        if time.monotonic() - self._synced > SYNC_SECONDS:
            self._sync()

    def close(self) -> None:
        """Hand the rows to the disk; the table stays unfinished unless ``complete`` was called."""
        if self._stream is None:
            return
        stream, self._stream = self._stream, None
        try:
            self._writer.flush()
            os.fsync(stream.fileno())
            stream.close()
        except OSError as fault:
            raise write_failure(self.path, fault, "The rows written before are safe") from fault
        finally:
            with contextlib.suppress(OSError):  # the first failure is the one to tell
                stream.close()

    def complete(self, counts: Mapping[str, int]) -> None:
        """The last row is written: finish the file, then say so in the sidecar."""
        self.close()
        self.about |= {"counts": dict(counts), "finished": now()}
        if self.form == "parquet":
            rows = read_rows(self._rows, "jsonl", self.columns)
            records = (row.record for row in rows)
            parquet.write_parquet(self.path, records, self.columns, self.about)
        write_sidecar(self.path, self.about)
        if self.form == "parquet":
            self._rows.unlink(missing_ok=True)

    def _open(self, mode: str) -> None:
        self._stream = open(self._rows, mode)  # noqa: SIM115
        self._writer: RowWriter = WRITERS[self._lines](self._stream, self.columns, str(self.path))
        if mode == "wb":
            self._writer.begin()

    def _whole(self) -> int:
        """The byte after the last whole row; counts the rows on the way."""
        end = 0
        if self._rows.exists():
            for row in read_rows(self._rows, self._lines, self.columns):
                self.rows_before, end = self.rows_before + 1, row.end
        return end

    def _journal_of_finished(self) -> None:
        temporary = self._rows.with_name(f".{self._rows.name}.{os.getpid()}.tmp")
        with open(temporary, "wb") as stream:
            writer = WRITERS["jsonl"](stream, self.columns, str(temporary))
            for record in parquet.read_parquet(self.path, self.columns):
                writer.write(record)
        os.replace(temporary, self._rows)

    def _sync(self) -> None:
        self._writer.flush()
        if self._stream is not None:
            os.fsync(self._stream.fileno())
        self._synced = time.monotonic()

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as fault:
            raise write_failure(self.path, fault) from fault


def read_table(path: Path, about: Mapping[str, Any]) -> Iterable[Record]:
    """The rows of a finished table, lazily; ``about`` is its sidecar.

    Raises:
        OutputError: the table isn't what its sidecar says.
    """
    form, columns = about["format"], about["columns"]
    if not path.exists():
        raise OutputError(str(path), "no such file")
    if form == "parquet":
        return parquet.read_parquet(path, columns)
    return (row.record for row in read_rows(path, form, columns))


def now() -> str:
    """The time in ISO 8601 and UTC."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
