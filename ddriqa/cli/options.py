"""The options that commands share, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ddriqa.cli import completion
from ddriqa.errors import UsageError

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
    list[str],
    typer.Option(
        "--metric",
        metavar="NAME",
        help="What to compute; may be repeated.",
        autocompletion=completion.metric_names,
    ),
]
EncoderName = Annotated[
    str,
    typer.Option(
        "--encoder",
        metavar="NAME",
        help="Who looks: see ddriqa encoders.",
        autocompletion=completion.encoder_names,
    ),
]
Types = Annotated[
    list[str] | None,
    typer.Option(
        "--types",
        metavar="LIST",
        show_default="color,noise,blur,exposure",
        help="Kinds of damage to respond to, e.g. blur,noise.",
        autocompletion=completion.type_names,
    ),
]
Prompts = Annotated[
    Path | None,
    typer.Option("--prompts", metavar="FILE", help="A TOML file of your own prompt pairs."),
]
Geometry = Annotated[
    Literal["crops", "view", "native", "windows"] | None,
    typer.Option(
        "--geometry",
        show_default="by metric and encoder",
        help="crops: squares along the long side, as the authors; view: the encoder's own; native: "
        "the picture as it is; windows: crops, and windows at native size.",
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
    str,
    typer.Option(
        "--device",
        metavar="NAME",
        help="auto, cpu, cuda, cuda:1 or mps.",
        autocompletion=completion.device_names,
    ),
]
BatchSize = Annotated[
    str,
    typer.Option(
        "--batch-size",
        metavar="N|auto",
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
Precision = Annotated[
    Literal["fp32", "bf16", "fp16"],
    typer.Option(
        "--precision",
        help="Arithmetic of the network; bf16 and fp16 are faster where the processor has them, "
        "and move the scores a little.",
    ),
]
Draft = Annotated[
    bool,
    typer.Option(
        "--draft",
        help="Decode large JPEGs at a reduced size: faster, moves the scores a little. Only where "
        "the encoder sees the whole picture (--geometry view).",
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
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help="Write the table here, and how it was made into FILE.json; - is stdout.",
    ),
]
Format = Annotated[
    Literal["csv", "jsonl", "parquet"] | None,
    typer.Option(
        "--format", show_default="by the ending of -o, else csv", help="Form of the table."
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite an output that exists.")]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on with an output that was interrupted; rows that are there, failed ones too, "
        "aren't made again.",
    ),
]
Shard = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="I/N",
        help="Only every N-th picture, from the I-th on; ddriqa merge joins the tables.",
    ),
]
Report = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="DIR",
        help="A page to look through, DIR/index.html; DIR may be moved as a whole.",
    ),
]
FailUnder = Annotated[
    str | None,
    typer.Option(
        "--fail-under",
        metavar="VALUE",
        help="Exit 3 if a picture scores lower: .25 is a score, 25% a percentile.",
    ),
]
Strict = Annotated[
    bool,
    typer.Option("--strict", help="Exit 1 for warnings, too, such as a folder without pictures."),
]
AbortOnError = Annotated[
    bool,
    typer.Option("--abort-on-error", help="Stop at the first picture that can't be scored."),
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No progress and no summary.")]
Verbose = Annotated[
    int,
    typer.Option(
        "-v",
        "--verbose",
        count=True,
        metavar="",
        show_default=False,
        help="Also say which settings, encoder, device and view were used; -vv: also where time "
        "went, and the trace of a fault.",
    ),
]


def read_batch_size(text: str) -> int | None:
    """A number of images, or None for ``auto``. Raises ``UsageError`` for anything else."""
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise UsageError("--batch-size", f"{text!r} isn't a number of images", "Say 64, or auto")
    return int(text)
