"""Anyone's own table of pictures and scores: ``csv:FILE``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ddriqa.benchmark.datasets.base import Dataset, Protocol, RatedSet, Row
from ddriqa.benchmark.datasets.tables import Line, read_csv
from ddriqa.errors import DatasetError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddriqa.benchmark.datasets.files import FileIndex

IMAGE = (
    *("image", "image_name", "name", "dist_img", "dist_name", "path", "file", "filename"),
    *("file_name", "image_path", "file_path", "img"),
)
LABEL = ("mos", "dmos", "mos_quality", "score", "quality_mos", "quality", "label", "rating")
GROUP, SPLIT = ("group",), ("split", "owner_split", "official_split", "set")
STD = ("std", "mos_std", "dmos_std", "sd")
COMMON_STEMS = ("scores", "score", "labels", "label", "mos")
"""Names of tables that say nothing of the set; the folder's name does."""

DEVELOPMENT_SETS = ("biq2021-dev",)
"""Tables in view of which this package's settings were chosen."""


class CsvFile(Dataset):
    """A table in UTF-8 with a header, separated by commas, semicolons or tabs.

    Args:
        path: the table.
        image_column: names of pictures, with as much of their folders as makes them unique. This
            and the others default to the first column with a usual name (``image``, ``name``,
            ``mos``, ``score``, ``group``, ``split``, ``std`` ...).
        label_column: scores of people.
        group_column: groups that get rows of their own in a table of results.
        split_column: splits.
        std_column: the scores' deviations over observers.
        lower_is_better: the direction of the scores, as a DMOS usually has it.

    Raises:
        UsageError: a column that isn't there, or that can't be told.
        DatasetError: the table can't be read or has no rows, or a score isn't a number.
    """

    endings = (".bmp", ".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff")

    def __init__(
        self,
        path: str | Path,
        image_column: str | None = None,
        label_column: str | None = None,
        group_column: str | None = None,
        split_column: str | None = None,
        std_column: str | None = None,
        lower_is_better: bool = False,
    ) -> None:
        self.path = Path(path)
        self._table = read_csv(self.path)
        self._image = self._needed("image", image_column, IMAGE, "names the pictures")
        self._label = self._needed("label", label_column, LABEL, "holds the scores")
        self._group = self._chosen("group", group_column, GROUP)
        self._split_column = self._chosen("split", split_column, SPLIT)
        self._std = self._chosen("std", std_column, STD)
        self._direction_is_a_guess = "dmos" in self._label.lower() and not lower_is_better
        self._describe(lower_is_better)

    def load(
        self,
        root: Path | None = None,
        protocol: str = "official",
        split: str | None = None,
        *,
        incomplete: bool = False,
    ) -> RatedSet:
        """See ``Dataset.load``. ``root`` is the pictures' folder, by default the table's own."""
        loaded = super().load(root or self.path.parent, protocol, split, incomplete=incomplete)
        if self._direction_is_a_guess:
            loaded.warnings.append(
                f"{self.path.name}: column {self._label!r} is taken as higher is better; "
                "if it isn't, add --lower-is-better"
            )
        return loaded

    def rows(self, files: FileIndex, protocol: str) -> Iterator[Row]:
        seen: dict[str, Line] = {}
        for line in self._table.lines:
            name = line.text(self._image)
            file = self._unambiguous(files, line, name.replace("\\", "/"))
            first = seen.setdefault(os.path.abspath(files.find(file) or file), line)
            if first is not line:
                raise line.wrong(self._image, f"{name!r} is the picture of row {first.number} too")
            yield Row(
                file,
                line.value(self._label),
                group=self._optional(line, self._group),
                split=self._optional(line, self._split_column),
                std=line.value(self._std) if self._std and line.cells[self._std] else None,
            )

    def _unambiguous(self, files: FileIndex, line: Line, name: str) -> str:
        fitting = files.fitting(name)
        if len(fitting) > 1:
            paths = " and ".join(str(path) for path in fitting[:2])
            error = line.wrong(self._image, f"{name!r} may be {paths}")
            hint = "Write the folder before the name, or name the pictures' folder by --root"
            raise DatasetError(error.subject, error.reason, hint)
        return name

    def _describe(self, lower_is_better: bool) -> None:
        """Fills what other sets know beforehand."""
        folder = self.path.resolve().parent.name
        common = self.path.stem.lower() in COMMON_STEMS
        self.name = folder if common and folder else self.path.stem
        self.title = self.name
        self.own = True
        self.development = self.name in DEVELOPMENT_SETS
        self.count = len(self._table.lines)
        if not self.count:
            raise DatasetError(str(self.path), "has a header but no rows")
        labels = [line.value(self._label) for line in self._table.lines]
        self.label_range = (min(labels), max(labels))
        self.higher_is_better = not lower_is_better
        self.groups = self._group or ""
        self.splits = self._values(self._split_column)
        self.protocols = {"official": Protocol("every row of the table", self._label)}
        self.layout = f"{self.path.name}, and the pictures of its column {self._image!r} below"
        self.source = "whoever made the table"

    def _values(self, column: str | None) -> tuple[str, ...]:
        found = {self._optional(line, column): None for line in self._table.lines}
        return tuple(value for value in found if value)

    @staticmethod
    def _optional(line: Line, column: str | None) -> str | None:
        return (line.cells[column] or None) if column else None

    def _needed(self, role: str, asked: str | None, usual: tuple[str, ...], does: str) -> str:
        column = self._chosen(role, asked, usual)
        if column is None:
            reason = f"can't tell which column {does}"
            hint = f"Its columns: {self._columns()}. Name it by --{role}-column"
            raise UsageError(str(self.path), reason, hint)
        return column

    def _chosen(self, role: str, asked: str | None, usual: tuple[str, ...]) -> str | None:
        if asked is None:
            return self._table.column(*usual)
        if (column := self._table.column(asked)) is None:
            reason = f"{self.path} has no column {asked!r}"
            raise UsageError(f"--{role}-column", reason, f"Its columns: {self._columns()}")
        return column

    def _columns(self) -> str:
        return ", ".join(column for column in self._table.columns if column)

    def _place(self, root: Path) -> Path:
        if not root.is_dir():
            raise DatasetError(str(root), f"no such folder, for the pictures of {self.path}")
        return root

    def _help(self) -> str:
        return (
            f"Pictures of column {self._image!r} are looked for beside the table and in folders "
            "below; --root names another folder"
        )
