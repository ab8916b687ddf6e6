"""Settings with every default written out, so that no later default changes a run."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ddriqa.restoration.networks import catalogue as networks

if TYPE_CHECKING:
    from ddriqa.restoration.methods.base import Method
    from ddriqa.restoration.settings import Settings

OF_DAMAGE = {"clip": True, "round": False}
"""Of each kind of damage in ``synthesis``."""


def written_out(settings: Settings, method: Method) -> Settings:
    """The settings of a new run: with all arguments of its network, all options of its method
    and of its losses, and what every damage does at the end.
    """
    network = settings.network
    preset = networks.PRESETS[network.name][network.preset]
    options = {**defaults_of(networks.network_class(network.name)), **preset, **network.options}
    return replace(
        settings,
        network=replace(network, options={k: as_toml(value) for k, value in options.items()}),
        method=replace(settings.method, options=dict(method.options)),
        data=_with_damage(settings.data),
    )


def defaults_of(make: Callable[..., Any]) -> dict[str, Any]:
    """Argument -> default, of the arguments that have one which TOML can hold."""
    found = {
        name: parameter.default
        for name, parameter in inspect.signature(make).parameters.items()
        if parameter.default is not inspect.Parameter.empty and parameter.default is not None
    }
    return {name: as_toml(value) for name, value in found.items()}


def as_toml(value: Any) -> Any:
    """Tuples as lists, also within each other."""
    return [as_toml(entry) for entry in value] if isinstance(value, list | tuple) else value


def _with_damage(value: Any) -> Any:
    if isinstance(value, Mapping):
        own = {key: _with_damage(entry) for key, entry in value.items()}
        return {**own, **{k: own.get(k, v) for k, v in OF_DAMAGE.items()}} if _is_step(own) else own
    return [_with_damage(entry) for entry in value] if isinstance(value, list) else value


def _is_step(table: Mapping[str, Any]) -> bool:
    return isinstance(table.get("degradation"), str)
