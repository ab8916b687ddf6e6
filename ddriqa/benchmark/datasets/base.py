"""What every data set has in common: its rows become rated pictures, checked and complete."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from ddriqa.benchmark.datasets.files import FileIndex
from ddriqa.benchmark.datasets.names import ALIASES as OTHER_NAMES
from ddriqa.benchmark.datasets.names import DATASETS as OTHERS
from ddriqa.errors import DatasetError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

EXAMPLES = 3
EDITED = "an edited copy?"
TOLERANCE = 1e-4
"""Of a self-check, as a share of the labels' range: the figures have four decimals."""


@dataclass(frozen=True)
class Row:
    """One row of a label table.

    Attributes:
        file: the picture's name with as much of its folder as makes it unique, with ``/``.
        label: as printed; never flipped or rescaled.
        group: what is worth a row of its own in a table of results: a type of damage, a camera.
        reference: the undamaged picture's name.
        split: of the owners.
        std: the label's deviation over observers.
        instead: other names under which copies of the set hold the picture.
    """

    file: str
    label: float
    group: str | None = None
    reference: str | None = None
    split: str | None = None
    std: float | None = None
    instead: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rated:
    """A picture and what people said of it. See ``Row``; ``path`` is the file's."""

    name: str
    path: Path
    label: float
    group: str | None = None
    reference: str | None = None
    split: str | None = None
    std: float | None = None


@dataclass(frozen=True)
class SelfCheck:
    """Figures of a label table, to see that it is the one meant. ``std`` is the population's."""

    count: int
    low: float
    high: float
    mean: float
    std: float | None = None


@dataclass(frozen=True)
class Protocol:
    """A list of pictures and a label that a paper used.

    Attributes:
        about: in a few words: which pictures, which label, whose list.
        label: the label's column or variable.
        check: of the label table under this protocol; None where no figures are known.
        split: the owners' split that it takes; None for the whole set.
    """

    about: str
    label: str
    check: SelfCheck | None = None
    split: str | None = None


@dataclass
class RatedSet:
    """A data set as one protocol takes it.

    Attributes:
        pictures: those that are there, in the label table's order.
        missing: names of labelled pictures that aren't there.
        unlabelled: how many pictures are there that have no label.
        warnings: sentences.
    """

    dataset: Dataset
    protocol: str
    split: str | None
    root: Path
    pictures: list[Rated]
    missing: list[str] = field(default_factory=list)
    unlabelled: int = 0
    warnings: list[str] = field(default_factory=list)


class Dataset(ABC):
    """A data set as its owners distribute it. Subclasses fill the facts and give ``rows``.

    Attributes:
        name: as the command line knows it.
        title: as people write it, with the year.
        count: how many labelled pictures there are in all.
        higher_is_better: the direction of the label.
        label_range: the nominal range of the label, as its owners print it.
        splits: names of the owners' splits; empty where there are none.
        groups: what a group is, in a word or two (``type of damage``); empty where there is none.
        short_side: pictures are shrunk to this short side first, as the field does with the set;
            None for full size.
        protocols: by name; ``official`` is the default one, ``ddr`` and ``sfd`` the papers' own.
        development: it served for choosing settings, so that its figures aren't those of unseen
            data; said wherever they stand.
        own: a user's table, of which nothing is published.
        split_checks: (protocol, split) -> figures of that part.
        layout: the tree of files, for people.
        source: where to ask for it, and on what conditions.
    """

    name: str
    title: str
    count: int
    higher_is_better: bool = True
    label_range: tuple[float, float]
    splits: tuple[str, ...] = ()
    groups: str = ""
    short_side: int | None = None
    protocols: Mapping[str, Protocol]
    development: bool = False
    own: bool = False
    split_checks: Mapping[tuple[str, str], SelfCheck] = MappingProxyType({})
    layout: str
    source: str
    endings: tuple[str, ...] = (".bmp", ".jpg", ".jpeg", ".png")

    @abstractmethod
    def rows(self, files: FileIndex, protocol: str) -> Iterable[Row]:
        """The rows of the label table in its own order, for a protocol.

        Raises:
            DatasetError: no label table, or not the one that its name says; ``self.absent``
                makes the message for one that isn't there.
        """

    def is_unlabelled(self, file: str, protocol: str) -> bool:
        """Whether a picture that has no row under a protocol should have had one (a reference
        shouldn't)."""
        return True

    def load(
        self,
        root: Path,
        protocol: str = "official",
        split: str | None = None,
        *,
        incomplete: bool = False,
    ) -> RatedSet:
        """The rated pictures of a protocol.

        Args:
            root: the folder of the set, or one that holds it in a folder of the set's name.
            protocol: see ``protocols``.
            split: of ``splits``, instead of the protocol's own.
            incomplete: whether pictures may be missing.

        Raises:
            UsageError: an unknown protocol or split.
            DatasetError: the set or a part of it isn't there, or its label table isn't one or
                doesn't tell the splits.
        """
        chosen = self._protocol(protocol)
        split = self._split(split or chosen.split)
        files = FileIndex(self._place(root))
        rows = list(self.rows(files, protocol))
        self._refuse_double(rows, files)
        warnings = self._check(rows, chosen.check)
        taken = [row for row in rows if split is None or row.split == split]
        if split is not None and taken:
            warnings += self._check(taken, self.split_checks.get((protocol, split)))
        if not taken:
            reason = f"its label table doesn't say which pictures are the part {split!r}"
            raise DatasetError(str(files.root), reason, self._help())
        found, missing, doubtful = _look_up(taken, files)
        if doubtful:
            warnings.append(
                f"{self.title}: {len(doubtful)} of the pictures are there twice, and the first "
                f"in the alphabet is taken ({_some(doubtful)})"
            )
        if missing and (not incomplete or not found):
            raise self._partial(files.root, missing, len(found))
        loaded = RatedSet(self, protocol, split, files.root, found, missing, warnings=warnings)
        self._note_unlabelled(loaded, rows, files)
        return loaded

    def absent(self, root: Path, what: str) -> DatasetError:
        """The failure that says what isn't there, how the set is laid out, and who has it."""
        return DatasetError(str(root), f"holds no {what} of {self.title}", self._help())

    def _protocol(self, name: str) -> Protocol:
        if name not in self.protocols:
            known = "; ".join(f"{key} ({p.about})" for key, p in self.protocols.items())
            raise UsageError(
                "--protocol", f"{self.name} has none named {name!r}", f"Known: {known}"
            )
        return self.protocols[name]

    def _split(self, name: str | None) -> str | None:
        if name is not None and name not in self.splits:
            known = f"Known: {', '.join(self.splits)}" if self.splits else "It has none"
            raise UsageError("--split", f"unknown split {name!r} of {self.name}", known)
        return name

    def _place(self, root: Path) -> Path:
        if not root.is_dir():
            raise DatasetError(str(root), f"no such folder, for {self.title}", self._help())
        if (inside := folder_of(root, self.name)) is not None:
            return inside
        if not self.own and any(folder_of(root, name) for name in OTHERS):
            raise DatasetError(str(root), f"holds no folder {self.name}", self._help())
        return root

    def _help(self) -> str:
        return f"Layout of {self.name}:\n{self.layout.strip()}\nFrom {self.source}"

    def _partial(self, root: Path, missing: Sequence[str], found: int) -> DatasetError:
        total = len(missing) + found
        verb = "isn't" if len(missing) == 1 else "aren't"
        count = f"{len(missing)} of the {total} pictures of {self.title}"
        reason = f"{count} {verb} there ({_some(missing)})"
        hint = self._help()
        if found:
            hint = f"To take those that are there, add --incomplete. {hint}"
        return DatasetError(str(root), reason, hint)

    def _check(self, rows: Sequence[Row], check: SelfCheck | None) -> list[str]:
        if not rows:
            raise DatasetError(self.name, "its label table is empty", self._help())
        labels = [row.label for row in rows]
        if broken := [row.file for row in rows if not math.isfinite(row.label)]:
            raise DatasetError(self.name, f"the label of {broken[0]} isn't a number")
        if check is None:
            return []
        mean = math.fsum(labels) / len(labels)
        deviation = math.sqrt(math.fsum((x - mean) ** 2 for x in labels) / len(labels))
        seen = {
            "labels": (len(labels), check.count, 0.0),
            "least": (min(labels), check.low, TOLERANCE),
            "greatest": (max(labels), check.high, TOLERANCE),
            "mean": (mean, check.mean, TOLERANCE),
            "deviation": (deviation, check.std, TOLERANCE),
        }
        width = check.high - check.low
        return [
            f"{self.title}: {name} {_number(here)} instead of {_number(there)}; {EDITED}"
            for name, (here, there, tolerance) in seen.items()
            if there is not None and abs(here - there) > tolerance * width
        ]

    def _note_unlabelled(self, loaded: RatedSet, rows: Sequence[Row], files: FileIndex) -> None:
        used = {files.find(row.file, *row.instead) for row in rows}
        spare = [
            name
            for path in files.pictures(self.endings)
            if path not in used
            and self.is_unlabelled(name := path.relative_to(files.root).as_posix(), loaded.protocol)
        ]
        loaded.unlabelled = len(spare)
        if spare:
            verb = "picture has" if len(spare) == 1 else "pictures have"
            loaded.warnings.append(f"{self.title}: {len(spare)} {verb} no label ({_some(spare)})")
        if loaded.missing:
            verb = "picture isn't" if len(loaded.missing) == 1 else "pictures aren't"
            loaded.warnings.append(
                f"{self.title}: {len(loaded.missing)} labelled {verb} there "
                f"({_some(loaded.missing)})"
            )

    def _refuse_double(self, rows: Sequence[Row], files: FileIndex) -> None:
        twice = [name for name, count in Counter(row.file for row in rows).items() if count > 1]
        if twice:
            reason = f"the label table of {self.title} names a picture twice ({_some(twice)})"
            raise DatasetError(str(files.root), reason)


def folder_of(root: Path, name: str) -> Path | None:
    """The folder of a data set in ``root``, whatever its case; or under another name of it."""
    names = {name, *(alias for alias, known in OTHER_NAMES.items() if known == name)}
    found = [path for path in sorted(root.iterdir()) if path.name.lower() in names]
    return next((path for path in found if path.is_dir()), None)


def _some(names: Sequence[str]) -> str:
    more = ", ..." if len(names) > EXAMPLES else ""
    return ", ".join(names[:EXAMPLES]) + more


def _look_up(rows: Sequence[Row], files: FileIndex) -> tuple[list[Rated], list[str], list[str]]:
    """The pictures that are there, the names of those that aren't, and of those that are twice."""
    found, missing, doubtful = [], [], []
    for row in rows:
        path = files.find(row.file, *row.instead)
        if path is None:
            missing.append(row.file)
            continue
        if len(files.fitting(row.file)) > 1:
            doubtful.append(row.file)
        marks = (row.group, row.reference, row.split, row.std)
        found.append(Rated(row.file, path, row.label, *marks))
    return found, missing, doubtful


def _number(value: float) -> str:
    return f"{value:.6g}"
