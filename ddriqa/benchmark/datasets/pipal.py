"""PIPAL: what super-resolution and denoising networks do to pictures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ddriqa.benchmark.datasets.base import Dataset, Protocol, Row, SelfCheck
from ddriqa.benchmark.datasets.pairs import read_pairs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddriqa.benchmark.datasets.files import FileIndex

FAMILIES = {
    "00": "traditional SR",
    "01": "PSNR-oriented SR",
    "02": "SR with kernel mismatch",
    "03": "GAN-based SR",
    "04": "denoising",
    "05": "SR and denoising jointly",
    "06": "traditional distortions",
}
"""Code in a file's name -> family of damage."""

SUPER_RESOLUTION = ("00", "01", "02", "03", "05")
LABEL_FOLDERS = ("train_label", "mos_scores_train")
NAME = re.compile(r"(A\d{4})_(\d\d)_\d\d\.bmp", re.IGNORECASE)
CHECK = SelfCheck(23200, 916.7136, 1835.9856, 1448.9596, 121.5325)
CHECK_SR = SelfCheck(15200, 916.7136, 1835.9856, 1444.0114, 121.3646)


class PIPAL(Dataset):
    """23,200 pictures from 200 references. Gu et al., "PIPAL: a Large-Scale Image Quality
    Assessment Dataset for Perceptual Image Restoration", ECCV 2020; the training part, as the
    labels of the other two parts are kept by the organisers.

    Labels are Elo scores from comparisons between versions of *one* reference: that they compare
    across references is an assumption, so the mean of the correlations within references belongs
    beside the pooled one. A group is a family of damage.
    """

    name = "pipal"
    title = "PIPAL (2020)"
    count = 23200
    label_range = (900.0, 1850.0)
    groups = "family of damage"
    protocols = {
        "official": Protocol("the training part, all 23200", "Elo score", CHECK),
        "sfd": Protocol(
            "the 15200 of super-resolution (codes 00, 01, 02, 03, 05), as RecycleD lists them "
            "and SFD-IQA very probably does",
            *("Elo score", CHECK_SR),
        ),
    }
    layout = """\
Train_Label/A0001.txt ... (200; MOS_Scores_train in some copies)
Train_Ref/A0001.bmp ... (not needed)
Distortion_1/A0001_00_00.bmp ... Distortion_4/
"""
    source = "https://github.com/HaomingCai/PIPAL-dataset (for research, through the challenge)"

    def rows(self, files: FileIndex, protocol: str) -> Iterator[Row]:
        folders = [f for f in files.folders() if f.name.lower() in LABEL_FOLDERS]
        tables = sorted(folders[0].glob("A*.txt")) if folders else []
        if not tables:
            raise self.absent(files.root, "Train_Label/A0001.txt")
        codes = SUPER_RESOLUTION if protocol == "sfd" else tuple(FAMILIES)
        for path in tables:
            for line in read_pairs(path).lines:
                name = line.text("name")
                parts = NAME.fullmatch(name)
                if parts is None or parts[2] not in FAMILIES:
                    raise line.wrong("name", f"{name!r} isn't one as A0001_00_00.bmp")
                if parts[2] in codes:
                    family, reference = FAMILIES[parts[2]], f"{parts[1]}.bmp"
                    yield Row(name, line.value("score"), family, reference)

    def is_unlabelled(self, file: str, protocol: str) -> bool:
        """References, the validation part (code 10) and what ``sfd`` leaves out have no row."""
        parts = NAME.fullmatch(file.rpartition("/")[2])
        codes = SUPER_RESOLUTION if protocol == "sfd" else tuple(FAMILIES)
        return parts is not None and parts[2] in codes
