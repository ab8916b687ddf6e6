"""How far the faster arithmetics move scores and ranks.

    python benchmarks/precision.py FOLDER

FOLDER holds photographs (the committed numbers: shared ``clean/heldout`` and ``real-degraded``).
For the built-in encoder and a ViT-B/32 with random weights (seed 0): bf16, fp16 and draft decoding
against fp32 and full decoding. Draft decoding only does something for JPEGs larger than twice the
view, so for it the photographs are enlarged to 12 megapixels first. Writes results/precision.json.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import machine
import numpy as np
from PIL import Image
from score_throughput import random_vit

from ddriqa import Scorer
from ddriqa.errors import DdriqaError
from ddriqa.images.find import find

LONG_SIDE = 4000


def difference(plain: list[float], other: list[float]) -> dict[str, float]:
    """Largest and mean difference, and how far the order moves."""
    from scipy.stats import kendalltau, spearmanr

    apart = np.abs(np.array(plain) - np.array(other))
    return {
        "images": len(plain),
        "spread_of_scores": round(float(np.std(plain)), 5),
        "mean_difference": float(f"{apart.mean():.3g}"),
        "largest_difference": float(f"{apart.max():.3g}"),
        "srcc": round(float(spearmanr(plain, other).statistic), 6),
        "krcc": round(float(kendalltau(plain, other).statistic), 6),
    }


def scores(paths: list[str], encoder: str, **options: Any) -> list[float]:
    records = Scorer(encoder=encoder, **options).score(paths)
    return [record.scores["ddr"] for record in records]  # type: ignore[union-attr]


def enlarged(paths: list[str], folder: Path) -> list[str]:
    """The pictures as JPEGs of quality 90 with a long side of 4000 pixels."""
    results = []
    for number, path in enumerate(paths):
        image = Image.open(path).convert("RGB")
        factor = LONG_SIDE / max(image.size)
        size = (round(image.width * factor), round(image.height * factor))
        target = folder / f"{number:04d}.jpg"
        image.resize(size, Image.Resampling.BICUBIC).save(target, quality=90)
        results.append(str(target))
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+")
    paths = list(find(parser.parse_args().folders))
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        for label, spec in {"builtin": "builtin", "ViT-B/32": random_vit(Path(name))}.items():
            plain = scores(paths, spec)
            result[label] = {}
            for precision in ("bf16", "fp16"):
                try:
                    other = scores(paths, spec, precision=precision)
                except DdriqaError as fault:
                    result[label][precision] = str(fault)
                else:
                    result[label][precision] = difference(plain, other)
                print(label, precision, result[label][precision], flush=True)
        large = enlarged(paths, Path(name))
        full, draft = scores(large, "builtin"), scores(large, "builtin", draft=True)
        result["builtin"]["draft"] = difference(full, draft)
        print("draft", result["builtin"]["draft"])
    machine.write("precision", result)


if __name__ == "__main__":
    main()
