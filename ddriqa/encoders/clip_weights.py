"""Reading the weights of a CLIP model without running code from them, and fitting them to it."""

from __future__ import annotations

import hashlib
import pickle
import zipfile
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ddriqa.encoders.clip_files import one_line
from ddriqa.encoders.openai_archive import is_archive, read_archive
from ddriqa.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

# What archives and old checkpoints hold beside the weights proper
NOT_WEIGHTS = ("input_resolution", "context_length", "vocab_size", "attn_mask")
NOT_WEIGHTS_ENDINGS = (".attn_mask", ".position_ids", ".num_batches_tracked")


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name, in float32.

    The file is a safetensors file, what ``torch.save`` makes of a state dict (also inside
    ``{"state_dict": ...}``, also with ``module.`` before every name), or OpenAI's TorchScript
    archive; it is told by its content, not by its ending.

    Raises:
        WeightsError: the file is damaged, of another kind, or holds more than tensors.
    """
    try:
        tensors = _named_tensors(path, _read(path))
    except (OSError, RuntimeError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise WeightsError(str(path), f"is damaged ({one_line(error)})") from error
    return {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
    }


def _read(path: Path) -> Any:
    with path.open("rb") as file:
        head = file.read(9)
    if head[8:] == b"{":
        return _read_safetensors(path)
    if is_archive(path):
        return read_archive(path)
    if not zipfile.is_zipfile(path):
        raise WeightsError(
            str(path),
            "is no weights file: neither safetensors nor what torch.save writes since 1.6",
            "If it is an old checkpoint, save it again with torch.save",
        )
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            str(path),
            "holds more than tensors, and weights are loaded without running code from them",
            "Save the state dict alone, best as safetensors",
        ) from error


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise WeightsError(str(path), f"is damaged ({one_line(error)})") from error


def _named_tensors(path: Path, content: Any) -> dict[str, Tensor]:
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict) or not content:
        kind = type(content).__name__
        raise WeightsError(str(path), f"holds no state dict but {kind} without tensors in it")
    for name, tensor in content.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            kind = type(tensor).__name__
            raise WeightsError(str(path), f"holds no state dict: {name!r} is of type {kind}")
    if all(name.startswith("module.") for name in content):
        return {name.removeprefix("module."): tensor for name, tensor in content.items()}
    return content


def fit_weights(
    model: nn.Module, tensors: Mapping[str, Tensor], path: Path, name: str, archive: bool = False
) -> None:
    """Put tensors into a model that open_clip built; they are used as they are, not copied.

    Args:
        model: the model, whose own numbers don't matter.
        tensors: as ``read_weights`` gives them.
        path: their file, for messages.
        name: the model's, for messages.
        archive: they come from a TorchScript archive, in which modules may keep other tensors
            beside their weights (masks, sizes): what the model's modules don't know is left out.

    Raises:
        WeightsError: a tensor is missing, too many, or of another shape. It names the first one,
            and the model that the weights belong to if that is a known one.
    """
    tensors = _with_names_of(model, tensors)
    if archive:
        tensors = _without_attributes(model, tensors)
    if wrong := _first_difference(model, tensors):
        other = fitting_model(tensors)
        hint = f"The weights are those of {other}: say --encoder {other}:{path}" if other else ""
        raise WeightsError(str(path), f"doesn't fit {name}: {wrong}", hint)
    model.load_state_dict(tensors, strict=False, assign=True)


def _with_names_of(model: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Leave out what is no weight; follow open_clip's two ways to name and shape some others."""
    from open_clip.model import convert_to_custom_text_state_dict

    named = {name: tensor for name, tensor in tensors.items() if _is_weight(name)}
    if not hasattr(model, "positional_embedding"):
        named = convert_to_custom_text_state_dict(named)
    for name in ("logit_scale", "logit_bias"):  # a number, or a vector of one
        own = getattr(model, name, None)
        if name in named and own is not None and named[name].numel() == own.numel():
            named[name] = named[name].reshape(own.shape)
    return named


def _without_attributes(model: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    own, modules = model.state_dict(), {name for name, _ in model.named_modules()}
    return {
        name: tensor
        for name, tensor in tensors.items()
        if name in own or name.rpartition(".")[0] not in modules
    }


def _is_weight(name: str) -> bool:
    return name not in NOT_WEIGHTS and not name.endswith(NOT_WEIGHTS_ENDINGS)


def _first_difference(model: nn.Module, tensors: Mapping[str, Tensor]) -> str:
    expected = {name: t.shape for name, t in model.state_dict().items() if _is_weight(name)}
    for name, shape in expected.items():
        found = tuple(tensors[name].shape) if name in tensors else "absent"
        if found != tuple(shape):
            return f"{name} is {found}, expected {tuple(shape)}"
    extra = next((name for name in tensors if name not in expected), "")
    return f"{extra} is {tuple(tensors[extra].shape)}, expected absent" if extra else ""


def fitting_model(tensors: Mapping[str, Tensor]) -> str:
    """The shortest name of an open_clip model with towers of these shapes, or empty."""
    import open_clip

    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    wanted = _towers_of_weights(shapes)
    if wanted is None:
        return ""
    for model in sorted(open_clip.list_models(), key=len):
        if _towers_of_config(open_clip.get_model_config(model)) == wanted:
            return model
    return ""


def _towers_of_weights(shapes: Mapping[str, tuple[int, ...]]) -> tuple[Any, ...] | None:
    """Embedding, width, layers, patch and image size, text width: all that tells models apart."""
    text = "text." if "text.ln_final.weight" in shapes else ""
    try:
        embedding = shapes[f"{text}text_projection"][-1]
        text_width = shapes[f"{text}ln_final.weight"][0]
        tower = _vit if "visual.class_embedding" in shapes else _resnet
        return (embedding, *tower(shapes), text_width)
    except (KeyError, IndexError):
        return None


def _vit(shapes: Mapping[str, tuple[int, ...]]) -> tuple[Any, ...]:
    width, patch = shapes["visual.conv1.weight"][0], shapes["visual.conv1.weight"][-1]
    grid = round((shapes["visual.positional_embedding"][0] - 1) ** 0.5)
    return width, _blocks(shapes, "visual.transformer.resblocks."), patch, patch * grid


def _resnet(shapes: Mapping[str, tuple[int, ...]]) -> tuple[Any, ...]:
    width = shapes["visual.layer1.0.conv1.weight"][0]
    grid = round((shapes["visual.attnpool.positional_embedding"][0] - 1) ** 0.5)
    blocks = tuple(_blocks(shapes, f"visual.layer{stage}.") for stage in (1, 2, 3, 4))
    return width, blocks, None, 32 * grid


def _blocks(names: Iterable[str], prefix: str) -> int:
    """How many numbered blocks there are below a prefix."""
    inside = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
    return len({name.split(".")[0] for name in inside})


def _towers_of_config(config: Mapping[str, Any]) -> tuple[Any, ...] | None:
    vision, text = config["vision_cfg"], config["text_cfg"]
    if "timm_model_name" in vision or "hf_model_name" in text or "multimodal_cfg" in config:
        return None
    layers = vision.get("layers", 12)
    resnet = isinstance(layers, (list, tuple))
    return (
        config["embed_dim"],
        vision.get("width", 768),
        tuple(layers) if resnet else layers,
        None if resnet else vision.get("patch_size", 16),
        vision.get("image_size", 224),
        text.get("width", 512),
    )


def weights_sha256(tensors: Mapping[str, Tensor]) -> str:
    """One sha256 for weights by value: names in order, and their numbers as float32.

    The same whatever the file's format; half precision counts as the float32 it becomes.
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].detach().float().cpu().reshape(-1).numpy().data)
    return digest.hexdigest()
