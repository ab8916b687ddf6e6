"""``ddriqa evaluate``: how near restored pictures come to the truth."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import typer

from ddriqa.cli import options

RunDir = Annotated[
    Path | None,
    typer.Option("--run", metavar="DIR", help="A trained network; without it, LQ is measured."),
]
DataFolder = Annotated[
    Path,
    typer.Option("--data", metavar="DIR", help="Pairs (lq/ and gt/), or clean with --damage."),
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
    data: DataFolder,
    run: RunDir = None,
    damage: DamageText = None,
    measure: Measures = ["psnr", "ssim"],  # noqa: B006  typer reads it, nobody changes it
    channel: Channel = "rgb",
    ssim: Definition = "gauss",
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
      ddriqa evaluate --data pairs/                      how bad the input is
      ddriqa evaluate --run runs/sr --data pairs/ --channel y --ssim gauss-y --border 4

    Papers differ in channel, border, SSIM's definition and rounding; all of it is said here. gauss:
    11 x 11, sigma 1.5, valid region, mean of the channels; gauss-y: the same of the luma;
    uniform7: scikit-image's default; 3d: NAFNet's. lpips (of AlexNet), dists and fid need their
    authors' weights in the folder that DDRIQA_WEIGHTS names; without them they say which. NAFNet
    restores with local statistics, as in ddriqa restore.

    \b
    Exit codes: 0 done, 1 some pictures failed, 2 wrong usage, 4 couldn't run or write
    """
    import pandas as pd

    from ddriqa.cli.progress import bar
    from ddriqa.cli.talk import tell
    from ddriqa.cli.train_restore_run import damage_of
    from ddriqa.errors import OK, SOME_FAILED
    from ddriqa.restoration.evaluate import evaluate as measured
    from ddriqa.restoration.evaluate import means
    from ddriqa.restoration.measures.catalogue import build
    from ddriqa.restoration.measures.fid import Collected
    from ddriqa.restoration.restorer import network_of
    from ddriqa.restoration.sources import pairs_of
    from ddriqa.scoring.scorer import torch_device
    from ddriqa.scoring.table import write_frame

    given = SimpleNamespace(**locals())
    _check_free(output, force)
    wanted: dict[str, Any] = {n: build(n, **_options(n, given)) for n in dict.fromkeys(measure)}
    fid = Collected(wanted.pop("fid")) if "fid" in wanted else None
    pairs = pairs_of({"folder": str(data), **damage_of(damage)}, seed, "--data")
    network = network_of(run, torch_device(device)) if run else None
    results = []
    with bar("Measuring", len(pairs), quiet=quiet) as advance:
        watch = fid.add if fid else None
        for one in measured(pairs, wanted, network, rounded=not unrounded, watch=watch):
            results.append(one)
            advance(len(results), len(pairs))
            if one.error:
                tell(f"{one.name}: {one.error}")
    if output:
        rows = [{"name": one.name, **one.values, "error": one.error} for one in results]
        write_frame(output, pd.DataFrame(rows))
    for name, value in (means(results) | ({"fid": fid.distance()} if fid else {})).items():
        print(f"{name} {value:.4f}")
    return SOME_FAILED if any(r.error for r in results) else OK


def _check_free(output: Path | None, force: bool) -> None:
    from ddriqa.errors import OutputError

    if output and output.exists() and not force:
        raise OutputError(str(output), "exists already", "Add --force to overwrite it")


def _options(name: str, given: SimpleNamespace) -> dict[str, Any]:
    if name == "psnr":
        return {"channel": given.channel, "border": given.border}
    return {"definition": given.ssim, "border": given.border} if name == "ssim" else {}
