"""``ddriqa bench``: how far scores agree with people, on known data sets or on anyone's own."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Annotated

import typer

from ddriqa.cli import options

Dataset = Annotated[
    list[str] | None,
    typer.Option(
        "--dataset",
        metavar="NAME",
        show_default=False,
        help="A data set that --list shows, or csv:FILE; may be repeated.",
    ),
]
All = Annotated[bool, typer.Option("--all", help="Every data set that --root holds.")]
List = Annotated[bool, typer.Option("--list", help="Show the data sets, and end.")]
Root = Annotated[
    Path | None,
    typer.Option(
        "--root",
        metavar="DIR",
        show_default="of csv:FILE, its folder",
        help="The data set's folder, or one that holds several under their names.",
    ),
]
Protocol = Annotated[
    str | None,
    typer.Option(
        "--protocol",
        metavar="NAME",
        show_default="official",
        help="Whose list of pictures and label: official, ddr, sfd, ...; --list shows them.",
    ),
]
Split = Annotated[
    str | None,
    typer.Option("--split", metavar="NAME", show_default="by protocol", help="Only that part."),
]
Incomplete = Annotated[
    bool, typer.Option("--incomplete", help="Take a data set of which pictures are missing.")
]
ShortSide = Annotated[
    int | None,
    typer.Option(
        "--short-side",
        min=1,
        metavar="N",
        show_default="by data set",
        help="Shrink pictures to this short side first.",
    ),
]
Rounds = Annotated[
    int,
    typer.Option(
        "--rounds", min=0, metavar="N", help="Resamples for the 95 % intervals; 0 for none."
    ),
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Of the resamples.")]
Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help="Write the figures as CSV here, and all that they hang on into FILE.json.",
    ),
]
Scores = Annotated[
    Path | None,
    typer.Option(
        "--scores",
        metavar="FILE",
        help="Write scores beside labels, a row a picture, of one data set.",
    ),
]
Compare = Annotated[
    tuple[str, str] | None,
    typer.Option(
        "--compare",
        metavar="A.csv B.csv",
        help="Compare two tables of --scores on the pictures of both; A.csv:COLUMN names a score.",
    ),
]
Characteristics = Annotated[
    bool,
    typer.Option(
        "--characteristics",
        help="Also: what the scores have to do with colourfulness, sharpness, complexity, and the "
        "encoder's features (DDR, Table 2 and Figure 7).",
    ),
]
PixelLevels = Annotated[
    bool,
    typer.Option(
        "--pixel-levels",
        help="Also: DDR with the blur done to the pixels, at several levels (DDR, Table 1 and "
        "Figure 2).",
    ),
]
Cache = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        metavar="DIR",
        show_default="in the user's cache folder",
        help="Where scores are kept from run to run.",
    ),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Score anew whatever is kept.")]
ImageColumn = Annotated[
    str | None,
    typer.Option("--image-column", metavar="NAME", help="Of csv:FILE: the pictures' names."),
]
LabelColumn = Annotated[
    str | None,
    typer.Option("--label-column", metavar="NAME", help="Of csv:FILE: what people said."),
]
GroupColumn = Annotated[
    str | None,
    typer.Option("--group-column", metavar="NAME", help="Of csv:FILE: groups, for rows apart."),
]
SplitColumn = Annotated[
    str | None, typer.Option("--split-column", metavar="NAME", help="Of csv:FILE: its splits.")
]
LowerIsBetter = Annotated[
    bool, typer.Option("--lower-is-better", help="Of csv:FILE: a lower label is better (DMOS).")
]


def bench(
    context: typer.Context,
    dataset: Dataset = None,
    all: All = False,
    list: List = False,
    root: Root = None,
    protocol: Protocol = None,
    split: Split = None,
    incomplete: Incomplete = False,
    metric: options.Metric = ["ddr"],  # noqa: B006  typer reads it, nobody changes it
    encoder: options.EncoderName = "builtin",
    types: options.Types = None,
    prompts: options.Prompts = None,
    geometry: options.Geometry = None,
    short_side: ShortSide = None,
    device: options.Device = "auto",
    precision: options.Precision = "fp32",
    batch_size: options.BatchSize = "auto",
    workers: options.Workers = None,
    max_pixels: options.MaxPixels = None,
    rounds: Rounds = 1000,
    seed: Seed = 0,
    output: Output = None,
    scores: Scores = None,
    report: options.Report = None,
    force: options.Force = False,
    compare: Compare = None,
    characteristics: Characteristics = False,
    pixel_levels: PixelLevels = False,
    cache: Cache = None,
    fresh: Fresh = False,
    image_column: ImageColumn = None,
    label_column: LabelColumn = None,
    group_column: GroupColumn = None,
    split_column: SplitColumn = None,
    lower_is_better: LowerIsBetter = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> int:
    """Say how far scores agree with people, on the field's data sets or on your own.

    \b
      ddriqa bench --list                                      the data sets, and what each needs
      ddriqa bench --dataset koniq --root koniq10k/            SRCC, KRCC, PLCC with intervals
      ddriqa bench --dataset koniq --metric ddr --metric clip_iqa --encoder RN50
      ddriqa bench --dataset csv:my/scores.csv --metric ddr --metric niqe=niqe.npz
      ddriqa bench --all --root data/ -o figures.csv           every data set that is there
      ddriqa bench --dataset csiq --report page/               plots, groups, worst disagreements
      ddriqa bench --compare before.csv after.csv              is the difference more than chance?

    Data sets are read as their owners distribute them; nothing is downloaded. Metrics: ddr,
    clip_iqa, brisque, piqe, niqe=PARAMETERS, laplacian_variance, piq:NAME, pyiqa:NAME and others;
    options follow with a plus sign: ddr+windows, ddr+shape, ddr+more, ddr+blur+noise,
    clip_iqa+five.

    SRCC, KRCC (tau-b) and PLCC are of raw scores, with their sign, against labels turned so that
    more is better: a lower-is-better metric has negative figures. Fitted PLCC: after the logistic
    with 4 or 5 parameters, or a cubic. Intervals are 95 %, from a bootstrap over the pictures.

    Scores are kept: other statistics, or one metric more, cost no second pass; an interrupted run
    goes on. Failed and missing pictures are counted and named.

    \b
    Exit codes: 0 done, 1 some pictures failed, 2 wrong usage, 4 couldn't run (no data set ...),
      130 interrupted
    """
    from ddriqa.cli.bench_run import run

    return run(SimpleNamespace(**locals()))
