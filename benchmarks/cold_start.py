"""Ten 12-megapixel JPEGs from a cold start, beside a bare ``import torch, open_clip``.

    python benchmarks/cold_start.py [--rounds 5]

Every timing is a fresh process; the two alternate. Where open_clip can't be imported beside a
CPU-only torch, two operators of torchvision are declared before the import, which costs nothing.
Writes results/cold_start.json.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import machine
from PIL import Image

PHOTOS = Path(__file__).parent.parent / "tests" / "photos"
SIZE = (4000, 3000)
BARE = "import torch, open_clip"
CURED = """
import torch
library = torch.library.Library("torchvision", "FRAGMENT")
for name in ("nms", "qnms"):
    library.define(name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
import open_clip
"""


def make_pictures(folder: Path) -> None:
    """Ten JPEGs of 4000x3000, quality 90, out of the test photographs."""
    folder.mkdir()
    photos = sorted(PHOTOS.glob("*.jpg"))[:10]
    for i, photo in enumerate(photos):
        Image.open(photo).convert("RGB").resize(SIZE).save(folder / f"{i}.jpg", quality=90)


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def bare_import() -> str:
    """The import that works on this machine."""
    works = subprocess.run([sys.executable, "-c", BARE], capture_output=True).returncode == 0
    return BARE if works else CURED


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    statement = bare_import()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "pictures")
        make_pictures(folder)
        output = str(Path(name, "scores.csv"))
        score = [sys.executable, "-m", "ddriqa", "score", str(folder), "-q", "--force"]
        score += ["-o", output]
        times: dict[str, list[float]] = {"import": [], "score": [], "help": []}
        for _ in range(arguments.rounds):
            times["import"].append(seconds([sys.executable, "-c", statement]))
            times["score"].append(seconds(score))
            times["help"].append(seconds([sys.executable, "-m", "ddriqa", "--help"]))
    medians = {key: round(statistics.median(values), 3) for key, values in times.items()}
    result = {
        "pictures": f"10 JPEGs of {SIZE[0]}x{SIZE[1]}, quality 90",
        "bare_import": statement,
        "median_seconds": medians,
        "ratio": round(medians["score"] / medians["import"], 3),
        "seconds": {key: [round(v, 3) for v in values] for key, values in times.items()},
    }
    machine.write("cold_start", result)
    print(result)


if __name__ == "__main__":
    main()
