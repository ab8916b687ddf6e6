"""Official checkpoints into our networks: envelopes opened, names mapped, shapes checked.

A network whose names differ from its authors' has a method ``from_official(tensors)`` that gives
the tensors under its own names.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ddriqa.errors import WeightsError

if TYPE_CHECKING:
    from torch import Tensor, nn

ENVELOPES = ("params_ema", "params", "state_dict")
"""Entries that hold the tensors, the first that is there: averaged weights before others."""
PREFIXES = ("module.", "net.")
"""What wrappers for many devices and for training lay before every name."""
SHOWN = 3


def load_official(network: nn.Module, content: Mapping[str, Any]) -> None:
    """Put the tensors of an official checkpoint into a network.

    Args:
        network: built with the configuration that the file was trained with.
        content: what the file holds: the tensors by name, bare or under ``params_ema``,
            ``params`` or ``state_dict`` (taken in this order), each name perhaps after
            ``module.`` or ``net.``.

    Raises:
        WeightsError: not tensors, or names or shapes that aren't the network's; the network is
            then as it was.
    """
    name = type(network).__name__
    tensors = _without_prefixes(_opened(name, content))
    from_official: Any = getattr(network, "from_official", None)
    if from_official is not None:
        tensors = from_official(tensors)
    if wrong := _differences(network.state_dict(), tensors):
        raise WeightsError(
            name,
            f"the checkpoint doesn't fit: {'; '.join(wrong)}",
            "Build the network with the configuration that the file was trained with",
        )
    network.load_state_dict(tensors)


def read_official(path: str | Path) -> Mapping[str, Any]:
    """What a checkpoint file holds: safetensors, or of ``torch.save``, read without running code.

    Raises:
        WeightsError: no such file, a damaged one, or one that holds more than plain values.
    """
    file = Path(path)
    if not file.is_file():
        raise WeightsError(str(file), "no such file")
    try:
        content = _read(file)
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        reason = f"is damaged or holds more than plain values ({first})"
        raise WeightsError(str(file), reason) from error
    if not isinstance(content, Mapping):
        raise WeightsError(str(file), f"holds a {type(content).__name__}, no named tensors")
    return content


def _read(file: Path) -> Any:
    if file.suffix != ".safetensors":
        return torch.load(file, map_location="cpu", weights_only=True)
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(file)
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def _opened(name: str, content: Mapping[str, Any]) -> dict[str, Tensor]:
    inner: Any = content
    for envelope in ENVELOPES:
        if isinstance(content.get(envelope), Mapping):
            inner = content[envelope]
            break
    others = [key for key, value in inner.items() if not isinstance(value, torch.Tensor)]
    if others or not inner:
        reason = f"the checkpoint holds {_some(others)}, no tensors" if others else "is empty"
        raise WeightsError(name, reason, f"Known entries are {', '.join(ENVELOPES)}")
    return dict(inner)


def _without_prefixes(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors


def _differences(own: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> list[str]:
    """What is missing, unexpected and of another shape, the first few names of each."""
    missing = [name for name in own if name not in found]
    unexpected = [name for name in found if name not in own]
    misshapen = [
        f"{name} is {tuple(found[name].shape)}, expected {tuple(own[name].shape)}"
        for name in own
        if name in found and found[name].shape != own[name].shape
    ]
    lines = [("missing ", missing), ("unexpected ", unexpected), ("", misshapen)]
    return [what + _some(names) for what, names in lines if names]


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
