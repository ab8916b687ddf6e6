"""Does a picture keep its place among others whatever its size in pixels?

    python benchmarks/views.py FOLDER [--encoder builtin] [--photos 40] [--large 8]

FOLDER holds clean photographs that no training has seen (the committed numbers: the shared
``clean/heldout``). Each is brought to a display of 1024 pixels (long side, Lanczos, so most of them
are enlarged), gets a chain of one to three kinds of damage there, of a strength that goes from none
to severe through the folder, and is rounded to 8 bit. That very picture is then resized
(Lanczos, antialiased) to several long sides, and the first few to 50 megapixels. Reported: rank
correlation of ``ddr`` between every two sizes, mean and deviation of the scores at each size (does
a picture lose points for its size alone?), and the time of a picture from pixels in memory to its
score, one at a time. A score that isn't finite ends the run. Writes results/views.json, or with
``--encoder NAME`` results/views-NAME.json.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import machine
import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.stats import spearmanr

from ddriqa import Scorer
from ddriqa.degradations import apply_chain, random_chain
from ddriqa.images.find import find

DISPLAY = 1024
LONG_SIDES = (100, 256, 512, 1024, 2000, 4000)
LARGE, LARGE_PIXELS = "50 MP", 50_000_000
JUDGED, TARGET = ("512", "1024", "4000"), 0.95
STRENGTHS = 8
"""Photograph n has the strength (n mod 8) / 7: 0 leaves it alone."""
DAMAGE = (
    *("gaussian_blur", "defocus_blur", "motion_blur", "gaussian_noise", "iso_noise"),
    *("jpeg", "webp", "overexpose", "underexpose", "haze", "resize_bicubic", "denoise_smear"),
)
SEED = 0


def resized(picture: Image.Image, long_side: int) -> Image.Image:
    """The picture with this long side, Lanczos, antialiased when it shrinks."""
    factor = long_side / max(picture.size)
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def damaged(photo: str, number: int) -> tuple[Image.Image, list[tuple[str, float]]]:
    """Photograph ``number`` as it is on the display, with its chain of damage (name, level)."""
    display = resized(Image.open(photo).convert("RGB"), DISPLAY)
    strength = number % STRENGTHS / (STRENGTHS - 1)
    if strength == 0:
        return display, []
    rng = np.random.default_rng([SEED, number])
    steps = random_chain(rng, (1, 3), (strength / 2, strength), DAMAGE)
    pixels = apply_chain(np.asarray(display, dtype=np.float32) / np.float32(255), steps, rng)
    return Image.fromarray(np.rint(pixels * 255).astype(np.uint8)), steps


def large_side(picture: Image.Image) -> int:
    """The long side at which the picture has 50 megapixels."""
    return round(max(picture.size) * (LARGE_PIXELS / (picture.width * picture.height)) ** 0.5)


def score_sizes(scorer: Scorer, photos: list[str], large: int) -> tuple[dict[str, Any], list]:
    """Size -> ``scores`` and ``seconds`` of the pictures in order, and the chains of damage."""
    found: dict[str, Any] = {str(side): {"scores": [], "seconds": []} for side in LONG_SIDES}
    found[LARGE] = {"scores": [], "seconds": []}
    chains = []
    for number, photo in enumerate(photos):
        display, steps = damaged(photo, number)
        chains.append({"photograph": Path(photo).name, "damage": steps})
        sides = {str(side): side for side in LONG_SIDES}
        if number < large:
            sides[LARGE] = large_side(display)
        for name, side in sides.items():
            score, seconds = timed_score(scorer, np.asarray(resized(display, side)))
            found[name]["scores"].append(score)
            found[name]["seconds"].append(seconds)
        print(f"\r{number + 1}/{len(photos)}", end="", flush=True)
    print()
    return found, chains


def timed_score(scorer: Scorer, pixels: npt.NDArray[np.uint8]) -> tuple[float, float]:
    """``ddr`` of one picture and the seconds it took; all its scores must be finite."""
    start = time.perf_counter()
    record = scorer.score(pixels)
    seconds = time.perf_counter() - start
    if record.error or not np.isfinite(list(record.scores.values())).all():  # type: ignore[union-attr]
        raise SystemExit(f"{pixels.shape[1]}x{pixels.shape[0]}: {record}")
    return record.scores["ddr"], seconds  # type: ignore[union-attr]


def agreement(scores: dict[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    """SRCC between every two sizes, on the pictures that both have (the first ones)."""

    def srcc(a: Sequence[float], b: Sequence[float]) -> float:
        count = min(len(a), len(b))
        return float(spearmanr(a[:count], b[:count]).statistic)

    return {a: {b: srcc(scores[a], scores[b]) for b in scores} for a in scores}


def summary(found: dict[str, Any]) -> dict[str, Any]:
    """What stands in the result file: agreement, and a row for each size."""
    matrix = agreement({size: values["scores"] for size, values in found.items()})
    lowest = min(matrix[a][b] for a in JUDGED for b in JUDGED if a != b)
    return {
        "judged": {"sizes": JUDGED, "target": TARGET, "lowest_srcc": round(lowest, 4)},
        "srcc": {a: {b: round(v, 4) for b, v in row.items()} for a, row in matrix.items()},
        "sizes": {
            size: {
                "pictures": len(values["scores"]),
                "mean": round(statistics.mean(values["scores"]), 4),
                "deviation": round(statistics.stdev(values["scores"]), 4),
                "median_seconds": round(statistics.median(values["seconds"]), 3),
            }
            for size, values in found.items()
        },
    }


def show(result: dict[str, Any]) -> None:
    """The matrix and the rows beside it, for a person."""
    sizes = list(result["sizes"])
    titles = ("pictures", "mean", "deviation", "s a picture")
    heads = [*sizes, *titles]
    print("\nSRCC of ddr between long sides, and each size's scores")
    print(" " * 8 + "".join(f"{head:>12}" for head in heads))
    for size in sizes:
        row = result["sizes"][size]
        cells = [f"{result['srcc'][size][other]:.3f}" for other in sizes]
        cells += [str(row["pictures"]), f"{row['mean']:.4f}", f"{row['deviation']:.4f}"]
        print(f"{size:8}" + "".join(f"{c:>12}" for c in [*cells, f"{row['median_seconds']:.3f}"]))
    judged = result["judged"]
    print(f"lowest of {', '.join(JUDGED)}: {judged['lowest_srcc']:.3f} (target {TARGET})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--encoder", default="builtin")
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--large", type=int, default=8, help="how many also at 50 megapixels")
    arguments = parser.parse_args()
    if not 3 <= arguments.large <= arguments.photos:
        parser.error("--large must lie between 3 and --photos: fewer pictures have no ranks")
    photos = list(find([arguments.folder], recursive=False))[: arguments.photos]
    if len(photos) < arguments.photos:
        parser.error(f"{arguments.folder} holds {len(photos)} pictures, not {arguments.photos}")

    scorer = Scorer(encoder=arguments.encoder)
    scorer.score(np.zeros((DISPLAY, DISPLAY, 3), np.uint8))  # loading is no picture's time
    found, chains = score_sizes(scorer, photos, arguments.large)
    result = summary(found)
    suffix = "" if arguments.encoder == "builtin" else "-" + Path(arguments.encoder).stem
    facts = {"display": DISPLAY, "seed": SEED, "scorer": scorer.describe(), "damage": chains}
    machine.write(f"views{suffix}", {"photographs": len(photos), **result, **facts})
    show(result)


if __name__ == "__main__":
    main()
