"""What every page has in common: one file with all it needs inside, in a folder that is its own.

A page opens without a server and loads nothing but the pictures that lie beside it; its content
security policy sees to that.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddriqa.errors import OutputError
from ddriqa.images.find import REPORT_MARK
from ddriqa.scoring.table import write_failure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PAGE, THUMBNAILS = "index.html", "thumbnails"
MARK = f'<meta name="generator" {REPORT_MARK.decode()}>'
"""Says that a page is ours and may be replaced; it stands in the first kilobyte."""

SHARED = Path(__file__).with_name("report_page")
"""The folder of styles, scripts, macros and libraries that more than one page uses."""


@dataclass(frozen=True)
class Parts:
    """The files that a page is made of.

    Attributes:
        template: of Jinja2; it may import macros from its own folder and from ``SHARED``.
        styles: in the order in which they apply.
        scripts: script elements, each of them one or several files.
        licences: of libraries among these, by name.
    """

    template: Path
    styles: tuple[Path, ...]
    scripts: tuple[tuple[Path, ...], ...]
    licences: Mapping[str, Path]


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


def render_page(parts: Parts, data: Mapping[str, Any], **content: Any) -> str:
    """The page as text, with everything it needs inside.

    Args:
        parts: its files. The template gets ``mark``, ``policy``, ``styles``, ``scripts``,
            ``data`` and ``libraries`` (name -> licence), and what follows.
        data: for the scripts, plain values; JSON must hold them.
        content: for the template.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader([parts.template.parent, SHARED]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    scripts = ["\n".join(map(_text, paths)) for paths in parts.scripts]
    return environment.get_template(parts.template.name).render(
        mark=Markup(MARK),
        policy=_policy(scripts),
        styles=Markup("\n".join(map(_text, parts.styles))),
        scripts=list(map(Markup, scripts)),
        data=Markup(_json(data)),
        libraries={name: _text(licence) for name, licence in parts.licences.items()},
        **content,
    )


def write_page(path: Path, text: str) -> None:
    """Write a page whole: until it is there, an older one stays as it is.

    Raises:
        OSError: as the system says.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _text(path: Path) -> str:
    """A file of the page, without the pointer to a source map, which isn't shipped."""
    text = path.read_text(encoding="utf-8")
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
