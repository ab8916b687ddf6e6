"""``ddriqa restore``: pictures through a trained network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ddriqa.cli import options

if TYPE_CHECKING:
    from torch import nn

    from ddriqa.restoration.restorer import Restored
    from ddriqa.restoration.targets import Target
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
COLUMNS = ("path", "output", "ddr_before", "ddr_after", "note", "error")


def restore(
    context: typer.Context,
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

    Names, formats (JPEG, PNG, WebP, TIFF; others become PNG), one grey channel, alpha, resolution
    and metadata (EXIF, XMP, comments) stay, as far as the format has them. Pictures come out
    upright, in sRGB and with 8 bits a channel, animations as their first frame; the column note of
    DIR/restored.csv says where that changed one, and the table what became of each picture.

    Pictures of one name keep the names of their folders, too, and a.bmp beside a.png becomes
    a.bmp.png. Large pictures go through in tiles that overlap. A picture that can't be read is
    told, and the others go on; nothing is overwritten without --force, and no input ever.

    \b
    Exit codes: 0 done, 1 some pictures failed, 2 wrong usage, 4 couldn't run or write,
      130 interrupted (those before are there)
    """
    import pandas as pd

    from ddriqa.cli.interrupts import Interruptible
    from ddriqa.cli.progress import bar
    from ddriqa.cli.talk import counted, tell
    from ddriqa.cli.untrained import warn_of_untrained
    from ddriqa.errors import INTERRUPTED, OK, SOME_FAILED, all_of
    from ddriqa.restoration.restorer import network_of
    from ddriqa.scoring.scorer import torch_device
    from ddriqa.scoring.table import write_frame

    _, network, places = all_of(
        lambda: _check(context, output, compare, score, force),
        lambda: network_of(run, torch_device(device)),
        lambda: _places(paths or [], output, compare, force),
    )
    warn_of_untrained(run)
    scorer = _scorer(encoder, device) if score else None
    rows: list[dict[str, Any]] = []
    interrupt = Interruptible()
    with interrupt, bar("Restoring", len(places), quiet=quiet) as advance:
        for place in interrupt.until_asked(places):
            rows.append(_restored(network, place, scorer, tile))
            advance(len(rows), len(places))
    columns = [name for name in COLUMNS if score or not name.startswith("ddr_")]
    write_frame(output / TABLE, pd.DataFrame(rows, columns=columns))
    failed = sum("error" in row for row in rows)
    if not quiet:
        tell(f"{counted(len(rows) - failed, 'picture')} restored to {output}, {failed} failed")
    if interrupt.asked:
        return interrupt.exit_code or INTERRUPTED
    return SOME_FAILED if failed else OK


def _check(
    context: typer.Context, output: Path, compare: Path | None, score: bool, force: bool
) -> None:
    """Raises ``UsageError`` for options that don't go together, before anything is looked for."""
    from ddriqa.errors import OutputError, UsageError

    for option, folder in (("-o", output), ("--compare", compare)):
        if folder and _is_picture_name(folder):
            hint = "Name a folder; the pictures keep their names in it"
            raise UsageError(f"{option} {folder}", "is the name of a picture", hint)
    if compare and compare.resolve() == output.resolve():
        raise UsageError("--compare", "names the same folder as -o", "Name another one")
    encoder = context.get_parameter_source("encoder")
    if encoder and encoder.name == "COMMANDLINE" and not score:
        raise UsageError("--encoder", "has nothing to score", "Add --score, or leave it out")
    if (table := output / TABLE).exists() and not force:
        raise OutputError(str(table), "exists already", "Add --force to overwrite it")


def _places(paths: list[str], output: Path, compare: Path | None, force: bool) -> list[Target]:
    from ddriqa.cli.inputs import Source
    from ddriqa.cli.talk import tell
    from ddriqa.restoration.targets import targets

    found = [Path(path) for path in Source([*paths], None, False).find(tell)]
    folders = [Path(path) for path in paths if Path(path).is_dir()]
    return targets(found, folders, output, compare, force=force)


def _is_picture_name(folder: Path) -> bool:
    from ddriqa.images.find import PICTURE_EXTENSIONS, extension

    return extension(str(folder)) in PICTURE_EXTENSIONS and not folder.is_dir()


def _restored(
    network: nn.Module, place: Target, scorer: Scorer | None, tile: int
) -> dict[str, Any]:
    """Restore one picture onto the disk; its row."""
    from dataclasses import replace

    from ddriqa.cli.talk import tell
    from ddriqa.errors import ImageError
    from ddriqa.restoration.restorer import restore_file, save, side_by_side
    from ddriqa.scoring.table import printable

    row: dict[str, Any] = {"path": printable(str(place.source))}
    try:
        found = restore_file(network, place.source, tile=tile)
    except ImageError as fault:
        tell(str(fault))
        return {**row, "error": fault.reason}
    notes = save(found.pixels, place.picture, found.extras)
    if place.pair:
        flat = replace(found.extras, alpha=None)
        save(side_by_side(found.before, found.after), place.pair, flat)
    row |= {"output": printable(str(place.picture)), **_scores(scorer, found)}
    return {**row, "note": "; ".join(notes) or None}


def _scorer(encoder: str, device: str) -> Scorer:
    from ddriqa.scoring import Scorer

    return Scorer(encoder=encoder, device=device)


def _scores(scorer: Scorer | None, found: Restored) -> dict[str, float | None]:
    if scorer is None:
        return {}
    records = [scorer.score(picture) for picture in (found.before, found.after)]
    one, other = (record.scores.get("ddr") for record in records)  # type: ignore[union-attr]
    return {"ddr_before": one, "ddr_after": other}
