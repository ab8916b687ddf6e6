"""``ddriqa score``: pictures in, a table or a summary out."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import typer

from ddriqa.cli import options

if TYPE_CHECKING:
    from ddriqa.cli.run import Run
    from ddriqa.cli.talk import Talk
    from ddriqa.scoring import Scorer


def score(
    context: typer.Context,
    paths: options.Paths = None,
    files_from: options.FilesFrom = None,
    nul: options.Nul = False,
    metric: options.Metric = ["ddr"],  # noqa: B006  typer reads it, nobody changes it
    encoder: options.EncoderName = "builtin",
    types: options.Types = None,
    prompts: options.Prompts = None,
    geometry: options.Geometry = None,
    adaptation: options.Adaptation = True,
    disparity: options.Disparity = "cosine",
    device: options.Device = "auto",
    precision: options.Precision = "fp32",
    draft: options.Draft = False,
    batch_size: options.BatchSize = "auto",
    workers: options.Workers = None,
    max_pixels: options.MaxPixels = None,
    output: options.Output = None,
    format: options.Format = None,
    force: options.Force = False,
    resume: options.Resume = False,
    shard: options.Shard = None,
    report: options.Report = None,
    fail_under: options.FailUnder = None,
    strict: options.Strict = False,
    abort_on_error: options.AbortOnError = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> int:
    """Say how good pictures are, and what is wrong with them.

    \b
      ddriqa score photos/                         progress, then a summary
      ddriqa score photos/ -o scores.csv           a table as well
      ddriqa score photos/ -o scores.csv --resume  go on with it after an interruption
      ddriqa score photos/ --report page/          a page with thumbnails to sort and filter
      ddriqa score photos/ | head -3               the table in a pipe
      find . -name '*.jpg' | ddriqa score -        a list from another program

    The percentile tells how a picture stands among reference photographs, half of them damaged:
    0 is the worst of them, 100 the best. The score DDR, from which it comes, lies in 0 to 1, for
    usual photographs between .2 and .4; higher is better. Scores of two encoders don't compare.
    One more column for each type of damage (ddr_blur and so on) says how the picture stands up to
    it: one that is low beside what is usual for it names what is wrong (the summary does that).

    Columns: path, width, height, ddr, ddr_color, ddr_noise, ddr_blur, ddr_exposure, percentile
    (empty where no reference is known for the encoder and the settings), status (ok or failed),
    error. One row for each picture, in the order of the input. A picture that can't be scored has
    a row with its reason.

    Options can also stand in the environment (DDRIQA_ENCODER=ViT-B-32) or in ddriqa.toml, but for
    those that say what one run reads, writes or overwrites.

    \b
    Exit codes:
      0 all scored                     4 couldn't run (weights, device, output)
      1 some pictures failed          70 a fault of ddriqa's own
      2 wrong usage, nothing found   130 interrupted (143 by a request to end)
      3 some scored below --fail-under
    """
    return _run(SimpleNamespace(**locals())).finish()


def _run(given: SimpleNamespace) -> Run:
    """Everything that can be refused is refused here, before anything is loaded or written."""
    from ddriqa.cli.inputs import Shard, Source
    from ddriqa.cli.outputs import Target
    from ddriqa.cli.run import Run
    from ddriqa.cli.settings import sources
    from ddriqa.cli.threshold import Threshold

    scorer = _scorer(given)
    shard = Shard.read(given.shard) if given.shard is not None else None
    source = Source([*(given.paths or [])], given.files_from, given.nul, shard)
    bounded = given.adaptation and given.disparity == "cosine"
    threshold = None
    if given.fail_under is not None:
        threshold = Threshold.read(given.fail_under, bounded=bounded)
    if given.report:
        from ddriqa.scoring.report import check_report_folder

        check_report_folder(given.report)
    return Run(
        scorer=scorer,
        source=source,
        target=Target.chosen(
            given.output,
            given.format,
            force=given.force,
            resume=given.resume,
            terminal=sys.stdout.isatty(),
        ),
        arguments=given.context.obj,
        settings=sources(given.context),
        report=given.report,
        threshold=threshold,
        talk=_talk(given),
        abort_on_error=given.abort_on_error,
        verbose=given.verbose,
    )


def _talk(given: SimpleNamespace) -> Talk:
    from ddriqa.cli.settings import unknown_variables
    from ddriqa.cli.talk import Talk

    talk = Talk(given.quiet, given.strict)
    for name, nearest in unknown_variables(given.context.parent).items():
        hint = f"; did you mean {nearest}?" if nearest else ""
        talk.warn(f"the environment's {name} sets no option{hint}")
    return talk


def _scorer(given: SimpleNamespace) -> Scorer:
    from ddriqa.scoring import Scorer

    return Scorer(
        given.metric,
        given.encoder,
        types=[name for item in given.types or [] for name in item.replace(",", " ").split()],
        prompts=given.prompts,
        geometry=given.geometry,
        adaptation=given.adaptation,
        disparity=given.disparity,
        device=given.device,
        precision=given.precision,
        draft=given.draft,
        batch_size=options.read_batch_size(given.batch_size),
        workers=given.workers,
        max_pixels=given.max_pixels,
    )
