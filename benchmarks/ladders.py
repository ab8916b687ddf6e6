"""Rank order along ladders of synthetic damage, and how well each response knows its own damage.

    python benchmarks/ladders.py FOLDER... [--encoder builtin] [--photos N]

The folders hold clean photographs that no training has seen (the committed numbers: the shared
``restoration/Kodak24`` and ``clean/heldout``). Every photograph gets each damage at six levels, the
untouched one first; grains and streaks are the same at all levels of a photograph. Reported, by
folder and together:

- the share of adjacent pairs that ``ddr`` puts in the right order; an equal score is a wrong one;
- the chance that a photograph damaged at a medium level has a lower response than a clean one
  (AUC), for each response and each group of damage.

Writes results/ladders.json, or with ``--encoder NAME`` results/ladders-NAME.json.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path
from typing import Any

import machine
import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.stats import rankdata

from ddriqa import Scorer
from ddriqa.degradations import degrade
from ddriqa.images.find import find

GROUPS = {
    "blur": ("gaussian_blur", "defocus_blur", "motion_blur"),
    "noise": ("gaussian_noise", "iso_noise"),
    "jpeg": ("jpeg", "webp"),
    "exposure": ("overexpose", "underexpose"),
    "haze": ("haze",),
    "colour": ("desaturate", "oversaturate", "wb_warm", "wb_cool", "hue_rotate"),
    "contrast": ("contrast_down",),
    "upscaling": ("resize_bicubic",),
    "smear": ("denoise_smear",),
    "low light": ("low_light",),
    "sharpening": ("sharpen", "overshoot"),
}
JUDGED = ("blur", "noise", "jpeg", "exposure", "haze")
OWN = {"ddr_blur": "blur", "ddr_noise": "noise", "ddr_color": "colour", "ddr_exposure": "exposure"}
COLUMNS = (*OWN, "ddr")
LEVELS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
MATRIX_LEVELS, MEDIUM = (0.4, 0.6, 0.8), 0.6
TARGET_ORDER, TARGET_AUC = 0.98, 0.95
SEED = 0
TOGETHER = "together"

Scores = dict[str, npt.NDArray[np.float64]]
"""Damage -> ``(photographs, levels, columns)``."""
Matrix = dict[str, dict[str, float]]
"""Column -> group of damage -> AUC."""


def score_ladders(scorer: Scorer, photos: list[str]) -> Scores:
    """The scores of all ladders; a picture without finite scores ends the run."""
    names = [name for group in GROUPS.values() for name in group]
    rows: dict[str, list] = {name: [] for name in names}
    for number, photo in enumerate(photos):
        clean = np.asarray(Image.open(photo).convert("RGB"))
        steps = [degrade(clean, n, level, SEED + number) for n in names for level in LEVELS[1:]]
        records = scorer.score([clean, *steps])
        values = np.array([[record.scores[c] for c in COLUMNS] for record in records])  # type: ignore[union-attr]
        if not np.isfinite(values).all():
            raise SystemExit(f"{photo}: a score isn't finite")
        ladders = values[1:].reshape(len(names), len(LEVELS) - 1, len(COLUMNS))
        for name, ladder in zip(names, ladders, strict=True):
            rows[name].append(np.concatenate([values[:1], ladder]))
        print(f"\r{number + 1}/{len(photos)}", end="", flush=True)
    print()
    return {name: np.array(values) for name, values in rows.items()}


def together(parts: list[Scores]) -> Scores:
    """The ladders of several folders as those of one."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def adjacent_order(scores: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Share of adjacent levels in the right order, overall and step by step.

    ``scores`` is (ladders, levels), the best picture of each ladder first.
    """
    right = scores[:, :-1] > scores[:, 1:]
    return {
        "all": round(float(right.mean()), 4),
        "by_step": [round(float(share), 4) for share in right.mean(0)],
    }


def orders(scores: Scores) -> dict[str, Any]:
    """``adjacent_order`` of ``ddr``: all judged pairs, each group, each damage."""
    overall = {name: values[..., COLUMNS.index("ddr")] for name, values in scores.items()}

    def of(names: tuple[str, ...]) -> dict[str, Any]:
        return adjacent_order(np.concatenate([overall[name] for name in names]))

    return {
        "judged": of(tuple(name for group in JUDGED for name in GROUPS[group])),
        "groups": {group: of(names) for group, names in GROUPS.items()},
        "damages": {name: of((name,)) for name in overall},
    }


def auc(worse: npt.NDArray[np.float64], better: npt.NDArray[np.float64]) -> float:
    """Chance that a member of ``worse`` scores below one of ``better``; an equal score is half."""
    ranks = rankdata(np.concatenate([better, worse]))
    n, m = len(better), len(worse)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * m))


def auc_matrix(scores: Scores, level: float) -> Matrix:
    """AUC of each column for each group at one level, against the same photographs untouched."""
    place = LEVELS.index(level)
    clean = next(iter(scores.values()))[:, 0]
    return {
        column: {
            group: auc(np.concatenate([scores[name][:, place, i] for name in names]), clean[:, i])
            for group, names in GROUPS.items()
        }
        for i, column in enumerate(COLUMNS)
    }


def own_types(matrix: Matrix) -> dict[str, dict[str, Any]]:
    """What each type's response makes of its own damage, beside what could be mistaken for it.

    ``foreign_type``: the largest AUC of the same response on another type's damage;
    ``foreign_any``: on any other group; ``other_response``: the largest AUC of another type's
    response on this type's damage. ``reached``: own AUC at least the target, and above both the
    first and the last.
    """
    found = {}
    for column, own_group in OWN.items():
        own = matrix[column][own_group]
        typed = {g: matrix[column][g] for g in OWN.values() if g != own_group}
        foreign = {g: value for g, value in matrix[column].items() if g != own_group}
        others = {c: matrix[c][own_group] for c in OWN if c != column}
        found[column] = {
            "damage": own_group,
            "own": own,
            "foreign_type": _largest(typed),
            "foreign_any": _largest(foreign),
            "other_response": _largest(others),
            "reached": own >= TARGET_AUC and own > max(*typed.values(), *others.values()),
        }
    return found


def _largest(values: dict[str, float]) -> tuple[str, float]:
    return max(values.items(), key=lambda item: item[1])


def rounded(value: Any) -> Any:
    """The same with every float rounded to four digits."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return round(value, 4) if isinstance(value, float) else value


def print_orders(found: dict[str, dict[str, Any]]) -> None:
    """Adjacent pairs in per cent: a column for each folder, then the steps of all together."""
    steps = [f"{low:g}-{high:g}" for low, high in pairwise(LEVELS)]
    heads = [*(name[-10:] for name in found), *steps]
    print(f"\nadjacent pairs in the right order, % (target {100 * TARGET_ORDER:g})")
    print(" " * 22 + "".join(f"{head:>11}" for head in heads))

    def line(title: str, rows: list[dict[str, Any]]) -> None:
        numbers = [*(row["all"] for row in rows), *rows[-1]["by_step"]]
        print(f"{title:22}" + "".join(f"{100 * number:11.1f}" for number in numbers))

    line("the judged five", [part["judged"] for part in found.values()])
    for group, names in GROUPS.items():
        title = group if group in JUDGED else f"({group})"
        line(title, [part["groups"][group] for part in found.values()])
        for name in names if len(names) > 1 else ():
            line(f"  {name}", [part["damages"][name] for part in found.values()])


def print_matrix(matrix: Matrix, level: float) -> None:
    """A row for each response, a column for each group of damage."""
    print(f"\nAUC against the clean photographs, level {level:g}, {TOGETHER}")
    print(" " * 14 + "".join(f"{group:>11}" for group in GROUPS))
    for column, values in matrix.items():
        print(f"{column:14}" + "".join(f"{values[group]:11.3f}" for group in GROUPS))


def print_own_types(found: dict[str, dict[str, Any]]) -> None:
    """What ``own_types`` found, a line a response."""
    heads = ("own damage", "foreign type", "foreign, any", "other response")
    print(f"\nlevel {MEDIUM:g} (target: own at least {TARGET_AUC:g}, above foreign type and other)")
    print(" " * 14 + "".join(f"{head:>22}" for head in heads) + "   reached")
    for column, row in found.items():
        pairs = [(row["damage"], row["own"]), *(row[k] for k in ("foreign_type", "foreign_any"))]
        cells = [f"{value:.3f} ({name})" for name, value in [*pairs, row["other_response"]]]
        verdict = "yes" if row["reached"] else "no"
        print(f"{column:14}" + "".join(f"{cell:>22}" for cell in cells) + f"   {verdict}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--encoder", default="builtin")
    parser.add_argument("--photos", type=int, help="only the first so many of each folder")
    arguments = parser.parse_args()
    folders = {folder.resolve().name: folder for folder in arguments.folders}
    if len(folders) < len(arguments.folders):
        parser.error("two folders have the same name")

    scorer = Scorer(encoder=arguments.encoder)
    parts: dict[str, Scores] = {}
    for name, folder in folders.items():
        photos = list(find([folder], recursive=False))[: arguments.photos]
        parts[name] = score_ladders(scorer, photos)
    parts[TOGETHER] = together(list(parts.values()))
    order = {name: orders(scores) for name, scores in parts.items()}
    matrices = {
        name: {level: auc_matrix(scores, level) for level in MATRIX_LEVELS}
        for name, scores in parts.items()
    }
    types = {name: own_types(by_level[MEDIUM]) for name, by_level in matrices.items()}
    result = {
        "photographs": {name: len(scores["jpeg"]) for name, scores in parts.items()},
        "levels": LEVELS,
        "seed": SEED,
        "judged": JUDGED,
        "groups": GROUPS,
        "targets": {"order": TARGET_ORDER, "own_type_auc": TARGET_AUC},
        "scorer": scorer.describe(),
        "adjacent_pairs_right": order,
        "own_types": types,
        "auc_against_clean": matrices,
    }
    suffix = "" if arguments.encoder == "builtin" else "-" + Path(arguments.encoder).stem
    machine.write(f"ladders{suffix}", rounded(result))
    print_orders(order)
    print_matrix(matrices[TOGETHER][MEDIUM], MEDIUM)
    print_own_types(types[TOGETHER])


if __name__ == "__main__":
    main()
