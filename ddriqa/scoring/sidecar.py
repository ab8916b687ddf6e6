"""``OUTPUT.json`` beside every output: how its numbers were made, and whether it is complete.

It is written before the first row with ``finished`` null, and once more after the last one.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from ddriqa.errors import OutputError, UsageError
from ddriqa.scoring.replacing import replacing
from ddriqa.scoring.table import ANEW, write_failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

KEYS = {"columns", "encoder", "metrics", "format", "finished"}
"""What every sidecar has; what hasn't is another program's."""

FIXING = (
    *("precision", "draft", "max_pixels", "format", "shard", "columns"),
    *("percentile_reference", "relative_to", "short_side"),
)
"""Settings that must be the same in all rows of a table, beside the encoder and the metrics."""

FOLLOWS = {"prompts": ("types",), "columns": ("types", "metric"), "view": ("encoder", "geometry")}
"""What isn't worth a word where that which it follows from isn't the same either."""

VERSIONS = ("ddriqa", "torch", "pillow", "device")
"""What may move the last digits only."""

MOST_NAMED, HEX_SHOWN, LONGEST = 4, 12, 60


def sidecar_path(output: Path) -> Path:
    """Where the sidecar of an output lies: ``scores.csv`` -> ``scores.csv.json``."""
    return output.with_name(output.name + ".json")


def write_sidecar(output: Path, content: Mapping[str, Any], next_step: str = "") -> Path:
    """Write the sidecar of an output, whole or not at all; returns its path.

    Args:
        output: the table.
        content: plain values.
        next_step: what a message says can be done where it can't be written.

    Raises:
        OutputError: it can't be written.
    """
    path = sidecar_path(output)
    text = json.dumps(content, indent=2, default=str) + "\n"
    try:
        with replacing(path) as stream:
            stream.write(text.encode("utf-8"))
    except OSError as fault:
        raise write_failure(path, fault, next_step) from fault
    return path


def read_sidecar(output: Path) -> dict[str, Any]:
    """The sidecar of an output.

    Raises:
        OutputError: there is none, or it isn't one of ddriqa's.
    """
    path = sidecar_path(output)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if not output.exists():
            raise OutputError(str(output), "no such file") from None
        reason = f"has no sidecar ({path.name}), so how its rows were made isn't known"
        raise OutputError(str(output), reason, ANEW) from None
    except OSError as fault:
        raise OutputError(str(path), (fault.strerror or "can't be read").lower()) from fault
    except ValueError as fault:
        raise OutputError(str(path), "isn't a sidecar of ddriqa's", ANEW) from fault
    if not isinstance(content, dict) or not content.keys() >= KEYS:
        raise OutputError(str(path), "isn't a sidecar of ddriqa's", ANEW)
    return content


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What fixes the numbers and isn't the same, in words: ``types: blur there, noise here``."""
    before, after = _settings(old), _settings(json.loads(json.dumps(new, default=str)))
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return [
        _in_words(name, before.get(name), after.get(name))
        for name in names
        if not set(FOLLOWS.get(name.rpartition(" ")[2], ())) & set(names)
    ]


def other_versions(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What may move the last digits and isn't the same, in words."""
    return [
        _in_words(name, old.get(name), new.get(name))
        for name in VERSIONS
        if old.get(name) != new.get(name)
    ]


def check_same(output: Path, old: Mapping[str, Any], new: Mapping[str, Any], option: str) -> None:
    """Raise a ``UsageError`` that names the first settings of two runs that aren't the same."""
    if found := differences(old, new):
        reason = f"was made with other settings ({named(found)})"
        hint = "Use the same settings, or another output"
        raise UsageError(f"{option} {output}", reason, hint)


def named(found: list[str]) -> str:
    """A few differences, and how many more there are."""
    more = [f"and {len(found) - MOST_NAMED} more"] if len(found) > MOST_NAMED else []
    return "; ".join([*found[:MOST_NAMED], *more])


def _settings(about: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that fixes the numbers, by the names of the options where they have one."""
    metrics = about["metrics"]
    found = {"encoder": about["encoder"].get("fingerprint")}
    found["metric"] = [metric.get("name") for metric in metrics]
    for metric in metrics:
        prefix = f"{metric.get('name')} " if len(metrics) > 1 else ""
        found |= {prefix + name: value for name, value in _of_metric(metric)}
    return found | {name.replace("_", "-"): about.get(name) for name in FIXING}


def _of_metric(metric: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    rest = {name: value for name, value in metric.items() if name != "name"}
    prompts, view = rest.pop("types", {}), dict(rest.pop("view", {}))
    yield "types", list(prompts)
    yield "prompts", hashlib.sha256(json.dumps(prompts).encode()).hexdigest()[:HEX_SHOWN]
    yield "geometry", view.pop("geometry", None)
    yield "view", view
    yield from rest.items()


def _in_words(name: str, old: Any, new: Any) -> str:
    if name.endswith("prompts"):  # their digests say nothing to a reader
        return f"{name}: other sentences"
    return f"{name}: {_short(old)} there, {_short(new)} here"


def _short(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return _cut(", ".join(map(str, value)))
    if not isinstance(value, str):
        return _cut(json.dumps(value))
    name, colon, digest = value.rpartition(":")
    return f"{name}:{digest[:HEX_SHOWN]}" if colon and len(digest) == 64 else _cut(value)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
