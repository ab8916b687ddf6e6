"""Files of a benchmark: figures, and scores beside labels for other programs and ``--compare``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ddriqa.benchmark.run import Outcome
from ddriqa.errors import OutputError, UsageError
from ddriqa.scoring.sidecar import sidecar_path, write_sidecar
from ddriqa.scoring.table import write_frame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from ddriqa.benchmark.run import Scored

ABOUT_PICTURES = ("picture", "label", "group", "reference", "split", "error")
KIND = "ddriqa bench scores"


def protocol_of(scored: Scored) -> dict[str, Any]:
    """Everything that a number of this set hangs on, as plain values."""
    rated = scored.rated
    return {
        "dataset": rated.dataset.name,
        "title": rated.dataset.title,
        "development_set": rated.dataset.development,
        "protocol": rated.protocol,
        "list": rated.dataset.protocols[rated.protocol].about,
        "label": rated.dataset.protocols[rated.protocol].label,
        "label_range": rated.dataset.label_range,
        "label_higher_is_better": rated.dataset.higher_is_better,
        "split": rated.split,
        "pictures": len(rated.pictures),
        "missing": rated.missing,
        "failed": scored.errors,
        "unlabelled": rated.unlabelled,
        "warnings": rated.warnings,
        "scorer": scored.facts,
    }


def write_figures(path: Path, rows: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> None:
    """The figures as CSV, and as JSON with all that they hang on beside it (``FILE.json``).

    Raises:
        OutputError: they can't be written.
    """
    import pandas as pd

    _write_table(path, pd.DataFrame(rows), about)


def write_scores(path: Path, scored: Scored) -> None:
    """A row a picture: its name, label, group, reference, split, error, and every score.

    Raises:
        OutputError: it can't be written.
    """
    import pandas as pd

    rows = [
        (p.name, p.label, p.group, p.reference, p.split, scored.errors.get(p.name))
        for p in scored.rated.pictures
    ]
    frame = pd.DataFrame(rows, columns=list(ABOUT_PICTURES))
    absent = [(name, *[None] * 4, "isn't there") for name in scored.rated.missing]
    columns = {outcome.column: outcome.scores for outcome in scored.outcomes}
    about = {
        "kind": KIND,
        **protocol_of(scored),
        "columns": {
            outcome.column: {
                "metric": outcome.metric,
                "higher_is_better": outcome.higher_is_better,
            }
            for outcome in scored.outcomes
        },
    }
    table = pd.concat([frame, pd.DataFrame(columns)], axis=1)
    if absent:
        missing = pd.DataFrame(absent, columns=list(ABOUT_PICTURES))
        table = pd.concat([table, missing.reindex(columns=table.columns)], ignore_index=True)
    _write_table(path, table, about)


def read_scores(path: Path, column: str | None = None) -> tuple[pd.DataFrame, Outcome, bool]:
    """What ``write_scores`` wrote: the pictures by name, one of the columns, and whether a higher
    label is better.

    Args:
        column: by default the first metric's score.

    Raises:
        UsageError: no such column.
        OutputError: it isn't such a table, or has no sidecar.
    """
    import pandas as pd

    about = _read_about(path)
    columns = about["columns"]
    column = column or next(iter(columns))
    if column not in columns:
        known = f"Known: {', '.join(columns)}"
        raise UsageError(str(path), f"has no column {column!r}", known)
    try:
        frame = pd.read_csv(path, dtype={"picture": str})
        frame = frame[frame["label"].notna()]  # pictures that weren't there have none
        scores = frame[column].to_numpy(np.float64)
        frame = frame[["picture", "label"]].set_index("picture")
    except (OSError, ValueError, KeyError) as fault:
        raise OutputError(str(path), "isn't a table of ddriqa bench --scores") from fault
    if frame.index.has_duplicates:
        raise OutputError(str(path), "names a picture twice")
    higher = columns[column]["higher_is_better"]
    return frame, Outcome(column, column, higher, scores), about["label_higher_is_better"]


def _read_about(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise OutputError(str(path), "no such file")
    try:
        about = json.loads(sidecar_path(path).read_text("utf-8"))
    except (OSError, ValueError):
        about = {}
    if about.get("kind") != KIND:
        hint = "Make it with ddriqa bench --scores FILE; its sidecar FILE.json belongs to it"
        raise OutputError(str(path), "isn't a table of ddriqa bench --scores", hint)
    return about


def _write_table(path: Path, frame: pd.DataFrame, about: Mapping[str, Any]) -> None:
    write_frame(path, frame)
    write_sidecar(path, about)
