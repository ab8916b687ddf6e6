"""AGIQA-3K: pictures that six generators made from texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddriqa.benchmark.datasets.base import Dataset, Protocol, Row, SelfCheck
from ddriqa.benchmark.datasets.tables import read_csv

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddriqa.benchmark.datasets.files import FileIndex

LABELS = "data.csv"
CHECK = SelfCheck(2982, 0.0, 4.4887, 2.5004, 0.9977)


class AGIQA3K(Dataset):
    """2,982 generated pictures. Li et al., "AGIQA-3K: An Open Database for AI-Generated Image
    Quality Assessment", IEEE TCSVT 2023.

    The label is the quality, not how well the picture fits its text (``mos_align``). A group is a
    generator, with which a file's name begins.
    """

    name = "agiqa3k"
    title = "AGIQA-3K (2023)"
    count = 2982
    label_range = (0.0, 5.0)
    groups = "generator"
    protocols = {"official": Protocol("all 2982, quality", "mos_quality", CHECK)}
    layout = f"""\
{LABELS}
AttnGAN_normal_000.jpg ... (in any folder)
"""
    source = "https://github.com/lcysyzxdxc/AGIQA-3k-Database (MIT licence)"

    def rows(self, files: FileIndex, protocol: str) -> Iterator[Row]:
        path = files.find(LABELS)
        if path is None:
            raise self.absent(files.root, LABELS)
        table = read_csv(path)
        column, label = table.need("name"), table.need("mos_quality")
        deviation = table.need("std_quality")
        for line in table.lines:
            name, generator = line.text(column), line.text(column).partition("_")[0]
            yield Row(name, line.value(label), generator, std=line.value(deviation))
