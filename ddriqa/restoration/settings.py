"""What fixes a training run: a tree of dataclasses, the same tree as ``settings.toml``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, get_origin, get_type_hints

from ddriqa.errors import UsageError


def _number(default: float, *, least: float | None = None, above: float | None = None) -> Any:
    return field(default=default, metadata={"least": least, "above": above})


def _choice(default: str, *names: str) -> Any:
    return field(default=default, metadata={"choices": names})


@dataclass(frozen=True)
class NetworkSettings:
    """A network of ``networks.catalogue``: its name, a preset, arguments that differ from it."""

    name: str
    preset: str = "small"
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class MethodSettings:
    """A method of ``methods.catalogue`` and what it wants to know."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OptimiserSettings:
    """``betas`` are those of Adam and AdamW; of SGD the first one is the momentum."""

    name: str = _choice("adamw", "adam", "adamw", "sgd")
    lr: float = _number(1e-3, above=0)
    weight_decay: float = _number(0.0, least=0)
    betas: list[float] = field(default_factory=lambda: [0.9, 0.999])


@dataclass(frozen=True)
class ScheduleSettings:
    """How the learning rate goes, in steps of a stage.

    Attributes:
        name: ``constant``, ``cosine`` or ``step``.
        warmup: steps over which it rises linearly to its full value.
        hold: of cosine: steps at the full value before it falls (Restormer: 92,000).
        final_lr: of cosine: where it ends.
        length: of cosine: the step at which it has ended; 0 is the stage's last one.
        milestones: of step: after how many steps it is multiplied by ``gamma``.
        gamma: of step.
    """

    name: str = _choice("cosine", "constant", "cosine", "step")
    warmup: int = _number(0, least=0)
    hold: int = _number(0, least=0)
    final_lr: float = _number(1e-7, least=0)
    length: int = _number(0, least=0)
    milestones: list[int] = field(default_factory=list)
    gamma: float = _number(0.5, above=0)


@dataclass(frozen=True)
class TrainingSettings:
    """The trainer's own.

    Attributes:
        steps: optimiser steps.
        batch_size: pictures in a step, over all devices and parts together.
        accumulate: parts that a device's share of a batch is computed in, one after another.
        clip_norm: largest global norm of an optimiser's gradients; 0 doesn't clip.
        ema: decay of the averaged weights, below 1; 0 keeps none.
        precision: ``float32``, ``bfloat16`` or ``float16`` (the last two mixed).
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        devices: of that kind on each machine.
        machines: that train together.
        workers: processes that read ahead, per device; 0 reads in the training process.
        log_every: steps between rows of ``metrics.csv``.
        validate_every: steps between validations; also after the last step.
        save_every: steps between checkpoints; also after the last step.
        keep: checkpoints that stay; older ones are removed.
        samples: validation pictures on a sample sheet.
    """

    steps: int = _number(200_000, least=1)
    batch_size: int = _number(4, least=1)
    accumulate: int = _number(1, least=1)
    clip_norm: float = _number(0.01, least=0)
    ema: float = _number(0.0, least=0)
    precision: str = _choice("float32", "float32", "bfloat16", "float16")
    device: str = _choice("auto", "auto", "cpu", "cuda", "mps")
    devices: int = _number(1, least=1)
    machines: int = _number(1, least=1)
    workers: int = _number(0, least=0)
    log_every: int = _number(100, least=1)
    validate_every: int = _number(5000, least=1)
    save_every: int = _number(1000, least=1)
    keep: int = _number(2, least=1)
    samples: int = _number(4, least=0)


@dataclass(frozen=True)
class Settings:
    """Everything that fixes a run's result; ``data`` belongs to whoever builds the data sets."""

    network: NetworkSettings
    method: MethodSettings
    seed: int = _number(0, least=0)
    data: dict[str, Any] = field(default_factory=dict)
    optimiser: OptimiserSettings = field(default_factory=OptimiserSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)


WITHOUT_EFFECT = {"training.workers", "training.save_every", "training.keep"}
"""Settings that a resumed run may change: they don't reach its result."""


def problems(settings: Settings) -> list[str]:
    """All that is wrong with the values, a phrase each; empty if nothing is."""
    return [*_out_of_range(settings, ""), *_contradictions(settings)]


def from_table(table: Mapping[str, Any]) -> Settings:
    """The settings that a TOML table says.

    Raises:
        UsageError: naming everything at once: unknown names, wrong types, missing entries,
            values out of range.
    """
    found: list[str] = []
    settings = _read(Settings, table, "", found)
    found += problems(settings) if settings is not None else []
    if found:
        raise refusal(found)
    return settings


def refusal(found: list[str]) -> UsageError:
    """Everything that is wrong, as one error."""
    return UsageError("training settings", "; ".join(found))


def differences(old: Settings, new: Settings) -> list[str]:
    """What differs and reaches the result, as ``name: old there, new here``."""
    there, here = dict(_leaves(old, "")), dict(_leaves(new, ""))
    names = [*here, *(name for name in there if name not in here)]
    return [
        f"{name}: {there.get(name)!r} there, {here.get(name)!r} here"
        for name in names
        if there.get(name) != here.get(name) and name not in WITHOUT_EFFECT
    ]


def _leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if is_dataclass(value):
        value = {part.name: getattr(value, part.name) for part in fields(value)}
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _leaves(below, f"{name}.{key}" if name else key)
    else:
        yield name, value


def _out_of_range(part: Any, prefix: str) -> Iterator[str]:
    for entry in fields(part):
        value, name, limits = getattr(part, entry.name), prefix + entry.name, entry.metadata
        if is_dataclass(value):
            yield from _out_of_range(value, f"{name}.")
        elif (choices := limits.get("choices")) and value not in choices:
            yield f"{name} is {value!r}, not one of {', '.join(choices)}"
        elif (least := limits.get("least")) is not None and not value >= least:
            yield f"{name} is {value}, {least} is the least"
        elif (above := limits.get("above")) is not None and not value > above:
            yield f"{name} is {value}, it must be above {above}"


def _contradictions(settings: Settings) -> Iterator[str]:
    training, schedule = settings.training, settings.schedule
    parts = training.devices * training.machines * training.accumulate
    if parts >= 1 and training.batch_size % parts:
        yield (
            f"training.batch_size is {training.batch_size}, not a multiple of "
            f"devices × machines × accumulate = {parts}"
        )
    if training.ema >= 1:
        yield f"training.ema is {training.ema}, it must be below 1"
    betas = settings.optimiser.betas
    if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
        yield f"optimiser.betas is {betas}, not two numbers from 0 to below 1"
    if schedule.name == "step" and not schedule.milestones:
        yield "schedule.milestones is empty, and the step schedule needs some"
    if schedule.milestones != sorted(set(schedule.milestones)):
        yield f"schedule.milestones is {schedule.milestones}, not rising"
    if schedule.name == "cosine" and 0 < (schedule.length or training.steps) <= schedule.hold:
        yield f"schedule.hold is {schedule.hold}, and the schedule ends before that"


def _read(kind: Any, table: Mapping[str, Any], prefix: str, found: list[str]) -> Any:
    """A dataclass of that kind, or None where something is missing or of a wrong type."""
    hints, known, values = get_type_hints(kind), {part.name for part in fields(kind)}, {}
    found += [f"{prefix}{name} is unknown" for name in table if name not in known]
    before = len(found)
    for part in fields(kind):
        hint, name = hints[part.name], prefix + part.name
        if part.name not in table:
            if part.default is part.default_factory:  # both are MISSING
                found.append(f"{name} is missing")
        elif is_dataclass(hint) and isinstance(table[part.name], Mapping):
            values[part.name] = _read(hint, table[part.name], f"{name}.", found)
        elif _fits(table[part.name], hint):
            values[part.name] = _as(table[part.name], hint)
        else:
            found.append(f"{name} is {table[part.name]!r}, not {_in_words(hint)}")
    return kind(**values) if len(found) == before else None


def _fits(value: Any, hint: Any) -> bool:
    if get_origin(hint) is list:
        return isinstance(value, list) and all(_fits(entry, hint.__args__[0]) for entry in value)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, get_origin(hint) or hint)


def _as(value: Any, hint: Any) -> Any:
    return float(value) if hint is float else value


def _in_words(hint: Any) -> str:
    names = {int: "a whole number", float: "a number", str: "a text"}
    kind = get_origin(hint)
    return names.get(hint) or ("a list of numbers" if kind is list else "a table")
