"""One image, one row: records, and how they are written."""

from __future__ import annotations

import json
import os
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from ddriqa.errors import OutputError
from ddriqa.scoring.replacing import replacing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

ANEW = "Make it anew with --force"
"""The next step where a table that is there isn't what it should be."""

PERCENTILE = "percentile"
"""The last score column: where the first metric's score stands among reference pictures."""

FLUSH_SECONDS = 0.5
"""Rows go to the disk or the pipe together with the first one that is so much later."""


@dataclass
class Record:
    """What came out for one image.

    Attributes:
        path: as it was given or found; a word in angle brackets for what was in memory.
        width, height: of the upright picture; None where they aren't known.
        scores: column -> score; without those of metrics that failed.
        error: why there is no score, or none of some metrics; None where all is well.
    """

    path: str
    width: int | None = None
    height: int | None = None
    scores: dict[str, float] = field(default_factory=dict)
    error: str | None = None

    def fail(self, reason: str, metric: str = "") -> None:
        """Note why there is no score: of one metric where the others may have theirs."""
        told = f"{metric}: {reason}" if metric else reason
        self.error = f"{self.error}; {told}" if self.error else told

    @property
    def status(self) -> str:
        """``ok`` or ``failed``."""
        return "failed" if self.error is not None else "ok"

    def as_row(self, columns: Sequence[str] | None = None) -> dict[str, Any]:
        """The record as one row of a table; scores that are missing are None.

        Args:
            columns: the score columns in order; by default those that the record has.
        """
        names = self.scores if columns is None else columns
        return {
            "path": printable(self.path),
            "width": self.width,
            "height": self.height,
            **{name: self.scores.get(name) for name in names},
            "status": self.status,
            "error": self.error,
        }


def printable(path: str) -> str:
    r"""A path as text that UTF-8 can hold: a byte that isn't text, or NUL, becomes ``\xNN``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace").replace("\0", r"\x00")


def write_failure(name: object, fault: OSError, next_step: str = "") -> OutputError:
    """What the system says against writing a file, as a failure to tell."""
    reason = (fault.strerror or "can't be written").lower()
    return OutputError(str(name), reason, next_step)


def write_frame(path: Path, frame: pd.DataFrame) -> None:
    """A finished table as CSV, whole or not at all, in a folder that is made where it is missing.

    Raises:
        OutputError: it can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as stream:
            stream.write(frame.to_csv(index=False, lineterminator="\n").encode())
    except OSError as fault:
        raise write_failure(path, fault) from fault


class RowWriter(ABC):
    """Writes records as they come, whole lines only. Subclasses give ``header`` and ``_line``.

    Args:
        stream: binary; the writer doesn't close it.
        columns: the score columns, in order.
        name: what a message calls the output.
        next_step: what a message says can be done where it can't be written.
    """

    def __init__(
        self,
        stream: IO[bytes],
        columns: Sequence[str],
        name: str = "the output",
        next_step: str = "The rows written before are safe",
    ) -> None:
        self.columns = list(columns)
        self._stream, self._name, self._next_step = stream, name, next_step
        self._flushed = time.monotonic()

    def begin(self) -> None:
        """Write what stands above the rows."""
        self._put(self.header())
        self.flush()

    def write(self, record: Record) -> None:
        """Append one row.

        Raises:
            OutputError: it can't be written, e.g. since the disk is full.
            BrokenPipeError: the reader of a pipe has gone.
        """
        self._put(self._line(record))
        if time.monotonic() - self._flushed > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Hand the rows to the system. Raises as ``write`` does."""
        try:
            self._stream.flush()
        except OSError as fault:
            raise self._failure(fault) from fault
        self._flushed = time.monotonic()

    def _put(self, text: str) -> None:
        try:
            self._stream.write(text.encode("utf-8"))
        except OSError as fault:
            raise self._failure(fault) from fault

    def _failure(self, fault: OSError) -> Exception:
        if isinstance(fault, BrokenPipeError):
            return fault
        return write_failure(self._name, fault, self._next_step)

    def header(self) -> str:
        """What stands above the rows, line end included."""
        return ""

    @abstractmethod
    def _line(self, record: Record) -> str:
        """One record as the form writes it, line end included."""


class CsvWriter(RowWriter):
    """RFC 4180 in UTF-8 with ``\\n`` between rows; numbers in full precision; empty = missing."""

    def header(self) -> str:
        return ",".join(Record("").as_row(self.columns)) + "\n"

    def _line(self, record: Record) -> str:
        return ",".join(map(_cell, record.as_row(self.columns).values())) + "\n"


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    if any(mark in text for mark in ',"\r\n') or text != text.strip():
        return '"' + text.replace('"', '""') + '"'
    return text


class JsonlWriter(RowWriter):
    """One JSON object a line; null = missing."""

    def _line(self, record: Record) -> str:
        return json.dumps(record.as_row(self.columns), ensure_ascii=False) + "\n"


WRITERS: dict[str, type[RowWriter]] = {"csv": CsvWriter, "jsonl": JsonlWriter}
