"""Which encoders there are: the table behind ``load_encoder`` and ``ddriqa encoders``."""

from __future__ import annotations

import difflib
import sys
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ddriqa.encoders.clip_files import (
    DEFAULT_TAG,
    HF_HUB,
    LOCAL_DIR,
    OPENAI,
    candidates,
    file_sha256,
)
from ddriqa.errors import DeviceError, UsageError

if TYPE_CHECKING:
    from ddriqa.encoders.base import Encoder
    from ddriqa.encoders.clip_files import OpenAIFile

BUILT_IN = {
    "builtin": "ddriqa.encoders.builtin:load",
    "builtin-fast": "ddriqa.encoders.builtin:load_fast",
    "builtin@1": "ddriqa.encoders.builtin:load_first",
    "builtin@2": "ddriqa.encoders.builtin:load",
    "toy": "ddriqa.encoders.toy:ToyEncoder",
}
SOURCES = {
    "builtin": "part of this package",
    "builtin-fast": "part of this package: a smaller view, several times faster",
    "builtin@1": "part of this package: as it was in the first version",
    "builtin@2": "part of this package: the same as builtin, until that changes",
    "toy": "for tests: its scores mean nothing",
}
"""What each of ``BUILT_IN`` is."""
TRAINABLE = ("builtin", "builtin-fast")  # that also read a file of ddriqa train-encoder
WEIGHTS = Path(__file__).parent / "weights"
BUILT_IN_WEIGHTS = WEIGHTS / "builtin@2.safetensors"


def load_encoder(spec: str = "builtin", device: str = "cpu") -> Encoder:
    """An encoder in float32, frozen, on a device.

    Args:
        spec: ``builtin``, ``builtin-fast``, an older ``builtin@1``; ``builtin:/path`` or
            ``builtin-fast:/path`` (a file of ``ddriqa train-encoder``); ``toy``;
            ``MODEL`` of open_clip with OpenAI's weights (``ViT-B-32``);
            ``MODEL:TAG`` with weights that open_clip knows (``ViT-B-32:laion2b_s34b_b79k``);
            ``MODEL:/path`` (safetensors, a state dict, OpenAI's archive);
            ``local-dir:/path`` or ``hf-hub:ORG/NAME`` with open_clip's config beside the weights.
        device: as torch names it.

    Weights are downloaded only where a model, tag or hub name asks for them and no folder that is
    looked in holds them. They are read without running code from them. A state dict of a model
    with QuickGELU needs the model's name with ``-quickgelu``; OpenAI's own files don't.

    Raises:
        UsageError: an unknown name (with the nearest ones), no such file.
        WeightsError: weights absent, damaged, or of another model than named.
        DeviceError: no such device here, or too little memory on it.
    """
    name, _, file = spec.partition(":")
    if spec in BUILT_IN or name in TRAINABLE:
        module, attribute = BUILT_IN[name].split(":")
        load = getattr(import_module(module), attribute)
        encoder: Encoder = load(file) if file else load()
    else:
        _check_model(spec)
        encoder = import_module("ddriqa.encoders.clip").load(spec)
    try:
        return encoder.to(device)
    except (RuntimeError, AssertionError) as error:
        reason = f"can't hold the encoder ({str(error).splitlines()[0].rstrip('.')})"
        raise DeviceError(device, reason, "Take another with --device, such as cpu") from error


def _check_model(spec: str) -> None:
    """Refuse an unknown name before anything heavy is imported."""
    if spec.startswith((LOCAL_DIR, HF_HUB)):
        return
    model, names = spec.partition(":")[0].replace("/", "-"), [*BUILT_IN, *model_names()]
    if model in names[len(BUILT_IN) :]:
        return
    if Path(spec).is_file():
        raise UsageError(
            "--encoder",
            f"{spec!r} is a file, and its model must be named too",
            f"Say MODEL:FILE, such as ViT-B-32:{spec}",
        )
    near = difflib.get_close_matches(model, names, n=3) or [*BUILT_IN, *OPENAI]
    raise UsageError(
        "--encoder",
        f"unknown encoder {spec!r}",
        f"Did you mean {', '.join(near)}? The command `ddriqa encoders` lists them",
    )


def model_names() -> list[str]:
    """The architectures that open_clip knows, found without importing it if it isn't yet."""
    if loaded := sys.modules.get("open_clip"):
        return loaded.list_models()
    package = find_spec("open_clip")
    if package is None or package.origin is None:
        return list(OPENAI)
    return [file.stem for file in (Path(package.origin).parent / "model_configs").glob("*.json")]


@dataclass(frozen=True)
class EncoderRow:
    """A line of ``ddriqa encoders``.

    ``state`` is ``present``, ``to download``, ``damaged`` (there, but another file than its
    name says) or ``missing`` (belongs into the package). ``size`` in bytes and ``sha256`` are
    those of the file at ``path``, or of the file that would be downloaded.
    """

    name: str
    source: str
    licence: str
    state: str
    size: int | None
    sha256: str | None
    path: str | None


def list_encoders() -> list[EncoderRow]:
    """What ``load_encoder`` takes without a path; loads nothing, hashes the files that are here."""
    own = [_builtin_row(name) for name in BUILT_IN if name != "toy"]
    return [*own, _toy_row(), *(_openai_row(name, OPENAI[name]) for name in OPENAI)]


def _builtin_row(name: str) -> EncoderRow:
    file = WEIGHTS / "builtin@1.safetensors" if name == "builtin@1" else BUILT_IN_WEIGHTS
    here = file.is_file()
    return EncoderRow(
        name=name,
        source=SOURCES[name],
        licence="Apache-2.0",
        state="present" if here else "missing",
        size=file.stat().st_size if here else None,
        sha256=file_sha256(file) if here else None,
        path=str(file) if here else None,
    )


def _toy_row() -> EncoderRow:
    return EncoderRow("toy", SOURCES["toy"], "Apache-2.0", "present", None, None, None)


def _openai_row(name: str, known: OpenAIFile) -> EncoderRow:
    places = candidates(name, DEFAULT_TAG, known.url, f"{known.hub}/")
    file = next((place for place in places if place.path.is_file()), None)
    if file is None:
        return EncoderRow(name, known.title, "MIT", "to download", known.size, known.sha256, None)
    digest = file_sha256(file.path)
    return EncoderRow(
        name=name,
        source=known.title,
        licence="MIT",
        state="present" if digest.startswith(file.sha256) else "damaged",
        size=file.path.stat().st_size,
        sha256=digest,
        path=str(file.path),
    )
