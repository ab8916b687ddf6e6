"""How a metric is asked for: ``ddr``, ``ddr+windows+shape``, ``niqe=FILE``, ``piq:brisque``."""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ddriqa.errors import UsageError
from ddriqa.metrics.catalogue import FILES, METRICS, OPTIONS, PACKAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ddriqa.encoders import Encoder


@dataclass(frozen=True)
class MetricSpec:
    """A metric as it was asked for.

    Attributes:
        name: of the metric with its options.
        target: ``"module:class"``.
        options: keyword arguments of the class.
    """

    name: str
    target: str
    options: Mapping[str, Any]

    @classmethod
    def read(cls, text: str) -> MetricSpec:
        """A spec as a person writes it.

        Raises:
            UsageError: an unknown name or option; an option twice; a file where none is taken.

        >>> MetricSpec.read("ddr+windows").options
        {'geometry': 'windows'}
        """
        package, colon, _ = text.partition(":")
        if colon and package in PACKAGES:
            return cls(text, PACKAGES[package], {"spec": text})
        full, equals, file = text.partition("=")
        name, *named = full.split("+")
        if name not in METRICS:
            known = f"Known: {', '.join([*METRICS, *(f'{p}:NAME' for p in PACKAGES)])}"
            near = get_close_matches(name, METRICS, n=1)
            hint = f"Did you mean {near[0]}? {known}" if near else known
            raise UsageError("--metric", f"unknown name {name!r}", hint)
        options = _options(name, named)
        if equals:
            if name not in FILES or not file:
                takes = f"Those that take one: {', '.join(FILES)}"
                raise UsageError("--metric", f"{text!r}: {name} takes no such file", takes)
            options[FILES[name]] = file
        return cls(full, METRICS[name], options)

    @property
    def metric_class(self) -> Any:
        """The class; imports its module."""
        module, attribute = self.target.split(":")
        return getattr(import_module(module), attribute)

    @property
    def code(self) -> str:
        """A digest of the file that the class stands in."""
        source = inspect.getsource(import_module(self.target.partition(":")[0]))
        return hashlib.sha256(source.encode()).hexdigest()[:16]

    def takes(self, option: str) -> bool:
        """Whether the class knows an option of that name."""
        return option in inspect.signature(self.metric_class).parameters

    @property
    def needs_encoder(self) -> bool:
        """Whether it looks through an encoder; else at the pixels."""
        return self.metric_class.needs != "pixels"

    def build(self, encoder: Encoder | None, given: Mapping[str, Any]) -> Any:
        """The metric itself.

        Args:
            encoder: on its device; None will do where no encoder is needed.
            given: options that every metric takes that knows them; the spec's own go before.
        """
        options = {name: value for name, value in given.items() if self.takes(name)}
        options |= self.options
        metric = (
            self.metric_class(encoder, **options)
            if self.needs_encoder
            else self.metric_class(**options)
        )
        metric.name = self.name
        return metric


def _options(name: str, named: list[str]) -> dict[str, Any]:
    known = OPTIONS.get(name, {})
    options: dict[str, Any] = {}
    for option in named:
        if option not in known:
            hint = f"Known: {', '.join(known)}" if known else "It has none"
            raise UsageError("--metric", f"unknown option {option!r} of {name}", hint)
        for key, value in known[option].items():
            if isinstance(value, list):
                options[key] = options.get(key, []) + value
            elif key in options:
                raise UsageError("--metric", f"{option!r} of {name} contradicts another option")
            else:
                options[key] = value
    return options
