"""``ddriqa restore``: pictures through a trained network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ddriqa.cli import options

if TYPE_CHECKING:
    from torch import nn

    from ddriqa.scoring import Scorer

RunDir = Annotated[
    Path, typer.Option("--run", metavar="DIR", help="A folder that ddriqa train-restore made.")
]
Out = Annotated[
    Path, typer.Option("-o", "--output", metavar="DIR", help="Where the pictures go; not theirs.")
]
Score = Annotated[bool, typer.Option("--score", help="Add DDR before and after to the table.")]
Compare = Annotated[
    Path | None,
    typer.Option("--compare", metavar="DIR", help="Also write before and after side by side."),
]
Tile = Annotated[
    int, typer.Option("--tile", min=96, metavar="N", help="Side of a tile; bounds the memory.")
]
TABLE = "restored.csv"
COLUMNS = ("path", "output", "ddr_before", "ddr_after", "error")


def restore(
    paths: options.Paths,
    run: RunDir,
    output: Out,
    score: Score = False,
    compare: Compare = None,
    tile: Tile = 512,
    encoder: options.EncoderName = "builtin",
    device: options.Device = "auto",
    force: options.Force = False,
    quiet: options.Quiet = False,
) -> int:
    """Restore pictures with a trained network.

    \b
      ddriqa restore photos/ --run runs/denoise -o restored/
      ddriqa restore photos/ --run runs/denoise -o restored/ --score --compare pairs/

    Names, formats (JPEG, PNG, WebP, TIFF; others become PNG) and EXIF data stay; pictures come out
    upright and in sRGB. Large ones go through in tiles that overlap. A picture that can't be read
    is told, and the others go on; nothing is overwritten without --force. DIR/restored.csv says
    what became of each picture.

    \b
    Exit codes: 0 done, 1 some pictures failed, 2 wrong usage, 4 couldn't run or write,
      130 interrupted (those before are there)
    """
    import pandas as pd

    from ddriqa.cli.inputs import Source
    from ddriqa.cli.interrupts import Interruptible
    from ddriqa.cli.progress import bar
    from ddriqa.cli.talk import counted, tell
    from ddriqa.errors import INTERRUPTED, OK, SOME_FAILED, OutputError
    from ddriqa.restoration.restorer import network_of
    from ddriqa.scoring.scorer import torch_device
    from ddriqa.scoring.table import write_frame

    table = output / TABLE
    if table.exists() and not force:
        raise OutputError(str(table), "exists already", "Add --force to overwrite it")
    found = [Path(path) for path in Source([*(paths or [])], None, False).find(tell)]
    places = _places(found, paths or [], output, compare, force)
    network = network_of(run, torch_device(device))
    scorer = _scorer(encoder, device) if score else None
    rows: list[dict[str, Any]] = []
    interrupt = Interruptible()
    with interrupt, bar("Restoring", len(found), quiet=quiet) as advance:
        for source in interrupt.until_asked(found):
            rows.append(_restored(network, source, *places[source], scorer, tile))
            advance(len(rows), len(found))
    columns = [name for name in COLUMNS if score or not name.startswith("ddr_")]
    write_frame(table, pd.DataFrame(rows, columns=columns))
    failed = sum("error" in row for row in rows)
    if not quiet:
        tell(f"{counted(len(rows) - failed, 'picture')} restored to {output}, {failed} failed")
    if interrupt.asked:
        return interrupt.exit_code or INTERRUPTED
    return SOME_FAILED if failed else OK


def _restored(
    network: nn.Module,
    source: Path,
    place: Path,
    pair: Path | None,
    scorer: Scorer | None,
    tile: int,
) -> dict[str, Any]:
    """Restore one picture onto the disk; its row."""
    from ddriqa.cli.talk import tell
    from ddriqa.errors import ImageError
    from ddriqa.restoration.restorer import restore_file, save, side_by_side

    try:
        before, after = restore_file(network, source, tile=tile)
    except ImageError as fault:
        tell(str(fault))
        return {"path": str(source), "error": fault.reason}
    save(after, place, source)
    if pair:
        save(side_by_side(before, after), pair, source)
    return {"path": str(source), "output": str(place), **_scores(scorer, before, after)}


def _places(
    found: list[Path], given: list[str], output: Path, compare: Path | None, force: bool
) -> dict[Path, tuple[Path, Path | None]]:
    """Where each picture goes, and its comparison; nothing is overwritten or meets in a name."""
    from ddriqa.errors import OutputError
    from ddriqa.restoration.restorer import target_of

    bases = [Path(path) for path in given if Path(path).is_dir()]
    sources = {source.resolve() for source in found}
    places: dict[Path, tuple[Path, Path | None]] = {}
    taken: set[Path] = set()
    for source in found:
        base = next((b for b in bases if source.is_relative_to(b)), source.parent)
        place = target_of(source, base, output)
        pair = target_of(source, base, compare).with_suffix(".png") if compare else None
        for path in filter(None, (place, pair)):
            if path.resolve() in sources:
                raise OutputError(str(path), "is one of the pictures", "Name another folder")
            if path.exists() and not force:
                raise OutputError(str(path), "exists already", "Add --force to overwrite it")
            if path in taken:
                raise OutputError(str(path), "is the name of two pictures", "Restore them apart")
            taken.add(path)
        places[source] = (place, pair)
    return places


def _scorer(encoder: str, device: str) -> Scorer:
    from ddriqa.scoring import Scorer

    return Scorer(encoder=encoder, device=device)


def _scores(scorer: Scorer | None, before: Any, after: Any) -> dict[str, float | None]:
    if scorer is None:
        return {}
    records = [scorer.score(picture) for picture in (before, after)]
    one, other = (record.scores.get("ddr") for record in records)  # type: ignore[union-attr]
    return {"ddr_before": one, "ddr_after": other}
