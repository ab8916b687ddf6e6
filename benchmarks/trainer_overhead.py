"""What the trainer adds to a bare loop, and the DDR loss to a step: time and memory.

    python benchmarks/trainer_overhead.py DATA [--steps N]

DATA holds ``clean/train``. NAFNet small, batch 4, crops of 128 px, noise of sigma 25 made on the
fly, AdamW, gradients clipped, on the CPU. Every step of the trainer is followed by one of a bare
loop with the same network and data, and every step without the DDR loss by one with it, so that
whatever else the machine does falls on both. Memory is the most that a process of its own had
resident (VmHWM; Linux). Writes results/trainer_overhead.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import machine

BATCH, CROP, SEED, STEPS, WARM = 4, 128, 0, 100, 5
NOISE = {"degradation": "gaussian_noise", "sigma": 25, "clip": False}
SIDES = {"DDR, view of 128 px": 128, "DDR, the encoder's own view": 384}
"""The first is the default with crops of that side."""
CACHE = 512 << 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--peak", choices=["without", *SIDES], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak:
        print(peak_of(arguments.data, arguments.peak))
        return
    peaks = {name: peak(arguments.data, name) for name in ("without", *SIDES)}
    result = {
        "network": "nafnet small, float32",
        "batch": BATCH,
        "crop": CROP,
        "steps": arguments.steps,
        "warm-up steps": WARM,
        "sizes": sizes(),
        "trainer against bare loop (target: 5 % more at most)": trainer(
            arguments.data, arguments.steps
        ),
        "DDR loss against none (target: 35 % more at most)": losses(
            arguments.data, arguments.steps
        ),
        "peak resident memory, MB": peaks,
    }
    path = machine.write("trainer_overhead", result)
    print(path.read_text())


def dataset(data: Path) -> Any:
    from ddriqa.restoration.data import CleanFolder

    folder, options = data / "clean" / "train", {"flips": True, "rotations": True, "cache": CACHE}
    return CleanFolder(folder, NOISE, crop=CROP, seed=SEED, **options)


def batches(data: Path, steps: int) -> Iterator[Any]:
    """Those that the trainer has."""
    from torch.utils.data import DataLoader

    from ddriqa.restoration.batches import Batches, Share

    pairs = dataset(data)
    order = Batches(len(pairs), SEED, Share(BATCH), 0, steps, endless=True)
    return iter(DataLoader(pairs, batch_sampler=order))


def network() -> Any:
    import torch

    from ddriqa.restoration.networks.catalogue import build

    torch.manual_seed(SEED)
    return build("nafnet", "small")


def bare_step(losses: list[Any]) -> Callable[[Any], None]:
    """A step as one would write it by hand."""
    import torch

    restorer = network()
    optimiser = torch.optim.AdamW(restorer.parameters(), 1e-3, weight_decay=0)

    def step(batch: Any) -> None:
        output = restorer(batch["lq"])
        sum(loss(output, batch["gt"]) for loss in losses).backward()
        torch.nn.utils.clip_grad_norm_(restorer.parameters(), 0.01)
        optimiser.step()
        optimiser.zero_grad()

    return step


def ddr(side: int) -> Any:
    from ddriqa.restoration.losses.catalogue import build

    return build({"name": "ddr", "encoder": "builtin", "side": side})


def psnr() -> Any:
    from ddriqa.restoration.losses.catalogue import build

    return build({"name": "psnr"})


def trainer(data: Path, steps: int) -> dict[str, Any]:
    """Seconds of its steps and of a bare loop's, one after the other, with reading."""
    from ddriqa.restoration import settings as of
    from ddriqa.restoration.methods.catalogue import build
    from ddriqa.restoration.trainer import Data, Trainer

    steps += WARM
    training = of.TrainingSettings(
        steps=steps, batch_size=BATCH, device="cpu", log_every=50, save_every=10 * steps
    )
    names = of.NetworkSettings("nafnet"), of.MethodSettings("baseline")
    chosen = of.Settings(*names, seed=SEED, training=training)
    bare, given = bare_step([psnr()]), batches(data, steps)
    seconds: dict[str, list[float]] = {"bare": [], "trainer": []}
    since = time.perf_counter()

    def between() -> bool:
        """Called by the trainer after each of its steps."""
        nonlocal since
        now = time.perf_counter()
        seconds["trainer"].append(now - since)
        bare(next(given))
        since = time.perf_counter()
        seconds["bare"].append(since - now)
        return False

    with tempfile.TemporaryDirectory() as folder:
        method = build(network(), chosen)
        Trainer(method, Data(dataset(data)), Path(folder) / "run", chosen).run(between)
    return compared(seconds, "bare")


def losses(data: Path, steps: int) -> dict[str, Any]:
    """Seconds of a bare step without and with the DDR loss, reading left out."""
    steps += WARM
    ways = {"without": bare_step([psnr()])}
    ways |= {name: bare_step([psnr(), ddr(side)]) for name, side in SIDES.items()}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for batch in batches(data, steps):
        for name, step in ways.items():
            since = time.perf_counter()
            step(batch)
            seconds[name].append(time.perf_counter() - since)
    return compared(seconds, "without")


def compared(seconds: dict[str, list[float]], base: str) -> dict[str, Any]:
    """Medians and quartiles; how much more than the base, by medians and by means."""
    seconds = {name: values[WARM:] for name, values in seconds.items()}
    result: dict[str, Any] = {}
    for name, values in seconds.items():
        low, middle, high = (round(x, 4) for x in statistics.quantiles(values, n=4))
        result[name] = {"median s": middle, "quartiles s": [low, high]}
        if name != base:
            ratios = [mean(values) / mean(seconds[base]) for mean in (statistics.median, sum)]
            by_median, by_mean = (round(100 * (ratio - 1), 1) for ratio in ratios)
            result[name] |= {"% more by medians": by_median, "% more by means": by_mean}
    return result


def sizes() -> dict[str, Any]:
    """Parameters, and multiply-adds of a picture going forward."""
    import torch

    losses = {name: ddr(side) for name, side in SIDES.items()}
    found = {
        "nafnet small": {
            "parameters": parameters(network()),
            "input px": CROP,
            "forward MACs": macs(network(), torch.rand(1, 3, CROP, CROP)),
        }
    }
    for name, loss in losses.items():
        pixels = torch.rand(1, 3, CROP, CROP)
        found[name] = {
            "parameters": parameters(loss.encoder),
            "view px": loss.side,
            "forward MACs": macs(loss, pixels, pixels),
        }
    return found


def parameters(module: Any) -> int:
    return sum(weight.numel() for weight in module.parameters())


def macs(module: Any, *inputs: Any) -> int:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(*inputs)
    return counter.get_total_flops() // 2


def peak(data: Path, name: str) -> int:
    command = [sys.executable, __file__, str(data), "--peak", name]
    return int(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))


def peak_of(data: Path, name: str) -> int:
    """MB that this process had resident at most, after three steps."""
    step = bare_step([psnr()] if name == "without" else [psnr(), ddr(SIDES[name])])
    for batch in batches(data, 3):
        step(batch)
    status = Path("/proc/self/status").read_text().splitlines()
    line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


if __name__ == "__main__":
    main()
