"""Colour denoising at sigma 25 with ``nafnet small``, trained and tested by the commands.

    python benchmarks/denoising.py DATA RUNS [--steps N]

DATA holds ``clean/train`` and ``restoration``; the run goes to ``RUNS/denoise`` and is gone on with
if it is there. The noise is that of the papers: neither clipped nor rounded (the input has 20.2
dB). The budget is fixed beforehand: ``STEPS``, about half an hour on two cores. Writes
results/denoising.json; pictures stay in the run folder.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
from pathlib import Path

import machine

STEPS, BATCH, CROP, SEED = 3000, 4, 96, 0
NOISE = "gaussian_noise,sigma=25,clip=false"
SETS = ("CBSD68", "Kodak24", "Set14", "Urban100")


def ddriqa(*arguments: str) -> str:
    command = [sys.executable, "-m", "ddriqa", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def measured(data: Path, run: Path | None) -> dict[str, float]:
    """PSNR of RGB and SSIM of one set; without a run, of the noisy input."""
    options = ["--run", str(run)] if run else []
    told = ddriqa("evaluate", "--data", str(data), "--damage", NOISE, "--unrounded", *options)
    return {name: float(value) for name, value in map(str.split, told.splitlines())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--steps", type=int, default=STEPS)
    arguments = parser.parse_args()
    run, sets = arguments.runs / "denoise", arguments.data / "restoration"

    options = ["--resume"] if (run / "checkpoints").is_dir() else settings(arguments)
    ddriqa("train-restore", "baseline", "--out", str(run), *options)
    with (run / "metrics.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    result = {
        "network": "nafnet small",
        "steps": arguments.steps,
        "batch": BATCH,
        "crop": CROP,
        "seed": SEED,
        "precision": "bfloat16 (mixed)",
        "noise": "Gaussian, sigma 25 of 255, neither clipped nor rounded",
        "measures": "PSNR over RGB of the unrounded output; SSIM gauss",
        "curve": rows,
        "input": {name: measured(sets / name, None) for name in SETS},
        "output": {name: measured(sets / name, run) for name in SETS},
    }
    machine.write("denoising", result)
    for name in SETS:
        print(name, result["input"][name], result["output"][name])


def settings(arguments: argparse.Namespace) -> list[str]:
    path = arguments.runs / "denoise.toml"
    path.write_text(
        "[training]\nclip_norm = 0.01\nema = 0.999\nlog_every = 50\nvalidate_every = 500\n"
        'save_every = 250\nprecision = "bfloat16"\n'
    )
    return [
        *("--settings", str(path), "--data", str(arguments.data / "clean" / "train")),
        *("--validate", str(arguments.data / "restoration" / "Set5"), "--damage", NOISE),
        *("--steps", str(arguments.steps), "--batch-size", str(BATCH), "--crop", str(CROP)),
        *("--seed", str(SEED), "--device", "cpu"),
    ]


if __name__ == "__main__":
    main()
