"""Captions whose pictures carry a licence that allows commercial use and changes.

    python benchmarks/permissive_captions.py FOLDER_OF_CAPTIONED OUTPUT_FOLDER

Writes OUTPUT_FOLDER/captions.csv and links the pictures into OUTPUT_FOLDER/images, for
``ddriqa train-encoder --captions``. Keeps CC BY and CC BY-SA; leaves out NC and "not stated".
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

KEPT = {"Attribution License", "Attribution-ShareAlike License"}


def main(source: Path, output: Path) -> None:
    with (source / "index.csv").open(encoding="utf-8") as file:
        kept = {row["image"] for row in csv.DictReader(file) if row["licence"] in KEPT}
    (output / "images").mkdir(parents=True, exist_ok=True)
    for name in sorted(kept):
        link = output / "images" / name
        if not link.exists():
            link.symlink_to((source / "images" / name).resolve())
    with (source / "captions.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["image"] in kept]
    with (output / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["image", "caption"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    print(f"{len(kept)} pictures, {len(rows)} captions")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
