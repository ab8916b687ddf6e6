"""One run of ``ddriqa train-restore``: settings from options, the trainer, and what is said."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ddriqa.cli.interrupts import Interruptible
from ddriqa.cli.talk import tell
from ddriqa.errors import INTERRUPTED, OK, UsageError, all_of

if TYPE_CHECKING:
    from types import SimpleNamespace

    from ddriqa.restoration.methods.base import Method
    from ddriqa.restoration.progress import Progress
    from ddriqa.restoration.settings import Settings

NETWORK, STEPS, CROP = "nafnet/small", 20_000, 128
LOOKS = 20
"""Validations of a run without preset or settings."""
OF_NEW_RUNS = (
    *("network", "preset", "settings", "data", "damage", "validate", "data_root"),
    *("steps", "batch_size", "crop", "lr", "seed", "device"),
)
CACHE = 512 << 20
"""Bytes of decoded pictures that are kept."""


def run(given: SimpleNamespace) -> int:
    """Train; the exit code."""
    from ddriqa.restoration.defaults import written_out
    from ddriqa.restoration.methods import catalogue as methods
    from ddriqa.restoration.run_folder import RunFolder
    from ddriqa.restoration.settings import from_table
    from ddriqa.restoration.sources import data_of
    from ddriqa.restoration.trainer import Trainer

    if given.method not in methods.METHODS:
        known = f"Known: {', '.join(methods.METHODS)}"
        raise UsageError("METHOD", f"unknown name {given.method!r}", known)
    if given.resume:
        _check_alone(given)
    settings = RunFolder(given.out).settings() if given.resume else from_table(_table(given))
    if given.resume and given.method != settings.method.name:
        raise UsageError("--resume", f"{given.out} is a run of {settings.method.name}")
    data, method, _ = all_of(
        lambda: data_of(settings.data, settings.seed),
        lambda: _method(settings),
        lambda: _check_run(settings, given),
    )
    if not given.resume:
        settings = written_out(settings, method)
    interrupt = Interruptible("step")
    with interrupt, _bar(settings, quiet=given.quiet) as listen:
        trainer = Trainer(method, data, given.out, settings, resume=given.resume, listen=listen)
        outcome = trainer.run(stop=lambda: interrupt.asked)
    if not outcome.finished:
        again = f"ddriqa train-restore {given.method} --out {given.out} --resume"
        tell(f"saved after {outcome.step} of {outcome.steps} steps; to go on: {again}")
        return interrupt.exit_code or INTERRUPTED
    if not given.quiet:
        tell(f"trained {outcome.steps} steps; ddriqa restore photos/ --run {given.out} -o out/")
    return OK


def _method(settings: Settings) -> Method:
    """Its network has the weights that the seed gives."""
    import torch

    from ddriqa.restoration.methods import catalogue as methods
    from ddriqa.restoration.networks import catalogue as networks

    torch.manual_seed(settings.seed)
    network = networks.build(
        settings.network.name, settings.network.preset, **settings.network.options
    )
    return methods.build(network, settings)


def _check_run(settings: Settings, given: SimpleNamespace) -> None:
    """The device and the folder, which the trainer looks at as well, but only after all else."""
    from ddriqa.restoration import devices
    from ddriqa.restoration.run_folder import RunFolder
    from ddriqa.restoration.settings import refusal

    found = [
        *devices.problems(settings.training),
        *RunFolder(given.out).problems(settings, resume=given.resume),
    ]
    if found:
        raise refusal(found)


def _check_alone(given: SimpleNamespace) -> None:
    """A run is gone on with as it was begun: refuse what would have no effect."""
    for option in OF_NEW_RUNS:
        if getattr(given, option) is not None:
            flag = f"--{option.replace('_', '-')}"
            raise UsageError(flag, "can't be changed by --resume", "Leave it out, or begin anew")


def _table(given: SimpleNamespace) -> dict[str, Any]:
    """The settings as a table: a preset's or a file's, with the options above it."""
    from ddriqa.restoration.preset import read_preset
    from ddriqa.restoration.toml_file import read_toml

    if given.preset and given.settings:
        raise UsageError("--preset", "excludes --settings", "Give one of them")
    table: dict[str, Any] = {}
    if given.preset:
        table = read_preset(given.method, given.preset)
    elif given.settings:
        table = read_toml(given.settings)
    table["method"] = {"name": given.method, **_without_name(table.get("method", {}))}
    if given.network or "network" not in table:
        name, _, preset = (given.network or NETWORK).partition("/")
        table["network"] = {"name": name, "preset": preset or "small"}
    training = table.setdefault("training", {})
    if not (given.preset or given.settings):  # a run of any length has something to look at
        often = max(1, (given.steps or STEPS) // LOOKS)
        training |= {"validate_every": often, "save_every": min(1000, often)}
        training["log_every"] = min(100, often)
    training.setdefault("steps", STEPS)
    for option, key in (("steps", "steps"), ("batch_size", "batch_size"), ("device", "device")):
        if getattr(given, option) is not None:
            training[key] = getattr(given, option)
    if given.lr is not None:
        table.setdefault("optimiser", {})["lr"] = given.lr
    if given.seed is not None:
        table["seed"] = given.seed
    _add_data(table, given)
    return table


def _add_data(table: dict[str, Any], given: SimpleNamespace) -> None:
    data = table.setdefault("data", {})
    if given.damage and not (given.data or given.validate):
        raise UsageError("--damage", "is done to the pictures of --data", "Give their folder")
    if given.data:
        crop = given.crop or data.get("train", {}).get("crop", CROP)
        options = {"crop": crop, "flips": True, "rotations": True, "cache": CACHE}
        data["train"] = {"folder": str(given.data.resolve()), **options, **damage_of(given.damage)}
    elif given.crop:
        for member in _members(data.get("train", {})):
            member["crop"] = given.crop
    if given.validate:
        data["validation"] = {"folder": str(given.validate.resolve()), **damage_of(given.damage)}
    if given.data_root:
        for part in data.values():
            for member in _members(part):
                if "set" in member:
                    member["root"] = str(given.data_root.resolve() / member["set"])
    if "train" not in data:
        raise UsageError("--data", "what to train with isn't said", "Give a folder, or --preset")


def _members(part: dict[str, Any]) -> list[dict[str, Any]]:
    """The tables of a part of the data that name pictures: those of its tasks, or itself."""
    return list(part["tasks"].values()) if "tasks" in part else [part]


def damage_of(text: str | None) -> dict[str, Any]:
    """``gaussian_noise,sigma=25,clip=false`` as the option ``damage`` of a data set; nothing for
    None.

    Raises:
        UsageError: it isn't of that form.
    """
    if not text:
        return {}
    name, *pairs = text.split(",")
    spec: dict[str, Any] = {"degradation": name}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise UsageError("--damage", f"{pair!r} isn't KEY=VALUE", "Say gaussian_noise,sigma=25")
        spec[key] = _value(value)
    return {"damage": spec}


def _value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    low, dots, high = text.partition("..")
    try:
        return [_number(low), _number(high)] if dots else _number(text)
    except ValueError:  # a word
        return text


def _number(text: str) -> int | float:
    value = float(text)
    return int(text) if text.lstrip("+-").isdigit() else value


def _without_name(table: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key != "name"}


@contextlib.contextmanager
def _bar(settings: Settings, *, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    from ddriqa.cli.progress import duration

    console = Console(stderr=True)
    shown = console.is_terminal and not console.is_dumb_terminal and not quiet
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[words]}"))
    with Bar(*columns, console=console, transient=True, disable=not shown) as bar:
        task = bar.add_task("Training", total=settings.training.steps, words="")

        def listen(progress: Progress) -> None:
            left = progress.seconds_left
            words = f"{progress.step} of {progress.steps}, loss {progress.loss:.4g}"
            words += f", {progress.images_per_second:.1f} images/s"
            words += f", {duration(left)} left" if left is not None else ""
            bar.update(task, completed=progress.step, description=progress.stage, words=words)

        yield listen
