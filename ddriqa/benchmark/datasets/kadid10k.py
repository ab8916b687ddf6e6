"""KADID-10k: 25 damages of 81 photographs, at five levels each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ddriqa.benchmark.datasets.base import Dataset, Protocol, Row, SelfCheck
from ddriqa.benchmark.datasets.tables import read_csv

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddriqa.benchmark.datasets.files import FileIndex

TYPES = (
    *("Gaussian blur", "lens blur", "motion blur"),
    *("colour diffusion", "colour shift", "colour quantization"),
    *("colour saturation (HSV)", "colour saturation (Lab)"),
    *("JPEG2000", "JPEG"),
    *("white noise", "white noise in colour components", "impulse noise"),
    *("multiplicative noise", "denoise"),
    *("brighten", "darken", "mean shift"),
    *("jitter", "non-eccentricity patch", "pixelate", "quantization", "colour block"),
    *("high sharpen", "contrast change"),
)
"""Type 01 is the first."""

NAME = re.compile(r"I(?P<reference>\d\d)_(?P<type>\d\d)_(?P<level>\d\d)\.png", re.IGNORECASE)
CHECK = SelfCheck(10125, 1.0, 4.93, 3.0326, 1.0826)


class KADID10k(Dataset):
    """Lin, Hosu, Saupe, "KADID-10k: a large-scale artificially distorted IQA database", 2019.

    The column ``dmos`` is a mean opinion score in spite of its name: higher is better (5 is an
    imperceptible damage). The column ``var`` is the standard deviation.
    """

    name = "kadid10k"
    title = "KADID-10k (2019)"
    count = 10125
    label_range = (1.0, 5.0)
    groups = "type of damage"
    protocols = {
        "official": Protocol("all 10125, dmos (higher is better)", "dmos", CHECK),
        "ddr": Protocol("all 10125, dmos, as MDFS and DDR", "dmos", CHECK),
    }
    layout = """\
kadid10k/
  images/I01.png ... I81.png and I01_01_01.png ... I81_25_05.png (10125)
  dmos.csv
"""
    source = "University of Konstanz (kadid10k.zip); free for research, with citation"

    def rows(self, files: FileIndex, protocol: str) -> Iterator[Row]:
        path = files.find("dmos.csv")
        if path is None:
            raise self.absent(files.root, "dmos.csv")
        table = read_csv(path)
        name, reference = table.need("dist_img"), table.need("ref_img")
        label, std = table.need("dmos"), table.need("var")
        for line in table.lines:
            named = NAME.fullmatch(line.text(name))
            if named is None or not 1 <= int(named["type"]) <= len(TYPES):
                raise line.wrong(name, f"{line.text(name)!r} isn't a name as I01_01_01.png")
            yield Row(
                f"images/{line.text(name)}",
                line.value(label),
                group=TYPES[int(named["type"]) - 1],
                reference=line.text(reference),
                std=line.value(std),
                instead=(line.text(name),),
            )

    def is_unlabelled(self, file: str, protocol: str) -> bool:
        return NAME.fullmatch(file.rpartition("/")[2]) is not None
