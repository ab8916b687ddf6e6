"""``ddriqa evaluate``: how near restored pictures come to the truth."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ddriqa.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import nn

    from ddriqa.restoration.data import Pairs
    from ddriqa.restoration.evaluate import Evaluated

RunDir = Annotated[
    Path | None,
    typer.Option("--run", metavar="DIR", help="A trained network; without it, LQ is measured."),
]
DataFolder = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="Pairs (lq/ and gt/), or clean with --damage."),
]
DataSet = Annotated[
    str | None,
    typer.Option(
        "--set",
        metavar="NAME/SPLIT",
        help="A paper's data set as its owners lay it out: gopro/test.",
    ),
]
DataRoot = Annotated[
    Path | None,
    typer.Option(
        "--data-root",
        metavar="DIR",
        show_default="this folder is NAME",
        help="The data set lies in DIR/NAME.",
    ),
]
Incomplete = Annotated[
    bool, typer.Option("--incomplete", help="Take what is there of a partial copy of --set.")
]
DamageText = Annotated[
    str | None,
    typer.Option("--damage", metavar="NAME[,KEY=VALUE]", help="As of train-restore."),
]
Measures = Annotated[
    list[str],
    typer.Option(
        "--measure", metavar="NAME", help="psnr, ssim, lpips, dists, fid; may be repeated."
    ),
]
Channel = Annotated[
    Literal["rgb", "y"], typer.Option("--channel", help="Of PSNR: colours, or the luma of BT.601.")
]
Definition = Annotated[
    Literal["gauss", "gauss-y", "uniform7", "3d"], typer.Option("--ssim", help="Which SSIM.")
]
Lpips = Annotated[
    Literal["alex", "vgg", "squeeze"] | None,
    typer.Option("--lpips", show_default="alex", help="The network of LPIPS, which it measures."),
]
Border = Annotated[
    int, typer.Option("--border", min=0, metavar="N", help="Pixels left out at each side.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Of the damage.")]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help="A row a picture, as CSV.")
]
Unrounded = Annotated[
    bool, typer.Option("--unrounded", help="Don't round the output to 8 bit first.")
]


def evaluate(
    data: DataFolder = None,
    set_: DataSet = None,
    data_root: DataRoot = None,
    incomplete: Incomplete = False,
    run: RunDir = None,
    damage: DamageText = None,
    measure: Measures = ["psnr", "ssim"],  # noqa: B006  typer reads it, nobody changes it
    channel: Channel = "rgb",
    ssim: Definition = "gauss",
    lpips: Lpips = None,
    border: Border = 0,
    unrounded: Unrounded = False,
    seed: Seed = 0,
    output: Output = None,
    device: options.Device = "auto",
    force: options.Force = False,
    quiet: options.Quiet = False,
) -> int:
    """Measure restored pictures against the truth.

    \b
      ddriqa evaluate --run runs/denoise --data CBSD68/ --damage gaussian_noise,sigma=25
      ddriqa evaluate --run runs/deblur --set gopro/test --data-root data/
      ddriqa evaluate --data pairs/                      how bad the input is
      ddriqa evaluate --run runs/sr --data pairs/ --channel y --ssim gauss-y --border 4

    Papers differ in channel, border, SSIM's definition and rounding; all of it is said here. gauss:
    11 x 11, sigma 1.5, valid region, mean of the channels; gauss-y: the same of the luma;
    uniform7: scikit-image's default; 3d: NAFNet's. lpips, dists and fid need their authors' weights
    in the folder that DDRIQA_WEIGHTS names; without them they say which. Damage depends on the seed
    and the picture's name, so that a part of a set is damaged as the whole. NAFNet restores with
    local statistics, as in ddriqa restore. A picture that can't be read is told, and the means are
    of the others.

    \b
    Exit codes: 0 done, 1 some pictures failed, 2 wrong usage, 4 couldn't run or write,
      130 interrupted (the rows before are in FILE)
    """
    return _run(SimpleNamespace(**locals()))


def _run(given: SimpleNamespace) -> int:
    from ddriqa.cli.interrupts import Interruptible
    from ddriqa.cli.talk import counted, tell
    from ddriqa.cli.untrained import warn_of_untrained
    from ddriqa.errors import INTERRUPTED, OK, SOME_FAILED, all_of
    from ddriqa.restoration.evaluate import means
    from ddriqa.restoration.measures import build_all
    from ddriqa.restoration.measures.fid import Collected
    from ddriqa.restoration.restorer import network_of
    from ddriqa.scoring.scorer import torch_device

    built: dict[str, Any]
    _, _, built, network = all_of(
        lambda: _check_free(given.output, given.force),
        lambda: _check_source(given),
        lambda: build_all(_wanted(given)),
        lambda: network_of(given.run, torch_device(given.device)) if given.run else None,
    )
    if given.run:
        warn_of_untrained(given.run)
    fid = Collected(built.pop("fid")) if "fid" in built else None
    wanted = {_label(name, given.lpips): one for name, one in built.items()}
    pairs = _pairs(given, network)
    interrupt = Interruptible()
    options = {"rounded": not given.unrounded, "watch": fid.add if fid else None}
    with interrupt:
        places = interrupt.until_asked(range(len(pairs)))
        results = _measured(pairs, places, given.quiet, wanted, network, **options)
    if given.output:
        _write(given.output, results, ["name", *wanted, "error"])
    if interrupt.asked:
        tell(f"interrupted: {len(results)} of {counted(len(pairs), 'picture')} measured")
        return interrupt.exit_code or INTERRUPTED
    for name, value in means(results).items():
        if not math.isnan(value):
            print(f"{name} {value:.4f}")
    if fid:
        print(f"fid {fid.distance():.4f}")
    if failed := sum(one.error is not None for one in results):
        tell(f"{failed} of {counted(len(results), 'picture')} failed")
    return SOME_FAILED if failed else OK


def _measured(
    pairs: Pairs, places: Iterable[int], quiet: bool, *how: Any, **options: Any
) -> list[Evaluated]:
    """The rows of these places; those that fail are told as they come."""
    from ddriqa.cli.progress import bar
    from ddriqa.cli.talk import tell
    from ddriqa.restoration.evaluate import evaluate_one

    results: list[Evaluated] = []
    with bar("Measuring", len(pairs), quiet=quiet) as advance:
        for place in places:
            one = evaluate_one(pairs, place, *how, **options)
            results.append(one)
            advance(len(results), len(pairs))
            if one.error:
                tell(f"{one.name}: {one.error}")
    return results


def _write(output: Path, results: list[Evaluated], columns: list[str]) -> None:
    import pandas as pd

    from ddriqa.scoring.table import write_frame

    rows = [{"name": one.name, **one.values, "error": one.error} for one in results]
    write_frame(output, pd.DataFrame(rows, columns=columns))


def _check_free(output: Path | None, force: bool) -> None:
    from ddriqa.errors import OutputError

    if output and output.exists() and not force:
        raise OutputError(str(output), "exists already", "Add --force to overwrite it")


def _check_source(given: SimpleNamespace) -> None:
    from ddriqa.errors import UsageError

    if given.data and given.set_:
        raise UsageError("--set", "excludes --data", "Give one of them")
    if not given.data and not given.set_:
        raise UsageError("--data", "what to measure isn't said", "Give a folder, or --set")


def _pairs(given: SimpleNamespace, network: nn.Module | None) -> Pairs:
    """What is measured; its sizes are those that the network makes."""
    from ddriqa.cli.train_restore_run import damage_of
    from ddriqa.errors import UsageError
    from ddriqa.restoration.evaluate import scale_of
    from ddriqa.restoration.sources import pairs_of

    scale = scale_of(network)
    table: dict[str, Any] = _set(given) if given.set_ else {"folder": str(given.data)}
    if given.data and not given.damage:
        table["scale"] = scale
    name = "--set" if given.set_ else "--data"
    pairs = pairs_of({**table, **damage_of(given.damage)}, given.seed, name, by_name=True)
    if pairs.scale != scale:
        reason = f"the truth is {pairs.scale} times as large as the input"
        advice = f"Give --run of a x{pairs.scale} network"
        if network:
            advice = f"The network of --run enlarges {scale} times"
        raise UsageError("--damage" if given.damage else name, reason, advice)
    return pairs


def _set(given: SimpleNamespace) -> dict[str, Any]:
    """``--set`` as a table of settings; see ``sources.data_of``."""
    from ddriqa.errors import UsageError
    from ddriqa.restoration.layouts import layout_of

    name, _, split = given.set_.partition("/")
    splits = layout_of(name).splits
    if not split:
        known = ", ".join(f"{name}/{one}" for one in splits)
        raise UsageError("--set", f"{name!r} lacks its split", f"Known: {known}")
    root = given.data_root / name if given.data_root else Path()
    return {"set": name, "split": split, "root": str(root), "complete": not given.incomplete}


def _wanted(given: SimpleNamespace) -> dict[str, dict[str, Any]]:
    """The measures with their options; ``--lpips`` asks for its own."""
    own: dict[str, dict[str, Any]] = {
        "psnr": {"channel": given.channel, "border": given.border},
        "ssim": {"definition": given.ssim, "border": given.border},
        "lpips": {"network": given.lpips or "alex"},
    }
    asked = [*given.measure, *(["lpips"] if given.lpips else [])]
    return {name: own.get(name, {}) for name in dict.fromkeys(asked)}


def _label(name: str, lpips: str | None) -> str:
    """As lines and columns have it: AlexNet's is what papers call LPIPS."""
    return f"lpips-{lpips}" if name == "lpips" and lpips not in (None, "alex") else name
