"""``ddriqa encoders``: which encoders there are, and which of them are on this machine."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ddriqa.encoders.catalogue import EncoderRow

NOTE = (
    "Also MODEL:TAG of open_clip, MODEL:/path/to/weights, local-dir:/path and hf-hub:ORG/NAME. "
    "Weights are looked for in the folder that DDRIQA_WEIGHTS names, too."
)


def encoders(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, one object an encoder.")
    ] = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV; the default where stdout is no terminal.")
    ] = False,
) -> None:
    """List the encoders: name, source, licence, size, whether present, sha256.

    In CSV and JSON the size is in bytes and the sha256 is whole. Before a download they are those
    that the publisher gives, afterwards those of the file.
    """
    from ddriqa.encoders.catalogue import list_encoders

    rows = list_encoders()
    if as_json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    elif as_csv or not sys.stdout.isatty():
        _print_csv(rows)
    else:
        _print_table(rows)


def _print_csv(rows: Sequence[EncoderRow]) -> None:
    names = [field.name for field in fields(rows[0])]
    writer = csv.DictWriter(sys.stdout, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)


def _print_table(rows: Sequence[EncoderRow]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "source", "licence", "state", box=None, pad_edge=False)
    table.add_column("size", justify="right")
    table.add_column("sha256", no_wrap=True)
    for row in rows:
        digest = f"{row.sha256[:12]}…" if row.sha256 else ""
        table.add_row(row.name, row.source, row.licence, row.state, _size(row.size), digest)
    console = Console()
    console.print(table)
    console.print(NOTE, style="dim", highlight=False)


def _size(count: int | None) -> str:
    return "" if count is None else f"{count / 1e6:,.1f} MB"
