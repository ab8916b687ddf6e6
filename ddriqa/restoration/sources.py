"""The data sets of a training, from the tables of its settings."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ddriqa.errors import DatasetError, UsageError
from ddriqa.restoration.data import CleanFolder, PairedFolder, Pairs, Tasks
from ddriqa.restoration.layouts import layouts, pairs
from ddriqa.restoration.trainer import Data

PARTS = ("train", "validation")
KINDS = ("set", "folder", "tasks")
OF_SETS = ("set", "split", "root", "complete")


def data_of(table: Mapping[str, Any], seed: int) -> Data:
    """The data sets of ``[data.train]`` and, where it is there, ``[data.validation]``.

    Each is one of

    - a set of ``layouts`` in its owners' layout: ``set``, ``split``, ``root``; ``complete = false``
      takes what is there of a partial copy; with ``damage``, its ground truth alone is taken and
      damaged; else ``scale`` is that of the set unless it is said;
    - a ``folder``: of pairs (``lq/``, ``gt/``, or a CSV file of them), or of clean pictures where
      ``damage`` is given (see ``synthesis``);
    - ``tasks``: name -> such a table with ``repeat``.

    Whatever else there is goes to ``PairedFolder`` or ``CleanFolder``. Validation takes whole
    pictures, and of these the first ``most``, where it says so; it is damaged by name
    (``Pairs.by_name``), as in ``ddriqa evaluate``.

    Raises:
        UsageError: tables or options that aren't known.
        DatasetError: pictures that aren't there.
    """
    if wrong := [part for part in table if part not in PARTS]:
        raise UsageError("data", f"has no part {wrong[0]!r}", f"It has {', '.join(PARTS)}")
    if "train" not in table:
        raise UsageError("data", "has no part train", "Say what to train with")
    validation = table.get("validation")
    return Data(
        pairs_of(table["train"], seed, "data.train"),
        None if validation is None else _first(validation, seed),
    )


def pairs_of(table: Mapping[str, Any], seed: int, name: str, *, by_name: bool = False) -> Pairs:
    """One data set; see ``data_of`` and ``Pairs.by_name``. ``name`` is what a message calls it."""
    found = _pairs_of(table, seed, name)
    found.by_name = by_name
    return found


def _pairs_of(table: Mapping[str, Any], seed: int, name: str) -> Pairs:
    if sum(kind in table for kind in KINDS) != 1:
        raise UsageError(name, f"must have one of {', '.join(KINDS)}")
    options = dict(table)
    if "tasks" in options:
        if others := [key for key in options if key != "tasks"]:
            raise UsageError(name, f"has {others[0]!r} beside its tasks", "Say it in each of them")
        members = {
            task: (
                pairs_of(_without(member, "repeat"), seed, f"{name}.{task}"),
                member.get("repeat", 1),
            )
            for task, member in options["tasks"].items()
        }
        return Tasks(members, seed)
    if "set" in options:
        title, split, root = table["set"], table.get("split", "train"), table.get("root", ".")
        found = pairs(title, split, Path(root), complete=table.get("complete", True))
        options = _without(options, *OF_SETS)
        if "damage" in options:
            return _made(CleanFolder, found, options, seed, name)
        if found[0].lq is None:
            said = "Say what damage is done to them"
            raise DatasetError(f"{title}/{split}", "is of clean pictures", said)
        options.setdefault("scale", layouts()[title].splits[split].scale)
        return _made(PairedFolder, found, options, seed, name)
    folder = options.pop("folder")
    kind = CleanFolder if "damage" in options else PairedFolder
    return _made(kind, folder, options, seed, name)


def _first(table: Mapping[str, Any], seed: int) -> Pairs:
    options, most = _without(table, "most"), table.get("most")
    found = pairs_of(options, seed, "data.validation", by_name=True)
    if most is not None:
        if not isinstance(found, PairedFolder | CleanFolder):
            raise UsageError("data.validation", "most is of one data set, not of tasks")
        found.files = found.files[:most]
    return found


def _made(
    kind: type[CleanFolder] | type[PairedFolder],
    source: Any,
    options: Mapping[str, Any],
    seed: int,
    name: str,
) -> Pairs:
    takes = [p for p in inspect.signature(kind).parameters if p not in ("source", "seed")]
    if wrong := [option for option in options if option not in takes]:
        raise UsageError(name, f"has no {wrong[0]!r}", f"It has {', '.join(takes)}")
    return kind(source, seed=seed, **options)


def _without(table: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name not in names}
