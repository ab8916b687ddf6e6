"""What the page of a report is made of: its rows, the links to the pictures, and the key figures.

Everything here is plain values, ready for JSON.
"""

from __future__ import annotations

import math
import os
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ddriqa.scoring.table import PERCENTILE, printable
from ddriqa.scoring.weakness import Weakness, type_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ddriqa.scoring.table import Record


def page_data(
    records: Sequence[Record],
    thumbnails: Sequence[str | None],
    folder: Path,
    *,
    columns: Sequence[str],
    usual: Mapping[str, tuple[float, float]],
) -> dict[str, Any]:
    """The content of the page's table.

    Returns:
        ``columns``: the score columns, without percentiles where no picture has one; ``score``:
        the first; ``types``: those of types of damage; ``common``: the folder that holds every
        picture, as text, or empty; ``separator``: between folders in a path; ``rows``: for each
        record ``[path, link, thumbnail, width, height, scores, weakest, error]``, where
        ``scores`` are in the order of the columns, ``weakest`` is a column's name, and whatever
        there isn't is None.
    """
    types = type_columns(columns)
    scored = [record for record in records if record.error is None]
    known = any(record.scores.get(PERCENTILE) is not None for record in scored)
    columns = [name for name in columns if name != PERCENTILE or known]
    values = {name: [record.scores[name] for record in scored] for name in types}
    weakness = Weakness(values, usual)
    return {
        "columns": columns,
        "score": columns[0],
        "types": types,
        "common": common_folder([record.path for record in records]),
        "separator": os.sep,
        "rows": [
            _row(record, thumbnail, folder, columns, weakness)
            for record, thumbnail in zip(records, thumbnails, strict=True)
        ],
    }


def _row(
    record: Record,
    thumbnail: str | None,
    folder: Path,
    columns: Sequence[str],
    weakness: Weakness,
) -> list[Any]:
    failed = record.error is not None
    return [
        printable(record.path),
        link(record.path, folder),
        thumbnail,
        record.width,
        record.height,
        [None if failed else _number(record.scores.get(name)) for name in columns],
        None if failed else weakness.of(record.scores),
        record.error,
    ]


def _number(value: float | None) -> float | None:
    """Seven digits, as many as float32 holds; what isn't a number is missing."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.7g}")


def link(path: str, folder: Path) -> str | None:
    """The address of a picture as a page in ``folder`` gives it, or None if there is no file.

    Relative where there is a way, so that folder and pictures can move together; byte for byte
    the name on the disk, percent-encoded.
    """
    try:
        if not os.path.exists(path):
            return None
        relative = os.path.relpath(os.path.abspath(path), os.path.abspath(folder))
    except ValueError:  # a NUL in the name; or another drive on Windows
        return None if "\0" in path else Path(path).absolute().as_uri()
    return quote(os.fsencode(relative.replace(os.sep, "/")), safe="/")


def common_folder(paths: Sequence[str]) -> str:
    """The deepest folder that holds all of the paths, as text; empty where there is none."""
    try:
        return printable(os.path.commonpath([os.path.dirname(path) for path in paths]))
    except ValueError:  # relative and absolute ones, several drives, or no paths at all
        return ""


def key_figures(records: Sequence[Record], columns: Sequence[str]) -> dict[str, Any]:
    """How many were scored and failed; least, greatest and median score; median percentile."""
    scored = [record.scores for record in records if record.error is None]
    values = [scores[columns[0]] for scores in scored]
    percentiles = [
        value for value in (scores.get(PERCENTILE) for scores in scored) if value is not None
    ]
    return {
        "scored": len(scored),
        "failed": len(records) - len(scored),
        "score": columns[0],
        "lowest": min(values, default=None),
        "highest": max(values, default=None),
        "median": statistics.median(values) if values else None,
        "percentile": statistics.median(percentiles) if percentiles else None,
    }
