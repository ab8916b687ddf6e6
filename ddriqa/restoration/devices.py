"""The devices of a training: one or many, in one process or several that keep the same weights.

Gradients are averaged here, after a loss has gone backward, rather than by torch's wrapper around
a module: that one wants every weight of a module to get a gradient in every backward pass, which
opposed and alternating optimisers don't give it.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
import torch.distributed
from lightning_fabric import Fabric
from lightning_fabric.strategies import DDPStrategy
from torch import Tensor, nn

from ddriqa.restoration.settings import TrainingSettings

PRECISIONS = {"float32": "32-true", "bfloat16": "bf16-mixed", "float16": "16-mixed"}


class _Replicas(DDPStrategy):
    """Processes that begin with the weights of the first one."""

    def setup_module(self, module: nn.Module) -> Any:
        """The module, its weights and buffers those of process 0."""
        for tensor in (*module.parameters(), *module.buffers()):
            torch.distributed.broadcast(tensor.detach(), 0)
        return module


def open_fabric(training: TrainingSettings) -> Fabric:
    """What moves, casts and reduces; not launched yet."""
    several = training.devices * training.machines > 1
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it greets every precision
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
    return Fabric(
        accelerator=training.device,
        devices=training.devices,
        num_nodes=training.machines,
        strategy=_Replicas() if several else "auto",
        precision=PRECISIONS[training.precision],  # type: ignore[arg-type]
    )


def problems(training: TrainingSettings) -> Iterator[str]:
    """Devices that aren't here, and precisions that they haven't, a phrase each."""
    cuda = torch.cuda.device_count()
    if training.device == "cuda" and cuda < training.devices:
        yield f"training.devices is {training.devices}, and this machine has {cuda} with CUDA"
    if training.device == "mps" and not torch.backends.mps.is_available():
        yield "training.device is mps, and this machine has none"
    gpu = training.device in ("cuda", "mps") or (training.device == "auto" and cuda)
    if training.precision == "float16" and not gpu:
        yield "training.precision is float16, which needs a GPU; bfloat16 doesn't"


def average_gradients(fabric: Fabric, weights: Sequence[Tensor]) -> None:
    """Make each gradient the mean over all processes; one without any there stays without.

    A process that has none of a weight counts as zero where another one has some.
    """
    if fabric.world_size == 1:
        return
    present = torch.tensor([float(weight.grad is not None) for weight in weights])
    gradients = [torch.zeros_like(w) if w.grad is None else w.grad for w in weights]
    flat = torch.cat([present.to(gradients[0]), *(gradient.flatten() for gradient in gradients)])
    total: Any = fabric.all_reduce(flat, reduce_op="sum")
    shares = (total / fabric.world_size).split(
        [len(weights), *(weight.numel() for weight in weights)]
    )
    for weight, found, share in zip(weights, shares[0].tolist(), shares[1:], strict=True):
        weight.grad = share.view_as(weight) if found else None


def seed_all(seed: int) -> None:
    """Start the generators of torch, numpy and Python."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def random_state(device: torch.device) -> dict[str, Any]:
    """Where the generators of torch, numpy and Python are, in plain values and tensors."""
    name, keys, position, has_normal, normal = np.random.get_state()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
        "numpy": [name, torch.from_numpy(np.int64(keys)), position, has_normal, normal],
        "python": random.getstate(),
    }


def set_random_state(state: dict[str, Any], device: torch.device) -> None:
    """Put the generators where they were."""
    torch.set_rng_state(state["torch"])
    if state["cuda"] is not None:
        torch.cuda.set_rng_state(state["cuda"], device)
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    random.setstate(state["python"])
