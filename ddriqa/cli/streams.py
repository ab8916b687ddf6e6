"""Standard output belongs to the rows of the table and to nothing else."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import IO, TYPE_CHECKING

from ddriqa.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def protected_stdout() -> Iterator[IO[bytes]]:
    """The real standard output, while descriptor 1 points at standard error.

    Whatever a library, C code or a stray print writes meanwhile can't get between the rows.

    Raises:
        OutputError: standard output is closed.
    """
    sys.stdout.flush()
    try:
        descriptor = os.dup(1)
    except OSError as fault:
        raise OutputError("standard output", "is closed", "Write to a file with -o") from fault
    stream = os.fdopen(descriptor, "wb")
    _point_at_stderr(1)
    try:
        yield stream
    finally:
        with contextlib.suppress(BrokenPipeError):
            stream.flush()
        sys.stdout.flush()  # strays in Python's buffer go to stderr, too
        os.dup2(descriptor, 1)
        with contextlib.suppress(BrokenPipeError):
            stream.close()


def _point_at_stderr(descriptor: int) -> None:
    try:
        os.dup2(2, descriptor)
    except OSError:  # stderr is closed
        os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def readable(text: str) -> str:
    """A path as one line that is safe on a terminal: control characters are escaped."""
    text = os.fsencode(text).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
