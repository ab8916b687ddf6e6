"""Ctrl-C or a request to end once: finish what is in hand. Twice: stop at once."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType, TracebackType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
GRACE_SECONDS = 2.0
"""How long a second Ctrl-C waits for threads that decode or compute."""

SHOW_CURSOR = "\x1b[?25h"
T = TypeVar("T")


class Interruptible:
    """While it is open, the first SIGINT or SIGTERM only sets ``asked``; the second raises
    ``KeyboardInterrupt``, and ends the process if that hasn't within ``GRACE_SECONDS``.

    Args:
        in_hand: what is finished after the first one.

    Attributes:
        asked: whether there was a signal.
        exit_code: 130 after SIGINT, 143 after SIGTERM.
    """

    def __init__(self, in_hand: str = "pictures") -> None:
        self.asked = False
        self._in_hand = in_hand
        self.exit_code = 0
        self._waiting = False
        self._previous: dict[signal.Signals, Any] = {}
        self._end: threading.Timer | None = None

    def __enter__(self) -> Interruptible:
        self._previous = {number: signal.signal(number, self._handle) for number in _heard()}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        if self._end:
            self._end.cancel()

    def until_asked(self, items: Iterable[T]) -> Iterator[T]:
        """The items up to the first signal, which also ends the waiting for the next one."""
        remaining = iter(items)
        while not self.asked:
            try:
                self._waiting = True
                item = next(remaining)
                self._waiting = False
            except (StopIteration, _InputEnded):
                return
            finally:
                self._waiting = False
            yield item

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            if self._end is None:
                self._end = threading.Timer(GRACE_SECONDS, self._leave)
                self._end.daemon = True
                self._end.start()
            raise KeyboardInterrupt
        self.asked, self.exit_code = True, 128 + number
        _tell(f"ddriqa: finishing the {self._in_hand} in hand; Ctrl-C again stops at once\n")
        if self._waiting:
            raise _InputEnded

    def _leave(self) -> None:
        show_cursor()
        os._exit(self.exit_code)


class _InputEnded(KeyboardInterrupt):
    """Raised in the midst of waiting for input."""


def leave_quietly(code: int) -> None:
    """The command has ended, the interpreter not yet, which takes a while with torch: a signal
    ends it at once now, with the command's exit code and without a traceback of its last steps.
    """

    def end(number: int, frame: FrameType | None) -> None:
        os._exit(code)

    def answer(handler: Any) -> None:
        for number in _heard():
            signal.signal(number, handler)

    answer(end)
    atexit.register(answer, signal.SIG_IGN)  # no handler outlives the interpreter


def _heard() -> list[signal.Signals]:
    """Those that this thread may answer, and that whoever started it hasn't turned off."""
    if threading.current_thread() is not threading.main_thread():
        return []
    return [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]


def show_cursor() -> None:
    """Undo what a bar did to the terminal, in case that its own end was cut off."""
    if sys.stderr.isatty():
        _tell(SHOW_CURSOR)


def _tell(text: str) -> None:
    """Past Python's buffer: a signal may come while that is being written to."""
    line_end = "\n" if sys.stderr.isatty() and text.startswith("ddriqa") else ""
    with contextlib.suppress(OSError, ValueError):
        os.write(sys.stderr.fileno(), (line_end + text).encode())
