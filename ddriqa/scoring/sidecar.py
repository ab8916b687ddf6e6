"""``OUTPUT.json`` beside every output: how its numbers were made, and whether it is complete.

It is written before the first row with ``finished`` null, and once more after the last one.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from ddriqa.errors import OutputError, UsageError
from ddriqa.scoring.table import write_failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FIXING = ("columns", "encoder", "metrics", "precision", "draft", "max_pixels", "format", "shard")
"""Settings that must be the same in all rows of a table."""

VERSIONS = ("ddriqa", "torch", "pillow", "device")
"""What may move the last digits only."""


def sidecar_path(output: Path) -> Path:
    """Where the sidecar of an output lies: ``scores.csv`` -> ``scores.csv.json``."""
    return output.with_name(output.name + ".json")


def write_sidecar(output: Path, content: Mapping[str, Any]) -> Path:
    """Write the sidecar of an output, whole or not at all; returns its path.

    Raises:
        OutputError: it can't be written.
    """
    path = sidecar_path(output)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")
        os.replace(temporary, path)
    except OSError as fault:
        temporary.unlink(missing_ok=True)
        raise write_failure(path, fault, "The table's rows are safe") from fault
    return path


def read_sidecar(output: Path) -> dict[str, Any]:
    """The sidecar of an output.

    Raises:
        OutputError: there is none, or it isn't one of ddriqa's.
    """
    path = sidecar_path(output)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or "columns" not in content:
            raise ValueError
    except FileNotFoundError:
        reason = f"has no sidecar ({path.name}), so how its rows were made isn't known"
        raise OutputError(str(output), reason, "Start anew with --force") from None
    except (OSError, ValueError) as fault:
        reason = "isn't a sidecar of ddriqa's"
        raise OutputError(str(path), reason, "Start anew with --force") from fault
    return content


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What fixes the numbers and isn't the same, in words: ``encoder: a there, b here``."""
    plain = json.loads(json.dumps(new, default=str))
    found: list[str] = []
    for name in FIXING:
        found += _differences(name, _fixing(old.get(name)), _fixing(plain.get(name)))
    return found


def other_versions(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What may move the last digits and isn't the same, in words."""
    return [
        difference
        for name in VERSIONS
        for difference in _differences(name, old.get(name), new.get(name))
    ]


def check_same(output: Path, old: Mapping[str, Any], new: Mapping[str, Any], option: str) -> None:
    """Raise a ``UsageError`` that names every setting of two runs that isn't the same."""
    if found := differences(old, new):
        raise UsageError(
            f"{option} {output}",
            f"was made with other settings ({'; '.join(found)})",
            "Use the same settings, or another output",
        )


def _fixing(value: Any) -> Any:
    """Of an encoder only the fingerprint counts."""
    return value["fingerprint"] if isinstance(value, dict) and "fingerprint" in value else value


def _differences(name: str, old: Any, new: Any) -> Iterator[str]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _differences(f"{name}.{key}", old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new) and old:
        for place, pair in enumerate(zip(old, new, strict=True)):
            yield from _differences(name if len(old) == 1 else f"{name}[{place}]", *pair)
    else:
        yield f"{name}: {_short(old)} there, {_short(new)} here"


def _short(value: Any) -> str:
    text = "none" if value is None else value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
