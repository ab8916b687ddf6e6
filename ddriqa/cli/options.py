"""The options that commands share, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Paths = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATH",
        show_default=False,
        help="Pictures, folders (searched all the way down), patterns; - reads a list from stdin.",
    ),
]
FilesFrom = Annotated[
    str | None,
    typer.Option("--files-from", metavar="FILE", help="Read paths from a list, one a line."),
]
Nul = Annotated[bool, typer.Option("-0", "--null", help="Lists are separated by NUL bytes.")]
Metric = Annotated[
    list[str], typer.Option("--metric", metavar="NAME", help="What to compute; may be repeated.")
]
EncoderName = Annotated[
    str,
    typer.Option("--encoder", metavar="NAME", help="Who looks: see ddriqa encoders."),
]
Types = Annotated[
    list[str] | None,
    typer.Option(
        "--types",
        metavar="LIST",
        show_default="color,noise,blur,exposure",
        help="Kinds of damage to respond to, e.g. blur,noise.",
    ),
]
Prompts = Annotated[
    Path | None,
    typer.Option("--prompts", metavar="FILE", help="A TOML file of your own prompt pairs."),
]
Geometry = Annotated[
    Literal["crops", "view"] | None,
    typer.Option(
        "--geometry",
        show_default="by encoder",
        help="crops: squares along the long side, as the authors; view: the encoder's own.",
    ),
]
Adaptation = Annotated[
    bool,
    typer.Option("--adaptation/--no-adaptation", help="Adapt text directions to each image."),
]
Disparity = Annotated[
    Literal["cosine", "l1", "l2"],
    typer.Option("--disparity", help="Distance between features; cosine is DDR."),
]
Device = Annotated[
    str, typer.Option("--device", metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps.")
]
BatchSize = Annotated[
    int | None,
    typer.Option(
        "--batch-size",
        min=1,
        metavar="N",
        show_default="64",
        help="Images held at once. Changes speed and memory, never a score.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        metavar="N",
        show_default="cores",
        help="Threads that decode. Changes speed, never a score.",
    ),
]
MaxPixels = Annotated[
    int | None,
    typer.Option(
        "--max-pixels",
        min=1,
        metavar="N",
        show_default="250 million",
        help="Larger pictures become failures.",
    ),
]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write the table here; - is stdout."),
]
Format = Annotated[
    Literal["csv", "jsonl"] | None,
    typer.Option(
        "--format", show_default="by the ending of -o, else csv", help="Form of the table."
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite an output that exists.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No progress and no summary.")]
Verbose = Annotated[
    bool, typer.Option("-v", "--verbose", help="Also say which encoder, device and view were used.")
]
