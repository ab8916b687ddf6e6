"""One run of ``ddriqa bench``: from data sets to figures, files, a page and the exit code."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ddriqa.benchmark.datasets.csv_file import CsvFile as Own
from ddriqa.cli.bench_extras import check_extras
from ddriqa.cli.bench_sets import chosen_sets
from ddriqa.cli.interrupts import Interruptible
from ddriqa.cli.options import read_batch_size
from ddriqa.cli.outputs import behind_links, check_place
from ddriqa.cli.settings import sources
from ddriqa.cli.streams import protected
from ddriqa.cli.talk import Talk, counted, tell
from ddriqa.errors import INTERRUPTED, OK, SOME_FAILED, OutputError, UsageError

if TYPE_CHECKING:
    from types import SimpleNamespace

    from ddriqa.benchmark.datasets.base import Dataset, RatedSet
    from ddriqa.benchmark.report import Result
    from ddriqa.benchmark.run import Scored
    from ddriqa.encoders import Encoder
    from ddriqa.scoring import Scorer


def run(given: SimpleNamespace) -> int:
    """Do what was asked for; the exit code."""
    if given.list:
        from ddriqa.cli.bench_tables import show_datasets

        show_datasets(given.root)
        return OK
    if given.compare:
        from ddriqa.cli.bench_compare import compare

        return compare(given)
    return Bench(given).finish()


class Bench:
    """What was asked for, checked before anything is loaded or written."""

    def __init__(self, given: SimpleNamespace) -> None:
        self.given = given
        self.talk = Talk(given.quiet, strict=False)
        self.interrupt = Interruptible()
        self.sets, left_out = chosen_sets(given)
        for sentence in left_out:
            self.talk.warn(sentence)
        self._check_outputs()
        self.scorers: dict[int | None, Scorer] = {}
        self.extras: list[dict[str, Any]] = []
        self.seconds: dict[str, dict[str, float]] = {}
        if given.verbose:
            for line in sources(given.context):
                self.talk.say(f"setting {line}")
        check_extras(given, self._new_scorer(None))

    def _check_outputs(self) -> None:
        given = self.given
        inputs = {dataset.path.resolve() for dataset, _ in self.sets if isinstance(dataset, Own)}
        names = [path for path in (given.output, given.scores) if path is not None]
        if given.scores and len(self.sets) > 1:
            raise UsageError("--scores", "takes one data set", "Give one --dataset")
        for path in names:
            _check_output(path, given.force, inputs)
        if len({path.resolve() for path in names}) < len(names):
            raise UsageError("--scores", "is the file of -o, too", "Name another file")
        if given.report:
            from ddriqa.scoring.page import check_report_folder

            check_report_folder(given.report)

    def finish(self) -> int:
        """Do it all; the exit code."""
        interrupted = False
        with protected() as stdout:
            try:
                rated = [self._load(dataset, root) for dataset, root in self.sets]
                results = [self._result(one) for one in rated]
            except KeyboardInterrupt:
                tell("interrupted; the scores made so far are kept, the same command goes on")
                return self.interrupt.exit_code or INTERRUPTED
            try:
                for result in results:
                    self.extras.append(self._extra(result.scored))
            except KeyboardInterrupt:
                tell("interrupted while blurring pictures, of which nothing is kept")
                self.extras += [{}] * (len(results) - len(self.extras))
                interrupted = True
            self._write(results)
            self._show(results, stdout)
        if interrupted:
            return self.interrupt.exit_code or INTERRUPTED
        return SOME_FAILED if any(result.scored.errors for result in results) else OK

    def _load(self, dataset: Dataset, root: Path) -> RatedSet:
        given = self.given
        rated = dataset.load(
            root, given.protocol or "official", given.split, incomplete=given.incomplete
        )
        for warning in rated.warnings:
            self.talk.warn(warning)
        return rated

    def _scorer(self, short_side: int | None) -> Scorer:
        """The scorer for pictures of a convention; the encoder is loaded once."""
        if short_side not in self.scorers:
            self.scorers[short_side] = self._new_scorer(short_side)
        return self.scorers[short_side]

    @property
    def _encoder(self) -> Encoder | None:
        loaded = (scorer.loaded_encoder for scorer in self.scorers.values())
        return next((encoder for encoder in loaded if encoder is not None), None)

    def _new_scorer(self, short_side: int | None) -> Scorer:
        from ddriqa.scoring import Scorer

        given = self.given
        return Scorer(
            self._metrics(),
            self._encoder or given.encoder,
            types=[n for item in given.types or [] for n in item.replace(",", " ").split()],
            prompts=given.prompts,
            geometry=given.geometry,
            device=given.device,
            precision=given.precision,
            batch_size=read_batch_size(given.batch_size),
            workers=given.workers,
            max_pixels=given.max_pixels,
            short_side=short_side,
        )

    def _metrics(self) -> list[str]:
        if not self.given.characteristics:
            return list(self.given.metric)
        from ddriqa.cli.bench_extras import with_characteristics

        return with_characteristics(self.given.metric)

    def _result(self, rated: RatedSet) -> Result:
        from ddriqa.benchmark.assess import assess, pairs_with_first
        from ddriqa.benchmark.figures import published_for
        from ddriqa.benchmark.report import Result

        given = self.given
        begun = time.perf_counter()
        scored = self._score(rated)
        scoring = time.perf_counter() - begun
        assessments = assess(scored, rounds=given.rounds, seed=given.seed)
        pairs = (
            list(pairs_with_first(scored, rounds=given.rounds, seed=given.seed))
            if given.rounds
            else []
        )
        statistics = time.perf_counter() - begun - scoring
        self.seconds[rated.dataset.name] = {"scoring": scoring, "statistics": statistics}
        if given.verbose:
            self.talk.say(
                f"{counted(scored.computed, 'picture')} scored in {scoring:.1f} s, "
                f"statistics took {statistics:.1f} s"
            )
        return Result(scored, assessments, pairs, published_for(scored), given.rounds, given.seed)

    def _extra(self, scored: Scored) -> dict[str, Any]:
        """What was asked for beside the figures."""
        from ddriqa.cli import bench_extras
        from ddriqa.cli.progress import bar

        given, found = self.given, {}
        statistics = {"rounds": given.rounds, "seed": given.seed}
        if given.characteristics:
            found["characteristics"] = bench_extras.characteristics(scored, **statistics)
        if given.pixel_levels:
            rated = scored.rated
            encoder = self._encoder
            assert encoder is not None, "check_extras has seen to it"
            what = f"Blurring {rated.dataset.name}"
            with self.interrupt, bar(what, len(rated.pictures), quiet=given.quiet) as advance:
                found["pixel_levels"] = bench_extras.pixel_levels(
                    rated,
                    encoder,
                    **statistics,
                    progress=advance,
                    until=self.interrupt.until_asked,
                )
            if self.interrupt.asked:
                raise KeyboardInterrupt
        return found

    def _score(self, rated: RatedSet) -> Scored:
        from ddriqa.benchmark.cache import ScoreCache
        from ddriqa.benchmark.run import score_set
        from ddriqa.cli.progress import bar

        given = self.given
        scorer = self._scorer(given.short_side or rated.dataset.short_side)
        cache = ScoreCache(_cache_folder(given.cache) / rated.dataset.name, fresh=given.fresh)
        what = f"Scoring {rated.dataset.name}"
        with self.interrupt, bar(what, len(rated.pictures), quiet=given.quiet) as advance:
            scored = score_set(
                rated, scorer, cache, progress=advance, until=self.interrupt.until_asked
            )
        if self.interrupt.asked:
            raise KeyboardInterrupt
        return scored

    def _write(self, results: list[Result]) -> None:
        from ddriqa.benchmark.figures import figure_rows, pair_rows
        from ddriqa.benchmark.tables import protocol_of, write_figures, write_scores

        given = self.given
        if given.output:
            rows = [row for result in results for row in figure_rows(result)]
            about: dict[str, Any] = {
                "protocols": [protocol_of(result.scored) for result in results]
            }
            about["bootstrap"] = {"rounds": given.rounds, "seed": given.seed, "interval": "95 %"}
            about["figures"] = rows
            about["extras"] = self.extras
            about["seconds"] = self.seconds
            about["pairs"] = [row for result in results for row in pair_rows(result)]
            write_figures(behind_links(given.output), rows, about)
        if given.scores:
            write_scores(behind_links(given.scores), results[0].scored)
        if given.report:
            self._write_report(results)

    def _write_report(self, results: list[Result]) -> None:
        from ddriqa.benchmark.report import write_bench_report
        from ddriqa.cli.progress import bar

        with bar("Thumbnails", 1, quiet=self.given.quiet) as advance:
            write_bench_report(self.given.report, results, progress=advance)

    def _show(self, results: list[Result], stdout: IO[bytes]) -> None:
        from ddriqa.cli.bench_extras import show_characteristics, show_pixel_levels
        from ddriqa.cli.bench_tables import show_result

        if not sys.stdout.isatty() and not self.given.output:
            _write_csv(results, stdout)
        if self.given.quiet:
            return
        to_stderr = not sys.stdout.isatty() or bool(self.given.output)
        for result, extra in zip(results, self.extras, strict=True):
            show_result(result, to_stderr=to_stderr)
            if "characteristics" in extra:
                show_characteristics(extra["characteristics"], to_stderr=to_stderr)
            if "pixel_levels" in extra:
                show_pixel_levels(extra["pixel_levels"], to_stderr=to_stderr)


def _check_output(path: Path, force: bool, inputs: set[Path]) -> None:
    from ddriqa.scoring.sidecar import sidecar_path

    path = behind_links(path)
    check_place(path)
    for name in (path, sidecar_path(path)):
        if name.resolve() in inputs:
            raise OutputError(str(name), "is the table that is read", "Name another file")
        if name.exists() and not force:
            raise OutputError(str(name), "exists already", "Add --force to overwrite it")


def _cache_folder(given: Path | None) -> Path:
    """Where scores are kept: as the system has it for such things."""
    if given is not None:
        return given
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "ddriqa" / "bench"


def _write_csv(results: list[Result], stdout: IO[bytes]) -> None:
    import pandas as pd

    from ddriqa.benchmark.figures import figure_rows

    frame = pd.DataFrame([row for result in results for row in figure_rows(result)])
    stdout.write(frame.to_csv(index=False, lineterminator="\n").encode())
    stdout.flush()
