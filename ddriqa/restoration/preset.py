"""The settings of the papers' tables: ``presets/METHOD/NAME.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ddriqa.errors import UsageError
from ddriqa.restoration.toml_file import read_toml

FOLDER = Path(__file__).parent / "presets"
WHOLE = "data"
"""A preset's table of this name takes the place of its base's; others are joined with it."""


def preset_names(method: str) -> list[str]:
    """The presets of a training method."""
    return sorted(path.stem for path in (FOLDER / method).glob("*.toml"))


def read_preset(method: str, name: str) -> dict[str, Any]:
    """The table of a preset, as ``settings.from_table`` takes it.

    A preset that says ``extends`` is another one of its method with what it says itself.

    Args:
        method: of ``methods.catalogue``.
        name: ``gopro-nafnet``, or with its method ``ddr/gopro-nafnet``.

    Raises:
        UsageError: an unknown name.
    """
    stem, known = name.removeprefix(f"{method}/"), preset_names(method)
    if stem not in known:
        reason = f"unknown name {name!r} of {method}"
        raise UsageError("--preset", reason, f"Known: {', '.join(known)}")
    table = read_toml(FOLDER / method / f"{stem}.toml")
    base = table.pop("extends", None)
    return table if base is None else _joined(read_preset(method, base), table)


def _joined(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in own.items():
        below = result.get(key)
        both = isinstance(value, Mapping) and isinstance(below, Mapping) and key != WHOLE
        result[key] = _joined(below, value) if both else value  # type: ignore[arg-type]
    return result
