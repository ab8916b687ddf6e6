"""What bootstrap intervals of the correlations cost on one core, and what the fits cost.

    OMP_NUM_THREADS=1 python benchmarks/correlation_speed.py

10,000 images (as many as KonIQ-10k), 1,000 resamples, scores that agree with labels at an SRCC of
about .7; labels with ties (hundredths) and without. The process keeps to one core. Writes
results/correlation_speed.json.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import machine
import numpy as np

from ddriqa.benchmark.bootstrap import bootstrap
from ddriqa.benchmark.correlation import STATISTICS, Floats
from ddriqa.benchmark.fitting import FITS

IMAGES, ROUNDS = 10_000, 1000


def example() -> dict[str, tuple[Floats, Floats]]:
    """Scores in a range like DDR's, and labels from 1 to 5, as they are and in hundredths."""
    generator = np.random.default_rng(0)
    quality = generator.normal(size=IMAGES)
    scores = 0.28 + 0.01 * (quality + generator.normal(size=IMAGES))
    labels = 1 + 4 / (1 + np.exp(-quality))
    return {"without ties": (scores, labels), "with ties": (scores, np.round(labels, 2))}


def seconds(action: Callable[[], Any]) -> float:
    """Processor time of one call: what it takes of a core, whoever else is at work."""
    start = time.process_time()
    action()
    return round(time.process_time() - start, 3)


def main() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    result: dict[str, Any] = {"images": IMAGES, "rounds": ROUNDS, "seconds": {}}
    for label, (scores, labels) in example().items():
        times: dict[str, float] = {}
        for name in STATISTICS:
            times[name] = seconds(
                lambda scores=scores, labels=labels, name=name: bootstrap(
                    scores, labels, rounds=ROUNDS, statistics=(name,)
                )
            )
        times["all three"] = seconds(
            lambda scores=scores, labels=labels: bootstrap(scores, labels, rounds=ROUNDS)
        )
        for name, fit in FITS.items():
            times[f"one {name} fit"] = seconds(
                lambda fit=fit, scores=scores, labels=labels: fit(scores, labels)
            )
        result["seconds"][label] = times
        print(label, times, flush=True)
    machine.write("correlation_speed", result)


if __name__ == "__main__":
    main()
