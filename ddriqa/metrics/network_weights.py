"""A published network's weights, from a file that the user has, put into our own network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ddriqa.encoders.clip_files import file_sha256, one_line
from ddriqa.errors import WeightsError

if TYPE_CHECKING:
    from torch import Tensor, nn


def load_weights(
    network: nn.Module, file: str | Path | None, *, name: str, source: str, unused: str = ""
) -> str:
    """Put the tensors of a state dict into a network and freeze it in evaluation mode.

    Args:
        network: whose own numbers don't matter.
        file: safetensors, or what ``torch.save`` makes of a state dict, also before torch 1.6.
        name: the network's, for messages.
        source: where to get the file, a sentence for messages.
        unused: the beginning of the names of tensors that the network leaves out.

    Returns:
        ``file name:sha256``.

    Raises:
        WeightsError: no file, a damaged one, one that holds other things, or one whose names or
            shapes aren't the network's.
    """
    if file is None:
        raise WeightsError(name, "needs weights that aren't part of this package", source)
    path = Path(file)
    if not path.is_file():
        raise WeightsError(str(path), f"no such file, for {name}", source)
    try:
        tensors = _read(path)
    except Exception as error:  # the readers of damaged files fail in many ways
        reason = f"is damaged or holds more than tensors ({one_line(error)})"
        raise WeightsError(str(path), reason, source) from error
    if unused:
        tensors = {key: t for key, t in tensors.items() if not key.startswith(unused)}
    if wrong := _first_difference(network.state_dict(), tensors):
        raise WeightsError(str(path), f"doesn't fit {name}: {wrong}", source)
    network.load_state_dict(tensors)
    network.requires_grad_(False).eval()
    return f"{path.name}:{file_sha256(path)}"


def _read(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except SafetensorError as error:
            raise ValueError(str(error)) from error
    content: Any = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(content, dict) or not all(
        isinstance(t, torch.Tensor) for t in content.values()
    ):
        raise ValueError("no state dict")
    return content


def _first_difference(expected: dict[str, Tensor], found: dict[str, Tensor]) -> str:
    for key, tensor in expected.items():
        shape = tuple(found[key].shape) if key in found else "absent"
        if shape != tuple(tensor.shape):
            return f"{key} is {shape}, expected {tuple(tensor.shape)}"
    return next((f"{key} is there, expected absent" for key in found if key not in expected), "")
