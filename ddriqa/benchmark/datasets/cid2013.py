"""CID2013: consumer cameras photographing the same scenes, in six image sets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ddriqa.benchmark.datasets.base import Dataset, Protocol, Row, SelfCheck
from ddriqa.benchmark.datasets.workbook import read_workbook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddriqa.benchmark.datasets.files import FileIndex
    from ddriqa.benchmark.datasets.tables import Line

WORKBOOK = "CID2013 data - version 12112014.xlsx"
SHEET = "CID2013 MOS"
SOURCE, LABEL = "Source_ID", "Realigned MOS"
NAME = re.compile(r"IS_(I{1,3}|IV|VI?)_C0*(\d+)_D\d+")
SETS = {"I": "IS1", "II": "IS2", "III": "IS3", "IV": "IS4", "V": "IS5", "VI": "IS6"}
CHECK = SelfCheck(474, -9.5491, 87.8821, 46.0717, 22.6404)


class CID2013(Dataset):
    """474 photographs of 79 cameras. Virtanen et al., "CID2013: A Database for Evaluating
    No-Reference Image Quality Assessment Algorithms", IEEE TIP 2015.

    The label is the realigned MOS, on one scale for all six sets and negative for a few; the
    workbook's "Image set specific MOS" isn't comparable across the sets. A group is a set.
    """

    name = "cid2013"
    title = "CID2013 (2015)"
    count = 474
    label_range = (0.0, 100.0)
    groups = "image set"
    protocols = {
        "official": Protocol("all 474, realigned MOS", LABEL, CHECK),
        "ddr": Protocol("all 474, realigned MOS, as in DDR and MDFS", LABEL, CHECK),
    }
    layout = f"""\
{WORKBOOK}
IS1/co1/IS_I_C01_D01.jpg ...
IS2/ ... IS6/
"""
    source = "https://zenodo.org/records/2647033 (conditions on that page)"

    def rows(self, files: FileIndex, protocol: str) -> Iterator[Row]:
        path = files.find(WORKBOOK)
        if path is None:
            raise self.absent(files.root, f"{WORKBOOK!r}")
        table = read_workbook(path, SOURCE, LABEL, sheet=SHEET)
        source, label = table.need(SOURCE), table.need(LABEL)
        for line in table.lines:
            yield _row(line, line.text(source), line.value(label))


def _row(line: Line, name: str, label: float) -> Row:
    parts = NAME.fullmatch(name)
    if parts is None:
        raise line.wrong(SOURCE, f"{name!r} isn't a name as IS_I_C01_D01")
    group = SETS[parts[1]]
    file = f"{name}.jpg"
    return Row(f"{group}/co{parts[2]}/{file}", label, group, instead=(file,))
