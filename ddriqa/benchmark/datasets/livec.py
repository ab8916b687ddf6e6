"""LIVE in the Wild (ChallengeDB): photographs of many people's telephones and cameras."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ddriqa.benchmark.datasets.base import Dataset, Protocol, Row, SelfCheck
from ddriqa.benchmark.datasets.matlab import read_mat
from ddriqa.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddriqa.benchmark.datasets.files import FileIndex

ENTRIES, TRAINING = 1169, 7
"""Of the label table; the first ones were shown to the observers for training."""

CHECK = SelfCheck(1162, 3.4200, 92.4320, 55.4013, 20.2965)
CHECK_WITH_TRAINING = SelfCheck(1169, 3.4200, 92.4320, 55.3887, 20.2785)


class LIVEC(Dataset):
    """Ghadiyaram, Bovik, "Massive online crowdsourced study of subjective and objective picture
    quality", IEEE TIP 2016.

    The protocol ``sfd`` keeps the seven training pictures, as the lists of RecycleD do (which
    also replace 1024.JPG and 1113.JPG by copies of 500x500; here they are read as they are).
    ``std`` is None where the copy lacks ``AllStdDev_release.mat``.
    """

    name = "livec"
    title = "LIVE in the Wild (2015)"
    count = 1162
    label_range = (0.0, 100.0)
    protocols = {
        "official": Protocol("1162, without the training pictures", "AllMOS_release", CHECK),
        "ddr": Protocol("the 1162 of official, as MDFS and DDR", "AllMOS_release", CHECK),
        "sfd": Protocol(
            "1169, with the training pictures t1 to t7, as RecycleD; probably SFD's list",
            "AllMOS_release",
            CHECK_WITH_TRAINING,
        ),
    }
    layout = """\
ChallengeDB_release/
  Data/AllImages_release.mat, AllMOS_release.mat, AllStdDev_release.mat
  Images/3.bmp ... 1164.JPG (1162, .bmp and .JPG)
  Images/trainingImages/t1.bmp ... t7.bmp
"""
    source = (
        "LIVE, University of Texas at Austin: on request by a form; any use, with its notice "
        "and citation"
    )

    def rows(self, files: FileIndex, protocol: str) -> Iterator[Row]:
        names = [str(name) for name in self._column(files, "AllImages_release")]
        labels = self._column(files, "AllMOS_release")
        deviations: list[Any] = [None] * ENTRIES
        if files.find("AllStdDev_release.mat"):
            deviations = self._column(files, "AllStdDev_release")
        self._expect_training(files, names)
        start = 0 if protocol == "sfd" else TRAINING
        for name, label, std in list(zip(names, labels, deviations, strict=True))[start:]:
            folder = "Images/trainingImages" if _is_training(name) else "Images"
            yield Row(f"{folder}/{name}", float(label), std=std, instead=(name,))

    def is_unlabelled(self, file: str, protocol: str) -> bool:
        return not _is_training(file.rpartition("/")[2])

    def _column(self, files: FileIndex, variable: str) -> list[Any]:
        path = files.find(f"{variable}.mat")
        if path is None:
            raise self.absent(files.root, f"{variable}.mat")
        return read_mat(path, variable, length=ENTRIES)[0]

    def _expect_training(self, files: FileIndex, names: list[str]) -> None:
        if not all(_is_training(name) for name in names[:TRAINING]):
            seen = ", ".join(names[:TRAINING])
            reason = f"AllImages_release doesn't begin with t1.bmp to t7.bmp but with {seen}"
            raise DatasetError(str(files.root), reason, "Take the owners' own file")


def _is_training(name: str) -> bool:
    return re.fullmatch(r"t[1-7]\.bmp", name, re.IGNORECASE) is not None
