"""``ddriqa merge``: the tables of shards become one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ddriqa.cli import options


def merge(
    tables: Annotated[
        list[Path], typer.Argument(metavar="TABLE", help="Finished tables, with their sidecars.")
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="Write the whole table here.")
    ],
    format: options.Format = None,
    force: options.Force = False,
    quiet: options.Quiet = False,
) -> int:
    """Join the tables of score --shard into the one that a single run would have written.

    \b
      ddriqa score photos/ --shard 1/2 -o 1.csv      on one machine
      ddriqa score photos/ --shard 2/2 -o 2.csv      on another
      ddriqa merge 1.csv 2.csv -o scores.csv

    Shards are put in turn, so that the rows stand in the order of the input; tables that aren't
    shards are put one after the other. All must be finished and made with the same settings: their
    sidecars (1.csv.json) say so. Forms may be mixed: CSV, JSON lines, Parquet.

    \b
    Exit codes: 0 merged, 1 some pictures in it failed, 2 wrong usage, 4 couldn't read or write
    """
    from ddriqa.cli.outputs import Target, behind_links
    from ddriqa.cli.talk import counted, tell
    from ddriqa.errors import OK, SOME_FAILED, UsageError
    from ddriqa.scoring import merging

    target = Target.chosen(output, format, force=force, terminal=False)
    if target.path is None:
        raise UsageError("-o -", "a merged table needs a file", "Add -o scores.csv")
    parts = merging.read_parts([behind_links(table) for table in tables])
    if any(target.path.resolve() == part.path.resolve() for part in parts):
        raise UsageError(f"-o {target.path}", "is one of the tables to merge", "Name another file")
    counts = merging.merge(parts, target.path, target.form)
    if not quiet:
        for warning in merging.of_other_versions(parts):
            tell(warning)
        failed = f", {counts['failed']} of them failed" if counts["failed"] else ""
        what = f"{counted(counts['images'], 'row')} of {counted(len(parts), 'table')}"
        tell(f"wrote {what} to {target.path}{failed}")
    return SOME_FAILED if counts["failed"] else OK
