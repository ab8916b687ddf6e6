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
from ddriqa.scoring.replacing import replacing
from ddriqa.scoring.sidecar import (
    check_same,
    other_versions,
    read_sidecar,
    sidecar_path,
    write_sidecar,
)
from ddriqa.scoring.table import WRITERS, Record, RowWriter, write_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

SYNC_SECONDS = 5.0
"""Rows outlive a power cut at the latest so long after they were written."""

NEXT_STEP = "The rows written before are safe; --resume goes on after them"

KEPT = ("started", "merged")
"""What the sidecar of a table that is gone on with keeps."""


class TableFile:
    """A table and its sidecar.

    Rows are appended to the file itself (CSV, JSONL) or to a journal beside it (Parquet, which is
    made of it at the end). The sidecar says first that the table isn't finished, and last that
    it is. Whatever a process leaves that is killed meanwhile, ``resume`` goes on with.

    Args:
        path: of the table; its folder exists.
        form: csv, jsonl or parquet.
        columns: the score columns, in order.
        settings: how the numbers are made, ``Scorer.describe()``, and whatever else the sidecar
            is to hold; plain values.

    Attributes:
        about: the sidecar's content.
        warnings: sentences; what ``resume`` found that the user should know.
        rows_before: how many rows ``resume`` found.
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

    def begin(self, *, overwrite: bool = False) -> None:
        """Start anew.

        Args:
            overwrite: a table that is there goes; else it is an error.

        Raises:
            OutputError: it can't be written.
        """
        with self._telling(""):
            if overwrite:
                self._clear()
            self._open("xb")  # the name is ours before a sidecar says how the rows are made
            try:
                write_sidecar(self.path, self.about)
            except OutputError:
                self.close()
                self._rows.unlink(missing_ok=True)
                raise
            self._writer.begin()

    def resume(self, seen: Callable[[Record], object] = lambda record: None) -> None:
        """Go on after the last whole row; start anew where no row is there yet.

        Args:
            seen: called with each row that is there.

        Raises:
            UsageError: the table was made with other settings.
            OutputError: there is a table, but not one that can be gone on with, or another
                process is at it.
        """
        if self._killed_at_its_birth():
            self._rows.unlink()
        if not self._rows.exists() and not self.path.exists():
            if sidecar_path(self.path).exists():
                read_sidecar(self.path)  # somebody else's isn't overwritten
            self.begin()
            return
        before = read_sidecar(self.path)
        check_same(self.path, before, self.about, "--resume")
        self._inherit(before)
        with self._telling(NEXT_STEP):
            if not self._rows.exists():
                self._journal_of_finished()
            self._open("ab")
            end = self._end_of_rows(seen)
            write_sidecar(self.path, self.about, NEXT_STEP)
            os.truncate(self._rows, end)
            if not end:
                self._writer.begin()

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
        """Hand the rows to the disk; the table stays unfinished unless ``complete`` was called.

        Raises:
            OutputError: it can't be written.
        """
        if self._stream is None:
            return
        try:
            self._sync()
        finally:
            stream, self._stream = self._stream, None
            with contextlib.suppress(OSError):  # it was told
                stream.close()

    def complete(self, counts: Mapping[str, int]) -> None:
        """The last row is written: finish the file, then say so in the sidecar.

        Raises:
            OutputError: it can't be written.
        """
        self.close()
        self.about |= {"counts": dict(counts), "finished": now()}
        with self._telling(NEXT_STEP):
            if self.form == "parquet":
                rows = read_rows(self._rows, self._lines, self.columns)
                records = (row.record for row in rows)
                with replacing(self.path) as stream:
                    parquet.write_parquet(stream, records, self.columns, self.about)
            write_sidecar(self.path, self.about, NEXT_STEP)
            if self.form == "parquet":
                self._rows.unlink(missing_ok=True)

    def _clear(self) -> None:
        """Remove the old table; the sidecar last, so that it never stands beside other rows."""
        refuse_if_written(self._rows, self.path)
        self.path.unlink(missing_ok=True)
        self._rows.unlink(missing_ok=True)
        sidecar_path(self.path).unlink(missing_ok=True)

    def _killed_at_its_birth(self) -> bool:
        empty = self._rows.exists() and not self._rows.stat().st_size
        return empty and not sidecar_path(self.path).exists()

    def _inherit(self, before: Mapping[str, Any]) -> None:
        if versions := other_versions(before, self.about):
            self.warnings.append(
                f"{self.path} was begun with other versions ({'; '.join(versions)}), so the last "
                "digits may differ"
            )
        self.about["resumed"] = [*before.get("resumed", []), self.about["started"]]
        self.about |= {name: before[name] for name in KEPT if name in before}

    def _open(self, mode: str) -> None:
        try:
            stream = open(self._rows, mode)  # noqa: SIM115
        except FileExistsError as fault:
            hint = "Add --resume to go on with it, or --force to overwrite it"
            raise OutputError(str(self.path), "exists already", hint) from fault
        if not _locked(stream):
            stream.close()
            raise OutputError(str(self.path), "another process is writing it")
        writer = WRITERS[self._lines]
        self._writer: RowWriter = writer(stream, self.columns, str(self.path), NEXT_STEP)
        self._stream = stream

    def _end_of_rows(self, seen: Callable[[Record], object]) -> int:
        """The byte after the last whole row; counts the rows on the way."""
        end = 0
        for row in read_rows(self._rows, self._lines, self.columns):
            seen(row.record)
            self.rows_before, end = self.rows_before + 1, row.end
        return end

    def _journal_of_finished(self) -> None:
        with replacing(self._rows) as stream:
            writer = WRITERS[self._lines](stream, self.columns, str(self.path), NEXT_STEP)
            for record in parquet.read_parquet(self.path, self.columns):
                writer.write(record)

    def _sync(self) -> None:
        if self._stream is not None:
            with self._telling(NEXT_STEP):
                self._writer.flush()
                os.fsync(self._stream.fileno())
        self._synced = time.monotonic()

    @contextlib.contextmanager
    def _telling(self, next_step: str) -> Iterator[None]:
        try:
            yield
        except OSError as fault:
            raise write_failure(self.path, fault, next_step) from fault


def refuse_if_written(rows: Path, output: Path) -> None:
    """Raise an ``OutputError`` where another process is writing the rows of ``output``."""
    with contextlib.suppress(FileNotFoundError), open(rows, "rb") as stream:
        if not _locked(stream):
            raise OutputError(str(output), "another process is writing it")


def _locked(stream: IO[bytes]) -> bool:
    """Keep other processes off while it is open, where the system has such locks; else True."""
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system that knows no locks
        return True
    return True


def read_table(path: Path, about: Mapping[str, Any]) -> Iterable[Record]:
    """The rows of a finished table, lazily; ``about`` is its sidecar.

    Raises:
        OutputError: the table isn't what its sidecar says.
    """
    form, columns = about["format"], about["columns"]
    if form == "parquet":
        return parquet.read_parquet(path, columns)
    return (row.record for row in read_rows(path, form, columns))


def now() -> str:
    """The time in ISO 8601 and UTC."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
