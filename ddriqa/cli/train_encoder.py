"""``ddriqa train-encoder``: make the built-in encoder again, or one of your own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

More = Annotated[
    list[str] | None,
    typer.Option(
        help="More photographs, of any taste: they teach kinds of damage and content, but "
        "not how bad damage is. Repeat it for several folders."
    ),
]
Work = Annotated[
    Path | None,
    typer.Option(
        help="Folder for what is computed once, 1.3 MB a photograph; a broken run goes on from "
        "it. Default: OUTPUT.work. Delete it when you like."
    ),
]
PromptTokens = Annotated[
    int,
    typer.Option(
        min=0,
        help="Learned tokens in each of the published prompts, so that each type answers to "
        "its own damage (CoOp); 20 fit.",
    ),
]


def train_encoder(
    photos: Annotated[
        list[str],
        typer.Argument(
            help="Folders or files of clean photographs of 512 pixels or more, plain and sharp all "
            "over: they are the measure of what is damage. 65 at the least, 300 or more are better."
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The safetensors file to write.")
    ] = Path("encoder.safetensors"),
    more: More = None,
    captions: Annotated[
        Path | None,
        typer.Option(help="CSV with columns image,caption; the images lie beside it in images/."),
    ] = None,
    work: Work = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    seed: Annotated[int, typer.Option(help="Everything random follows from it.")] = 0,
    prompt_tokens: PromptTokens = 0,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output.")] = False,
) -> None:
    """Train the small CLIP-style encoder from clean photographs alone; no human score enters.

    \b
    ddriqa train-encoder photos/ -o my.safetensors
    ddriqa train-encoder photos/ --more wallpapers/ --captions captions.csv -o my.safetensors
    ddriqa score pictures/ --encoder builtin:my.safetensors

    Damages every photograph in 60 ways (those of --more in 34), pools a frozen ImageNet tower's
    features, fits linear read-outs of the damage and a small text tower. Half an hour for 300
    photographs on two cores. Needs the extra: pip install "ddriqa[train]".
    """
    from ddriqa.cli.failures import Interrupted
    from ddriqa.encoder_training.train import train_encoder_file

    work = work or output.with_name(f"{output.name}.work")
    with _Progress() as progress:
        try:
            train_encoder_file(
                photos,
                output,
                more=more or (),
                captions=captions,
                work=work,
                device=device,
                seed=seed,
                prompt_tokens=prompt_tokens,
                overwrite=force,
                report=progress.show,
            )
        except KeyboardInterrupt:
            kept = f"The same command goes on with what is in {work}"
            raise Interrupted(kept if work.is_dir() else "") from None
    typer.echo(f"Wrote {output}. Use it with --encoder builtin:{output}", err=True)


class _Progress:
    """A bar a stage on stderr, if that is a terminal."""

    def __enter__(self) -> _Progress:
        from rich.console import Console
        from rich.progress import Progress

        self._bars = Progress(console=Console(stderr=True), disable=not sys.stderr.isatty())
        self._bars.start()
        self._tasks: dict[str, Any] = {}
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def show(self, stage: str, done: int, total: int) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=total)
        self._bars.update(self._tasks[stage], completed=done)
