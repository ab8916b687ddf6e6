"""``ddriqa score``: pictures in, a table or a summary out."""

from __future__ import annotations

import contextlib
import sys
import time
from datetime import datetime, timezone
from itertools import chain
from typing import IO, TYPE_CHECKING, Any

import typer

from ddriqa.cli import options
from ddriqa.cli.inputs import Source
from ddriqa.cli.interrupts import Interruptible
from ddriqa.cli.outputs import Target
from ddriqa.cli.streams import protected
from ddriqa.errors import INTERRUPTED, OK, SOME_FAILED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ddriqa.cli.progress import ScoreProgress
    from ddriqa.cli.summary import Summary
    from ddriqa.scoring import Scorer
    from ddriqa.scoring.table import RowWriter


def score(
    context: typer.Context,
    paths: options.Paths = None,
    files_from: options.FilesFrom = None,
    nul: options.Nul = False,
    metric: options.Metric = ["ddr"],  # noqa: B006  typer reads it, nobody changes it
    encoder: options.EncoderName = "builtin",
    types: options.Types = None,
    prompts: options.Prompts = None,
    geometry: options.Geometry = None,
    adaptation: options.Adaptation = True,
    disparity: options.Disparity = "cosine",
    device: options.Device = "auto",
    batch_size: options.BatchSize = None,
    workers: options.Workers = None,
    max_pixels: options.MaxPixels = None,
    output: options.Output = None,
    format: options.Format = None,
    force: options.Force = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> int:
    """Say how good pictures are, and what is wrong with them.

    \b
      ddriqa score photos/                         progress, then a summary
      ddriqa score photos/ -o scores.csv           a table as well
      ddriqa score photos/ | sort -t, -k4 -g       the table in a pipe
      find . -name '*.jpg' | ddriqa score -        a list from another program

    The score DDR lies in 0 to 1, for usual photographs between .2 and .4; higher is better. It
    ranks pictures that the same encoder has seen; scores of two encoders don't compare. One more
    column for each type of damage (ddr_blur and so on) says how the picture stands up to it:
    one that is low beside what is usual for it names what is wrong (the summary does that).

    Columns: path, width, height, ddr, ddr_color, ddr_noise, ddr_blur, ddr_exposure, status (ok
    or failed), error. One row for each picture, in the order of the input. A picture that can't
    be scored has a row with its reason.

    \b
    Exit codes:
      0 all scored                     4 couldn't run (weights, device, output)
      1 some pictures failed          70 a fault of ddriqa's own
      2 wrong usage, nothing found   130 interrupted
    """
    from ddriqa.scoring import Scorer

    names = [name for item in types or [] for name in item.replace(",", " ").split()]
    scorer = Scorer(
        metric,
        encoder,
        types=names,
        prompts=prompts,
        geometry=geometry,
        adaptation=adaptation,
        disparity=disparity,
        device=device,
        batch_size=batch_size,
        workers=workers,
        max_pixels=max_pixels,
    )
    source = Source([*(paths or [])], files_from, nul)
    target = Target.chosen(output, format, force=force, terminal=sys.stdout.isatty())
    return Run(scorer, source, target, context.obj, quiet=quiet, verbose=verbose).finish()


class Run:
    """One run of the command over its pictures."""

    def __init__(
        self,
        scorer: Scorer,
        source: Source,
        target: Target,
        arguments: list[str],
        *,
        quiet: bool,
        verbose: bool,
    ) -> None:
        self.scorer, self.source, self.target = scorer, source, target
        self.arguments = arguments
        self.quiet, self.verbose = quiet, verbose
        self.started = datetime.now(timezone.utc)

    def finish(self) -> int:
        """Do it all; the exit code."""
        from ddriqa.cli.summary import Summary

        try:
            with protected() as stdout:
                found = self._first_found()
                with self._progress() as progress:
                    summary = Summary(self.scorer.columns, self.scorer.usual)
                    progress.begin()
                    begun = time.monotonic()
                    with self.target.opened(stdout) as stream:
                        stopped = self._rows(found, stream, summary, progress)
                seconds = time.monotonic() - begun
        except BrokenPipeError:  # `| head` has seen enough: what was asked for is done
            return OK
        if stopped:
            return self._interrupted(summary)
        self._write_sidecar(summary)
        self._conclude(summary, seconds)
        return SOME_FAILED if summary.failed else OK

    def _first_found(self) -> Iterable[str]:
        """The pictures; that there is one at all is known before anything is written."""
        found = self.source.find(self._say)
        return chain([next(found)], found)

    def _say(self, sentence: str) -> None:
        if not self.quiet:
            print(f"ddriqa: {sentence}", file=sys.stderr)

    def _progress(self) -> ScoreProgress:
        from ddriqa.cli.progress import ScoreProgress

        def count() -> int:
            return sum(1 for _ in self.source.find())

        count_if = count if self.source.countable else None
        return ScoreProgress(str(self.scorer.encoder), count_if, quiet=self.quiet)

    def _rows(
        self,
        found: Iterable[str],
        stream: IO[bytes] | None,
        summary: Summary,
        progress: ScoreProgress,
    ) -> bool:
        """Score and write; whether it was interrupted."""
        if self.verbose:
            self._describe()
        writer = self._writer(stream)
        with Interruptible() as interrupt, contextlib.closing(self.scorer.iter(found)) as records:
            try:
                for record in records:
                    summary.add(record)
                    if writer:
                        writer.write(record)
                    progress.add(record)
                    if interrupt.asked:
                        break
            except KeyboardInterrupt:  # asked a second time
                pass
        if writer:
            writer.flush()
        return interrupt.asked

    def _writer(self, stream: IO[bytes] | None) -> RowWriter | None:
        from ddriqa.scoring.table import WRITERS

        if stream is None:
            return None
        name = str(self.target.path or "standard output")
        writer = WRITERS[self.target.form](stream, self.scorer.columns, name)
        writer.begin()
        return writer

    def _describe(self) -> None:
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

    def _interrupted(self, summary: Summary) -> int:
        done = f"{summary.images} images were scored"
        where = f", their rows are in {self.target.path}" if self.target.path else ""
        print(f"ddriqa: interrupted: {done}{where}", file=sys.stderr)
        return INTERRUPTED

    def _write_sidecar(self, summary: Summary) -> None:
        from ddriqa.scoring.table import write_sidecar

        if self.target.path is None:
            return
        counts = {"images": summary.images, "failed": summary.failed}
        content: dict[str, Any] = {
            **self.scorer.describe(),
            "output": self.target.path.name,
            "format": self.target.form,
            "arguments": self.arguments,
            "input": self.source.describe(),
            "counts": {**counts, "ok": summary.images - summary.failed},
            "started": self.started.isoformat(timespec="seconds"),
            "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        }
        write_sidecar(self.target.path, content)

    def _conclude(self, summary: Summary, seconds: float) -> None:
        from rich.console import Console

        if self.quiet:
            return
        to_person = self.target.path is None and not self.target.to_stdout
        console = Console(stderr=not to_person, highlight=False)
        if self.target.to_stdout or not console.is_terminal:
            self._say(summary.line())
        else:
            summary.show(console, seconds)
            console.print(f"\n{self._where()}", markup=False, style="dim")

    def _where(self) -> str:
        if self.target.path is None:
            return "For the whole table add -o scores.csv"
        return f"The table is in {self.target.path}, its settings in {self.target.path}.json"
