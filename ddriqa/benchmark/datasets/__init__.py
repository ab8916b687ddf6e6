"""The field's image quality data sets, read as their owners distribute them. A file a set.

Nothing is downloaded. ``DATASETS`` names them; ``load`` gives the pictures with their labels.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING

from ddriqa.benchmark.datasets.names import ALIASES, DATASETS
from ddriqa.errors import UsageError

__all__ = ["ALIASES", "DATASETS", "dataset"]

if TYPE_CHECKING:
    from ddriqa.benchmark.datasets.base import Dataset


def dataset(name: str) -> Dataset:
    """The data set of a name or an alias, in any case.

    Raises:
        UsageError: there is none.
    """
    key = name.lower()
    key = ALIASES.get(key, key)
    if key not in DATASETS:
        known = f"Known: {', '.join(DATASETS)}, csv:FILE"
        if near := get_close_matches(key, [*DATASETS, *ALIASES], n=1):
            known = f"Did you mean {near[0]}? {known}"
        raise UsageError("--dataset", f"unknown name {name!r}", known)
    module, attribute = DATASETS[key].split(":")
    return getattr(import_module(module), attribute)()
