"""Where an option's value comes from: flag, else environment, else settings file, else default.

The environment's name of ``--batch-size`` is ``DDRIQA_BATCH_SIZE``; several values of one option
stand there with spaces between them. The file is ``ddriqa.toml`` or ``[tool.ddriqa]`` of
``pyproject.toml``, the nearest at or above the working directory:

.. code-block:: toml

    batch-size = 32             # for every command that has the option
    [score]                     # for this command alone, and stronger
    types = ["blur", "noise"]

A relative path in the file starts at the file's folder. What a run reads, writes and overwrites
is said on the command line alone (``PER_RUN``).
"""

from __future__ import annotations

import difflib
import inspect
import json
import os
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperCommand

from ddriqa.cli.failures import PYDANTIC_PREFIX, set_verbosity
from ddriqa.cli.settings_file import SettingsFile, find_settings_file
from ddriqa.errors import DdriqaError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PREFIX = "DDRIQA_"
WITHOUT_SETTINGS = ("doctor", "completion")
"""Commands that take none, so that they run where the settings are what is wrong."""

_NAMES = "it names what one run reads or writes"
_ALLOWS = "it allows one run to change what is there"
PER_RUN = {
    "files-from": _NAMES,
    "null": "it belongs to the list that one run reads",
    "output": _NAMES,
    "report": _NAMES,
    "scores": _NAMES,
    "out": _NAMES,
    "run": _NAMES,
    "data": _NAMES,
    "validate": _NAMES,
    "settings": _NAMES,
    "compare": _NAMES,
    "list": "it asks one run for something else",
    "all": _NAMES,
    "dataset": _NAMES,
    "set": _NAMES,
    "fresh": "it makes one run forget what is kept",
    "incomplete": "it allows one run to take less than all",
    "shard": _NAMES,
    "force": _ALLOWS,
    "resume": _ALLOWS,
}
"""Options that only the command line may give, and why."""

_KINDS: dict[type, tuple[str, tuple[type, ...]]] = {
    bool: ("true or false", (bool,)),
    int: ("a whole number", (int,)),
    float: ("a number", (int, float)),
    Path: ("a path in quotes", (str,)),
    str: ("text in quotes", (str, int, float)),  # which may read like a number, as batch-size = 16
}
_FILE = "ddriqa.settings_file"  # its place in a context's meta


class ConfigurableCommand(TyperCommand):
    """A command whose options also come from the environment and the settings file."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        for name, option in options(self).items():
            option.show_envvar = False  # one sentence on all of them stands in the help
            if name not in PER_RUN and option.envvar is None:
                option.envvar = variable(name)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, with the settings; completion asks none.

        Raises:
            UsageError: see ``file_values``; a variable for what only the command line may say; a
                value of either that the option can't take.
        """
        if not ctx.resilient_parsing:
            ctx.default_map = _ReadOnDemand(ctx)
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as fault:
            if fault.param is None or not (elsewhere := foreign_origin(ctx, fault.param)):
                raise
            message = fault.message.removeprefix(PYDANTIC_PREFIX).rstrip(".")
            reason = f"invalid value for {_name(fault.param)}: {message}"
            raise UsageError(elsewhere, reason) from fault

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The help, with the program's own defaults."""
        ctx.default_map = None
        super().format_help(ctx, formatter)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; a refusal of an option says where the option's value came from."""
        set_verbosity(ctx.params.get("verbose") or 0)
        try:
            return super().invoke(ctx)
        except DdriqaError as fault:
            name = fault.subject.partition(" ")[0].removeprefix("--")
            option = options(self).get(name) if fault.subject.startswith("--") else None
            if option is not None and (elsewhere := foreign_origin(ctx, option)):
                fault.subject += f" ({elsewhere})"
            raise


class _ReadOnDemand(dict[str, Any]):
    """A parameter's value in the settings file, which is read when the first is asked for.

    So ``--help`` is there even where the file is damaged, or the environment wrong.
    """

    def __init__(self, context: Any) -> None:
        super().__init__()
        self._context: Any = context

    def get(self, name: str, default: Any = None) -> Any:
        if (context := self._context) is not None:
            self._context = None
            _check_environment(context.command)
            file = context.meta[_FILE] = find_settings_file()
            if file is not None:
                self.update(file_values(file, context.parent, context.info_name))
        return super().get(name, default)


def _check_environment(command: Any) -> None:
    for name in sorted(PER_RUN.keys() & options(command).keys()):
        if os.environ.get(variable(name)):
            raise _refused(f"environment {variable(name)}", name)


def variable(option: str) -> str:
    """The environment's name of an option: ``batch-size`` -> ``DDRIQA_BATCH_SIZE``."""
    return PREFIX + option.upper().replace("-", "_")


def options(command: Any) -> dict[str, Any]:
    """A command's options by their long names, without hyphens in front.

    ``--score`` of ``restore`` isn't among them: in a file that is the table of a command.
    """
    given = {_name(p): p for p in command.params if p.param_type_name == "option"}
    return {name: option for name, option in given.items() if name != "score"}


def _name(option: Any) -> str:
    return max(option.opts, key=len).lstrip("-")


def sources(context: Any) -> list[str]:
    """A line for each option that isn't at its default: its value and where that came from.

    Like ``encoder = toy (environment DDRIQA_ENCODER)``, ``batch-size = 32 (ddriqa.toml)`` and
    ``types = blur, noise (command line)``, in the order of the help.

    Args:
        context: the command's own, as typer hands it over.
    """
    return [
        f"{name} = {_shown(context.params.get(option.name))} ({origin})"
        for name, option in options(context.command).items()
        if (origin := _origin(context, option))
    ]


def foreign_origin(context: Any, option: Any) -> str:
    """The variable or file that gave an option its value; empty where it was neither."""
    origin = _origin(context, option)
    return "" if origin == "command line" else origin


def _origin(context: Any, option: Any) -> str:
    source = context.get_parameter_source(option.name)
    match source.name if source else "DEFAULT":
        case "COMMANDLINE":
            return "command line"
        case "ENVIRONMENT":
            return f"environment {option.envvar}"
        case "DEFAULT_MAP":
            return context.meta[_FILE].name
    return ""


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def file_values(file: SettingsFile, parent: Any, command: str) -> dict[str, Any]:
    """What the file says for a command: parameter -> value.

    Args:
        file: the settings file.
        parent: the context of ``ddriqa`` itself, which knows the commands.
        command: the command's name.

    Raises:
        UsageError: a table of no command, a key of no option (with the nearest name), a value of
            a wrong type, or an option that only the command line may give.
    """
    _check_tables(file, configurable(parent))
    own = options(_command(parent, command))
    _check_shared(file, own, parent)
    table = file.commands.get(command, {})
    for key in sorted(table.keys() - own.keys()):
        raise _unknown(file.name, f"key {key!r} in [{command}]", key, own)
    shared = {key: value for key, value in file.shared.items() if key in own}
    types = get_type_hints(inspect.unwrap(_command(parent, command).callback))
    values = {}
    for key, value in (shared | table).items():
        if key in PER_RUN:
            raise _refused(file.name, key)
        option = own[key]
        values[option.name] = _checked(file, key, value, types[option.name], option.multiple)
    return values


def configurable(parent: Any) -> list[str]:
    """The commands that take settings."""
    return [name for name in parent.command.list_commands(parent) if name not in WITHOUT_SETTINGS]


def _command(parent: Any, name: str) -> Any:
    return parent.command.get_command(parent, name)


def _check_tables(file: SettingsFile, commands: list[str]) -> None:
    for name in sorted(file.commands.keys() - set(commands)):
        raise _unknown(file.name, f"table [{name}]", name, commands)


def _check_shared(file: SettingsFile, own: Iterable[str], parent: Any) -> None:
    """Each key is an option of some command; the others are only loaded if ours hasn't it."""
    for key in sorted(file.shared.keys() & PER_RUN.keys()):
        raise _refused(file.name, key)
    if missing := file.shared.keys() - set(own):
        known = set(_all_options(parent))
        for key in sorted(missing - known):
            raise _unknown(file.name, f"key {key!r}", key, known)


def _all_options(parent: Any) -> Iterator[str]:
    for name in configurable(parent):
        yield from options(_command(parent, name))


def _unknown(file: str, what: str, name: str, known: Iterable[str]) -> UsageError:
    allowed = sorted(set(known) - PER_RUN.keys())
    near = difflib.get_close_matches(name, allowed, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(allowed)}"
    return UsageError(file, f"unknown {what}", hint)


def _refused(where: str, option: str) -> UsageError:
    reason = f"{option} can't be set here, since {PER_RUN[option]}"
    return UsageError(where, reason, f"Say --{option} on the command line")


def _checked(file: SettingsFile, key: str, value: Any, annotation: Any, several: bool) -> Any:
    """A value of the file as the parser takes it, once its type is right."""
    kind = _kind(annotation)
    words, allowed = _KINDS[kind]
    items = value if several and isinstance(value, list) else [value]
    if any(type(item) not in allowed for item in items):
        words += ", or a list of such" if several else ""
        reason = f"{key} must be {words}, not {json.dumps(value, default=str)}"
        raise UsageError(file.name, reason)
    if kind is Path:
        items = [str(file.path.parent / Path(item).expanduser()) for item in items]
    if kind is str:
        items = [str(item) for item in items]
    return items if several else items[0]


def _kind(annotation: Any) -> type:
    """What one value of an option is; a choice among words counts as str."""
    if get_origin(annotation) in (Union, UnionType, list):
        return _kind(next(part for part in get_args(annotation) if part is not NoneType))
    return annotation if annotation in _KINDS else str


def unknown_variables(parent: Any) -> dict[str, str]:
    """Variables that begin as ours do and set nothing -> the nearest that does, or nothing."""
    from ddriqa.encoders.clip_files import WEIGHTS_FOLDER

    settable = set(_all_options(parent)) - PER_RUN.keys()
    known = [*map(variable, sorted(settable)), WEIGHTS_FOLDER]
    return {
        name: "".join(difflib.get_close_matches(name, known, n=1, cutoff=0.8))
        for name in sorted(os.environ)
        if name.startswith(PREFIX) and name not in known
    }
