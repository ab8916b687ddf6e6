"""Ctrl-C or a request to end once: finish what is in hand. Twice: stop at once."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruptible:
    """While it is open, the first SIGINT or SIGTERM only sets ``asked``; the second raises
    ``KeyboardInterrupt``.
    """

    def __init__(self) -> None:
        self.asked = False
        self.exit_code = 0
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interruptible:
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._handle) for number in SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked, self.exit_code = True, 128 + number  # 130 for Ctrl-C, 143 for SIGTERM
        text = "finishing the pictures in hand; Ctrl-C again stops at once"
        print(f"\nddriqa: {text}", file=sys.stderr)
