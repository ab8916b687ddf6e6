"""The command ``ddriqa``: a table of commands, each loaded when it is asked for."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from ddriqa.cli.failures import Interrupted, guarded, printing
from ddriqa.cli.interrupts import leave_quietly
from ddriqa.cli.settings import WITHOUT_SETTINGS, ConfigurableCommand
from ddriqa.cli.streams import never_none

COMMANDS = {
    "score": "ddriqa.cli.score:score",
    "bench": "ddriqa.cli.bench:bench",
    "encoders": "ddriqa.cli.encoders:encoders",
    "merge": "ddriqa.cli.merge:merge",
    "train-restore": "ddriqa.cli.train_restore:train_restore",
    "restore": "ddriqa.cli.restore:restore",
    "evaluate": "ddriqa.cli.evaluate:evaluate",
    "train-encoder": "ddriqa.cli.train_encoder:train_encoder",
    "doctor": "ddriqa.cli.doctor:doctor",
    "completion": "ddriqa.cli.completion:completion",
}
ON_SETTINGS = """
An option may also be set by the environment (DDRIQA_BATCH_SIZE=16), or by the nearest file
ddriqa.toml, or [tool.ddriqa] of pyproject.toml, at or above this folder (batch-size = 16; in a
table [score] for that command alone). A flag wins over the environment, and that over the file.
"""
ON_FILES = "What a run reads, writes or overwrites is said on the command line alone."
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class _Commands(TyperGroup):
    """The commands of the table; only the one that is called is imported."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands: dict[str, Any] = dict.fromkeys(COMMANDS)  # each is loaded on demand

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in COMMANDS and self.commands[cmd_name] is None:
            self.commands[cmd_name] = _load(cmd_name)
        return self.commands.get(cmd_name)

    def make_context(self, *arguments: Any, **settings: Any) -> Any:
        with printing():  # the help
            return super().make_context(*arguments, **settings)

    def invoke(self, ctx: Any) -> Any:
        with printing():
            try:
                return super().invoke(ctx)
            except KeyboardInterrupt:
                raise Interrupted from None


def _load(name: str) -> Any:
    module, attribute = COMMANDS[name].split(":")
    single = typer.Typer(add_completion=False, context_settings=CONTEXT, rich_markup_mode=None)
    kind = TyperCommand if name in WITHOUT_SETTINGS else ConfigurableCommand
    single.command(name, cls=kind)(getattr(import_module(module), attribute))
    return typer.main.get_command(single)


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    context_settings=CONTEXT,
    rich_markup_mode=None,
    epilog=f"{ON_SETTINGS}\n\n{ON_FILES}",
)


def _show_version(asked: bool) -> None:
    if asked:
        from ddriqa import __version__

        print(f"ddriqa {__version__}")
        raise typer.Exit


@app.callback()
def ddriqa(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Say how good photographs are and what is wrong with them. No reference picture needed.

    \b
      ddriqa score photos/                    look at a folder
      ddriqa score photos/ -o scores.csv      write a table of it
      ddriqa score --help                     what the numbers mean, and every option
    """


def main(arguments: list[str] | None = None) -> None:
    """The entry point of the console: runs a command and leaves with its exit code.

    Args:
        arguments: the words of a call from within a program, which goes on afterwards.
    """
    never_none()
    warnings.filterwarnings("ignore", module=r"PIL\.")  # a fault is a row, never a line on stderr
    command = typer.main.get_command(app)
    words = sys.argv[1:] if arguments is None else arguments

    def run() -> int | None:
        return command.main(list(words), prog_name="ddriqa", standalone_mode=False, obj=words)

    code = guarded(run)
    if arguments is None:
        leave_quietly(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
