"""Which losses there are: name -> ``"module:class"``, resolved on use."""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ddriqa.errors import UsageError
from ddriqa.restoration.defaults import defaults_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ddriqa.restoration.losses.base import Loss

LOSSES = {
    "psnr": "ddriqa.restoration.losses.pixel:PSNRLoss",
    "l1": "ddriqa.restoration.losses.pixel:L1Loss",
    "charbonnier": "ddriqa.restoration.losses.pixel:CharbonnierLoss",
    "ddr": "ddriqa.restoration.losses.ddr:DDRLoss",
    "lpips": "ddriqa.restoration.losses.lpips:LPIPSLoss",
    "ctx": "ddriqa.restoration.losses.contextual:ContextualLoss",
    "pdl": "ddriqa.restoration.losses.pdl:ProjectedDistributionLoss",
    "fdl": "ddriqa.restoration.losses.fdl:FrequencyDistributionLoss",
}


def build(spec: Mapping[str, Any]) -> Loss:
    """The loss of a table of settings: ``{"name": "ddr", "weight": 2.0, "encoder": "toy"}``.

    Args:
        spec: ``name``, a key of ``LOSSES``; what else there is goes to the class.

    Raises:
        UsageError: no name, an unknown one, an option that the loss doesn't have or a value that
            it refuses.
        WeightsError: the loss needs weights that aren't there.

    >>> build({"name": "charbonnier", "weight": 0.5}).weight
    0.5
    """
    options = dict(spec)
    loss = _class(options.pop("name", None))
    name, takes = spec["name"], list(inspect.signature(loss).parameters)
    if wrong := [option for option in options if option not in takes]:
        raise UsageError(f"loss {name}", f"has no {wrong[0]!r}", f"It has {', '.join(takes)}")
    return loss(**options)


def written_out(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The same table with the defaults of what it doesn't say; raises what ``build`` raises for a
    name."""
    return {"name": spec.get("name"), **defaults_of(_class(spec.get("name"))), **spec}


def _class(name: Any) -> type[Loss]:
    if name not in LOSSES:
        near = get_close_matches(str(name), LOSSES, n=1)
        known = f"Known: {', '.join(LOSSES)}"
        hint = f"Did you mean {near[0]}? {known}" if near else known
        reason = "has no name" if name is None else f"unknown name {name!r}"
        raise UsageError("loss", reason, hint)
    module, attribute = LOSSES[name].split(":")
    return getattr(import_module(module), attribute)
