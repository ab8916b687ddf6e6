"""Which data sets ``ddriqa bench`` is to take, and where they lie."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ddriqa.errors import UsageError

if TYPE_CHECKING:
    from types import SimpleNamespace

    from ddriqa.benchmark.datasets.base import Dataset

OF_OWN_TABLES = ("image_column", "label_column", "group_column", "split_column", "lower_is_better")
"""Options that say something of ``csv:FILE`` alone."""


def chosen_sets(given: SimpleNamespace) -> tuple[list[tuple[Dataset, Path]], list[str]]:
    """The data sets with their places, and sentences on those that were left out.

    Raises:
        UsageError: none, one twice, an unknown one, no place, or options of ``csv:`` without it.
        DatasetError: a table of one's own that can't be read.
    """
    own = any(name.startswith("csv:") for name in given.dataset or [])
    for option in OF_OWN_TABLES:
        if getattr(given, option) and not own:
            flag = f"--{option.replace('_', '-')}"
            raise UsageError(flag, "is for a table of your own", "Give --dataset csv:FILE")
    if given.all:
        return _all(given)
    if not given.dataset:
        raise UsageError("--dataset", "none is given", "ddriqa bench --list shows them")
    sets = [_named(name, given) for name in given.dataset]
    names = [found.name for found, _ in sets]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageError("--dataset", f"two of them are called {twice[0]}", "Run them one by one")
    return sets, []


def _all(given: SimpleNamespace) -> tuple[list[tuple[Dataset, Path]], list[str]]:
    from ddriqa.benchmark.datasets import DATASETS, dataset
    from ddriqa.benchmark.datasets.base import folder_of

    if given.dataset:
        raise UsageError("--all", "excludes --dataset", "Give one of them")
    root = _root(given)
    if not root.is_dir():
        raise UsageError(f"--root {root}", "no such folder")
    there = [dataset(name) for name in DATASETS if folder_of(root, name)]
    if not there:
        hint = f"They lie in folders of their names: {', '.join(DATASETS)}"
        raise UsageError(f"--root {root}", "holds none of the data sets", hint)
    protocol = given.protocol or "official"
    fitting = [
        known
        for known in there
        if protocol in known.protocols and (given.split is None or given.split in known.splits)
    ]
    left_out = [known.name for known in there if known not in fitting]
    wanted = f"protocol {protocol}" + (f" with a split {given.split}" if given.split else "")
    if not fitting:
        reason = f"none of {', '.join(left_out)} has the {wanted}"
        raise UsageError("--all", reason, "ddriqa bench --list shows what they have")
    words = [f"left out, without the {wanted}: {', '.join(left_out)}"] if left_out else []
    return [(known, root) for known in fitting], words


def _named(name: str, given: SimpleNamespace) -> tuple[Dataset, Path]:
    from ddriqa.benchmark.datasets import dataset
    from ddriqa.benchmark.datasets.csv_file import CsvFile

    if not name.startswith("csv:"):
        return dataset(name), _root(given)
    file = Path(name.removeprefix("csv:"))
    if not file.is_file():
        raise UsageError(f"--dataset {name}", "no such file", "Say csv:my/scores.csv")
    table = CsvFile(
        file,
        image_column=given.image_column,
        label_column=given.label_column,
        group_column=given.group_column,
        split_column=given.split_column,
        lower_is_better=given.lower_is_better,
    )
    return table, given.root or file.parent


def _root(given: SimpleNamespace) -> Path:
    if given.root is None:
        hint = "Give --root FOLDER, or set DDRIQA_ROOT"
        raise UsageError("--root", "where the data set lies isn't said", hint)
    return given.root
