"""CSIQ: six damages of 30 photographs, with DMOS."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ddriqa.benchmark.datasets.base import Dataset, Protocol, Row, SelfCheck
from ddriqa.benchmark.datasets.tables import Line, read_text
from ddriqa.benchmark.datasets.workbook import read_workbook
from ddriqa.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ddriqa.benchmark.datasets.files import FileIndex

TAGS = {
    "noise": "AWGN",
    "jpeg": "JPEG",
    "jpeg 2000": "jpeg2000",
    "fnoise": "fnoise",
    "blur": "BLUR",
    "contrast": "contrast",
}
"""What a picture's name says for each ``dst_type`` of the sheet."""

GROUPS = {tag.lower(): kind.replace(" ", "") for kind, tag in TAGS.items()}
NAME = re.compile(r"(?P<image>.+)\.(?P<tag>[A-Za-z0-9]+)\.(?P<level>[1-5])(\.png)?")
CHECK = SelfCheck(866, 0.0, 1.0, 0.3507, 0.2625)


class CSIQ(Dataset):
    """Larson, Chandler, "Most apparent distortion: full-reference image quality assessment and
    the role of strategy", 2010.

    Of the contrast pictures only those that the sheet lists are rated. Where there is no
    workbook, ``csiq_label.txt`` of hyperIQA will do (lines of a name and its DMOS); it has no
    ``std``.
    """

    name = "csiq"
    title = "CSIQ (2010)"
    count = 866
    higher_is_better = False
    label_range = (0.0, 1.0)
    groups = "type of damage"
    protocols = {
        "official": Protocol("all 866 rated pictures, DMOS", "dmos", CHECK),
        "ddr": Protocol("all 866, DMOS, as MDFS and DDR", "dmos", CHECK),
    }
    layout = """\
src_imgs/*.png (30)
dst_imgs/awgn/1600.AWGN.1.png ..., blur/, contrast/, fnoise/, jpeg/, jpeg2000/
csiq.DMOS.xlsx, or csiq_label.txt with lines "1600.AWGN.1.png 0.061989"
"""
    source = "its authors (CSIQ image quality database); no licence is printed"

    def rows(self, files: FileIndex, protocol: str) -> Iterator[Row]:
        if workbook := files.find("csiq.DMOS.xlsx"):
            return _from_workbook(workbook)
        if text := files.find("csiq_label.txt"):
            return _from_text(text)
        raise self.absent(files.root, "csiq.DMOS.xlsx")

    def is_unlabelled(self, file: str, protocol: str) -> bool:
        named = NAME.fullmatch(file.rpartition("/")[2])
        return named is not None and named["tag"].lower() in GROUPS.keys() - {"contrast"}


def _from_workbook(path: Path) -> Iterator[Row]:
    needed = ("image", "dst_type", "dst_lev", "dmos_std", "dmos")
    table = read_workbook(path, *needed, sheet="all_by_image")
    image, kind, level, std, label = (table.need(name) for name in needed)
    for line in table.lines:
        name = f"{line.text(image)}.{_tag(line, kind)}.{line.text(level)}.png"
        yield _row(name, line.value(label), std=line.value(std))


def _tag(line: Line, column: str) -> str:
    kind = line.text(column).lower()
    if kind not in TAGS:
        raise line.wrong(column, f"{kind!r} is none of {', '.join(TAGS)}")
    return TAGS[kind]


def _from_text(path: Path) -> Iterator[Row]:
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip():
            continue
        name, _, label = line.strip().rpartition(" ")
        try:
            value = float(label)
        except ValueError:
            value = None
        named = NAME.fullmatch(name.strip())
        if value is None or named is None or named["tag"].lower() not in GROUPS:
            reason = f"line {number} isn't a name and a DMOS: {line.strip()!r}"
            raise DatasetError(str(path), reason)
        yield _row(f"{named['image']}.{named['tag']}.{named['level']}.png", value)


def _row(name: str, label: float, std: float | None = None) -> Row:
    named = NAME.fullmatch(name)
    if named is None:
        raise DatasetError(name, "isn't a name of CSIQ, as 1600.AWGN.1.png")
    return Row(
        name,
        label,
        group=GROUPS[named["tag"].lower()],
        reference=f"{named['image']}.png",
        std=std,
    )
