"""Ma's set: pictures enlarged by nine methods of super-resolution."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ddriqa.benchmark.datasets.base import Dataset, Protocol, Row, SelfCheck
from ddriqa.benchmark.datasets.pairs import read_pairs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddriqa.benchmark.datasets.files import FileIndex
    from ddriqa.benchmark.datasets.tables import Line

LABELS = ("MaScoreDataset_all_pair.txt", "scores.csv")
METHODS = (
    *("Bicubic", "BP", "Shan08", "Glasner09", "Yang10", "Dong11", "Yang13", "Timofte13"),
    "SRCNN",
)
NAME = re.compile(rf"({'|'.join(METHODS)})/sf\d/sigma\d\.\d/(\d+\.\w+)", re.IGNORECASE)
CHECK = SelfCheck(1620, 0.075, 9.85, 4.8358, 2.4041)


class Ma(Dataset):
    """1,620 pictures: nine methods, six pairs of scale and blur, 30 references of BSD. Ma et al.,
    "Learning a No-Reference Quality Metric for Single-Image Super-Resolution", CVIU 2017.

    Labels are read from lines ``name,score``, with or without that header: the list of RecycleD,
    which the papers use, or anyone's CSV. A group is a method.
    """

    name = "ma"
    title = "Ma's super-resolution set (2017)"
    count = 1620
    label_range = (0.0, 10.0)
    groups = "method"
    protocols = {
        "official": Protocol("all 1620", "mean score", CHECK),
        "sfd": Protocol("all 1620, as in RecycleD and SFD-IQA", "mean score", CHECK),
    }
    layout = f"""\
{LABELS[0]} (or {LABELS[1]}): lines Bicubic/sf2/sigma0.8/187058.png,7.65
Bicubic/sf2/sigma0.8/187058.png ...
BP/ Shan08/ Glasner09/ Yang10/ Dong11/ Yang13/ Timofte13/ SRCNN/
"""
    source = (
        "https://github.com/chaoma99/sr-metric (project page), the list from "
        "https://github.com/YunanZhu/RecycleD, datasets/ (conditions not stated)"
    )

    def rows(self, files: FileIndex, protocol: str) -> Iterator[Row]:
        path = files.find(*LABELS)
        if path is None:
            raise self.absent(files.root, f"{LABELS[0]} or {LABELS[1]}")
        yield from map(_row, read_pairs(path).lines)

    def is_unlabelled(self, file: str, protocol: str) -> bool:
        """Only pictures in a method's folder should have a row: references shouldn't."""
        return any(NAME.fullmatch(end) for end in _ends(file))


def _row(line: Line) -> Row:
    name = line.text("name").lstrip("/")
    parts = NAME.fullmatch(name)
    if parts is None:
        raise line.wrong("name", f"{name!r} isn't one as Bicubic/sf2/sigma0.8/187058.png")
    return Row(name, line.value("score"), parts[1], reference=parts[2])


def _ends(file: str) -> Iterator[str]:
    folders = file.split("/")
    return ("/".join(folders[start:]) for start in range(len(folders)))
