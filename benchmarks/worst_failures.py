"""The built-in encoder's worst failures on free photographs, as a sheet of pictures.

    python benchmarks/worst_failures.py FOLDER INDEX [--encoder builtin]

FOLDER holds clean photographs that no training has seen, INDEX is the CSV that names their licences
(``file`` and ``licence_as_stated``). Taken are those whose licence begins with one of ``FREE``, so
that the sheet may be passed on. Three kinds of failure, each the worst first, no photograph twice
in a row of the sheet:

- damaged pictures that score above their own original, each kind of damage once;
- undamaged photographs that score lowest;
- severely damaged pictures that score highest.

Writes results/worst_failures.json and results/worst_failures.jpg.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import machine
import numpy as np
from percentile_reference import KINDS
from PIL import Image, ImageDraw, ImageFont, ImageOps

from ddriqa import Scorer
from ddriqa.degradations import degrade

FREE = ("CC0", "CC BY 4.0", "CC BY-SA 4.0", "GPL-2 and CC BY 4.0")
MEDIUM, SEVERE = 0.6, 1.0
SEED = 0
COUNT = 4  # of each kind of failure
TILE, LINE, GAP = (300, 200), 22, 12
PAPER, INK = "white", "#222222"


@dataclass(frozen=True)
class Case:
    """A picture and its score; ``before`` is that of the photograph as it was."""

    photo: Path
    damage: str | None
    level: float
    score: float
    before: float

    def pixels(self) -> np.ndarray:
        """uint8 ``(H, W, 3)``."""
        clean = np.asarray(Image.open(self.photo).convert("RGB"))
        return degrade(clean, self.damage, self.level, SEED) if self.damage else clean

    def words(self) -> str:
        """The line below the picture."""
        what = f"{self.damage.replace('_', ' ')} {self.level:g}" if self.damage else "undamaged"
        return f"{what}: {self.score:.3f}"

    def row(self) -> dict[str, Any]:
        """As the result file has it."""
        return {
            "photograph": self.photo.name,
            "damage": self.damage,
            "level": self.level,
            "ddr": round(self.score, 4),
            "ddr_of_the_original": round(self.before, 4),
        }


def free_photographs(folder: Path, index: Path) -> list[Path]:
    """Those of the folder that the index calls free, by name."""
    with index.open(encoding="utf-8", newline="") as stream:
        licences = {Path(r["file"]).name: r["licence_as_stated"] for r in csv.DictReader(stream)}
    found = [p for p in sorted(folder.iterdir()) if licences.get(p.name, "").startswith(FREE)]
    if not found:
        raise SystemExit(f"{index}: no photograph of {folder} is free")
    return found


def cases(scorer: Scorer, photos: list[Path]) -> list[Case]:
    """Each photograph undamaged and with each kind of damage at two levels."""
    found = []
    for number, photo in enumerate(photos):
        clean = np.asarray(Image.open(photo).convert("RGB"))
        kinds = [(kind, level) for kind in KINDS for level in (MEDIUM, SEVERE)]
        damaged = [degrade(clean, kind, level, SEED) for kind, level in kinds]
        before, *scores = [record.scores["ddr"] for record in scorer.score([clean, *damaged])]
        found.append(Case(photo, None, 0, before, before))
        found += [
            Case(photo, *kind, score, before) for kind, score in zip(kinds, scores, strict=True)
        ]
        print(f"\r{number + 1}/{len(photos)}", end="", flush=True)
    print()
    return found


def worst(found: list[Case]) -> dict[str, list[Case]]:
    """Title -> the worst cases first."""
    better = sorted(
        (c for c in found if c.damage and c.level == MEDIUM), key=lambda c: c.before - c.score
    )
    undamaged = sorted((c for c in found if not c.damage), key=lambda c: c.score)
    severe = sorted((c for c in found if c.damage and c.level == SEVERE), key=lambda c: -c.score)
    return {
        "Damaged, and scored above the original": different(better),
        "Undamaged, and scored lowest": different(undamaged),
        "Severely damaged, and scored highest": different(severe),
    }


def different(ordered: list[Case]) -> list[Case]:
    """The first ``COUNT`` of different photographs and, if damaged, different damage."""
    kept: list[Case] = []
    for case in ordered:
        photos, kinds = {c.photo for c in kept}, {c.damage for c in kept if c.damage}
        if case.photo not in photos and case.damage not in kinds and len(kept) < COUNT:
            kept.append(case)
    return kept


def sheet(rows: dict[str, list[Case]]) -> Image.Image:
    """A row a failure: for damaged pictures the original's score stands behind the own."""
    font, heading = ImageFont.load_default(14), ImageFont.load_default(17)
    high = TILE[1] + LINE + GAP
    size = (COUNT * (TILE[0] + GAP) + GAP, len(rows) * (high + LINE + GAP) + GAP)
    page = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(page)
    for number, (title, chosen) in enumerate(rows.items()):
        top = GAP + number * (high + LINE + GAP)
        draw.text((GAP, top), title, INK, heading)
        for place, case in enumerate(chosen):
            left = GAP + place * (TILE[0] + GAP)
            tile = ImageOps.fit(Image.fromarray(case.pixels()), TILE)
            page.paste(tile, (left, top + LINE + GAP // 2))
            words = case.words() + (f" (original {case.before:.3f})" if case.damage else "")
            draw.text((left, top + LINE + GAP // 2 + TILE[1] + 3), words, INK, font)
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("index", type=Path)
    parser.add_argument("--encoder", default="builtin")
    arguments = parser.parse_args()
    photos = free_photographs(arguments.folder, arguments.index)
    scorer = Scorer(encoder=arguments.encoder)
    found = cases(scorer, photos)
    rows = worst(found)
    above = [c.score > c.before for c in found if c.damage and c.level == MEDIUM]
    result = {
        "photographs": len(photos),
        "licences": FREE,
        "seed": SEED,
        "scorer": scorer.describe(),
        "damaged_above_original_at_medium": round(float(np.mean(above)), 4),
        "worst": {title: [case.row() for case in chosen] for title, chosen in rows.items()},
    }
    machine.write("worst_failures", result)
    picture = Path(__file__).with_name("results") / "worst_failures.jpg"
    sheet(rows).save(picture, quality=85)
    print(
        f"{100 * np.mean(above):.1f} % of medium damage scores above its original; {picture.name}"
    )


if __name__ == "__main__":
    main()
