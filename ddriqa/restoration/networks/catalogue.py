"""Which networks there are: name -> ``"module:class"``, resolved on use, and their presets."""

from __future__ import annotations

import difflib
import inspect
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ddriqa.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import nn

NETWORKS = {
    "nafnet": "ddriqa.restoration.networks.nafnet:NAFNet",
    "nafnet-local": "ddriqa.restoration.networks.nafnet_local:NAFNetLocal",
    "restormer": "ddriqa.restoration.networks.restormer:Restormer",
    "promptir": "ddriqa.restoration.networks.promptir:PromptIR",
    "swinir": "ddriqa.restoration.networks.swinir:SwinIR",
    "rrdb": "ddriqa.restoration.networks.rrdb:RRDBNet",
}

_GOPRO = {"encoder_blocks": (1, 1, 1, 28), "middle_blocks": 1, "decoder_blocks": (1, 1, 1, 1)}
_SIDD = {"encoder_blocks": (2, 2, 4, 8), "middle_blocks": 12, "decoder_blocks": (2, 2, 2, 2)}
_NAFNET: dict[str, dict[str, Any]] = {
    "paper": {"width": 32, **_GOPRO},
    "small": {
        "width": 16,
        "encoder_blocks": (1, 2, 4),
        "middle_blocks": 4,
        "decoder_blocks": (1, 1, 1),
    },
    "gopro-width64": {"width": 64, **_GOPRO},
    "sidd-width32": {"width": 32, **_SIDD},
    "sidd-width64": {"width": 64, **_SIDD},
}
_RESTORMER = {
    "dim": 48,
    "num_blocks": (4, 6, 6, 8),
    "refinement_blocks": 4,
    "heads": (1, 2, 4, 8),
}
_SMALL_RESTORMER = {
    "dim": 16,
    "num_blocks": (1, 1, 2, 2),
    "refinement_blocks": 1,
    "heads": (1, 2, 4, 8),
}
_SWINIR = {"dim": 180, "depths": (6,) * 6, "heads": (6,) * 6, "window": 8}
_LIGHT = {"dim": 60, "depths": (6,) * 4, "heads": (6,) * 4, "window": 8}
_LARGE = {"dim": 240, "depths": (6,) * 9, "heads": (8,) * 9, "window": 8, "three_convs": True}
_JPEG = {**_SWINIR, "window": 7, "img_range": 255.0}
_REAL = {"upsampler": "nearest+conv", "scale": 4}

PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "nafnet": _NAFNET,
    "nafnet-local": _NAFNET,
    "restormer": {
        "paper": _RESTORMER,
        "small": _SMALL_RESTORMER,
        "denoise": {**_RESTORMER, "bias_free": True},
        "denoise-grey": {**_RESTORMER, "bias_free": True, "in_channels": 1, "out_channels": 1},
        "dual-pixel": {**_RESTORMER, "dual_pixel": True, "in_channels": 6},
    },
    "promptir": {
        "paper": _RESTORMER,
        "small": {
            **_SMALL_RESTORMER,
            "num_blocks": (1, 1, 1, 1),
            "prompt_channels": (8, 16, 32),
            "prompt_sizes": (32, 16, 8),
        },
    },
    "swinir": {
        "paper": {**_SWINIR, "upsampler": "pixelshuffle", "scale": 4},
        "small": {"dim": 48, "depths": (4,) * 4, "heads": (4,) * 4, "drop_path": 0.0},
        **{
            f"classical-x{scale}": {**_SWINIR, "upsampler": "pixelshuffle", "scale": scale}
            for scale in (2, 3, 8)
        },
        **{
            f"light-x{scale}": {**_LIGHT, "upsampler": "pixelshuffledirect", "scale": scale}
            for scale in (2, 3, 4)
        },
        "real-x4": {**_SWINIR, **_REAL},
        "real-x4-large": {**_LARGE, **_REAL},
        "denoise": _SWINIR,
        "denoise-grey": {**_SWINIR, "in_channels": 1},
        "jpeg": _JPEG,
        "jpeg-grey": {**_JPEG, "in_channels": 1},
    },
    "rrdb": {
        "paper": {"scale": 4},
        "small": {"scale": 4, "blocks": 3, "features": 32, "growth": 16},
        "x2": {"scale": 2},
        "x1": {"scale": 1},
        "x4-anime": {"scale": 4, "blocks": 6},
        "sfd-x2": {"scale": 2, "unshuffle": False},
    },
}
"""Network -> preset -> the class's arguments. ``paper`` is the first configuration of the paper,
``small`` one of 0.3 to 1.2 million weights that a CPU trains; the others are the authors' own.
Presets named ``grey`` take one channel and ``dual-pixel`` takes six; all others take three."""


def build(name: str, preset: str = "small", **overrides: Any) -> nn.Module:
    """A network with fresh weights, in float32 on the CPU, in training mode.

    Args:
        name: a key of ``NETWORKS``.
        preset: a key of ``PRESETS[name]``.
        overrides: arguments of the class in the place of the preset's.

    Raises:
        UsageError: an unknown name, preset or argument (with the nearest ones), or arguments
            that don't go together.
    """
    _known("network", name, NETWORKS)
    _known(f"network {name}", preset, PRESETS[name], "preset")
    make = network_class(name)
    for argument in overrides:
        _known(f"network {name}", argument, inspect.signature(make).parameters, "argument")
    try:
        network = make(**{**PRESETS[name][preset], **overrides})
    except ValueError as error:
        raise UsageError(f"network {name}", str(error)) from error
    return network


def network_class(name: str) -> Callable[..., nn.Module]:
    """The class of a key of ``NETWORKS``."""
    module, attribute = NETWORKS[name].split(":")
    return getattr(import_module(module), attribute)


def _known(subject: str, name: str, names: Iterable[str], what: str = "name") -> None:
    names = list(names)
    if name not in names:
        near = difflib.get_close_matches(name, names, n=3) or names
        reason, next_step = f"unknown {what} {name!r}", f"Did you mean {', '.join(near)}?"
        raise UsageError(subject, reason, next_step)
