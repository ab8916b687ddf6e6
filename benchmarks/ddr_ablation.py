"""PSNR loss alone against PSNR + DDR loss, three seeds each, for denoising and for deblurring.

    python benchmarks/ddr_ablation.py DATA RUNS [--steps N] [--task TASK] [--table]

DATA holds ``clean/train`` and ``restoration``. Every one of the 12 runs has its folder in RUNS
(outside the repository: runs hold pictures) and goes through ``ddriqa train-restore``; the same
command goes on wherever it was stopped, by Ctrl-C, SIGTERM or a crash. After each finished run
results/ddr_ablation.json is written anew with what exists, ``unfinished`` where runs are missing;
what that file has of the same settings isn't run again, on whatever machine it was made (both
losses of a task and seed on one); the file names the machine that wrote it last.
``--table`` writes it from RUNS without training. ``--task`` keeps to one of the two: two processes
of one thread each (OMP_NUM_THREADS=1) are done sooner than one of two threads.

Fixed beforehand, the same for both losses of a task and seed: weights to begin with, pictures,
crops, damage, order, steps. The loss: Eq. 8 of the DDR paper as its code has it (types color,
content, blur, lambda_d 2.0, mean over the types), with the built-in encoder instead of CLIP and its
view of 128 px instead of 224, for cost. Deblurring is of straight camera shake of 5 to 15 px in
any direction, rounded to 8 bit: a made blur, since none of the photographed sets is free.
"""

from __future__ import annotations

import argparse
import json
import statistics
from functools import cache
from pathlib import Path
from typing import Any

import denoising
import machine

STEPS = 2000
"""A step of batch 4 at 96 px took 0.44 s of one core without DDR and 0.64 s with it,
about 0.26 and 0.37 s of two. Six runs each: 3.8 s a step of all; the tests of 12 runs take about
20 minutes; 2000 steps make about two and a half hours of two quiet cores in all."""
CROP, SEEDS = 96, (0, 1, 2)
DAMAGE = {
    "denoising": denoising.NOISE,
    "deblurring": "motion_blur,length=5..15,round=true",
}
DDR = """
[method.options.ddr]
encoder = "builtin"
types = ["color", "content", "blur"]
weight = 2.0
side = 128
"""
LOSSES = {"PSNR": ("baseline", ""), "PSNR + DDR": ("ddr", DDR)}
TRAINING = """[training]
clip_norm = 0.01
ema = 0.999
log_every = 50
validate_every = 500
save_every = 100
precision = "float32"
"""
MEASURES = ("psnr", "ssim", "ddr")
FIGURES = "figures.json"
Figures = dict[str, dict[str, float]]
ENCODER = "builtin"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--task", choices=list(DAMAGE))
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    denoising.refuse_inside(arguments.runs)
    tasks = [arguments.task] if arguments.task else list(DAMAGE)
    plan = [(task, loss, seed) for seed in SEEDS for task in tasks for loss in LOSSES]
    for task, loss, seed in [] if arguments.table else plan:
        folder = run_folder(arguments, task, loss, seed)
        if known(arguments, task, loss, seed) is None:
            train(folder, arguments, task, loss, seed)
            keep(folder / FIGURES, figures(arguments.data, DAMAGE[task], folder))
            write(arguments)
    write(arguments)


def run_folder(arguments: argparse.Namespace, task: str, loss: str, seed: int) -> Path:
    return arguments.runs / f"{task}-{LOSSES[loss][0]}-{seed}-{arguments.steps}"


def train(folder: Path, arguments: argparse.Namespace, task: str, loss: str, seed: int) -> None:
    method, options = LOSSES[loss]
    print(f"{task}, {loss}, seed {seed}", flush=True)
    denoising.train(
        folder,
        arguments.data,
        method,
        DAMAGE[task],
        TRAINING + options,
        seed,
        arguments.steps,
        CROP,
    )


def figures(data: Path, damage: str, run: Path | None) -> Figures:
    """PSNR, SSIM and DDR of every test set, of a run's output or of the damaged input."""
    from ddriqa import Scorer
    from ddriqa.restoration.measures.planes import eight_bit

    scorer, found = Scorer(encoder=ENCODER, device="cpu"), {}
    for name in denoising.SETS:
        pictures: list[Any] = []

        def watch(output: Any, target: Any, pictures: list[Any] = pictures) -> None:
            pictures.append((eight_bit(output) * 255).byte())

        folder = data / "restoration" / name
        means = denoising.measured(folder, damage, run, denoising.measures(), watch)
        scores = [record.scores["ddr"] for record in scorer.iter(pictures)]
        found[name] = {**means, "ddr": round(statistics.fmean(scores), 6)}
    return found


def keep(path: Path, found: Figures) -> None:
    """With the encoder that has scored: DDR of two encoders doesn't compare."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps({"encoder": fingerprint(), "sets": found}, indent=1) + "\n")
    temporary.replace(path)


def kept(path: Path) -> Figures:
    content = json.loads(path.read_text())
    if content["encoder"] != fingerprint():
        raise SystemExit(f"{path} is of {content['encoder']}: begin anew in another folder")
    return content["sets"]


@cache
def fingerprint() -> str:
    from ddriqa import load_encoder

    return load_encoder(ENCODER).fingerprint


def known(arguments: argparse.Namespace, task: str, loss: str, seed: int) -> Figures | None:
    """Figures of a finished run: of its folder, or else of the result file."""
    path = run_folder(arguments, task, loss, seed) / FIGURES
    if path.exists():
        return kept(path)
    file = machine.RESULTS / "ddr_ablation.json"
    content = json.loads(file.read_text()) if file.exists() else {}
    if content.get("settings") != settings(arguments.steps):
        return None
    return content[task]["runs"][loss].get(str(seed))


def input_figures(arguments: argparse.Namespace, task: str) -> Figures:
    path = arguments.runs / f"{task}-input.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        keep(path, figures(arguments.data, DAMAGE[task], None))
    return kept(path)


def write(arguments: argparse.Namespace) -> None:
    """The result file, with the runs that are finished."""
    found: dict[str, Any] = {}
    missing = []
    for task in DAMAGE:
        runs: dict[str, dict[int, Figures]] = {loss: {} for loss in LOSSES}
        for loss in LOSSES:
            for seed in SEEDS:
                figures_of_run = known(arguments, task, loss, seed)
                if figures_of_run is not None:
                    runs[loss][seed] = figures_of_run
                else:
                    missing.append(f"{task}, {loss}, seed {seed}")
        found[task] = {
            "damage": DAMAGE[task],
            "input": input_figures(arguments, task),
            "runs": runs,
            "mean and standard deviation over seeds": {
                loss: spread(list(by_seed.values())) for loss, by_seed in runs.items()
            },
            "PSNR + DDR minus PSNR, seed by seed": spread(differences(runs)),
        }
    state = f"{len(missing)} of {len(DAMAGE) * len(LOSSES) * len(SEEDS)} runs are missing"
    machine.write(
        "ddr_ablation",
        {
            "state": f"unfinished: {state}" if missing else "finished",
            "missing": missing,
            "settings": settings(arguments.steps),
            **found,
        },
    )


def settings(steps: int) -> dict[str, Any]:
    return {
        "network": "nafnet small; restores with local statistics",
        "steps": steps,
        "batch": denoising.BATCH,
        "crop": CROP,
        "seeds": list(SEEDS),
        "training": TRAINING,
        "encoder": fingerprint(),
        "DDR loss": DDR,
        "measures": "PSNR over RGB and SSIM gauss of the output in 8 bit (of the input as it is); "
        "DDR of ddriqa score with the built-in encoder and its default types: the very encoder of "
        "the loss, so that PSNR and SSIM alone are independent of it",
        "Urban100": "3 of its 100 pictures",
    }


def spread(runs: list[Figures]) -> dict[str, dict[str, dict[str, float | None]]]:
    """Set -> measure -> mean and sample standard deviation; None with fewer than two runs."""
    return {
        name: {measure: _moments([run[name][measure] for run in runs]) for measure in MEASURES}
        for name in (denoising.SETS if runs else ())
    }


def differences(runs: dict[str, dict[int, Figures]]) -> list[Figures]:
    """With DDR minus without, of the seeds that have both."""
    plain, ddr = (runs[loss] for loss in LOSSES)
    return [
        {
            name: {m: ddr[seed][name][m] - plain[seed][name][m] for m in MEASURES}
            for name in denoising.SETS
        }
        for seed in plain
        if seed in ddr
    ]


def _moments(values: list[float]) -> dict[str, float | None]:
    deviation = round(statistics.stdev(values), 6) if len(values) > 1 else None
    return {"mean": round(statistics.fmean(values), 6), "sd": deviation}


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
