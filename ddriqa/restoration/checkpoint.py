"""Checkpoints: a folder each, ``step-00001000``, that appears whole or not at all."""

from __future__ import annotations

import io
import os
import pickle
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn

from ddriqa.errors import DivergedError, OutputError, WeightsError
from ddriqa.scoring.table import write_failure

STATE = "state.pt"
ENDING = ".safetensors"
AVERAGED = ".ema"
NAME = re.compile(r"step-(\d{8,})")


def save(
    folder: Path,
    step: int,
    modules: Mapping[str, nn.Module],
    averages: Mapping[str, nn.Module],
    state: Mapping[str, Any],
) -> Path:
    """Write a checkpoint below ``folder``, on the disk before its name appears.

    Args:
        folder: of the checkpoints.
        step: steps done.
        modules: name → module: ``NAME.safetensors``.
        averages: name → averaged module: ``NAME.ema.safetensors``.
        state: plain values and tensors, what else a resumed run needs.

    Raises:
        OutputError: it can't be written.
        DivergedError: a weight isn't a finite number; nothing is written.
    """
    weights = {name + ENDING: _tensors(module) for name, module in modules.items()}
    weights |= {name + AVERAGED + ENDING: _tensors(module) for name, module in averages.items()}
    for tensors in weights.values():
        if broken := next((n for n, t in tensors.items() if not t.isfinite().all()), None):
            raise diverged(step, f"the weight {broken} isn't a finite number", folder)
    final = folder / f"step-{step:08d}"
    temporary = folder / f".{final.name}.tmp"
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        for name, tensors in weights.items():
            _write(temporary / name, safetensors.torch.save(tensors))
        buffer = io.BytesIO()
        torch.save(dict(state), buffer)
        _write(temporary / STATE, buffer.getbuffer())
        if final.exists():  # the same step once more, after a resume
            shutil.rmtree(final)
        os.replace(temporary, final)
    except OSError as fault:
        shutil.rmtree(temporary, ignore_errors=True)
        raise write_failure(final, fault, "The checkpoints before it are safe") from fault
    return final


def checkpoints(folder: Path) -> list[Path]:
    """Those below a folder, oldest first."""
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted((path for path in found if NAME.fullmatch(path.name)), key=step_of)


def step_of(checkpoint: Path) -> int:
    """The steps that had been done."""
    return int(checkpoint.name.removeprefix("step-"))


def remove_old(folder: Path, keep: int) -> None:
    """Leave the newest ones. Raises ``OutputError`` where one can't be removed."""
    for path in checkpoints(folder)[:-keep]:
        try:
            shutil.rmtree(path)
        except OSError as fault:
            raise write_failure(path, fault) from fault


def load_state(checkpoint: Path) -> dict[str, Any]:
    """The state as it was given to ``save``; runs no code from the file.

    Raises:
        OutputError: it is absent or damaged.
    """
    path = checkpoint / STATE
    try:
        content = io.BytesIO(path.read_bytes())
    except OSError as fault:
        raise OutputError(str(path), (fault.strerror or "can't be read").lower()) from fault
    try:
        return torch.load(content, map_location="cpu", weights_only=True)
    except (RuntimeError, OSError, ValueError, EOFError, pickle.UnpicklingError) as fault:
        step = "Remove the checkpoint to go on from the one before it"
        raise OutputError(str(path), "is damaged", step) from fault


def weights_file(checkpoint: Path, name: str) -> Path:
    """The file of a module's weights for use: the averaged ones where there are some."""
    averaged = checkpoint / (name + AVERAGED + ENDING)
    return averaged if averaged.exists() else checkpoint / (name + ENDING)


def load_weights(module: nn.Module, checkpoint: Path, name: str, *, averaged: bool) -> None:
    """Put a checkpoint's weights into a module.

    Raises:
        WeightsError: the file is absent, damaged, or of another module.
    """
    read_weights(module, checkpoint / (name + (AVERAGED if averaged else "") + ENDING))


def read_weights(module: nn.Module, path: Path) -> None:
    """Put the weights of a safetensors file into a module.

    Raises:
        WeightsError: the file is absent, damaged, or of another module.
    """
    try:
        module.load_state_dict(safetensors.torch.load_file(path))
    except OSError as fault:
        raise WeightsError(str(path), (fault.strerror or "no such file").lower()) from fault
    except SafetensorError as fault:
        raise WeightsError(str(path), "is damaged") from fault
    except RuntimeError as fault:
        reason = " ".join(str(fault).split()).rstrip(".")
        raise WeightsError(str(path), f"belongs to another network: {reason}") from fault


def diverged(step: int, reason: str, folder: Path) -> DivergedError:
    """The failure of a training whose numbers are no numbers any more."""
    good = [path for path in checkpoints(folder) if step_of(path) < step]
    hint = f"{good[-1]} is good: " if good else ""
    return DivergedError(
        f"step {step}", reason, f"{hint}train with a lower learning rate, or clip gradients"
    )


def _tensors(module: nn.Module) -> dict[str, torch.Tensor]:
    """A copy of its own for each name, since the format holds nothing that is shared."""
    return {
        name: tensor.detach().cpu().clone().contiguous()
        for name, tensor in module.state_dict().items()
    }


def _write(path: Path, content: bytes | memoryview) -> None:
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
