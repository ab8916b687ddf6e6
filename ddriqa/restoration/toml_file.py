"""Writing and reading TOML, as far as settings need it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from ddriqa.errors import UsageError


def to_toml(content: Any) -> str:
    """A dataclass or mapping as TOML: plain values first, then its tables.

    Entries that are None are left out, since TOML has no such value.

    Raises:
        TypeError: a value that TOML can't say.
    """
    table = asdict(content) if is_dataclass(content) and not isinstance(content, type) else content
    return "\n".join(_lines(table, [])) + "\n"


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a file.

    Raises:
        UsageError: it can't be read or isn't TOML.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:  # pragma: no cover
        import tomli as tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as fault:
        raise UsageError(str(path), f"can't be read: {(fault.strerror or '').lower()}") from fault
    except UnicodeDecodeError as fault:
        raise UsageError(str(path), "isn't a TOML file: not in UTF-8") from fault
    except tomllib.TOMLDecodeError as fault:
        raise UsageError(str(path), f"isn't a TOML file: {fault}") from fault


def _lines(table: Mapping[str, Any], place: list[str]) -> list[str]:
    plain = {name: value for name, value in table.items() if not isinstance(value, Mapping)}
    lines = [
        f"{_key(name)} = {_value(value)}" for name, value in plain.items() if value is not None
    ]
    for name, below in table.items():
        if isinstance(below, Mapping):
            here = [*place, _key(name)]
            lines += ["", f"[{'.'.join(here)}]", *_lines(below, here)]
    return lines


def _key(name: str) -> str:
    bare = name.replace("_", "").replace("-", "")
    return name if bare.isascii() and bare.isalnum() else _text(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(entry) for entry in value) + "]"
    if isinstance(value, Mapping):
        entries = (f"{_key(name)} = {_value(below)}" for name, below in value.items())
        return "{" + ", ".join(entries) + "}"
    if isinstance(value, Path):
        return _text(str(value))
    raise TypeError(f"TOML has no {type(value).__name__}")


def _text(text: str) -> str:
    """A JSON text is a TOML text, but for the one control character that JSON lets stand."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
