"""Every expected failure: its exit code, its subject and the next step.

The one handler in ``ddriqa.cli.main`` prints ``subject: reason. next step`` on one line and
leaves with ``exit_code``. A library caller catches ``DdriqaError`` or one of its kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

OK = 0
SOME_FAILED = 1
USAGE = 2
BELOW_THRESHOLD = 3
CANNOT_RUN = 4
INTERNAL = 70
INTERRUPTED = 130


class DdriqaError(Exception):
    """An expected failure.

    Args:
        subject: what it is about: an image's path, a file, an option, an encoder's name.
        reason: what is wrong, without a final full stop.
        next_step: what the user can do about it, or empty.
    """

    exit_code = CANNOT_RUN

    def __init__(self, subject: str, reason: str, next_step: str = "") -> None:
        self.subject, self.reason, self.next_step = str(subject), reason, next_step
        super().__init__(self.subject, reason, next_step)

    def __str__(self) -> str:
        text = f"{self.subject}: {self.reason}" if self.subject else self.reason
        return f"{text}. {self.next_step}" if self.next_step else text


class UsageError(DdriqaError):
    """The call is wrong: an unknown name, an impossible combination, a value out of range."""

    exit_code = USAGE


class ImageError(DdriqaError):
    """One image can't be scored. Inside a run it becomes that image's row."""

    exit_code = SOME_FAILED


class WeightsError(DdriqaError):
    """Weights are absent, damaged, or not what their name says."""


class DatasetError(DdriqaError):
    """A data set is absent, partial, or not what its name says."""


class OutputError(DdriqaError):
    """The output can't be written or must not be overwritten."""


class DivergedError(DdriqaError):
    """A training has come to numbers that aren't finite."""


class DeviceError(DdriqaError):
    """The device is absent or out of memory."""


class SeveralErrors(DdriqaError):
    """What was found to be wrong before anything began, all of it; told a line each.

    The exit code is that of a wrong call where one of them is that, else the first one's.

    Args:
        faults: two or more.
    """

    def __init__(self, faults: Sequence[DdriqaError]) -> None:
        super().__init__("", "; ".join(map(str, faults)))
        self.faults = list(faults)
        codes = [fault.exit_code for fault in faults]
        self.exit_code = USAGE if USAGE in codes else codes[0]


def all_of(*calls: Callable[[], Any]) -> list[Any]:
    """What each of these calls gives; they don't need one another.

    Raises:
        DdriqaError: the only failure.
        SeveralErrors: all of them, where there are more.
    """
    found: list[Any] = []
    faults: list[DdriqaError] = []
    for call in calls:
        try:
            found.append(call())
        except SeveralErrors as several:
            faults += several.faults
        except DdriqaError as fault:
            faults.append(fault)
    if faults:
        raise faults[0] if len(faults) == 1 else SeveralErrors(faults)
    return found
