"""Which training methods there are: name → ``"module:function"``, resolved on use."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING

from ddriqa.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

    from ddriqa.restoration.methods.base import Method
    from ddriqa.restoration.settings import Settings

METHODS = {
    "baseline": "ddriqa.restoration.methods.baseline:method",
    "ddr": "ddriqa.restoration.methods.ddr:method",
}


def build(network: nn.Module, settings: Settings) -> Method:
    """The method that ``settings.method`` names, for a network.

    Raises:
        UsageError: an unknown method, or options that it refuses.
        WeightsError: it needs weights that aren't there.
    """
    name = settings.method.name
    if name not in METHODS:
        known = f"Known: {', '.join(METHODS)}"
        near = get_close_matches(name, METHODS, n=1)
        hint = f"Did you mean {near[0]}? {known}" if near else known
        raise UsageError("method", f"unknown name {name!r}", hint)
    module, attribute = METHODS[name].split(":")
    return getattr(import_module(module), attribute)(network, settings)
