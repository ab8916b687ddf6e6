"""A gallery of a run: one page that opens without a server, and a folder of thumbnails beside it.

The page shows every picture with its scores and what is wrong with it, sorts and filters them,
and says how the numbers were made. Its styles and scripts are inside it; it loads nothing but the
thumbnails, and its content security policy sees to that.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddriqa.errors import OutputError
from ddriqa.images.find import REPORT_MARK
from ddriqa.scoring.report_data import key_figures, page_data
from ddriqa.scoring.table import write_failure
from ddriqa.scoring.thumbnails import make_thumbnails, remove_others

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ddriqa.scoring.table import Record

PAGE, THUMBNAILS = "index.html", "thumbnails"
MARK = f'<meta name="generator" {REPORT_MARK.decode()}>'
"""Says that a page is ours and may be replaced; it stands in the first kilobyte."""

_PARTS = Path(__file__).with_name("report_page")
_STYLES = (
    "vendor/tabulator/tabulator_simple.min.css",
    "vendor/uplot/uPlot.min.css",
    *("page.css", "filters.css", "pictures.css", "dialogs.css", "narrow.css"),
)
_SCRIPTS = (
    ("vendor/tabulator/tabulator.min.js",),
    ("vendor/uplot/uPlot.iife.min.js",),
    (
        *("data.js", "cells.js", "filters.js", "histogram.js", "facets.js"),
        *("table.js", "grid.js", "page.js"),
    ),
)
"""Script elements, each of them one or several files."""
_LIBRARIES = {"Tabulator": "vendor/tabulator/LICENSE", "uPlot": "vendor/uplot/LICENSE"}


def check_report_folder(folder: Path) -> None:
    """See that a report may go to a folder: a new one, an empty one, or an older report.

    Raises:
        OutputError: it isn't a folder, can't be read, or holds somebody's files.
    """
    try:
        found = set(os.listdir(folder))
        if PAGE in found:
            with open(folder / PAGE, encoding="utf-8", errors="replace") as page:
                ours = MARK in page.read(1024)
        else:
            visible = {name for name in found if not name.startswith(".")}
            ours = visible <= {THUMBNAILS}  # one that was interrupted
    except FileNotFoundError:
        return
    except NotADirectoryError as fault:
        raise OutputError(str(folder), "isn't a folder", "Name a new folder") from fault
    except OSError as fault:
        raise write_failure(folder, fault) from fault
    if not ours:
        reason = "holds other files, and no report of ddriqa's"
        raise OutputError(str(folder), reason, "Name a new or an empty folder")


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
        figures["usual_known"] = all(name in usual for name in data["types"])
        page = render(data, figures, facts)
        _write(folder / PAGE, page)
        remove_others(thumbnails, set(names))
    except OSError as fault:
        raise write_failure(fault.filename or folder, fault) from fault
    return folder / PAGE


def render(data: Mapping[str, Any], figures: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """The page as text, with everything it needs inside."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(_PARTS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    scripts = ["\n".join(map(_part, names)) for names in _SCRIPTS]
    return environment.get_template("index.html.jinja").render(
        mark=Markup(MARK),
        policy=_policy(scripts),
        styles=Markup("\n".join(map(_part, _STYLES))),
        scripts=list(map(Markup, scripts)),
        data=Markup(_json(data)),
        common=data["common"],
        types=[name.removeprefix(f"{data['score']}_") for name in data["types"]],
        figures=figures,
        facts=facts,
        libraries={name: _part(licence) for name, licence in _LIBRARIES.items()},
    )


def _part(name: str) -> str:
    """A file of the page, without the pointer to a source map, which isn't shipped."""
    text = (_PARTS / name).read_text(encoding="utf-8")
    return "\n".join(line for line in text.splitlines() if "sourceMappingURL=" not in line)


def _policy(scripts: Sequence[str]) -> str:
    """Only our own scripts run, and only pictures of the same place are loaded."""
    digests = [hashlib.sha256(script.encode()).digest() for script in scripts]
    known = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {known}; style-src 'unsafe-inline'; "
        "img-src 'self' file:; base-uri 'none'; form-action 'none'"
    )


def _json(data: Any) -> str:
    """JSON in which nothing can end the script element that holds it."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
