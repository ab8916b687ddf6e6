"""One run of ``ddriqa bench``: from data sets to figures, files, a page and the exit code."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ddriqa.cli.interrupts import Interruptible
from ddriqa.cli.options import read_batch_size
from ddriqa.cli.outputs import behind_links, check_place
from ddriqa.cli.settings import sources
from ddriqa.cli.streams import protected
from ddriqa.cli.talk import Talk, counted, tell
from ddriqa.errors import INTERRUPTED, OK, SOME_FAILED, OutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import SimpleNamespace

    from ddriqa.benchmark.datasets.base import Dataset, RatedSet
    from ddriqa.benchmark.report import Result
    from ddriqa.benchmark.run import Scored
    from ddriqa.scoring import Scorer


def run(given: SimpleNamespace) -> int:
    """Do what was asked for; the exit code."""
    if given.list:
        from ddriqa.cli.bench_tables import show_datasets

        show_datasets(given.root)
        return OK
    if given.compare:
        return _compare(given)
    return Bench(given).finish()


class Bench:
    """What was asked for, checked before anything is loaded or written."""

    def __init__(self, given: SimpleNamespace) -> None:
        self.given = given
        self.talk = Talk(given.quiet, strict=False)
        self.interrupt = Interruptible()
        self.sets = list(_chosen_sets(given))
        if given.scores and len(self.sets) > 1:
            raise UsageError("--scores", "takes one data set", "Give one --dataset")
        for path in (given.output, given.scores):
            if path is not None:
                _check_output(path, given.force)
        if given.report:
            from ddriqa.scoring.page import check_report_folder

            check_report_folder(given.report)
        self.scorers: dict[int | None, Scorer] = {}
        self.extras: list[dict[str, Any]] = []
        self.seconds: dict[str, dict[str, float]] = {}
        if given.verbose:
            for line in sources(given.context):
                self.talk.say(f"setting {line}")
        self._scorer(None)  # refuses what is wrong with the metrics

    def finish(self) -> int:
        """Do it all; the exit code."""
        with protected() as stdout:
            try:
                rated = [self._load(dataset, root) for dataset, root in self.sets]
                results = [self._result(one) for one in rated]
                self.extras = [self._extra(result.scored) for result in results]
            except KeyboardInterrupt:
                tell("interrupted; the scores so far are kept, and the same command goes on")
                return self.interrupt.exit_code or INTERRUPTED
            self._write(results)
            self._show(results, stdout)
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
        """The scorer for pictures of a convention; the model is loaded once."""
        from ddriqa.scoring import Scorer

        given = self.given
        if short_side not in self.scorers:
            known = next(iter(self.scorers.values()), None)
            self.scorers[short_side] = Scorer(
                self._metrics(),
                known.loaded_encoder or given.encoder if known else given.encoder,
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
        return self.scorers[short_side]

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
            encoder = next(iter(self.scorers.values())).loaded_encoder
            if encoder is None:
                raise UsageError("--pixel-levels", "needs an encoder", "Add --metric ddr")
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


def _chosen_sets(given: SimpleNamespace) -> Iterator[tuple[Dataset, Path]]:
    from ddriqa.benchmark.datasets import DATASETS, dataset

    if given.all:
        if given.dataset:
            raise UsageError("--all", "excludes --dataset", "Give one of them")
        root = _root(given)
        there = [name for name in DATASETS if (root / name).is_dir()]
        if not there:
            hint = f"They lie in folders of their names: {', '.join(DATASETS)}"
            raise UsageError(f"--root {root}", "holds none of the data sets", hint)
        wanted = given.protocol or "official"
        chosen = [known for known in map(dataset, there) if wanted in known.protocols]
        if not chosen:
            reason = f"none of {', '.join(there)} has one named {wanted!r}"
            raise UsageError("--protocol", reason, "ddriqa bench --list shows them")
        yield from ((known, root) for known in chosen)
        return
    if not given.dataset:
        raise UsageError("--dataset", "none is given", "ddriqa bench --list shows them")
    for name in given.dataset:
        if name.startswith("csv:"):
            yield _own_table(name.removeprefix("csv:"), given)
        else:
            yield dataset(name), _root(given)


def _own_table(file: str, given: SimpleNamespace) -> tuple[Dataset, Path]:
    from ddriqa.benchmark.datasets.csv_file import CsvFile

    table = CsvFile(
        Path(file),
        image_column=given.image_column,
        label_column=given.label_column,
        group_column=given.group_column,
        split_column=given.split_column,
        lower_is_better=given.lower_is_better,
    )
    return table, given.root or Path(file).parent


def _root(given: SimpleNamespace) -> Path:
    if given.root is None:
        hint = "Give --root FOLDER, or set DDRIQA_ROOT"
        raise UsageError("--root", "where the data set lies isn't said", hint)
    return given.root


def _check_output(path: Path, force: bool) -> None:
    from ddriqa.scoring.sidecar import sidecar_path

    path = behind_links(path)
    check_place(path)
    for name in (path, sidecar_path(path)):
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


def _compare(given: SimpleNamespace) -> int:
    import numpy as np

    from ddriqa.benchmark.assess import paired_metrics
    from ddriqa.benchmark.tables import read_scores
    from ddriqa.cli.bench_tables import show_comparison

    (a, a_scores, higher), (b, b_scores, _) = (
        read_scores(*_path_and_column(text)) for text in given.compare
    )
    shared = a.index.intersection(b.index, sort=False)
    if len(shared) < 3:
        raise UsageError("--compare", f"{counted(len(shared), 'picture')} in both tables")
    a_rows, b_rows = a.index.get_indexer(shared), b.index.get_indexer(shared)
    labels = a["label"].to_numpy(np.float64)[a_rows]
    if not np.array_equal(labels, b["label"].to_numpy(np.float64)[b_rows]):
        raise UsageError("--compare", "the two tables have other labels for the same pictures")
    a_scores.scores, b_scores.scores = a_scores.scores[a_rows], b_scores.scores[b_rows]
    pair = paired_metrics(
        a_scores,
        b_scores,
        labels if higher else -labels,
        rounds=max(given.rounds, 1),
        seed=given.seed,
    )
    show_comparison(pair, *given.compare, left_out=(len(a) - pair.n, len(b) - pair.n))
    return OK


def _path_and_column(text: str) -> tuple[Path, str | None]:
    path, colon, column = text.rpartition(":")
    return (Path(path), column) if colon and not Path(text).exists() else (Path(text), None)
