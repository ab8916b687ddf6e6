"""What the networks of the ablation do to a free photograph, as a picture to look at.

    python benchmarks/restored_photographs.py RUNS [--seed 2]

RUNS is the folder of ``ddr_ablation.py``; the photograph is one of tests/photos (CC0), which no
training saw. A row a task: damaged, restored by PSNR alone, by PSNR + DDR, the truth, each with
its PSNR over the whole photograph, a pixel a pixel. Writes results/restored_photographs.jpg, and
results/denoising.svg, the curves of ``denoising.py`` from its result file.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import ddr_ablation
import machine
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from ddriqa.cli.train_restore_run import damage_of
from ddriqa.images.decode import decode
from ddriqa.restoration.curves import curves
from ddriqa.restoration.infer import restore
from ddriqa.restoration.measures.planes import eight_bit
from ddriqa.restoration.measures.psnr import psnr
from ddriqa.restoration.restorer import network_of
from ddriqa.restoration.synthesis import synthesis

PHOTO = Path(__file__).resolve().parent.parent / "tests" / "photos" / "otters.jpg"
CUT = (150, 100, 320, 240)  # left, top, width, height
GAP, LINE = 8, 24
PAPER, INK = "white", "black"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--seed", type=int, default=2)
    arguments = parser.parse_args()
    rows = {task: row(arguments.runs, task, arguments.seed) for task in ddr_ablation.DAMAGE}
    page(rows).save(machine.RESULTS / "restored_photographs.jpg", quality=90)
    curve = json.loads((machine.RESULTS / "denoising.json").read_text())["curve"]
    (machine.RESULTS / "denoising.svg").write_text(curves(curve))


def row(runs: Path, task: str, seed: int) -> dict[str, Any]:
    """Title -> picture ``(3, H, W)``, from the damaged one to the truth."""
    clean = np.asarray(decode(PHOTO).pixels, np.float32) / 255
    damage = synthesis(damage_of(ddr_ablation.DAMAGE[task])["damage"])
    truth, damaged = map(tensor, (clean, damage(clean, np.random.default_rng(seed))))
    found = {task: damaged}
    for loss, (method, _) in ddr_ablation.LOSSES.items():
        network = network_of(runs / f"{task}-{method}-{seed}-{ddr_ablation.STEPS}")
        found[loss] = eight_bit(restore(network, damaged))
    titled = {f"{name} {float(psnr(p[None], truth[None])):.2f} dB": p for name, p in found.items()}
    return titled | {"truth": truth}


def tensor(pixels: Any) -> torch.Tensor:
    """``(H, W, 3)`` -> ``(3, H, W)``."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)


def page(rows: dict[str, dict[str, Any]]) -> Image.Image:
    """The same part of every picture, with its title above."""
    font = ImageFont.load_default(15)
    left, top, width, height = CUT
    columns = max(map(len, rows.values()))
    high = LINE + height + GAP
    drawn = Image.new("RGB", (GAP + columns * (width + GAP), GAP + len(rows) * high), PAPER)
    pen = ImageDraw.Draw(drawn)
    for down, pictures in enumerate(rows.values()):
        for across, (title, picture) in enumerate(pictures.items()):
            place = GAP + across * (width + GAP), GAP + down * high
            part = picture[:, top : top + height, left : left + width].clamp(0, 1)
            pixels = part.mul(255).round().byte().permute(1, 2, 0).numpy()
            pen.text(place, title, INK, font)
            drawn.paste(Image.fromarray(pixels), (place[0], place[1] + LINE))
    return drawn


if __name__ == "__main__":
    main()
