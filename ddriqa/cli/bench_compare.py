"""``ddriqa bench --compare A.csv B.csv``: is one closer to people by more than chance?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ddriqa.errors import OK, UsageError

if TYPE_CHECKING:
    from types import SimpleNamespace

ALONE = ("dataset", "all", "output", "scores", "report", "root", "split", "protocol")
"""Options that say nothing to a comparison."""


def compare(given: SimpleNamespace) -> int:
    """Compare two columns of tables of ``--scores``; the exit code.

    Raises:
        UsageError: tables of other labels or directions, too few pictures in both, an option that
            has no effect.
        OutputError: not such tables.
    """
    import numpy as np

    from ddriqa.benchmark.assess import FEWEST, paired_metrics
    from ddriqa.benchmark.tables import read_scores
    from ddriqa.cli.bench_tables import show_comparison

    for option in ALONE:
        if getattr(given, option):
            raise UsageError(f"--{option}", "says nothing to --compare", "Leave it out")
    if not given.rounds:
        raise UsageError("--rounds 0", "a comparison rests on resamples", "Leave it out")
    places = [_path_and_column(text) for text in given.compare]
    (a, one, higher), (b, other, other_higher) = (read_scores(*place) for place in places)
    if higher != other_higher:
        raise UsageError("--compare", "a higher label is better in one table only")
    for outcome in (one, other):
        if outcome.higher_is_better is None:
            raise UsageError("--compare", f"{outcome.column} is no measure of quality")
    shared = a.index.intersection(b.index, sort=False)
    rows, other_rows = a.index.get_indexer(shared), b.index.get_indexer(shared)
    labels = a["label"].to_numpy(np.float64)[rows]
    if not np.array_equal(labels, b["label"].to_numpy(np.float64)[other_rows]):
        raise UsageError("--compare", "the two tables have other labels for the same pictures")
    one.scores, other.scores = one.scores[rows], other.scores[other_rows]
    if np.sum(np.isfinite(one.scores) & np.isfinite(other.scores)) < FEWEST:
        raise UsageError("--compare", f"fewer than {FEWEST} pictures have both scores")
    turned = labels if higher else -labels
    pair = paired_metrics(one, other, turned, rounds=given.rounds, seed=given.seed)
    names = [str(path) for path, _ in places]
    show_comparison(pair, *names, left_out=(len(a) - pair.n, len(b) - pair.n))
    return OK


def _path_and_column(text: str) -> tuple[Path, str | None]:
    """``A.csv:piq:brisque`` -> the file and the column; a colon may stand in either."""
    parts = text.split(":")
    for count in range(len(parts), 0, -1):
        path = Path(":".join(parts[:count]))
        if path.is_file():
            return path, ":".join(parts[count:]) or None
    return Path(text), None
