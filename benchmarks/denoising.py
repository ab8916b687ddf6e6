"""Colour denoising at sigma 25 with ``nafnet small``, trained and tested by the package.

    python benchmarks/denoising.py DATA RUNS [--steps N]

DATA holds ``clean/train`` and ``restoration``; the run goes to ``RUNS/denoise`` and is gone on with
if it is there: Ctrl-C (or SIGTERM) saves, and the same command goes on. The noise is that of the
papers: neither clipped nor rounded (the input has 20.2 dB); the output is rounded to 8 bit, as a
saved picture. The budget is fixed beforehand: ``STEPS``, some 35 minutes on two cores. Writes
results/denoising.json; pictures stay in the run folder.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import machine

STEPS, BATCH, CROP, SEED = 4000, 4, 96, 0
NOISE = "gaussian_noise,sigma=25,clip=false"
SETS = ("CBSD68", "Kodak24", "Set14", "Urban100")
TRAINING = """[training]
clip_norm = 0.01
ema = 0.999
log_every = 50
validate_every = 500
save_every = 250
precision = "bfloat16"
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--steps", type=int, default=STEPS)
    arguments = parser.parse_args()
    refuse_inside(arguments.runs)
    run, sets = arguments.runs / "denoise", arguments.data / "restoration"
    train(run, arguments.data, "baseline", NOISE, TRAINING, SEED, arguments.steps, CROP)
    with (run / "metrics.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    result = {
        "network": "nafnet small; restores with local statistics",
        "steps": arguments.steps,
        "batch": BATCH,
        "crop": CROP,
        "seed": SEED,
        "precision": "bfloat16 (mixed)",
        "noise": "Gaussian, sigma 25 of 255, neither clipped nor rounded",
        "measures": "PSNR over RGB of the output in 8 bit (of the input as it is); SSIM gauss",
        "pictures": {name: len(list((sets / name).iterdir())) for name in SETS},
        "curve": rows,
        "input": {name: measured(sets / name, NOISE, None, measures()) for name in SETS},
        "output": {name: measured(sets / name, NOISE, run, measures()) for name in SETS},
    }
    machine.write("denoising", result)
    for name in SETS:
        print(name, result["input"][name], result["output"][name])


def train(
    run: Path,
    data: Path,
    method: str,
    damage: str,
    settings: str,
    seed: int,
    steps: int,
    crop: int,
) -> None:
    """Train into a run folder, or go on with it, by ``ddriqa train-restore``.

    In this process: a subprocess would be killed by Ctrl-C before it has saved.
    """
    from ddriqa.cli.main import main as ddriqa

    words = ["train-restore", method, "--out", str(run)]
    if any((run / "checkpoints").glob("step-*")):
        words.append("--resume")
    else:
        run.parent.mkdir(parents=True, exist_ok=True)
        path = run.parent / f"{run.name}.toml"
        path.write_text(settings)
        words += ["--settings", str(path), "--data", str(data / "clean" / "train")]
        words += ["--validate", str(data / "restoration" / "Set5"), "--damage", damage]
        words += ["--steps", str(steps), "--batch-size", str(BATCH), "--crop", str(crop)]
        words += ["--seed", str(seed), "--device", "cpu"]
    try:
        ddriqa(words)
    except SystemExit as end:
        if end.code:
            raise
    check_steps(run, steps)


def check_steps(run: Path, steps: int) -> None:
    """A run that was begun with another number of steps must not pass for this one."""
    from ddriqa.restoration.checkpoint import step_of
    from ddriqa.restoration.run_folder import RunFolder

    latest = RunFolder(run).latest()
    done = step_of(latest) if latest else 0
    if done != steps:
        raise SystemExit(f"{run} has {done} steps, not {steps}: begin it anew in another folder")


def measures() -> dict[str, Callable[..., Any]]:
    from ddriqa.restoration.measures.catalogue import build

    return {"psnr": build("psnr"), "ssim": build("ssim", definition="gauss")}


def measured(
    folder: Path,
    damage: str,
    run: Path | None,
    wanted: dict[str, Callable[..., Any]],
    watch: Callable[[Any, Any], None] | None = None,
) -> dict[str, float]:
    """Means over the pictures of a set, as ``ddriqa evaluate`` has them: of a run's output in
    8 bit, or without a run of the damaged input as it is. ``watch`` sees both."""
    from ddriqa.cli.train_restore_run import damage_of
    from ddriqa.restoration.evaluate import evaluate, means
    from ddriqa.restoration.restorer import network_of
    from ddriqa.restoration.sources import pairs_of

    pairs = pairs_of({"folder": str(folder), **damage_of(damage)}, 0, "--data")
    network = network_of(run) if run else None
    results = list(evaluate(pairs, wanted, network, rounded=run is not None, watch=watch))
    if faults := [one.error for one in results if one.error]:
        raise SystemExit(f"{folder}: {faults[0]}")
    found = means(results)
    if not all(map(math.isfinite, found.values())):
        raise SystemExit(f"{folder}: {found}")
    return {name: round(value, 4) for name, value in found.items()}


def refuse_inside(runs: Path) -> None:
    """Samples show pictures that aren't free: they stay out of the repository."""
    root = Path(__file__).resolve().parent.parent
    if runs.resolve().is_relative_to(root):
        raise SystemExit(f"{runs} is inside the repository, and runs hold pictures: name another")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
