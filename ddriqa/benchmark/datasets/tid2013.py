"""TID2013: 24 damages of 25 pictures, at five levels each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ddriqa.benchmark.datasets.base import Dataset, Protocol, Row, SelfCheck
from ddriqa.benchmark.datasets.tables import read_text
from ddriqa.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddriqa.benchmark.datasets.files import FileIndex

TYPES = (
    "additive Gaussian noise",
    "noise in colour components",
    "spatially correlated noise",
    "masked noise",
    "high-frequency noise",
    "impulse noise",
    "quantization noise",
    "Gaussian blur",
    "denoising",
    "JPEG",
    "JPEG2000",
    "JPEG transmission errors",
    "JPEG2000 transmission errors",
    "non-eccentricity pattern noise",
    "local block-wise distortions",
    "mean shift",
    "contrast change",
    "change of colour saturation",
    "multiplicative Gaussian noise",
    "comfort noise",
    "lossy compression of noisy images",
    "colour quantization with dither",
    "chromatic aberrations",
    "sparse sampling and reconstruction",
)
"""Type 1 is the first."""

NAME = re.compile(r"i(?P<reference>\d\d)_(?P<type>\d\d)_(?P<level>\d)\.bmp", re.IGNORECASE)
CHECK = SelfCheck(3000, 0.24242, 7.21429, 4.4747, 1.2397)


class TID2013(Dataset):
    """Ponomarenko et al., "Image database TID2013: peculiarities, results and perspectives", 2015.

    Copies write names in either case. ``std`` is None where the copy lacks ``mos_std.txt``.
    """

    name = "tid2013"
    title = "TID2013 (2013)"
    count = 3000
    label_range = (0.0, 9.0)
    groups = "type of damage"
    protocols = {
        "official": Protocol("all 3000, MOS", "MOS", CHECK),
        "ddr": Protocol("all 3000, MOS, as MDFS and DDR", "MOS", CHECK),
    }
    layout = """\
distorted_images/i01_01_1.bmp ... i25_24_5.bmp (3000)
reference_images/I01.BMP ... I24.BMP, i25.bmp
mos_with_names.txt, mos_std.txt
"""
    source = "Tampere University of Technology and N. Zhukovsky Aerospace University (tid2013.rar)"

    def rows(self, files: FileIndex, protocol: str) -> Iterator[Row]:
        path = files.find("mos_with_names.txt")
        if path is None:
            raise self.absent(files.root, "mos_with_names.txt")
        lines = [line.split() for line in read_text(path).splitlines() if line.strip()]
        for fields, std in zip(lines, _deviations(files, len(lines)), strict=True):
            named = NAME.fullmatch(fields[-1])
            label = _number(fields[0])
            if len(fields) != 2 or named is None or not _is_type(named["type"]) or label is None:
                reason = f"a line isn't a MOS and a name, as '5.51429 i01_01_1.bmp': {fields}"
                raise DatasetError(str(path), reason)
            yield Row(
                f"distorted_images/{fields[1]}",
                label,
                group=TYPES[int(named["type"]) - 1],
                reference=_reference(named["reference"]),
                std=std,
                instead=(fields[1],),
            )

    def is_unlabelled(self, file: str, protocol: str) -> bool:
        return NAME.fullmatch(file.rpartition("/")[2]) is not None


def _deviations(files: FileIndex, count: int) -> list[float] | list[None]:
    path = files.find("mos_std.txt")
    if path is None:
        return [None] * count
    values = [_number(text) for text in read_text(path).split()]
    numbers = [value for value in values if value is not None]
    if len(values) != count or len(numbers) != count:
        reason = f"has {len(numbers)} numbers for the {count} lines of mos_with_names.txt"
        raise DatasetError(str(path), reason)
    return numbers


def _is_type(number: str) -> bool:
    return 1 <= int(number) <= len(TYPES)


def _reference(number: str) -> str:
    """The owners' own spelling: capitals, but for the last one, which isn't a photograph."""
    return "i25.bmp" if number == "25" else f"I{number}.BMP"


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
