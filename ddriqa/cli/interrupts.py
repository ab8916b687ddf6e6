"""Ctrl-C once: finish what is in hand. Twice: stop at once."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType, TracebackType


class Interruptible:
    """While it is open, the first Ctrl-C only sets ``asked``; the second raises as usual."""

    def __init__(self) -> None:
        self.asked = False
        self._previous: object = None

    def __enter__(self) -> Interruptible:
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)  # type: ignore[arg-type]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        print("\nddriqa: stopping after this batch; Ctrl-C again stops at once", file=sys.stderr)
