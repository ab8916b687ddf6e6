"""A distance to clean statistics on local features, beside the shipped read-out: is it worth it?

    python benchmarks/local_distance.py PHOTOS HELDOUT BIQ_DEV_FOLDER

The features of a position are one tap of the built-in tower there, along the leading directions of
those of PHOTOS (clean, with which the encoder was made). A picture's score is minus the distance of
the normal distributions of its positions and of the clean ones, as NIQE has it (Mittal et al.,
2013, Eq. 10) and MDFS carries over to deep features. Each tap alone, their sum, and the mean of
the sum's and ddr's ranks are looked at first on HELDOUT: how often does a photograph score above
its own damaged version? Then on ``biq2021-dev``, a development set: a look, which is logged.
Nothing is fitted to opinions. Writes results/local_distance.json.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import looks
import machine
import numpy as np
import torch
from scipy.stats import rankdata, spearmanr

from ddriqa import load_encoder
from ddriqa.degradations import degrade
from ddriqa.images.decode import decode
from ddriqa.images.find import find
from ddriqa.metrics.ddr import ddr, directions
from ddriqa.metrics.prompts import select_pairs

TAPS = {"stride 4": 2, "stride 8": 3, "stride 16": 4, "stride 32": 5}
DIRECTIONS, LEVEL, SEED = 24, 0.5, 0
DAMAGE = ("gaussian_blur", "motion_blur", "gaussian_noise", "jpeg", "overexpose", "haze")
Summary = dict[str, tuple[np.ndarray, np.ndarray]]


class Looker:
    """Pictures to the moments of their local features, and to ddr."""

    def __init__(self) -> None:
        self.encoder = load_encoder("builtin")
        self.axes: dict[str, np.ndarray] = {}
        self.clean: Summary = {}
        self._directions = directions(self.encoder, select_pairs(None))

    @torch.inference_mode()
    def look(self, pixels: np.ndarray) -> tuple[dict[str, np.ndarray], float]:
        """Tap -> features ``(positions, C)``; and the picture's ddr."""
        view = self.encoder.view(pixels).float() / 255
        taps = self.encoder.stages(view)
        score = ddr(self.encoder.encode_image(view), self._directions).mean()
        found = {name: taps[i][0].flatten(1).T.double().numpy() for name, i in TAPS.items()}
        return found, float(score)

    def learn(self, photos: list[str]) -> None:
        """The directions and moments of clean photographs."""
        sums: dict[str, Any] = {name: [0.0, 0.0, 0] for name in TAPS}
        for path in photos:
            for name, values in self.look(read(path))[0].items():
                sums[name][0] += values.sum(0)
                sums[name][1] += values.T @ values
                sums[name][2] += len(values)
        for name, (first, second, count) in sums.items():
            mean = first / count
            covariance = second / count - np.outer(mean, mean)
            self.axes[name] = np.linalg.eigh(covariance)[1][:, -DIRECTIONS:]
            axes = self.axes[name]
            self.clean[name] = mean @ axes, axes.T @ covariance @ axes

    def scores(self, pixels: np.ndarray) -> dict[str, float]:
        """Minus the distance at each tap, minus their sum, and ddr."""
        taps, score = self.look(pixels)
        found = {}
        for name, values in taps.items():
            there = values @ self.axes[name]
            mean, covariance = self.clean[name]
            gap, pooled = there.mean(0) - mean, (np.cov(there.T) + covariance) / 2
            found[name] = -float(np.sqrt(gap @ np.linalg.pinv(pooled) @ gap))
        return {**found, "all taps": sum(found.values()), "ddr": score}


def read(path: str | Path) -> np.ndarray:
    decoded = decode(path)
    if decoded.pixels is None:
        raise SystemExit(f"{path}: {decoded.error}")
    return decoded.pixels


def columns(rows: list[dict[str, float]]) -> dict[str, np.ndarray]:
    """Name -> values, with the mean of two ranks beside them."""
    found = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    found["ranks of all taps and ddr"] = rankdata(found["all taps"]) + rankdata(found["ddr"])
    return found


def heldout(looker: Looker, photos: list[str]) -> dict[str, dict[str, float]]:
    """Damage -> name -> share of photographs that score above their damaged version."""
    rows = []
    for path in photos:
        pixels = read(path)
        rows.append(looker.scores(pixels))
        for name in DAMAGE:
            rows.append(looker.scores(degrade(pixels, name, LEVEL, SEED)))
    table = {name: v.reshape(len(photos), -1) for name, v in columns(rows).items()}
    return {
        damage: {name: round(float((v[:, 0] > v[:, i]).mean()), 3) for name, v in table.items()}
        for i, damage in enumerate(DAMAGE, 1)
    }


def development(looker: Looker, folder: Path) -> dict[str, dict[str, float]]:
    """Name -> SRCC with opinions, over all pictures and in each group."""
    with (folder / "scores.csv").open(newline="") as stream:
        listed = list(csv.DictReader(stream))
    table = columns([looker.scores(read(folder / "images" / row["image"])) for row in listed])
    opinions = np.array([float(row["mos"]) for row in listed])
    groups = np.array([row["group"] for row in listed])
    parts = {"all": groups != "", **{name: groups == name for name in sorted(set(groups))}}
    return {
        name: {
            part: round(float(spearmanr(values[here], opinions[here])[0]), 3)
            for part, here in parts.items()
        }
        for name, values in table.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", nargs="+", type=Path, help="clean photographs or folders")
    parser.add_argument("heldout", type=Path)
    parser.add_argument("folder", type=Path, help="holds scores.csv and images/")
    given = parser.parse_args()
    looker = Looker()
    looker.learn(list(find(given.photos)))
    order = heldout(looker, list(find([given.heldout])))
    found = development(looker, given.folder)
    for name in (n for n in found if n != "ddr"):
        looks.log_look(
            f"local_distance.py, {name}",
            [
                {
                    "development_set": True,
                    "column": "ddr",
                    "group": None,
                    "fingerprint": looker.encoder.fingerprint,
                    "srcc": found[name]["all"],
                }
            ],
        )
    machine.write(
        "local_distance",
        {
            "encoder": looker.encoder.fingerprint,
            "directions of each tap": DIRECTIONS,
            "seed": SEED,
            f"share above their damaged version (level {LEVEL})": order,
            "SRCC with opinions, biq2021-dev (a development set)": found,
        },
    )
    print(order, found, sep="\n")


if __name__ == "__main__":
    main()
