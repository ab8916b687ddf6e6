"""The field's image quality data sets, read as their owners distribute them. A file a set.

Nothing is downloaded. ``DATASETS`` names them; ``load`` gives the pictures with their labels.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ddriqa.errors import UsageError

if TYPE_CHECKING:
    from ddriqa.benchmark.datasets.base import Dataset

DATASETS = {
    "live": "ddriqa.benchmark.datasets.live:LIVE",
    "csiq": "ddriqa.benchmark.datasets.csiq:CSIQ",
    "tid2013": "ddriqa.benchmark.datasets.tid2013:TID2013",
    "kadid10k": "ddriqa.benchmark.datasets.kadid10k:KADID10k",
    "koniq10k": "ddriqa.benchmark.datasets.koniq10k:KonIQ10k",
    "livec": "ddriqa.benchmark.datasets.livec:LIVEC",
    "cid2013": "ddriqa.benchmark.datasets.cid2013:CID2013",
    "spaq": "ddriqa.benchmark.datasets.spaq:SPAQ",
    "pipal": "ddriqa.benchmark.datasets.pipal:PIPAL",
    "ma": "ddriqa.benchmark.datasets.ma:Ma",
    "biq2021": "ddriqa.benchmark.datasets.biq2021:BIQ2021",
    "flive": "ddriqa.benchmark.datasets.flive:FLIVE",
    "agiqa3k": "ddriqa.benchmark.datasets.agiqa3k:AGIQA3K",
}
"""Name -> ``"module:class"``, resolved on use."""

ALIASES = {"koniq": "koniq10k", "kadid": "kadid10k", "live-itw": "livec", "clive": "livec"}
"""Other names that people use."""


def dataset(name: str) -> Dataset:
    """The data set of a name or an alias, in any case.

    Raises:
        UsageError: there is none.
    """
    key = name.lower()
    key = ALIASES.get(key, key)
    if key not in DATASETS:
        known = f"Known: {', '.join(DATASETS)}, csv:FILE"
        raise UsageError("--dataset", f"unknown name {name!r}", known)
    module, attribute = DATASETS[key].split(":")
    return getattr(import_module(module), attribute)()
