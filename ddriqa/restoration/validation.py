"""How well a stage restores: PSNR over the validation pictures, and some of them to look at."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import Dataset

from ddriqa.restoration.batches import loader
from ddriqa.restoration.devices import random_state, seed_all, set_random_state
from ddriqa.restoration.measures.psnr import psnr
from ddriqa.restoration.methods.base import Stage

HIGHEST = 100.0
"""dB that count for an output equal to its target, whose PSNR is infinite."""


@dataclass
class Validation:
    """What was found: the mean PSNR in dB (RGB, output cut to [0, 1], 100 at most), None for a
    stage that restores nothing; and ``(lq, output, gt)`` of the first pictures."""

    psnr: float | None = None
    samples: list[tuple[Tensor, Tensor, Tensor]] = field(default_factory=list)


@torch.no_grad()
def validate(
    fabric: Fabric,
    stage: Stage,
    dataset: Dataset[Any],
    *,
    averages: Mapping[str, nn.Module],
    workers: int,
    samples: int,
    at_most: int | None = None,
) -> Validation:
    """Restore the pictures one by one, shared among the processes.

    Args:
        fabric: launched.
        stage: whose ``restored`` is asked.
        dataset: the validation pictures, in its own order.
        averages: modules that stand in for those of the same name.
        workers: processes that read ahead.
        samples: pictures to give back, of process 0's share.
        at_most: pictures for each process, None for all.

    The random generators are the same at each validation, and afterwards where they were.
    """
    places = range(fabric.global_rank, len(dataset), fabric.world_size)  # type: ignore[arg-type]
    total = torch.zeros(2, device=fabric.device)
    shown: list[tuple[Tensor, Tensor, Tensor]] = []
    with _evaluating(stage, averages), _own_randomness(fabric.device):
        for read in loader(dataset, [[place] for place in places[:at_most]], workers):
            batch = fabric.to_device(read)
            output = stage.restored(batch)
            if output is None:
                return Validation()
            found = psnr(output.clamp(0, 1), batch["gt"]).clamp(max=HIGHEST)
            total += torch.tensor([float(found.sum()), len(found)], device=total.device)
            if len(shown) < samples:
                shown.append((batch["lq"][0].cpu(), output[0].cpu(), batch["gt"][0].cpu()))
    summed: Any = fabric.all_reduce(total, reduce_op="sum")
    return Validation(float(summed[0] / summed[1]), shown)


@contextlib.contextmanager
def _evaluating(stage: Stage, averages: Mapping[str, nn.Module]) -> Iterator[None]:
    """The stage with its averages, all of it in evaluation mode."""
    own = dict(stage.modules)
    modes = {part: part.training for module in own.values() for part in module.modules()}
    stage.modules.update({name: averages[name] for name in own if name in averages})
    for module in stage.modules.values():
        module.eval()
    try:
        yield
    finally:
        stage.modules.update(own)
        for part, training in modes.items():
            part.training = training


@contextlib.contextmanager
def _own_randomness(device: torch.device) -> Iterator[None]:
    state = random_state(device)
    seed_all(0)
    try:
        yield
    finally:
        set_random_state(state, device)
