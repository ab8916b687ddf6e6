"""Prompt pairs: what a kind of damage is called, clean and degraded."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ddriqa.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib

DEFAULT_TYPES = ("color", "noise", "blur", "exposure")
"""The set of the paper's quality experiments (its section 4.1); ``content`` is the fifth pair."""


@dataclass(frozen=True)
class PromptPair:
    """The two sentences of one type of damage (Eq. 3: P+ and P-)."""

    name: str
    clean: str
    degraded: str


@cache
def published_pairs() -> dict[str, PromptPair]:
    """The paper's five pairs by name."""
    return read_pairs(Path(__file__).with_name("prompts.toml"))


def read_pairs(path: str | Path) -> dict[str, PromptPair]:
    """Pairs of a TOML file: one table a type with ``clean`` and ``degraded``.

    Raises:
        UsageError: absent or malformed file, naming the table and the key.
    """
    try:
        tables = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(str(path), f"can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(str(path), f"isn't a TOML file: {error}") from error
    if not tables:
        raise UsageError(str(path), "holds no prompt pair", _EXAMPLE)
    return {name: _pair(path, name, table) for name, table in tables.items()}


_EXAMPLE = 'Write e.g. [haze] clean = "A clear photo." degraded = "A hazy photo."'


def _pair(path: str | Path, name: str, table: object) -> PromptPair:
    if not isinstance(table, dict) or set(table) != {"clean", "degraded"}:
        raise UsageError(str(path), f"[{name}] needs exactly the keys clean and degraded", _EXAMPLE)
    if not name.isidentifier():
        raise UsageError(str(path), f"[{name}] must be a plain word: it names a column")
    clean, degraded = table["clean"], table["degraded"]
    if not (isinstance(clean, str) and isinstance(degraded, str) and clean and degraded):
        raise UsageError(str(path), f"[{name}] clean and degraded must be sentences", _EXAMPLE)
    return PromptPair(name, clean, degraded)


def select_pairs(
    types: Sequence[str] | None = None, pairs: Mapping[str, PromptPair] | None = None
) -> list[PromptPair]:
    """The pairs to use: named ones, or all of a user's file, or the paper's default set.

    Raises:
        UsageError: a name that the pairs don't have, or a name twice.
    """
    known = published_pairs() if pairs is None else pairs
    names = list(types) if types else (list(known) if pairs is not None else list(DEFAULT_TYPES))
    if not names:
        raise UsageError("--prompts", "no prompt pair is given", _EXAMPLE)
    for name in names:
        if name not in known:
            raise UsageError("--types", f"unknown type {name!r}", f"Known: {', '.join(known)}")
    if len(set(names)) != len(names):
        raise UsageError("--types", f"a type is named twice: {', '.join(names)}")
    return [known[name] for name in names]
