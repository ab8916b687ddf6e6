"""LIVE, release 2: five damages of 29 photographs, with realigned DMOS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddriqa.benchmark.datasets.base import Dataset, Protocol, Row, SelfCheck
from ddriqa.benchmark.datasets.matlab import read_mat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddriqa.benchmark.datasets.files import FileIndex

FOLDERS = {"jp2k": 227, "jpeg": 233, "wn": 174, "gblur": 174, "fastfading": 174}
"""How many files each holds, unchanged references included, in the order of the label table."""

FILES = [(folder, f"img{k}.bmp") for folder, n in FOLDERS.items() for k in range(1, n + 1)]
"""Of each position of the label table. The numbers are not those of the references."""

KNOWN = frozenset(FILES)

CHECK = SelfCheck(779, -2.6400, 111.7747, 48.5812, 27.3222)


class LIVE(Dataset):
    """Sheikh, Sabir, Bovik, "A statistical evaluation of recent full reference image quality
    assessment algorithms", 2006.

    The label is the realigned DMOS (``dmos_new``), which leaves 0 to 100 on both sides. The 203
    entries with ``orgs`` = 1 are unchanged copies of references and left out. ``reference`` is
    None where the copy lacks ``refnames_all.mat``.
    """

    name = "live"
    title = "LIVE release 2 (2006)"
    count = 779
    higher_is_better = False
    label_range = (0.0, 100.0)
    groups = "type of damage"
    protocols = {
        "official": Protocol("all 779 damaged pictures, realigned DMOS", "dmos_new", CHECK),
        "ddr": Protocol("all 779, realigned DMOS, as MDFS and DDR", "dmos_new", CHECK),
        "blur": Protocol("the 145 of Gaussian blur, as probably DDR's Table 1", "dmos_new"),
    }
    layout = """\
databaserelease2/
  jp2k/img1.bmp ... img227.bmp
  jpeg/img1.bmp ... img233.bmp
  wn/, gblur/, fastfading/: img1.bmp ... img174.bmp
  refimgs/*.bmp (29)
  dmos_realigned.mat (dmos.mat won't do), refnames_all.mat
"""
    source = (
        "LIVE, University of Texas at Austin: on request by a form; any use, with its notice "
        "and citation"
    )

    def rows(self, files: FileIndex, protocol: str) -> Iterator[Row]:
        path = files.find("dmos_realigned.mat")
        if path is None:
            raise self.absent(files.root, "dmos_realigned.mat")
        names = ("dmos_new", "orgs", "dmos_std")
        labels, originals, deviations = read_mat(path, *names, length=len(FILES))
        references = _references(files)
        for index, (folder, name) in enumerate(FILES):
            if int(originals[index]) == 1 or (protocol == "blur" and folder != "gblur"):
                continue
            yield Row(
                f"{folder}/{name}",
                float(labels[index]),
                group=folder,
                reference=references[index],
                std=float(deviations[index]),
                instead=(f"blur/{name}",) if folder == "gblur" else (),
            )

    def is_unlabelled(self, file: str, protocol: str) -> bool:
        folder, _, name = file.lower().rpartition("/")
        folder = folder.rpartition("/")[2]
        copy = ("gblur" if folder == "blur" else folder, name) in KNOWN
        return not (copy or folder == "refimgs")


def _references(files: FileIndex) -> list[str | None]:
    path = files.find("refnames_all.mat")
    if path is None:
        return [None] * len(FILES)
    (names,) = read_mat(path, "refnames_all", length=len(FILES))
    return [str(name) for name in names]
