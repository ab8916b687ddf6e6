"""The settings file: ``ddriqa.toml``, or the table ``[tool.ddriqa]`` of ``pyproject.toml``."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddriqa.errors import UsageError

NAME, PROJECT = "ddriqa.toml", "pyproject.toml"


@dataclass(frozen=True)
class SettingsFile:
    """What a settings file says.

    Attributes:
        path: the file.
        shared: option -> value, for every command that has such an option.
        commands: command -> option -> value, for that command alone.

    Names are written with hyphens, whatever the file uses.
    """

    path: Path
    shared: dict[str, Any]
    commands: dict[str, dict[str, Any]]

    @property
    def name(self) -> str:
        """The path from the working directory."""
        return os.path.relpath(self.path)


def find_settings_file() -> SettingsFile | None:
    """The nearest one at or above the working directory; in one folder ``ddriqa.toml`` counts.

    Raises:
        UsageError: a file that can't be read, isn't TOML, or names something twice.
    """
    try:
        here = Path.cwd()
    except OSError:  # deleted meanwhile: nothing is at or above it
        return None
    for folder in (here, *here.parents):
        for name in (NAME, PROJECT):
            path = folder / name
            if os.path.isfile(path) and (table := _table(path)) is not None:
                return _sorted(path, table)
    return None


def _table(path: Path) -> dict[str, Any] | None:
    """Our part of a file; None of a ``pyproject.toml`` that doesn't speak of us."""
    shown = os.path.relpath(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as fault:
        raise UsageError(shown, f"can't be read: {(fault.strerror or '').lower()}") from fault
    except UnicodeDecodeError as fault:
        raise UsageError(shown, "isn't a TOML file: not in UTF-8") from fault
    if path.name == NAME:
        return _parsed(shown, text)
    if "ddriqa" not in text:  # somebody else's file, which may even be damaged
        return None
    found = _parsed(shown, text).get("tool", {}).get("ddriqa")
    if found is not None and not isinstance(found, dict):
        raise UsageError(shown, "tool.ddriqa must be a table", "Write [tool.ddriqa]")
    return found


def _parsed(shown: str, text: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:  # pragma: no cover
        import tomli as tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise UsageError(shown, f"isn't a TOML file: {fault}") from fault


def _sorted(path: Path, table: dict[str, Any]) -> SettingsFile:
    shown = os.path.relpath(path)
    entries = _hyphened(shown, table)
    commands = {
        name: _hyphened(shown, value) for name, value in entries.items() if isinstance(value, dict)
    }
    shared = {name: value for name, value in entries.items() if name not in commands}
    return SettingsFile(path, shared, commands)


def _hyphened(shown: str, table: dict[str, Any]) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("_", "-")
        if name in entries:
            raise UsageError(shown, f"{name} stands there twice, with - and with _")
        entries[name] = value
    return entries
