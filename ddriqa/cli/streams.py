"""Standard output belongs to the rows of the table, standard error to our own words."""

from __future__ import annotations

import contextlib
import faulthandler
import io
import os
import sys
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def never_none() -> None:
    """Python has None for a stream that was closed by whoever started us: give it a sink."""
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: SIM115  for the whole run
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115


@contextlib.contextmanager
def protected() -> Iterator[IO[bytes]]:
    """The real standard output, while nothing else can reach it.

    Descriptor 1 points at standard error meanwhile, so that whatever a library, C code or a stray
    print writes can't get between the rows. Descriptor 2 points nowhere, since C libraries talk
    there about damaged files; ``sys.stderr`` still leads to the real one, and so does the trace
    of a crash.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    real_out, real_err = os.dup(1), os.dup(2)
    stream, talk, talked = os.fdopen(os.dup(real_out), "wb"), _talk(real_err), sys.stderr
    os.dup2(real_err, 1)
    _point_nowhere(2)
    sys.stderr = talk
    if traced := not faulthandler.is_enabled():
        faulthandler.enable(real_err)
    try:
        yield stream
    finally:
        sys.stdout.flush()  # strays in Python's buffer go to stderr, too
        if traced:
            faulthandler.disable()
        sys.stderr = talked
        with contextlib.suppress(OSError):  # nobody listens any more
            talk.flush()
        with contextlib.suppress(OSError):  # whoever wrote rows has heard of it
            stream.close()
        for real, descriptor in ((real_out, 1), (real_err, 2)):
            os.dup2(real, descriptor)
            os.close(real)


class UntilClosed(io.RawIOBase):
    """A stream whose reader may leave before the end; what comes after that is dropped."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream: IO[bytes] | None = stream

    def write(self, data: Any) -> int:
        """All of it, or nothing once nobody reads any more."""
        if self._stream:
            try:
                self._stream.write(data)
            except BrokenPipeError:
                self._stream = None
        return len(data)

    def flush(self) -> None:
        """As ``write``."""
        if self._stream:
            try:
                self._stream.flush()
            except BrokenPipeError:
                self._stream = None


def _talk(descriptor: int) -> IO[str]:
    return os.fdopen(os.dup(descriptor), "w", 1, encoding="utf-8", errors="backslashreplace")


def _point_nowhere(descriptor: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def readable(text: str) -> str:
    """A path as one line that is safe on a terminal: control characters are escaped."""
    text = os.fsencode(text).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
