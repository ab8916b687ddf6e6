"""A gallery of a run: one page that opens without a server, and a folder of thumbnails beside it.

The page shows every picture with its scores and what is wrong with it, sorts and filters them,
and says how the numbers were made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ddriqa.scoring.page import (
    PAGE,
    SHARED,
    THUMBNAILS,
    Parts,
    check_report_folder,
    render_page,
    write_page,
)
from ddriqa.scoring.report_data import key_figures, page_data
from ddriqa.scoring.table import write_failure
from ddriqa.scoring.thumbnails import make_thumbnails, remove_others

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from ddriqa.scoring.table import Record

_TABULATOR, _UPLOT = SHARED / "vendor" / "tabulator", SHARED / "vendor" / "uplot"
_STYLES = ("page.css", "filters.css", "pictures.css", "dialogs.css", "facts.css", "narrow.css")
_SCRIPTS = (
    *("data.js", "elements.js", "cells.js", "filters.js", "histogram.js", "facets.js"),
    *("table.js", "grid.js", "page.js"),
)
_PARTS = Parts(
    template=SHARED / "index.html.jinja",
    styles=(
        _TABULATOR / "tabulator_simple.min.css",
        _UPLOT / "uPlot.min.css",
        *(SHARED / name for name in _STYLES),
    ),
    scripts=(
        (_TABULATOR / "tabulator.min.js",),
        (_UPLOT / "uPlot.iife.min.js",),
        tuple(SHARED / name for name in _SCRIPTS),
    ),
    licences={"Tabulator": _TABULATOR / "LICENSE", "uPlot": _UPLOT / "LICENSE"},
)


def write_report(
    folder: Path,
    records: Sequence[Record],
    *,
    columns: Sequence[str],
    facts: Mapping[str, Any],
    usual: Mapping[str, tuple[float, float]],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Write ``index.html`` and ``thumbnails/`` into a folder; an older report is replaced.

    The page comes last and whole: until then an older one stays as it is. Thumbnails of pictures
    that haven't changed are kept.

    Args:
        folder: new, empty, or an older report's.
        records: the rows, in the order in which the page first shows those that failed.
        columns: the score columns: the score, its types as ``score_type``, others; one named
            ``percentile`` lies in 0 to 100.
        facts: how the numbers were made, plain values: ``Scorer.describe()``.
        usual: median and deviation of a type's column over clean photographs, where known.
        progress: called with how many thumbnails of how many are there.

    Returns:
        The path of the page.

    Raises:
        OutputError: the folder holds somebody's files, or can't be written.
    """
    check_report_folder(folder)
    thumbnails = folder / THUMBNAILS
    try:
        thumbnails.mkdir(parents=True, exist_ok=True)
        names = make_thumbnails(records, thumbnails, progress)
        data = page_data(records, names, folder, columns=columns, usual=usual)
        figures = key_figures(records, columns)
        directions = facts.get("higher_is_better", {})
        figures["higher_is_better"] = directions.get(columns[0], True)
        data["best_first"] = "asc" if figures["higher_is_better"] is False else "desc"
        figures["usual_known"] = all(name in usual for name in data["types"])
        write_page(folder / PAGE, render(data, figures, facts))
        remove_others(thumbnails, set(names))
    except OSError as fault:
        raise write_failure(fault.filename or folder, fault) from fault
    return folder / PAGE


def render(data: Mapping[str, Any], figures: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """The page as text, with everything it needs inside."""
    return render_page(
        _PARTS,
        data,
        common=data["common"],
        types=[name.removeprefix(f"{data['score']}_") for name in data["types"]],
        figures=figures,
        facts=facts,
    )
