"""BIQ2021: photographs of many origins, in the owners' training and test parts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ddriqa.benchmark.datasets.base import Dataset, Protocol, Row, SelfCheck
from ddriqa.benchmark.datasets.tables import read_csv

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddriqa.benchmark.datasets.files import FileIndex

TABLES = {"train": "Train (Images and MOS).csv", "test": "Test (Images and MOS).csv"}
NAME = re.compile(r"(ss0[123]) \(\d+\)\.jpg", re.IGNORECASE)
CHECK = SelfCheck(12000, 0.0, 1.0, 0.6435, 0.1937)


class BIQ2021(Dataset):
    """12,000 photographs. Ahmed and Asif, "BIQ2021: a large-scale blind image quality assessment
    database", Journal of Electronic Imaging 2022.

    Several pictures show one scene, so a random split of one's own leaks: the owners' is the one
    to keep. A group is a subset (ss01, ss02, ss03). Names hold blanks and brackets, and one file
    ends in .JPG where its table says .jpg.

    A sample of it served for choosing this package's settings, so it counts as a development set.
    """

    name = "biq2021"
    title = "BIQ2021 (2022)"
    count = 12000
    label_range = (0.0, 1.0)
    splits = ("train", "test")
    groups = "subset"
    development = True
    split_checks = {
        ("official", "train"): SelfCheck(10000, 0.0, 1.0, 0.6418, 0.1931),
        ("official", "test"): SelfCheck(2000, 0.0, 1.0, 0.6517, 0.1961),
    }
    protocols = {"official": Protocol("all 12000", "MOS", CHECK)}
    layout = f"""\
{TABLES["train"]}
{TABLES["test"]}
Images/ss01 (1).jpg ...
"""
    source = "https://github.com/nisarahmedrana/BIQ2021 (conditions not stated)"

    def rows(self, files: FileIndex, protocol: str) -> Iterator[Row]:
        for split, name in TABLES.items():
            path = files.find(name)
            if path is None:
                raise self.absent(files.root, f"{name!r}")
            table = read_csv(path)
            column, label = table.need("Image Name"), table.need("MOS")
            for line in table.lines:
                name = line.text(column)
                parts = NAME.fullmatch(name)
                if parts is None:
                    raise line.wrong(column, f"{name!r} isn't a name as ss01 (1).jpg")
                file, group = f"Images/{name}", parts[1].lower()
                yield Row(file, line.value(label), group, split=split, instead=(name,))
