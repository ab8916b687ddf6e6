"""KonIQ-10k: photographs from the web. Its label files mean two things by ``MOS``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ddriqa.benchmark.datasets.base import Dataset, Protocol, Row, SelfCheck
from ddriqa.benchmark.datasets.tables import Line, Table, read_csv
from ddriqa.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ddriqa.benchmark.datasets.files import FileIndex

TABLES = (
    "koniq10k_scores_and_distributions.csv",
    "koniq10k_scores.csv",
    "koniq10k_distributions_sets.csv",
)
"""Label tables of the owners, the first one that has the label is taken."""

SETS = {"training": "train", "validation": "val", "test": "test"}
GREATEST_RAW = 5.0
CHOICES = ("c1", "c2", "c3", "c4", "c5")
CHECK_RAW = SelfCheck(10073, 1.0962, 4.3100, 3.1620, 0.5522)
CHECK_PARTS = {
    "train": SelfCheck(7058, 1.0962, 4.2381, 3.1620, 0.5523),
    "val": SelfCheck(1000, 1.2124, 4.1071, 3.1603, 0.5495),
    "test": SelfCheck(2015, 1.1863, 4.3100, 3.1627, 0.5530),
}
"""Of the raw MOS."""
CHECKS_OF_PARTS = {
    (protocol, split): check
    for protocol in ("official", "ddr", "sfd")
    for split, check in CHECK_PARTS.items()
}
CHECK_Z = SelfCheck(10073, 3.9118, 88.3889, 58.7296, 15.4317)


class KonIQ10k(Dataset):
    """Hosu, Lin, Sziranyi, Saupe, "KonIQ-10k: an ecologically valid database for deep learning of
    blind image quality assessment", IEEE TIP 2020.

    Two labels: the raw mean of ratings from 1 to 5, and the mean of z-scores on 0 to 100; a
    column ``MOS`` is raw where its greatest value is at most 5. A table with the z-scored one
    gives the raw one through its distribution of ratings (``c1`` to ``c5``). ``std`` belongs to
    raw ratings, so it is None under ``zscore``. The splits are in
    ``koniq10k_distributions_sets.csv``; without it ``split`` is None.
    """

    name = "koniq10k"
    title = "KonIQ-10k (2018)"
    count = 10073
    label_range = (1.0, 5.0)
    splits = ("train", "val", "test")
    protocols = {
        "official": Protocol("all 10073 at 1024x768, raw MOS from 1 to 5", "MOS", CHECK_RAW),
        "ddr": Protocol("all 10073, raw MOS, as MDFS and DDR", "MOS", CHECK_RAW),
        "sfd": Protocol(
            "all 10073 at 1024x768, raw MOS, as RecycleD and SFD; Table 4 by --split",
            "MOS",
            CHECK_RAW,
        ),
        "zscore": Protocol(
            "the official test part, z-scored MOS from 0 to 100, as CLIP-IQA",
            "MOS_zscore",
            CHECK_Z,
            split="test",
        ),
    }
    split_checks = CHECKS_OF_PARTS
    layout = """\
1024x768/<id>.jpg (10073; the copy of 512x384 won't do)
koniq10k_scores_and_distributions.csv
koniq10k_distributions_sets.csv, for the splits and the protocol zscore
"""
    source = (
        "University of Konstanz (direct download); the splits from the repository "
        "subpic/koniq, folder metadata"
    )

    def rows(self, files: FileIndex, protocol: str) -> Iterator[Row]:
        label = self._label(files, z_scored=protocol == "zscore")
        splits = _splits(files)
        for line in label.table.lines:
            name = line.text(label.name)
            yield Row(
                f"1024x768/{name}",
                label.value(line),
                split=splits.get(name),
                std=label.std(line),
                instead=(f"koniq10k_1024x768/{name}",),
            )

    def is_unlabelled(self, file: str, protocol: str) -> bool:
        return file.rpartition("/")[0].endswith("1024x768")

    def _label(self, files: FileIndex, z_scored: bool) -> _Label:
        paths = [path for name in TABLES if (path := files.find(name))]
        if not paths:
            raise self.absent(files.root, TABLES[0])
        for path in paths:
            table = read_csv(path)
            if value := (_z_scored if z_scored else _raw)(table):
                deviation = None if z_scored else table.column("SD")
                return _Label(table, table.need("image_name"), value, deviation)
        wanted = "z-scored MOS" if z_scored else "raw MOS, nor c1 to c5 to compute it from"
        reason = f"has no {wanted}, in {', '.join(path.name for path in paths)}"
        raise DatasetError(str(files.root), reason, f"Take the owners' {TABLES[0]}")


@dataclass(frozen=True)
class _Label:
    """Where a label comes from: a table, and how a line of it gives the value."""

    table: Table
    name: str
    value: Callable[[Line], float]
    deviation: str | None

    def std(self, line: Line) -> float | None:
        return None if self.deviation is None else line.value(self.deviation)


def _raw(table: Table) -> Callable[[Line], float] | None:
    column = table.column("MOS")
    if column is not None and _is_raw(table, column):
        return lambda line: line.value(column)
    choices = [name for choice in CHOICES if (name := table.column(choice))]
    if len(choices) < len(CHOICES):
        return None
    return lambda line: _mean_rating(line, choices)


def _z_scored(table: Table) -> Callable[[Line], float] | None:
    column = table.column("MOS_zscore")
    if column is None:
        column = table.column("MOS")
        if column is None or _is_raw(table, column):
            return None
    return lambda line: line.value(column)


def _is_raw(table: Table, column: str) -> bool:
    return max((line.value(column) for line in table.lines), default=0.0) <= GREATEST_RAW


def _mean_rating(line: Line, choices: list[str]) -> float:
    """The mean of ratings 1 to 5, of columns that say how many (or which share) chose each."""
    shares = [line.value(choice) for choice in choices]
    if sum(shares) <= 0:
        raise line.wrong(choices[0], "nobody chose any rating")
    return sum(rating * share for rating, share in enumerate(shares, 1)) / sum(shares)


def _splits(files: FileIndex) -> dict[str, str]:
    """The split of each picture, empty where no table has them."""
    for name in reversed(TABLES):
        path = files.find(name)
        table = read_csv(path) if path else None
        column = table.column("set") if table else None
        if table and column:
            image = table.need("image_name")
            return {line.text(image): _split(line, column) for line in table.lines}
    return {}


def _split(line: Line, column: str) -> str:
    value = line.text(column)
    if value not in SETS:
        raise line.wrong(column, f"{value!r} is none of {', '.join(SETS)}")
    return SETS[value]
