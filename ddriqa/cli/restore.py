"""``ddriqa restore``: pictures through a trained network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ddriqa.cli import options

if TYPE_CHECKING:
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
    Exit codes: 0 done, 1 some pictures failed, 2 wrong usage, 4 couldn't run or write
    """
    from ddriqa.cli.inputs import Source
    from ddriqa.cli.progress import bar
    from ddriqa.cli.talk import counted, tell
    from ddriqa.errors import OK, SOME_FAILED, ImageError, OutputError
    from ddriqa.restoration.restorer import network_of, restore_file, save, side_by_side
    from ddriqa.restoration.restorer import target_of as target
    from ddriqa.scoring.scorer import torch_device

    table = output / TABLE
    if table.exists() and not force:
        raise OutputError(str(table), "exists already", "Add --force to overwrite it")
    found = [Path(path) for path in Source([*(paths or [])], None, False).find(tell)]
    places = _places(found, paths or [], output, force, target)
    network = network_of(run, torch_device(device))
    scorer = _scorer(encoder, device) if score else None
    rows: list[dict[str, Any]] = []
    with bar("Restoring", len(found), quiet=quiet) as advance:
        for count, source in enumerate(found, start=1):
            row: dict[str, Any] = {"path": str(source)}
            try:
                before, after = restore_file(network, source, tile=tile)
                save(after, places[source], source)
                if compare:
                    name = f"{places[source].stem}.png"
                    save(side_by_side(before, after), compare / name, source)
                row |= {"output": str(places[source]), **_scores(scorer, before, after)}
            except ImageError as fault:
                tell(str(fault))
                row["error"] = fault.reason
            rows.append(row)
            advance(count, len(found))
    _write(rows, table)
    failed = sum("error" in row for row in rows)
    if not quiet:
        tell(f"{counted(len(rows) - failed, 'picture')} restored to {output}, {failed} failed")
    return SOME_FAILED if failed else OK


def _places(
    found: list[Path], given: list[str], output: Path, force: bool, target: Any
) -> dict[Path, Path]:
    """Where each picture goes; nothing may be overwritten or meet in one name."""
    from ddriqa.errors import OutputError

    bases = [Path(path) for path in given if Path(path).is_dir()]
    places: dict[Path, Path] = {}
    for source in found:
        base = next((b for b in bases if source.is_relative_to(b)), source.parent)
        place = target(source, base, output)
        if place.exists() and (not force or place.resolve() == source.resolve()):
            hint = "Name another folder" if force else "Add --force to overwrite it"
            raise OutputError(str(place), "exists already", hint)
        if place in places.values():
            raise OutputError(str(place), "is the name of two pictures", "Restore them apart")
        places[source] = place
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


def _write(rows: list[dict[str, Any]], path: Path) -> None:
    import pandas as pd

    from ddriqa.scoring.replacing import replacing
    from ddriqa.scoring.table import write_failure

    scored = any("ddr_before" in row for row in rows)
    columns = [name for name in COLUMNS if scored or not name.startswith("ddr_")]
    frame = pd.DataFrame(rows, columns=columns)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as stream:
            stream.write(frame.to_csv(index=False, lineterminator="\n").encode())
    except OSError as fault:
        raise write_failure(path, fault) from fault
