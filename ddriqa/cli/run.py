"""One run of ``ddriqa score``: from the pictures to the table, the summary and the exit code."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from itertools import chain
from typing import IO, TYPE_CHECKING, Any, cast

from ddriqa.cli.again import how_to_go_on
from ddriqa.cli.interrupts import Interruptible
from ddriqa.cli.streams import UntilClosed, protected, readable
from ddriqa.cli.talk import Talk, counted, tell
from ddriqa.errors import BELOW_THRESHOLD, INTERRUPTED, OK, SOME_FAILED, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from ddriqa.cli.inputs import Source
    from ddriqa.cli.outputs import Target
    from ddriqa.cli.progress import ScoreProgress
    from ddriqa.cli.summary import Summary
    from ddriqa.cli.threshold import Threshold
    from ddriqa.scoring import Record, Scorer
    from ddriqa.scoring.output import TableFile
    from ddriqa.scoring.table import RowWriter

    Writer = TableFile | RowWriter | None


@dataclass
class Run:
    """What was asked for, and what has come of it so far."""

    scorer: Scorer
    source: Source
    target: Target
    arguments: list[str]
    settings: list[str]
    report: Path | None
    threshold: Threshold | None
    talk: Talk
    abort_on_error: bool
    verbose: int

    summary: Summary = field(init=False)  # once the model is there
    begun: bool = False  # the output is open
    aborted: Record | None = None
    complete: bool = False  # every picture has its row
    interrupt: Interruptible = field(default_factory=Interruptible)
    records: list[Record] = field(default_factory=list)  # for the report only

    def finish(self) -> int:
        """Do it all; the exit code."""
        try:
            with protected() as stdout:
                seconds = self._work(stdout)
                if self.report and self.complete:
                    self._write_report(self.report)
        except BrokenPipeError:
            if not self.target.to_stdout:
                raise
            return OK  # `| head` has seen enough: what was asked for is done
        except KeyboardInterrupt:
            self._stopped("interrupted")
            return self.interrupt.exit_code or INTERRUPTED
        if self.aborted:
            tell(f"{readable(self.aborted.path)}: {self.aborted.error}")
            self._stopped("stopped there, as --abort-on-error says")
            return SOME_FAILED
        self._conclude(seconds)
        return self._exit_code()

    def _work(self, stdout: IO[bytes]) -> float:
        from ddriqa.scoring.reading import without_row

        found = self._first_found()
        with self._progress() as progress:
            self.summary = self._load()
            with self._opened(stdout) as (writer, done):
                self.begun = True
                found = without_row(found, done) if done else found
                begun = time.monotonic()
                self._rows(found, writer, progress)
                seconds = time.monotonic() - begun
        self.complete = self.aborted is None
        return seconds

    def _first_found(self) -> Iterable[str]:
        """The pictures; that there is one at all is known before anything is written."""
        found = self.source.find(self.talk.warn)
        return self.source.part(chain([next(found)], found))

    def _load(self) -> Summary:
        from ddriqa.cli.summary import Summary

        columns = self.scorer.columns
        if self.threshold:
            self.threshold.check(self.scorer.percentiles is not None)
        if self.verbose:
            self._describe()
        higher_is_better = self.scorer.directions[self.scorer.metrics[0]]
        if self.threshold and higher_is_better is not True:
            reason = f"a higher {columns[0]} isn't a better one"
            raise UsageError("--fail-under", reason, "Put another metric first")
        return Summary(columns, self.scorer.usual, higher_is_better)

    @contextlib.contextmanager
    def _opened(self, stdout: IO[bytes]) -> Iterator[tuple[Writer, Iterable[Record]]]:
        """What takes the rows (the table on disk, standard output, or nothing), and those that
        are there already.
        """
        from ddriqa.scoring.output import TableFile
        from ddriqa.scoring.table import WRITERS

        target, columns = self.target, self.scorer.columns
        if target.path:
            with contextlib.closing(
                TableFile(target.path, target.form, columns, self._about())
            ) as table:
                if target.resume:
                    table.resume(self._take)
                    self.summary.from_before = table.rows_before
                    self._say_resumed(table)
                else:
                    table.begin(overwrite=target.force)
                yield table, table.rows() if table.rows_before else ()
                if not self.aborted:
                    table.complete(self.summary.counts())
        elif target.to_stdout:
            if self.report or self.threshold or self.abort_on_error:
                stdout = cast("IO[bytes]", UntilClosed(stdout))  # more than rows was asked for
            writer = WRITERS[target.form](stdout, columns, "standard output")
            writer.begin()
            yield writer, ()
            writer.flush()
        else:
            yield None, ()

    def _about(self) -> dict[str, Any]:
        return {
            **self.scorer.describe(),
            "shard": str(self.source.shard) if self.source.shard else None,
            "relative_to": self.source.relative_to,
            "arguments": self.arguments,
            "input": self.source.describe(),
        }

    def _rows(self, found: Iterable[str], writer: Writer, progress: ScoreProgress) -> None:
        """Score and write. The first Ctrl-C ends the input; what is in hand is finished."""
        with self.interrupt:
            progress.begin(self.summary.images)
            wanted = self.interrupt.until_asked(found)
            with contextlib.closing(self.scorer.iter(wanted)) as records:
                for record in records:
                    if record.error is not None and self.abort_on_error:
                        self.aborted = record
                        return
                    if writer:
                        writer.write(record)
                    self._take(record)
                    progress.add(record)
        if self.interrupt.asked:
            raise KeyboardInterrupt

    def _take(self, record: Record) -> None:
        self.summary.add(record)
        if self.threshold:
            self.threshold.add(record, self.scorer.columns)
        if self.report:
            self.records.append(record)

    def _write_report(self, folder: Path) -> None:
        from ddriqa.cli.progress import bar
        from ddriqa.scoring.report import write_report

        with bar("Thumbnails", len(self.records), quiet=self.talk.quiet) as advance:
            write_report(
                folder,
                self.records,
                columns=self.scorer.columns,
                facts=self.scorer.describe(),
                usual=self.scorer.usual,
                progress=advance,
            )

    def _exit_code(self) -> int:
        if self.threshold and self.threshold.below:
            return BELOW_THRESHOLD
        return SOME_FAILED if self.summary.failed or (self.talk.strict and self.talk.warned) else OK

    def _progress(self) -> ScoreProgress:
        from ddriqa.cli.progress import ScoreProgress

        def count() -> int:
            return sum(1 for _ in self.source.part(self.source.find()))

        count_if = count if self.source.countable else None
        return ScoreProgress(str(self.scorer.encoder), count_if, quiet=self.talk.quiet)

    # --- what is said

    def _describe(self) -> None:
        for line in self.settings:
            self.talk.say(f"setting {line}")
        facts = self.scorer.describe()
        encoder = facts["encoder"]
        for metric in facts["metrics"]:
            view = metric.get("view", {"geometry": "pixels"})
            words = ", ".join(f"{key} {value}" for key, value in view.items())
            self.talk.say(f"metric {metric['name']} on {words}")
        if encoder["fingerprint"]:
            self.talk.say(f"encoder {encoder['fingerprint'][:24]}, batches of {encoder['batch']}")
        self.talk.say(
            f"{facts['device']}, {facts['precision']}, {counted(facts['threads'], 'thread')}, "
            f"{counted(facts['workers'], 'worker')}, {facts['in_flight']} images in flight"
        )

    def _say_resumed(self, table: TableFile) -> None:
        for warning in table.warnings:
            self.talk.warn(warning)
        if table.rows_before:
            rows = counted(table.rows_before, "row")
            self.talk.say(f"{table.path} has {rows} already, going on after that")

    def _stopped(self, why: str) -> None:
        text = f"{why}: {self.summary.line()}" if self.begun else why
        if self.begun and self.target.path:
            text += f", the rows for {self.target.path} are safe. {how_to_go_on(self.arguments)}"
        tell(text)

    def _conclude(self, seconds: float) -> None:
        from rich.console import Console

        if self.threshold and self.threshold.below:
            self.talk.say(f"{self.threshold.below} scored below {self.threshold}")
        if self.verbose > 1:
            self.talk.say(self.scorer.timing())
        if self.talk.quiet:
            return
        to_person = self.target.path is None and not self.target.to_stdout
        console = Console(stderr=not to_person, highlight=False)
        if self.target.to_stdout or not console.is_terminal:
            tell(self.summary.line())
        else:
            self.summary.show(console, seconds)
            console.print(f"\n{self._where()}", markup=False, style="dim")

    def _where(self) -> str:
        parts = []
        if self.target.path:
            parts.append(
                f"The table is in {self.target.path}, its settings in {self.target.path}.json"
            )
        if self.report:
            parts.append(f"The page is {self.report / 'index.html'}")
        return "\n".join(parts) or "For the whole table add -o scores.csv, for a page --report page"
