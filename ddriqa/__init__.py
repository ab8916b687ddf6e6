"""Blind image quality: how good a photograph is and what is wrong with it.

>>> from ddriqa import Scorer
>>> record = Scorer().score("photo.jpg")                            # doctest: +SKIP
>>> record.scores["ddr"], record.scores["ddr_blur"]                  # doctest: +SKIP

The public names are loaded on first use, so that ``import ddriqa`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = ["Scorer", "__version__", "ddr", "load_encoder"]

_PUBLIC = {
    "Scorer": ("ddriqa.scoring", "Scorer"),
    "ddr": ("ddriqa.metrics.ddr", "ddr"),
    "load_encoder": ("ddriqa.encoders", "load_encoder"),
}

if TYPE_CHECKING:
    from ddriqa.encoders import load_encoder
    from ddriqa.metrics.ddr import ddr
    from ddriqa.scoring import Scorer


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'ddriqa' has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _PUBLIC[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
