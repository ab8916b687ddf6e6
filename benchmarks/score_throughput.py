"""Images/s of ``ddriqa score``, of the bare forward, of decoding, and of the plain way, in one run.

    python benchmarks/score_throughput.py [--images 1000] [--large 80] [--rounds 3]

Pictures: 512x512 cuts and 4000x3000 enlargements of the photographs of tests/photos, as JPEGs of
quality 90. ViT-B/32 has random weights (seed 0). The bare forward runs the encoder on ready float
views in batches of the card's size; decoding and resizing is the command's own, on all cores. The
plain way is what a short script does: Pillow decodes, Pillow resizes, the network sees one picture
at a time. Contestants take turns, because machines are noisy; medians over the rounds are reported.
"After start" leaves out imports and loading, measured by a run over ten pictures. Writes
results/score_throughput.json.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import machine
import numpy as np
import torch
from PIL import Image, ImageOps

from ddriqa import load_encoder
from ddriqa.encoders import Encoder
from ddriqa.metrics.ddr import DDR
from ddriqa.scoring.read_ahead import ReadAhead
from ddriqa.scoring.threads import available_cores

PHOTOS = Path(__file__).parent.parent / "tests" / "photos"
SMALL, LARGE = (512, 512), (4000, 3000)
FEW = 10


def make_pictures(folder: Path, size: tuple[int, int], count: int) -> list[Path]:
    """``count`` JPEGs of that size, quality 90."""
    folder.mkdir()
    sources = [
        ImageOps.fit(Image.open(path).convert("RGB"), size) for path in sorted(PHOTOS.glob("*.jpg"))
    ]
    paths = [folder / f"{i:05d}.jpg" for i in range(count)]
    for i, path in enumerate(paths):
        sources[i % len(sources)].save(path, quality=90)
    return paths


def random_vit(folder: Path) -> str:
    """The spec of a ViT-B/32 with random weights (seed 0) in a file."""
    from safetensors.torch import save_file

    from ddriqa.encoders.clip import import_open_clip

    torch.manual_seed(0)
    path = folder / "random.safetensors"
    save_file(import_open_clip().create_model("ViT-B-32-quickgelu").state_dict(), path)
    return f"ViT-B-32-quickgelu:{path}"


def command(folder: Path, *options: str) -> float:
    """Seconds of ``ddriqa score FOLDER``, from its start to its end."""
    words = [sys.executable, "-m", "ddriqa", "score", str(folder), *options]
    start = time.perf_counter()
    subprocess.run([*words, "-q", "--force", "-o", f"{folder}.csv"], check=True)
    return time.perf_counter() - start


def forward(encoder: Encoder, paths: list[Path], count: int) -> float:
    """Seconds of the encoder alone for ``count`` views, in batches of the card's size."""
    view = encoder.view_for()
    views = [view(np.array(Image.open(path)))[0] for path in paths[: encoder.card.batch]]
    batch = torch.stack([v if v.is_floating_point() else v.float() / 255 for v in views])
    batch = batch.contiguous(memory_format=torch.channels_last)
    start = time.perf_counter()
    with torch.inference_mode():
        for _ in range(-(-count // len(batch))):
            encoder.encode_image(batch)
    return time.perf_counter() - start


def decoding(encoder: Encoder, paths: list[Path]) -> float:
    """Seconds of decoding and making views on all cores, as the command does it."""
    read = ReadAhead([encoder.view_for()], workers=available_cores(), ahead=32)
    start = time.perf_counter()
    for image in read(paths):
        read.budget.release(image.bytes)
    return time.perf_counter() - start


def plain(encoder: Encoder, metric: DDR, paths: list[Path]) -> float:
    """Seconds of the plain way: full decode, Pillow's bicubic resize, one picture at a time."""
    start = time.perf_counter()
    with torch.inference_mode():
        for path in paths:
            image = Image.open(path).convert("RGB")
            height, width = encoder.view.size(image.height, image.width)  # type: ignore[attr-defined]
            pixels = np.array(image.resize((width, height), Image.Resampling.BICUBIC))
            batch = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
            metric.score(encoder.encode_image(batch))
    return time.perf_counter() - start


def in_turn(contestants: dict[str, Any], rounds: int) -> dict[str, list[float]]:
    """Seconds of each contestant in each round."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, contestant in contestants.items():
            times[name].append(contestant())
            print(f"  {name}: {times[name][-1]:.2f} s", flush=True)
    return times


def rates(times: dict[str, list[float]], count: int) -> dict[str, Any]:
    """Images/s by the medians; of commands also after their start."""
    seconds = {name: statistics.median(values) for name, values in times.items()}
    result = {name: round(count / s, 2) for name, s in seconds.items() if "start" not in name}
    for name in [name for name in seconds if f"start of {name}" in seconds]:
        steady = (count - FEW) / (seconds[name] - seconds[f"start of {name}"])
        result[f"{name}, after start"] = round(steady, 2)
    return {
        "images_per_s": result,
        "seconds": {n: [round(v, 2) for v in values] for n, values in times.items()},
    }


def small_pictures(folder: Path, vit: str, count: int, rounds: int) -> dict[str, Any]:
    paths = make_pictures(folder / "small", SMALL, count)
    make_pictures(folder / "few", SMALL, FEW)
    small, few = folder / "small", folder / "few"
    encoder, builtin = load_encoder(vit), load_encoder("builtin")
    half = encoder.in_precision(torch.bfloat16)
    specs = {
        "ViT-B/32 fp32": (["--encoder", vit], encoder),
        "ViT-B/32 bf16": (["--encoder", vit, "--precision", "bf16"], half),
        "builtin": ([], builtin),
    }
    contestants: dict[str, Any] = {}
    for name, (options, network) in specs.items():
        contestants[name] = lambda o=options: command(small, *o)
        contestants[f"start of {name}"] = lambda o=options: command(few, *o)
        contestants[f"forward of {name}"] = lambda n=network: forward(n, paths, count)
    contestants["decoding and resizing for builtin"] = lambda: decoding(builtin, paths)
    for network in (encoder, half, builtin):
        forward(network, paths, 64)
    result = rates(in_turn(contestants, rounds), count)
    speed = result["images_per_s"]
    result["ratios"] = {
        **{f"{n}: command to forward": _ratio(speed, n, f"forward of {n}") for n in specs},
        **{
            f"{n}: command after start to forward": _ratio(
                speed, f"{n}, after start", f"forward of {n}"
            )
            for n in specs
        },
        "builtin to ViT-B/32 fp32": _ratio(speed, "builtin", "ViT-B/32 fp32"),
        "builtin to ViT-B/32 fp32, after start": _ratio(
            speed, "builtin, after start", "ViT-B/32 fp32, after start"
        ),
        "builtin after start to decoding and resizing": _ratio(
            speed, "builtin, after start", "decoding and resizing for builtin"
        ),
    }
    return result


def large_pictures(folder: Path, count: int, rounds: int) -> dict[str, Any]:
    paths = make_pictures(folder / "large", LARGE, count)
    make_pictures(folder / "few_large", LARGE, FEW)
    large, few, encoder = folder / "large", folder / "few_large", load_encoder("builtin")
    metric = DDR(encoder)
    contestants = {
        "builtin": lambda: command(large),
        "start of builtin": lambda: command(few),
        "builtin --draft": lambda: command(large, "--draft"),
        "start of builtin --draft": lambda: command(few, "--draft"),
        "plain way": lambda: plain(encoder, metric, paths),
        "decoding and resizing": lambda: decoding(encoder, paths),
    }
    plain(encoder, metric, paths[:3])
    result = rates(in_turn(contestants, rounds), count)
    speed = result["images_per_s"]
    names = ("builtin, after start", "builtin --draft, after start")
    result["ratios"] = {
        f"{name} to the plain way": _ratio(speed, name, "plain way") for name in names
    }
    return result


def _ratio(speed: dict[str, float], name: str, other: str) -> float:
    return round(speed[name] / speed[other], 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--large", type=int, default=80)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        result = {
            "512x512": small_pictures(
                folder, random_vit(folder), arguments.images, arguments.rounds
            ),
            "4000x3000": large_pictures(folder, arguments.large, arguments.rounds),
        }
    result["512x512"]["images"], result["4000x3000"]["images"] = arguments.images, arguments.large
    machine.write("score_throughput", result)
    for size, numbers in result.items():
        print(size, numbers["ratios"])


if __name__ == "__main__":
    main()
