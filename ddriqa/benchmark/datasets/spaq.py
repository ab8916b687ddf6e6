"""SPAQ: photographs of smartphones."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from ddriqa.benchmark.datasets.base import Dataset, Protocol, Row, SelfCheck
from ddriqa.benchmark.datasets.workbook import read_workbook
from ddriqa.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ddriqa.benchmark.datasets.files import FileIndex

WORKBOOK = "MOS and Image attribute scores.xlsx"
SCENES = "Scene category labels.xlsx"
NAME = "Image name"
TEST_SHARE = 5  # CLIP-IQA tests on one in five
CHECK = SelfCheck(11125, 2.0, 96.0, 50.3179, 20.9014)


class SPAQ(Dataset):
    """11,125 photographs of 66 phones. Fang et al., "Perceptual Quality Assessment of Smartphone
    Photography", CVPR 2020.

    They have ten megapixels and more; the field shrinks them to a short side of 512 first. A
    group is the scene category with the largest weight, where that workbook is present.

    The protocol ``clip_iqa`` is the test part of CLIP-IQA: the names in the workbook's order,
    shuffled by Python's own ``random.shuffle`` after ``random.seed(0)`` (not numpy's), of which
    the first 11125 // 5 = 2225 are taken (``tools/copy_spaq_img.py`` of IceClear/CLIP-IQA).
    """

    name = "spaq"
    title = "SPAQ (2020)"
    count = 11125
    label_range = (0.0, 100.0)
    groups = "scene category"
    short_side = 512
    protocols = {
        "official": Protocol("all 11125", "MOS", CHECK),
        "ddr": Protocol("all 11125, as in DDR and MDFS", "MOS", CHECK),
        "clip_iqa": Protocol("the 2225 that CLIP-IQA tests on", "MOS"),
    }
    layout = f"""\
TestImage/00001.jpg ... 11125.jpg
Annotations/{WORKBOOK}
Annotations/{SCENES} (for the groups)
"""
    source = "https://github.com/h4nwei/SPAQ (for research and education)"

    def rows(self, files: FileIndex, protocol: str) -> Iterable[Row]:
        path = files.find(WORKBOOK)
        if path is None:
            raise self.absent(files.root, f"{WORKBOOK!r}")
        scenes = _scenes(files)
        rows = []
        table = read_workbook(path, NAME, "MOS")
        column, label = table.need(NAME), table.need("MOS")
        for line in table.lines:
            name = line.text(column)
            group = scenes.get(name)
            rows.append(Row(f"TestImage/{name}", line.value(label), group, instead=(name,)))
        if protocol != "clip_iqa":
            return rows
        if len(rows) != self.count:
            reason = f"has {len(rows)} labels; CLIP-IQA's list needs all {self.count}"
            raise DatasetError(str(path), reason)
        random.Random(0).shuffle(rows)
        return rows[: self.count // TEST_SHARE]

    def is_unlabelled(self, file: str, protocol: str) -> bool:
        return protocol != "clip_iqa"  # which takes a part of the pictures


def _scenes(files: FileIndex) -> dict[str, str]:
    """Name -> the category with the largest weight, the first of several; empty without the
    workbook."""
    path = files.find(SCENES)
    if path is None:
        return {}
    scenes = {}
    table = read_workbook(path, NAME)
    column = table.need(NAME)
    categories = [name for name in table.columns if name and name != column]
    for line in table.lines:
        weights = {c: line.value(c) for c in categories if line.cells.get(c)}
        if weights:
            scenes[line.text(column)] = max(weights, key=lambda category: weights[category])
    return scenes
