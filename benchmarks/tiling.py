"""Tiles against the whole: how near they come, and what memory a large picture takes.

    python benchmarks/tiling.py DATA [--run RUN ...] [--side 2048] [--large 6000x4000] [--network N]

DATA holds ``restoration``. The photograph is Urban100's largest, enlarged to SIDE x SIDE, with
noise of sigma 25. A purely convolutional network whose receptive field is the overlap must give
the same from tiles as from the whole, within 1e-5. The others (their ``small`` presets, seed 0,
residual scales drawn so that their blocks do something, since fresh ones are the identity; and
the networks of run folders) must come within 45 dB of the whole. NAFNet goes with local
statistics, as ``ddriqa restore`` has it; its row with global ones shows why. With ``--network``
only that row is made anew; the others stay, and each says what machine it is of.

Memory is the most that a child process with ``ddriqa restore`` had resident (VmHWM; Linux) while a
24-megapixel JPEG went through NAFNet small. Writes results/tiling.json.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import machine
from memory import _high_water

SIDE, CROP, LARGE = 2048, 128, "6000x4000"
OVERLAPS = {"convolutions, receptive field 33": 33}
LEAST_DB, MOST_DIFFERENCE, MOST_MB = 45, 1e-5, 3000
WHOLE = {"swinir": 1024, "rrdb": 512}
"""The side that is compared, where the whole takes too long: both see windows or convolutions
alone, so that a larger picture says nothing new."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--run", type=Path, action="append", default=[])
    parser.add_argument("--side", type=int, default=SIDE)
    parser.add_argument("--large", default=LARGE)
    parser.add_argument("--network", action="append", help="only this one; may be repeated")
    arguments = parser.parse_args()
    picture = photograph(arguments.data, arguments.side)
    before = known() if arguments.network else {}
    rows, found = before.get("networks", {}), networks(arguments.run)
    if unknown := set(arguments.network or []) - set(found):
        raise SystemExit(f"no network {', '.join(sorted(unknown))}; there are {', '.join(found)}")
    for name, make in found.items():
        if name in (arguments.network or [name]):
            rows[name] = {**compared(name, make(), picture), "measured": on(machine.description())}
            print(name, rows[name], flush=True)
    width, height = map(int, arguments.large.split("x"))
    result = {
        "photograph": f"Urban100's largest, {arguments.side} x {arguments.side}, noise of sigma 25",
        "targets": "convolutions within 1e-5; the others 45 dB or more; under 3000 MB",
        "networks": rows,
        "ddriqa restore": before.get("ddriqa restore") or memory(width, height),
    }
    print(machine.write("tiling", result).read_text())


def known() -> dict[str, Any]:
    """The result file as it is, its rows marked with the machine that they are of."""
    content: dict[str, Any] = json.loads((machine.RESULTS / "tiling.json").read_text())
    for row in (*content["networks"].values(), content["ddriqa restore"]):
        row.setdefault("measured", on(content["machine"]))
    return content


def on(description: dict[str, Any]) -> dict[str, Any]:
    return {key: description[key] for key in ("date", "processor", "cpu_capability")}


def photograph(data: Path, side: int) -> Any:
    """``(3, side, side)`` float."""
    import numpy as np
    import torch
    from PIL import Image

    paths = (data / "restoration" / "Urban100").iterdir()
    image = Image.open(max(paths, key=lambda path: path.stat().st_size)).convert("RGB")
    pixels = np.asarray(image.resize((side, side), Image.Resampling.BICUBIC), np.float32) / 255
    noise = np.random.default_rng(0).normal(0, 25 / 255, pixels.shape)
    return torch.from_numpy((pixels + noise).astype(np.float32)).permute(2, 0, 1).contiguous()


def networks(runs: list[Path]) -> dict[str, Callable[[], Any]]:
    from ddriqa.restoration.restorer import network_of

    found: dict[str, Callable[[], Any]] = dict.fromkeys(OVERLAPS, convolutions)
    found["nafnet, global statistics"] = lambda: awake("nafnet")
    found["nafnet"] = lambda: awake("nafnet-local", train_size=CROP)
    for name in ("restormer", "promptir", "swinir", "rrdb"):
        found[name] = lambda name=name: awake(name)
    return found | {f"run {run.name}": lambda run=run: network_of(run) for run in runs}


def convolutions() -> Any:
    """16 convolutions of 3 x 3: each pixel sees 16 around it."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    layers: list[nn.Module] = []
    widths = [3, *(12,) * 15, 3]
    for inputs, outputs in zip(widths, widths[1:], strict=False):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.GELU()]
    return nn.Sequential(*layers[:-1]).eval()


def awake(name: str, **options: Any) -> Any:
    """A fresh network whose residual scales and temperatures aren't those of the identity."""
    import torch

    from ddriqa.restoration.networks.catalogue import build

    torch.manual_seed(0)
    network = build(name, "small", **options)
    with torch.no_grad():
        for key, weight in network.named_parameters():
            if key.endswith(("beta", "gamma")):
                weight.normal_(0, 0.2)
    return network.eval()


def compared(name: str, network: Any, picture: Any) -> dict[str, Any]:
    """Tiled against whole: the largest difference, PSNR of the outputs cut to [0, 1], the seams."""
    import torch

    from ddriqa.restoration.infer import OVERLAP, TILE, restore

    side = min(picture.shape[-1], WHOLE.get(name, picture.shape[-1]))
    part, overlap = picture[:, :side, :side].contiguous(), OVERLAPS.get(name, OVERLAP)
    tile = min(TILE, max(side // 2, 3 * overlap))
    since = time.perf_counter()
    with torch.no_grad():
        whole = network(part[None])[0]
    middle = time.perf_counter()
    tiled = restore(network, part, tile=tile, overlap=overlap)
    seconds = middle - since, time.perf_counter() - middle
    difference = (tiled - whole).abs().max().item()
    error = (tiled.clamp(0, 1) - whole.clamp(0, 1)).square().mean().item()
    decibels = -10 * math.log10(error) if error else math.inf
    exact = name in OVERLAPS
    return {
        "side": side,
        "tile": tile,
        "overlap": overlap,
        "largest difference": difference,
        "dB": round(decibels, 2) if error else "equal",
        "reaches the target": difference <= MOST_DIFFERENCE if exact else decibels >= LEAST_DB,
        "steepest seam, 8-bit levels a pixel": round(seam(tiled - whole), 4),
        "seconds whole, tiled": [round(value, 1) for value in seconds],
    }


def seam(difference: Any) -> float:
    """The steepest line across the difference, in 8-bit levels from one pixel to the next: of the
    means of its columns and of its rows, since a seam is straight and an edge of a picture isn't.
    """
    lines = (difference.mean(axis).diff().abs().max().item() for axis in (-1, -2))
    return 255 * max(lines)


def memory(width: int, height: int) -> dict[str, Any]:
    """Peak memory of ``ddriqa restore`` on a picture of that size."""
    import numpy as np
    from PIL import Image

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = folder / "run"
        begun_run(run)
        small = np.random.default_rng(0).integers(0, 256, (height // 100, width // 100, 3))
        image = Image.fromarray(small.astype(np.uint8))
        image.resize((width, height), Image.Resampling.BICUBIC).save(folder / "large.jpg")
        del image
        words = [sys.executable, "-m", "ddriqa", "restore", str(folder / "large.jpg")]
        words += ["--run", str(run), "-o", str(folder / "out"), "--device", "cpu", "-q"]
        since, most = time.perf_counter(), 0
        with subprocess.Popen(words) as process:
            try:
                while process.poll() is None:
                    most = max(most, _high_water(process.pid))
                    time.sleep(0.1)
            finally:
                process.kill()  # if this script is stopped
        if process.returncode:
            raise SystemExit(f"ddriqa restore ended with {process.returncode}")
        with Image.open(folder / "out" / "large.jpg") as restored:
            assert restored.size == (width, height)
    return {
        "megapixels": round(width * height / 1e6, 1),
        "network": "nafnet small, local statistics",
        "peak MB": most,
        "seconds": round(time.perf_counter() - since, 1),
        "reaches the target": most < MOST_MB,
    }


def begun_run(run: Path) -> None:
    """A run folder whose network is as it begins: time and memory are those of a trained one."""
    from ddriqa.restoration import checkpoint
    from ddriqa.restoration import settings as of
    from ddriqa.restoration.run_folder import RunFolder

    folder = RunFolder(run)
    names = of.NetworkSettings("nafnet"), of.MethodSettings("baseline")
    folder.create(of.Settings(*names, data={"train": {"folder": ".", "crop": CROP}}))
    checkpoint.save(folder.checkpoints, 0, {"network": awake("nafnet")}, {}, {})


if __name__ == "__main__":
    main()
