"""``ddriqa train-restore``: train a network that repairs photographs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Annotated

import typer

from ddriqa.cli import options

Method = Annotated[
    str, typer.Argument(metavar="METHOD", help="How to train: baseline, ddr.", show_default=False)
]
Out = Annotated[
    Path,
    typer.Option("--out", metavar="DIR", help="Where everything of the run goes: runs/x."),
]
Network = Annotated[
    str | None,
    typer.Option(
        "--network",
        metavar="NAME[/PRESET]",
        show_default="nafnet/small",
        help="nafnet, restormer, promptir, swinir, rrdb; presets small, paper and others.",
    ),
]
Preset = Annotated[
    str | None,
    typer.Option("--preset", metavar="NAME", help="Settings of a paper's table: gopro-nafnet."),
]
SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", metavar="FILE", help="A settings.toml, such as a run's own."),
]
DataFolder = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Pairs (lq/ and gt/, or a CSV of them), or clean pictures with --damage.",
    ),
]
DamageText = Annotated[
    str | None,
    typer.Option(
        "--damage",
        metavar="NAME[,KEY=VALUE]",
        help="Done to clean pictures on the fly: gaussian_noise,sigma=25.",
    ),
]
Validate = Annotated[
    Path | None,
    typer.Option("--validate", metavar="DIR", help="Pictures to validate with, as --data."),
]
DataRoot = Annotated[
    Path | None,
    typer.Option("--data-root", metavar="DIR", help="Where the data sets of a preset lie."),
]
Steps = Annotated[
    int | None, typer.Option("--steps", min=1, metavar="N", show_default="by preset, else 20000")
]
BatchSize = Annotated[
    int | None, typer.Option("--batch-size", min=1, metavar="N", show_default="4")
]
Crop = Annotated[int | None, typer.Option("--crop", min=1, metavar="N", show_default="128")]
LearningRate = Annotated[
    float | None, typer.Option("--lr", metavar="X", show_default="by preset, else .001")
]
Seed = Annotated[int | None, typer.Option("--seed", min=0, metavar="N", show_default="0")]
Device = Annotated[
    str | None, typer.Option("--device", metavar="NAME", help="auto, cpu, cuda or mps.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")]


def train_restore(
    method: Method,
    out: Out,
    network: Network = None,
    preset: Preset = None,
    settings: SettingsFile = None,
    data: DataFolder = None,
    damage: DamageText = None,
    validate: Validate = None,
    data_root: DataRoot = None,
    steps: Steps = None,
    batch_size: BatchSize = None,
    crop: Crop = None,
    lr: LearningRate = None,
    seed: Seed = None,
    device: Device = None,
    resume: Resume = False,
    quiet: options.Quiet = False,
) -> int:
    """Train a network that repairs photographs.

    \b
      ddriqa train-restore baseline --data clean/ --damage gaussian_noise,sigma=25 \\
          --validate kodak/ --out runs/denoise
      ddriqa train-restore ddr --network nafnet --data pairs/ --out runs/deblur
      ddriqa train-restore ddr --preset gopro-nafnet --data-root data/ --out runs/gopro
      ddriqa train-restore baseline --out runs/denoise --resume

    baseline lowers a loss of the output against the truth; ddr adds the deep degradation response
    of the output (Eq. 8 of the DDR paper). DIR then holds settings.toml, metrics.csv, curves.svg,
    checkpoints/ and samples/ (LQ, output, truth). Ctrl-C saves; --resume goes on, to the bit on a
    CPU. Needs pip install "ddriqa[train]".

    \b
    Exit codes: 0 done, 2 wrong usage, 4 couldn't run or save, 130 interrupted (saved)
    """
    from ddriqa.cli.train_restore_run import run

    return run(SimpleNamespace(**locals()))
