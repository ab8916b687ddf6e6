"""Rank order along ladders of synthetic damage on held-out photographs.

    python benchmarks/ladders.py FOLDER_OF_CLEAN_PHOTOGRAPHS

Every photograph gets each damage at five levels; the share of adjacent pairs (untouched first)
that ``ddr`` puts in the right order, and how well each response tells its own damage from the
clean photographs and from other damage (AUC). Writes results/ladders.json.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import machine
import numpy as np
from PIL import Image
from scipy.stats import rankdata

from ddriqa import Scorer
from ddriqa.degradations import degrade

JUDGED = ("gaussian_blur", "gaussian_noise", "jpeg", "underexpose", "overexpose")
LADDERS = {
    "blur": ("gaussian_blur", "defocus_blur", "motion_blur"),
    "noise": ("gaussian_noise", "iso_noise"),
    "exposure": ("underexpose", "overexpose"),
    "color": ("desaturate", "oversaturate", "wb_warm", "wb_cool"),
    "compression": ("jpeg", "webp"),
}
LEVELS = (0.2, 0.4, 0.6, 0.8, 1.0)
SEED = 0


def score_ladders(scorer: Scorer, photos: list[Path]) -> dict[str, np.ndarray]:
    """Damage -> scores ``(photos, levels + 1, columns)``, the untouched photograph first."""
    names = [name for group in LADDERS.values() for name in group]
    rows: dict[str, list] = {name: [] for name in names}
    for number, photo in enumerate(photos):
        clean = np.asarray(Image.open(photo).convert("RGB"))
        steps = [degrade(clean, name, level, SEED + number) for name in names for level in LEVELS]
        values = [list(record.scores.values()) for record in scorer.score([clean, *steps])]
        for i, name in enumerate(names):
            start = 1 + i * len(LEVELS)
            rows[name].append([values[0], *values[start : start + len(LEVELS)]])
        print(f"\r{number + 1}/{len(photos)}", end="", flush=True)
    print()
    return {name: np.array(values) for name, values in rows.items()}


def adjacent_order(scores: np.ndarray) -> dict[str, object]:
    """Share of adjacent levels in the right order, overall and step by step."""
    right = scores[:, :-1] > scores[:, 1:]
    return {
        "all": round(float(right.mean()), 4),
        "by_step": [round(float(v), 3) for v in right.mean(0)],
    }


def auc(worse: np.ndarray, better: np.ndarray) -> float:
    """Chance that a member of ``worse`` scores below one of ``better``."""
    ranks = rankdata(np.concatenate([better, worse]))
    n, m = len(better), len(worse)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * m))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--encoder", default="builtin")
    arguments = parser.parse_args()

    scorer = Scorer(encoder=arguments.encoder)
    photos = sorted(p for p in arguments.folder.iterdir() if p.suffix.lower() in (".jpg", ".png"))
    scores = score_ladders(scorer, photos)
    order = {name: adjacent_order(values[..., 0]) for name, values in scores.items()}
    judged = float(np.mean([scores[n][:, :-1, 0] > scores[n][:, 1:, 0] for n in JUDGED]))
    matrix = {
        column: {
            group: round(
                auc(
                    np.concatenate([scores[n][:, 1:, i].ravel() for n in names]),
                    scores["jpeg"][:, 0, i],
                ),
                3,
            )
            for group, names in LADDERS.items()
        }
        for i, column in enumerate(scorer.columns)
    }
    result = {
        "photographs": len(photos),
        "levels": LEVELS,
        "seed": SEED,
        "scorer": scorer.describe(),
        "adjacent_pairs_right": {"judged": round(judged, 4), "judged_types": JUDGED, **order},
        "auc_against_clean": matrix,
    }
    machine.write("ladders", result)
    print("adjacent pairs right:", round(judged, 4))
    for name, numbers in order.items():
        print(f"  {name:16s}", numbers)
    for column, numbers in matrix.items():
        print(f"{column:14s}", numbers)


if __name__ == "__main__":
    main()
