"""A bar on a terminal's stderr: how many, how fast, how long still, failures so far."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from ddriqa.cli.interrupts import show_cursor
from ddriqa.errors import DdriqaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ddriqa.scoring import Record

CLOCK = 0.5  # seconds of work before a rate says something


class ScoreProgress:
    """A context manager; nothing is drawn unless stderr is a terminal.

    Args:
        what: the encoder that is loaded first.
        count: gives the number of images; runs in a thread beside the work, and its result is
            shown as soon as it is there. None where it can't be known.
        quiet: draw nothing at all.
    """

    def __init__(self, what: str, count: Callable[[], int] | None, *, quiet: bool = False) -> None:
        console = Console(stderr=True)
        self._drawn = console.is_terminal and not console.is_dumb_terminal and not quiet
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            _Counts(table_column=Column(no_wrap=True)),
            console=console,
            transient=True,
            redirect_stdout=False,
        )
        self._task = self._bar.add_task(f"Loading {what}", total=None, failed=0, before=0)
        self._count = count

    def __enter__(self) -> ScoreProgress:
        if self._drawn:
            self._bar.start()
        if self._drawn and self._count:
            threading.Thread(target=self._find_total, daemon=True).start()
        return self

    def __exit__(self, *fault: object) -> None:
        if self._drawn:
            try:
                self._bar.stop()
            except KeyboardInterrupt:  # a second Ctrl-C in its midst
                show_cursor()
                raise

    def _find_total(self) -> None:
        assert self._count is not None
        with contextlib.suppress(OSError, DdriqaError):  # the run itself will meet it and tell
            self._bar.update(self._task, total=self._count())

    def begin(self, done: int = 0) -> None:
        """The model is there; the clock of the rate starts. ``done`` images need no more work."""
        self._bar.reset(self._task, description="Scoring", completed=done, failed=0, before=done)

    def add(self, record: Record) -> None:
        """One more image is done."""
        failed = self._bar.tasks[0].fields["failed"] + (record.error is not None)
        self._bar.update(self._task, advance=1, failed=failed)


@contextlib.contextmanager
def bar(what: str, total: int, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A plain bar; gives what to call with (done, total)."""
    console = Console(stderr=True)
    shown = console.is_terminal and not console.is_dumb_terminal and not quiet
    with Progress(console=console, transient=True, disable=not shown) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done, of: progress.update(task, completed=done, total=of)


class _Counts(ProgressColumn):
    """How many of how many, at which rate since the beginning, and how long that makes the rest.

    Not Rich's own rate: images come in batches, and its clock starts with the first of one.
    """

    def render(self, task: Task) -> Text:
        total = f"/{task.total:.0f}" if task.total else ""
        parts = [f"{task.completed:.0f}{total}"]
        own = task.completed - task.fields["before"]
        if own and task.elapsed and task.elapsed >= CLOCK:
            parts.append(rate(own / task.elapsed))
            if task.total:
                left = (task.total - task.completed) * task.elapsed / own
                parts.append(f"{duration(left)} left")
        if task.fields["failed"]:
            parts.append(f"{task.fields['failed']} failed")
        return Text("  ".join(parts))


def rate(per_second: float) -> str:
    """Images per second, with as many digits as say something."""
    return f"{per_second:.1f} images/s" if per_second < 10 else f"{per_second:.0f} images/s"


def duration(seconds: float) -> str:
    """Seconds in words: ``45 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
