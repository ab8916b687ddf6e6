"""Images/s of ``ddriqa score``, of the bare forward and of decoding alone, in one run.

    python benchmarks/score_throughput.py [--images 600] [--rounds 3]

Pictures: the photographs of tests/photos enlarged to 1024x768 JPEGs. ViT-B/32 has random weights.
The bare forward runs the encoder on ready float views, as many a picture as the command uses.
The rounds interleave the three, because machines are noisy; medians are reported. Writes
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

import machine
import torch
from PIL import Image

from ddriqa import load_encoder
from ddriqa.encoders import Encoder

PHOTOS = Path(__file__).parent.parent / "tests" / "photos"
SIZE = (1024, 768)


def make_pictures(folder: Path, count: int) -> list[Path]:
    """``count`` JPEGs of 1024x768, quality 90."""
    folder.mkdir()
    sources = [Image.open(p).convert("RGB").resize(SIZE) for p in sorted(PHOTOS.glob("*.jpg"))]
    paths = [folder / f"{i:04d}.jpg" for i in range(count)]
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


def seconds_of_command(folder: Path, spec: str, output: Path) -> float:
    command = [sys.executable, "-m", "ddriqa", "score", str(folder), "--encoder", spec]
    start = time.perf_counter()
    subprocess.run([*command, "-q", "--force", "-o", str(output)], check=True)
    return time.perf_counter() - start


def seconds_of_forward(encoder: Encoder, views: torch.Tensor, count: int) -> float:
    """``count`` views in batches of the card's size."""
    start = time.perf_counter()
    with torch.inference_mode():
        for _ in range(-(-count // len(views))):
            encoder.encode_image(views)
    return time.perf_counter() - start


def seconds_of_decoding(paths: list[Path]) -> float:
    start = time.perf_counter()
    for path in paths:
        Image.open(path).convert("RGB").load()
    return time.perf_counter() - start


def measure(spec: str, folder: Path, paths: list[Path], rounds: int) -> dict[str, float]:
    encoder = load_encoder(spec)
    view = encoder.view_for()
    first = view(_pixels(paths[0]))
    batch = encoder.card.batch
    scale = 1 if first.is_floating_point() else 255
    views = first[:1].float().expand(batch, -1, -1, -1) / scale
    views = views.contiguous(memory_format=torch.channels_last)
    seconds_of_forward(encoder, views, 4 * batch)
    few = folder.parent / "few"
    if not few.exists():
        make_pictures(few, 10)
    times: dict[str, list[float]] = {"command": [], "start": [], "forward": [], "decoding": []}
    for _ in range(rounds):
        times["command"].append(seconds_of_command(folder, spec, folder.parent / "scores.csv"))
        times["start"].append(seconds_of_command(few, spec, folder.parent / "few.csv"))
        times["forward"].append(seconds_of_forward(encoder, views, len(paths) * len(first)))
        times["decoding"].append(seconds_of_decoding(paths))
    seconds = {name: statistics.median(values) for name, values in times.items()}
    steady = (len(paths) - 10) / (seconds["command"] - seconds["start"])
    parts = ("command", "forward", "decoding")
    rates = {name: round(len(paths) / seconds[name], 2) for name in parts}
    return {
        "views_per_image": len(first),
        "images_per_s": {**rates, "command_after_start": round(steady, 2)},
        "command_to_forward": round(rates["command"] / rates["forward"], 3),
        "command_after_start_to_forward": round(steady / rates["forward"], 3),
        "seconds": {name: [round(v, 2) for v in values] for name, values in times.items()},
    }


def _pixels(path: Path):
    import numpy as np

    return np.array(Image.open(path).convert("RGB"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        paths = make_pictures(Path(name, "pictures"), arguments.images)
        specs = {"ViT-B-32 (random weights)": random_vit(Path(name)), "builtin": "builtin"}
        result = {
            "pictures": f"{len(paths)} JPEGs of {SIZE[0]}x{SIZE[1]}, quality 90",
            "encoders": {
                label: measure(spec, Path(name, "pictures"), paths, arguments.rounds)
                for label, spec in specs.items()
            },
        }
    machine.write("score_throughput", result)
    for label, numbers in result["encoders"].items():
        print(label, numbers)


if __name__ == "__main__":
    main()
