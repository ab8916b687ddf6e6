"""Agreement of ``ddr`` with people on the development set, beside the variance of the Laplacian.

    python benchmarks/opinion_agreement.py FOLDER_OF_BIQ2021_DEV

``biq2021-dev`` is a development set: the recipe of the built-in encoder was chosen in view of it,
so these numbers are not those of unseen data. Writes results/opinion_agreement.json and .csv.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import machine
import numpy as np
import pandas as pd
from PIL import Image
from scipy.ndimage import laplace
from scipy.stats import spearmanr

from ddriqa import Scorer

ROUNDS, SEED = 2000, 0


def laplacian_variance(path: Path) -> float:
    """Variance of the 4-neighbour Laplacian of the grey picture in 0...255."""
    grey = np.asarray(Image.open(path).convert("L"), dtype=np.float64)
    return float(laplace(grey, mode="reflect").var())


def srcc(scores: np.ndarray, mos: np.ndarray) -> float:
    return float(spearmanr(scores, mos).statistic)


def bootstrap(table: pd.DataFrame, columns: list[str]) -> np.ndarray:
    """SRCC of each column on resampled images: ``(ROUNDS, columns)``, paired."""
    rng = np.random.default_rng(SEED)
    rows = []
    for _ in range(ROUNDS):
        sample = table.iloc[rng.integers(len(table), size=len(table))]
        rows.append([srcc(sample[c].to_numpy(), sample["mos"].to_numpy()) for c in columns])
    return np.array(rows)


def result_difference(table: pd.DataFrame) -> float:
    """SRCC of ``ddr`` less that of the variance of the Laplacian, on all images."""
    mos = table["mos"].to_numpy()
    return srcc(table["ddr"].to_numpy(), mos) - srcc(table["laplacian_variance"].to_numpy(), mos)


def interval(values: np.ndarray) -> list[float]:
    return [round(float(v), 4) for v in np.percentile(values, [2.5, 97.5])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="holds scores.csv and images/")
    parser.add_argument("--encoder", default="builtin")
    arguments = parser.parse_args()

    table = pd.read_csv(arguments.folder / "scores.csv")
    paths = [arguments.folder / "images" / name for name in table["image"]]
    scorer = Scorer(encoder=arguments.encoder)
    records = list(scorer.iter(paths))
    columns = list(scorer.columns)
    for column in columns:
        table[column] = [record.scores[column] for record in records]
    table["laplacian_variance"] = [laplacian_variance(path) for path in paths]
    columns.append("laplacian_variance")

    samples = bootstrap(table, columns)
    difference = samples[:, 0] - samples[:, -1]
    result = {
        "set": "biq2021-dev (development set: the recipe was chosen in view of it)",
        "images": len(table),
        "scorer": scorer.describe(),
        "bootstrap": {"rounds": ROUNDS, "seed": SEED, "interval": "95 %, percentile, paired"},
        "srcc": {
            column: {
                "all": round(srcc(table[column].to_numpy(), table["mos"].to_numpy()), 4),
                "interval": interval(samples[:, i]),
                **{
                    group: round(srcc(part[column].to_numpy(), part["mos"].to_numpy()), 4)
                    for group, part in table.groupby("group")
                },
            }
            for i, column in enumerate(columns)
        },
        "ddr_minus_laplacian_variance": {
            "difference": round(result_difference(table), 4),
            "interval": interval(difference),
        },
    }
    path = machine.write("opinion_agreement", result)
    table[["image", "mos", "group", *columns]].to_csv(path.with_suffix(".csv"), index=False)
    for column, numbers in result["srcc"].items():
        print(f"{column:20s}", numbers)
    print("ddr - laplacian_variance", result["ddr_minus_laplacian_variance"])


if __name__ == "__main__":
    main()
