"""Where a command's pictures come from: paths, patterns, and lists in files or on stdin."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from ddriqa.errors import UsageError
from ddriqa.images.find import find, read_list

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

PATHS_DESCRIBED = 100


@dataclass(frozen=True)
class Shard:
    """Every ``count``-th picture, from the ``number``-th on (counted from 1)."""

    number: int
    count: int

    @classmethod
    def read(cls, text: str) -> Shard:
        """``2/5``. Raises ``UsageError`` for anything else."""
        number, slash, count = text.partition("/")
        if not (slash and number.strip().isdecimal() and count.strip().isdecimal()):
            raise UsageError("--shard", f"{text!r} isn't I/N", "Say 1/4, 2/4, 3/4 and 4/4")
        shard = cls(int(number), int(count))
        if not 1 <= shard.number <= shard.count:
            raise UsageError("--shard", f"there is no shard {text}", "They go from 1/N to N/N")
        return shard

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


@dataclass
class Source:
    """Where the paths come from, and which part of them is wanted."""

    paths: list[str]
    files_from: str | None
    nul: bool
    shard: Shard | None = None

    def __post_init__(self) -> None:
        if not self.paths and self.files_from is None:
            raise UsageError("", "no pictures given", "Try ddriqa score photos/")
        if [*self.paths, self.files_from].count("-") > 1:
            raise UsageError("-", "stdin can be read only once")

    @property
    def countable(self) -> bool:
        """Whether it can be read twice: once to count, once to score."""
        return "-" not in self.paths and self.files_from != "-"

    def find(self, warn: Callable[[str], None] = lambda sentence: None) -> Iterator[str]:
        """The paths of the pictures, lazily. Raises as ``ddriqa.images.find.find`` does."""
        return find(self._given(), warn=warn)

    def part(self, found: Iterable[str]) -> Iterable[str]:
        """Those of the paths that belong to the shard."""
        if self.shard is None:
            return found
        return islice(found, self.shard.number - 1, None, self.shard.count)

    @property
    def relative_to(self) -> str | None:
        """The folder without which the paths don't say which pictures they mean, if any."""
        absolute = self.files_from is None and all(map(os.path.isabs, self.paths))
        return None if absolute else os.getcwd()

    def describe(self) -> dict[str, object]:
        """What was asked for, for the sidecar; of very many paths only the first."""
        return {
            "paths": self.paths[:PATHS_DESCRIBED],
            "paths_given": len(self.paths),
            "files_from": self.files_from,
            "null_separated": self.nul,
        }

    def _given(self) -> Iterator[str]:
        for path in self.paths:
            yield from self._list("-") if path == "-" else [path]
        if self.files_from is not None:
            yield from self._list(self.files_from)

    def _list(self, name: str) -> Iterator[str]:
        if name == "-":
            yield from read_list(sys.stdin.buffer, nul=self.nul)
            return
        try:
            with open(name, "rb") as stream:
                yield from read_list(stream, nul=self.nul)
        except OSError as fault:
            reason = f"can't be read: {(fault.strerror or '').lower()}"
            raise UsageError(f"--files-from {name}", reason) from fault
