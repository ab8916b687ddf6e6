"""How far a training is, and how fast it goes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

EVERY_SECONDS = 0.5
"""How often a listener is told; telling reads the loss, which waits for the device."""


@dataclass(frozen=True)
class Progress:
    """What a listener is told.

    Attributes:
        stage: its name.
        step, steps: done, and in all, over all stages.
        loss: the mean since the last row of the table; NaN before the first step.
        images_per_second: since the session began, validations not counted.
        seconds_left: at the pace of the session, validations included; None before the first step.
    """

    stage: str
    step: int
    steps: int
    loss: float
    images_per_second: float
    seconds_left: float | None


Listener = Callable[[Progress], None]


class Clock:
    """Times a session.

    Args:
        step: where it begins.
        steps: of the run.
        batch: pictures in a step.
        before: seconds that earlier sessions took.
    """

    def __init__(self, step: int, steps: int, batch: int, before: float) -> None:
        self._begin, self._steps, self._batch, self._before = step, steps, batch, before
        self._started = self._told = time.monotonic()
        self._paused = 0.0

    @property
    def seconds(self) -> float:
        """Of all sessions."""
        return self._before + time.monotonic() - self._started

    def pause(self, since: float) -> None:
        """What happened since that ``time.monotonic()`` wasn't training."""
        self._paused += time.monotonic() - since

    def images_per_second(self, step: int) -> float:
        """The rate of training steps alone."""
        spent = time.monotonic() - self._started - self._paused
        return (step - self._begin) * self._batch / spent if spent > 0 else 0.0

    def seconds_left(self, step: int) -> float | None:
        """Up to the last step."""
        done = step - self._begin
        spent = time.monotonic() - self._started
        return spent / done * (self._steps - step) if done else None

    def due(self) -> bool:
        """Whether a listener should hear again; then not for a while."""
        now = time.monotonic()
        if now - self._told < EVERY_SECONDS:
            return False
        self._told = now
        return True
