"""A method's own options, with their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ddriqa.errors import UsageError


def options_of(method: str, given: Mapping[str, Any], **defaults: Any) -> dict[str, Any]:
    """The options with the defaults of those that aren't given.

    Raises:
        UsageError: an option that has no default here is unknown.
    """
    if wrong := [name for name in given if name not in defaults]:
        known = f"It has {', '.join(defaults)}"
        raise UsageError(f"method {method}", f"has no {', '.join(map(repr, wrong))}", known)
    return defaults | dict(given)
