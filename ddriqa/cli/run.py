"""One run of ``ddriqa score``: from the pictures to the table, the summary and the exit code."""

from __future__ import annotations

import contextlib
import sys
import time
from dataclasses import dataclass, field
from itertools import chain, takewhile
from typing import IO, TYPE_CHECKING, Any

from ddriqa.cli.interrupts import Interruptible
from ddriqa.cli.streams import protected
from ddriqa.errors import BELOW_THRESHOLD, OK, SOME_FAILED

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ddriqa.cli.inputs import Source
    from ddriqa.cli.outputs import Target
    from ddriqa.cli.progress import ScoreProgress
    from ddriqa.cli.summary import Summary
    from ddriqa.cli.threshold import Threshold
    from ddriqa.scoring import Record, Scorer
    from ddriqa.scoring.output import TableFile
    from ddriqa.scoring.table import RowWriter


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
    strict: bool
    abort_on_error: bool
    quiet: bool
    verbose: int

    warned: bool = False
    aborted: Record | None = None
    interrupt: Interruptible = field(default_factory=Interruptible)
    records: list[Record] = field(default_factory=list)  # for the report only

    def finish(self) -> int:
        """Do it all; the exit code."""
        try:
            with protected() as stdout:
                with self.interrupt:
                    seconds = self._work(stdout)
                if self.report and self._whole:
                    self._write_report(self.report)
        except BrokenPipeError:  # `| head` has seen enough: what was asked for is done
            return OK
        if self.interrupt.asked:
            return self._interrupted()
        if self.aborted:
            return self._aborted(self.aborted)
        self._conclude(seconds)
        return self._exit_code()

    def _work(self, stdout: IO[bytes]) -> float:
        found = self._first_found()
        with self._progress() as progress:
            self.summary = self._begin_summary()
            with self._opened(stdout) as (table, writer):
                if table:
                    found = self._resumed(table, found)
                progress.begin(self.summary.images)
                begun = time.monotonic()
                with contextlib.suppress(KeyboardInterrupt):  # asked a second time
                    self._rows(found, table or writer, progress)
                seconds = time.monotonic() - begun
                if table and self._whole:
                    table.complete(self.summary.counts())
        return seconds

    @property
    def _whole(self) -> bool:
        return not (self.interrupt.asked or self.aborted)

    def _first_found(self) -> Iterable[str]:
        """The pictures; that there is one at all is known before anything is written."""
        found = self.source.find(self._warn)
        return self.source.part(chain([next(found)], found))

    def _begin_summary(self) -> Summary:
        from ddriqa.cli.summary import Summary

        if self.threshold:
            self.threshold.check(self.scorer.percentiles is not None)
        if self.verbose:
            self._describe()
        return Summary(self.scorer.columns, self.scorer.usual)

    @contextlib.contextmanager
    def _opened(self, stdout: IO[bytes]) -> Any:
        """The table on disk, or the writer to stdout, or neither."""
        from ddriqa.scoring.output import TableFile
        from ddriqa.scoring.table import WRITERS

        target = self.target
        if target.path is None:
            writer: RowWriter | None = None
            if target.to_stdout:
                writer = WRITERS[target.form](stdout, self.scorer.columns, "standard output")
                writer.begin()
            yield None, writer
            if writer:
                writer.flush()
            return
        table = TableFile(target.path, target.form, self.scorer.columns, self._about())
        with contextlib.closing(table):
            table.resume() if target.resume else table.begin()
            yield table, None

    def _about(self) -> dict[str, Any]:
        return {
            **self.scorer.describe(),
            "shard": str(self.source.shard) if self.source.shard else None,
            "arguments": self.arguments,
            "input": self.source.describe(),
        }

    def _resumed(self, table: TableFile, found: Iterable[str]) -> Iterable[str]:
        """Take the rows that are there into account; the pictures that have none."""
        from ddriqa.scoring.reading import without_row

        for warning in table.warnings:
            self._warn(warning)
        if not table.rows_before:
            return found
        self._say(f"{table.path} has {table.rows_before} rows already, going on after them")
        for record in table.rows():
            self._take(record)
        return without_row(found, table.rows())

    def _rows(
        self, found: Iterable[str], writer: TableFile | RowWriter | None, progress: ScoreProgress
    ) -> None:
        """Score and write. The first Ctrl-C ends the input; what is in hand is finished."""
        wanted = takewhile(lambda path: not self.interrupt.asked, found)
        with contextlib.closing(self.scorer.iter(wanted)) as records:
            for record in records:
                if record.error is not None and self.abort_on_error:
                    self.aborted = record
                    return
                self._take(record)
                if writer:
                    writer.write(record)
                progress.add(record)

    def _take(self, record: Record) -> None:
        self.summary.add(record)
        if self.threshold:
            self.threshold.add(record, self.scorer.columns)
        if self.report:
            self.records.append(record)

    def _write_report(self, folder: Path) -> None:
        from ddriqa.cli.progress import bar
        from ddriqa.scoring.report import write_report

        with bar("Thumbnails", len(self.records), quiet=self.quiet) as advance:
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
        return SOME_FAILED if self.summary.failed or (self.strict and self.warned) else OK

    # --- what is said

    def _say(self, sentence: str) -> None:
        if not self.quiet:
            print(f"ddriqa: {sentence}", file=sys.stderr)

    def _warn(self, sentence: str) -> None:
        self.warned = True
        if self.strict:
            print(f"ddriqa: {sentence}", file=sys.stderr)
        else:
            self._say(sentence)

    def _progress(self) -> ScoreProgress:
        from ddriqa.cli.progress import ScoreProgress

        def count() -> int:
            return sum(1 for _ in self.source.part(self.source.find()))

        count_if = count if self.source.countable else None
        return ScoreProgress(str(self.scorer.encoder), count_if, quiet=self.quiet)

    def _describe(self) -> None:
        for line in self.settings:
            self._say(f"setting {line}")
        facts = self.scorer.describe()
        encoder = facts["encoder"]
        for metric in facts["metrics"]:
            view = ", ".join(f"{key} {value}" for key, value in metric["view"].items())
            self._say(f"metric {metric['name']} on {view}")
        self._say(f"encoder {encoder['fingerprint'][:24]}, batches of {encoder['batch']}")
        self._say(
            f"{facts['device']}, {facts['precision']}, {facts['threads']} threads, "
            f"{facts['workers']} workers, {facts['in_flight']} images in flight"
        )

    def _interrupted(self) -> int:
        self._stopped("interrupted")
        return self.interrupt.exit_code

    def _aborted(self, record: Record) -> int:
        from ddriqa.cli.streams import readable

        print(f"ddriqa: {readable(record.path)}: {record.error}", file=sys.stderr)
        self._stopped("stopped there, as --abort-on-error says")
        return SOME_FAILED

    def _stopped(self, why: str) -> None:
        text = f"{why}: {self.summary.line()}"
        if self.target.path:
            text += f", the rows are in {self.target.path}"
            text += ". To go on give the same command with --resume"
        print(f"ddriqa: {text}", file=sys.stderr)

    def _conclude(self, seconds: float) -> None:
        from rich.console import Console

        if self.threshold and self.threshold.below:
            self._say(f"{self.threshold.below} scored below {self.threshold}")
        if self.verbose > 1:
            self._say(self.scorer.timing())
        if self.quiet:
            return
        to_person = self.target.path is None and not self.target.to_stdout
        console = Console(stderr=not to_person, highlight=False)
        if self.target.to_stdout or not console.is_terminal:
            self._say(self.summary.line())
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
