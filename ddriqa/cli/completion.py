"""``ddriqa completion``: the script that teaches a shell to complete; and what it completes."""

from __future__ import annotations

from typing import Annotated, Literal

import typer


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(help="Whose script.")],
) -> None:
    """Print the script that makes the Tab key complete commands, options and their values.

    \b
      eval "$(ddriqa completion bash)"         in ~/.bashrc
      eval "$(ddriqa completion zsh)"          in ~/.zshrc, after compinit
      ddriqa completion fish | source          in ~/.config/fish/config.fish

    Nothing is changed anywhere; ddriqa --install-completion writes it into the shell's own files.
    """
    from typer.completion import get_completion_script

    variable = "_DDRIQA_COMPLETE"
    print(get_completion_script(prog_name="ddriqa", complete_var=variable, shell=shell))


def encoder_names() -> list[tuple[str, str]]:
    """The encoders of ``ddriqa encoders``, and what each is."""
    from ddriqa.encoders.catalogue import SOURCES
    from ddriqa.encoders.clip_files import OPENAI

    return [*SOURCES.items(), *((name, known.title) for name, known in OPENAI.items())]


def metric_names() -> list[str]:
    """The metrics of the catalogue."""
    from ddriqa.metrics.catalogue import METRICS

    return list(METRICS)


def type_names(incomplete: str) -> list[str]:
    """The published types of damage, after those that a list with commas has already."""
    from ddriqa.metrics.prompts import published_pairs

    before, comma, _ = incomplete.rpartition(",")
    taken = before.split(",")
    return [f"{before}{comma}{name}" for name in published_pairs() if name not in taken]


def device_names() -> list[str]:
    """The kinds of devices."""
    return ["auto", "cpu", "cuda", "mps"]
