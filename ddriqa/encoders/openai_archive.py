"""OpenAI's CLIP checkpoints: TorchScript archives, read as data, without running their code.

``torch.jit.load`` compiles and may run what an archive brings along. The weights need none of
that: an archive is a zip file, ``data.pkl`` in it is the tree of modules, and ``data/N`` are the
raw numbers. The pickle is read by an unpickler that knows tensors, containers and empty modules
and refuses every other name, so that nothing of the archive is ever called.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ddriqa.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DTYPES = {
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "ShortStorage": torch.int16,
    "IntStorage": torch.int32,
    "LongStorage": torch.int64,
    "BoolStorage": torch.bool,
}
LISTS = ("build_intlist", "build_doublelist", "build_boollist", "build_tensorlist")


def is_archive(path: Path) -> bool:
    """Whether a file is a TorchScript archive: a zip file that holds ``constants.pkl``."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(PurePosixPath(name).name == "constants.pkl" for name in archive.namelist())
    except zipfile.BadZipFile:
        return False


def read_archive(path: Path) -> dict[str, Tensor]:
    """Every tensor of a TorchScript archive under its dotted name, in the archive's precision.

    Beside parameters and buffers these may be other tensors that modules keep, such as masks.

    Raises:
        WeightsError: the archive is damaged, or its pickle asks for anything but tensors.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            root = _root(archive)
            pickled = io.BytesIO(archive.read(f"{root}/data.pkl"))
            return dict(_tensors(_Unpickler(pickled, archive, f"{root}/data").load(), ""))
    except _RefusedName as error:
        reason = f"holds more than tensors, and its code isn't run (it asks for {error})"
        raise WeightsError(str(path), reason) from error
    except Exception as error:  # a damaged pickle can raise anything
        raise WeightsError(str(path), f"is a damaged TorchScript archive ({error})") from error


def _root(archive: zipfile.ZipFile) -> str:
    """The one folder of an archive, named like the file that was first written."""
    return archive.namelist()[0].split("/")[0]


def _tensors(module: Any, prefix: str) -> Iterator[tuple[str, Tensor]]:
    for name, value in vars(module).items():
        if isinstance(value, Tensor):
            yield prefix + name, value
        elif isinstance(value, _Module):
            yield from _tensors(value, f"{prefix}{name}.")


class _RefusedName(pickle.UnpicklingError):
    """The pickle asks for something that could do more than hold numbers."""


class _Module:
    """What stands for any module of the archive: its attributes, no behaviour."""


class _Unpickler(pickle.Unpickler):
    """Builds tensors from the zip file's raw numbers; knows no other name than those below."""

    def __init__(self, file: io.BytesIO, archive: zipfile.ZipFile, folder: str) -> None:
        super().__init__(file)
        self.archive, self.folder = archive, folder
        self.storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "__torch__":
            return type("Module", (_Module,), {})  # a fresh one: a pickle can write to a class
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._tensor
        if module == "torch.jit._pickle" and (name in LISTS or name == "restore_type_tag"):
            return self._value
        raise _RefusedName(f"{module}.{name}")

    def persistent_load(self, reference: Any) -> Tensor:
        """The storage that ``("storage", type, key, device, count)`` refers to, on the CPU."""
        _, dtype, key, _, count = reference
        if key not in self.storages:
            raw = bytearray(self.archive.read(f"{self.folder}/{key}"))
            empty = torch.empty(0, dtype=dtype)
            self.storages[key] = torch.frombuffer(raw, dtype=dtype) if raw else empty
        if len(self.storages[key]) != count:
            raise ValueError(f"storage {key} is incomplete")
        return self.storages[key]

    def _tensor(self, storage: Tensor, offset: int, size: tuple, stride: tuple, *_: Any) -> Tensor:
        return torch.as_strided(storage, size, stride, offset)

    def _value(self, value: Any, *_: Any) -> Any:
        """Typed lists and dictionaries are pickled as ``constructor(values)``: the values do."""
        return value
