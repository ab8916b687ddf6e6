"""Which encoders there are: the table behind ``load_encoder`` and ``ddriqa encoders``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ddriqa.encoders.base import Encoder

BUILT_IN = {
    "builtin": "ddriqa.encoders.builtin:load",
    "toy": "ddriqa.encoders.toy:ToyEncoder",
}


def load_encoder(spec: str = "builtin", device: str = "cpu") -> Encoder:
    """An encoder by name."""
    module, attribute = BUILT_IN[spec].split(":")
    return getattr(import_module(module), attribute)().to(device)
