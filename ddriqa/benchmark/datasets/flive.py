"""FLIVE, the data set of PaQ-2-PiQ: photographs gathered from four others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ddriqa.benchmark.datasets.base import Dataset, Protocol, Row, SelfCheck
from ddriqa.benchmark.datasets.tables import read_csv

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddriqa.benchmark.datasets.files import FileIndex

LABELS = "labels_image.csv"
TEST = "labels640.csv"
REST = "labels=640_padded.csv"
VALID = {"true": "val", "1": "val", "false": "train", "0": "train"}
ORIGINS = {"AVA": "AVA", "EMOTIC": "EMOTIC", "JPEGImages": "VOC"}
"""How a name in ``voc_emotic_ava`` begins, before two underscores -> where it comes from."""

PATCH = re.compile(r"(.*/)?patches/.*|.*_patch_[123]\.\w+", re.IGNORECASE)
CHECK = SelfCheck(39810, 0.0, 94.3332, 72.1325, 6.1624)


class FLIVE(Dataset):
    """39,810 photographs. Ying et al., "From Patches to Pictures (PaQ-2-PiQ): Mapping the
    Perceptual Space of Picture Quality", CVPR 2020. Pictures only, without the patches.

    The labels are narrow (deviation 6.2 of 100), so every correlation is low. The test part, the
    pictures with a side above 640, comes from the owners' second table; validation and training
    from the third. Without these tables the pictures have no split. A group is a source.
    """

    name = "flive"
    title = "FLIVE / PaQ-2-PiQ (2020)"
    count = 39810
    label_range = (0.0, 100.0)
    splits = ("train", "val", "test")
    groups = "source"
    protocols = {"official": Protocol("all 39810 pictures", "mos", CHECK)}
    layout = f"""\
{LABELS}
{TEST} (for the test part), {REST} (for training and validation)
voc_emotic_ava/AVA__927384.jpg ...
blur_dataset/motion0220.jpg ...
EE371R/
"""
    source = (
        "https://github.com/baidut/PaQ-2-PiQ, database/ (labels; the pictures are to be gathered "
        "from VOC 2012, EMOTIC, AVA and the CUHK blur set, each on its own conditions)"
    )

    def rows(self, files: FileIndex, protocol: str) -> Iterator[Row]:
        path = files.find(LABELS)
        if path is None:
            raise self.absent(files.root, LABELS)
        splits = _splits(files)
        table = read_csv(path)
        column, label = table.need("name"), table.need("mos")
        for line in table.lines:
            name = line.text(column)
            yield Row(name, line.value(label), _origin(name), split=splits.get(name))

    def is_unlabelled(self, file: str, protocol: str) -> bool:
        return PATCH.fullmatch(file) is None


def _splits(files: FileIndex) -> dict[str, str]:
    """Name -> split, as far as the owners' tables are present."""
    splits = {}
    if path := files.find(REST):
        table = read_csv(path)
        name, valid = table.need("name_image"), table.need("is_valid")
        for line in table.lines:
            value = line.text(valid)
            if value.lower() not in VALID:
                raise line.wrong(valid, f"{value!r} is neither True nor False")
            splits[line.text(name)] = VALID[value.lower()]
    if path := files.find(TEST):
        table = read_csv(path)
        name = table.need("name_image")
        splits |= {line.text(name): "test" for line in table.lines}
    return splits


def _origin(name: str) -> str | None:
    folder, _, file = name.rpartition("/")
    return ORIGINS.get(file.partition("__")[0]) or folder or None
