"""Peak memory of CLIP-IQA's RN50 on large pictures: the trunk, and three forms of its pooling.

    python benchmarks/clip_iqa_memory.py [--sizes 1500x2000 3000x4000]

``folded`` is ddriqa's (only the mean token asks, and projections are folded into its query);
``plain`` is open_clip's own pool, its positions zero, with torch's fused attention; ``matrix`` the
same with the whole attention matrix, as older torch calculates it, left out where that wouldn't
fit (``--most-tokens``). RN50 has random weights (seed 0), the picture is noise. Each case runs in
a process of its own; memory is the kernel's account of it (VmHWM) above what was resident just
before, in MB of 2^20 bytes, pixels, weights and libraries not counted. ``difference`` is the
largest absolute one from ``folded`` over the features. Linux with glibc only. Writes
results/clip_iqa_memory.json.
"""

from __future__ import annotations

import argparse
import ctypes
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import machine
import torch
from torch import Tensor

from ddriqa.encoders.attention_pool import mean_token_pool
from ddriqa.encoders.clip import import_open_clip

CASES = ("trunk", "folded", "plain", "matrix")


def random_rn50() -> Any:
    """The image tower, with residual branches that do something."""
    torch.manual_seed(0)
    visual = import_open_clip().create_model("RN50-quickgelu").visual.eval().requires_grad_(False)
    for name, parameter in visual.named_parameters():
        if name.endswith("bn3.weight"):
            parameter.fill_(0.5)
        if name.endswith("_proj.bias"):
            parameter.normal_(std=0.1)
    return visual


def run_case(case: str, height: int, width: int, file: Path) -> None:
    """One case, in this process; figures and features go into a file."""
    visual = random_rn50()
    pixels = torch.randn(1, 3, height, width).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        maps, trunk = measured(lambda: trunk_of(visual, pixels))
        figures = {"trunk": trunk, "tokens": maps[0, 0].numel() + 1}
        if case != "trunk":
            features, figures["pool"] = measured(pool_of(case, visual.attnpool, maps))
            figures["features"] = features
    torch.save(figures, file)


def trunk_of(visual: Any, maps: Tensor) -> Tensor:
    for layer in (visual.stem, visual.layer1, visual.layer2, visual.layer3, visual.layer4):
        maps = layer(maps)
    return maps


def pool_of(case: str, pool: Any, maps: Tensor) -> Callable[[], Tensor]:
    if case == "folded":
        return lambda: mean_token_pool(maps, pool)
    table = torch.zeros(maps[0, 0].numel() + 1, maps.shape[1])
    pool.positional_embedding = torch.nn.Parameter(table, requires_grad=False)
    backend = torch.nn.attention.SDPBackend.MATH

    def plain() -> Tensor:
        with torch.nn.attention.sdpa_kernel(backend) if case == "matrix" else nullcontext():
            return pool(maps)

    return plain


def measured(work: Callable[[], Tensor]) -> tuple[Tensor, dict[str, float]]:
    """Its result, the most that was resident meanwhile above what was before, and its seconds."""
    ctypes.CDLL("libc.so.6").malloc_trim(0)  # what was freed before isn't there to be used again
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM starts anew
    before, begun = resident("VmRSS"), time.perf_counter()
    result = work()
    seconds = time.perf_counter() - begun
    return result, {"mb": round(resident("VmHWM") - before), "seconds": round(seconds, 2)}


def resident(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def size_figures(height: int, width: int, most_tokens: int) -> dict[str, Any]:
    """Every case at one size."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            if case == "matrix" and found["folded"]["tokens"] > most_tokens:
                continue
            file = Path(folder) / case
            command = [sys.executable, __file__, "--case", case, "--sizes", f"{height}x{width}"]
            subprocess.run([*command, "--file", str(file)], check=True)
            found[case] = torch.load(file)
            print(f"{height}x{width}", case, found[case].get("pool", found[case]["trunk"]))
    folded = found["folded"]["features"]
    features = {case: figures.pop("features", None) for case, figures in found.items()}
    for case in set(found) - {"trunk", "folded"}:
        found[case]["difference"] = float((features[case] - folded).abs().max())
    found["folded"]["largest_feature"] = float(folded.abs().max())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", default=["1500x2000", "3000x4000"])
    parser.add_argument("--most-tokens", type=int, default=4000)
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    sizes = [tuple(map(int, size.split("x"))) for size in arguments.sizes]
    if arguments.case:
        run_case(arguments.case, *sizes[0], arguments.file)
        return
    result = {f"{h}x{w}": size_figures(h, w, arguments.most_tokens) for h, w in sizes}
    print(machine.write("clip_iqa_memory", result))


if __name__ == "__main__":
    main()
