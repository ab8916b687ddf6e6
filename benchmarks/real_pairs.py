"""Photographed and published pairs: how often does the truth score above its damaged picture?

    python benchmarks/real_pairs.py PAIRED

PAIRED holds a few pictures each of GoPro, LOL, RainDrop, FoundIR and NDR-Restore's samples in
their owners' layouts: damage that no script of this project made. No opinion enters. Writes
results/real_pairs.json.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

import machine

from ddriqa import Scorer

ENCODERS = ("builtin", "builtin-fast", "builtin@1")
PAIRS = {
    "motion blur, GoPro": ("gopro-layout/test/*/blur/*", r"/blur/", "/sharp/"),
    "low light, LOL": ("lol-layout/eval15/low/*", r"/low/", "/high/"),
    "raindrops, RainDrop": (
        "raindrop-layout/test/data/*",
        r"/data/(.*)_rain",
        r"/gt/\1_clean",
    ),
    "haze, NDR-Restore": ("ndr-layout/haze/hazy/*", r"/hazy/([^_]*)_.*", r"/gt/\1.png"),
    "rain, NDR-Restore": ("ndr-layout/rain/rainy/*", r"/rainy/rain", "/gt/norain"),
    "several, FoundIR": ("foundir-layout/LQ/*", r"/LQ/", "/GT/"),
}
"""Kind -> the damaged pictures, and how a name becomes that of the truth."""


def pairs_of(folder: Path) -> dict[str, list[tuple[Path, Path]]]:
    """Kind -> (damaged, truth); ends where one isn't there."""
    found = {}
    for kind, (pattern, old, new) in PAIRS.items():
        damaged = [path.relative_to(folder).as_posix() for path in sorted(folder.glob(pattern))]
        found[kind] = [(folder / name, folder / re.sub(old, new, name)) for name in damaged]
        missing = [truth for _, truth in found[kind] if not truth.is_file()]
        if missing or not damaged:
            raise SystemExit(f"{folder}: the pairs of {kind} aren't there ({pattern})")
    return found


def measured(spec: str, pairs: dict[str, list[tuple[Path, Path]]]) -> dict[str, Any]:
    """Right and all, by kind, and the pairs that are in the wrong order."""
    scorer = Scorer(encoder=spec)
    right, wrong = {}, []
    for kind, listed in pairs.items():
        records = scorer.score([str(path) for pair in listed for path in pair])
        scores = [record.scores["ddr"] for record in records]
        for (path, _), low, high in zip(listed, scores[::2], scores[1::2], strict=True):
            if high <= low:
                name = path.relative_to(path.parents[2]).as_posix()
                wrong.append({"picture": name, "damaged": round(low, 4), "truth": round(high, 4)})
        right[kind] = [sum(h > n for n, h in zip(scores[::2], scores[1::2], strict=True))]
        right[kind].append(len(listed))
    return {
        "fingerprint": scorer.loaded_encoder.fingerprint,  # type: ignore[union-attr]
        "right": sum(count for count, _ in right.values()),
        "pairs": sum(count for _, count in right.values()),
        "right and pairs by kind": right,
        "wrong": wrong,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paired", type=Path)
    pairs = pairs_of(parser.parse_args().paired)
    found = {spec: measured(spec, pairs) for spec in ENCODERS}
    machine.write("real_pairs", {"encoders": found})
    for spec, row in found.items():
        print(f"{spec:14}{row['right']} of {row['pairs']}")


if __name__ == "__main__":
    main()
