"""The tables of a run's shards become the table that one run would have made."""

from __future__ import annotations

from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

from ddriqa.errors import OutputError, UsageError
from ddriqa.scoring.output import TableFile, read_table
from ddriqa.scoring.sidecar import differences, read_sidecar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from ddriqa.scoring.table import Record


class Part(NamedTuple):
    """A finished table and its sidecar."""

    path: Path
    about: dict[str, Any]

    @property
    def images(self) -> int:
        """How many rows it has."""
        return self.about["counts"]["images"]


def read_parts(paths: Sequence[Path]) -> list[Part]:
    """The tables to merge, in the order of their shards, or as given where they aren't shards.

    Raises:
        OutputError: one has no sidecar, or isn't finished.
        UsageError: they were made with different settings, or shards are missing or come twice.
    """
    parts = [Part(path, read_sidecar(path)) for path in paths]
    for part in parts:
        if not part.about.get("finished"):
            hint = "Finish it with the command that began it and --resume"
            raise OutputError(str(part.path), "isn't finished", hint)
        _check_same(parts[0], part)
    return _by_shard(parts)


def _check_same(first: Part, part: Part) -> None:
    leave = {"shard": None, "format": None}
    if found := differences(first.about | leave, part.about | leave):
        reason = f"was made with other settings than {first.path} ({'; '.join(found)})"
        raise UsageError(str(part.path), reason)


def _by_shard(parts: list[Part]) -> list[Part]:
    shards = [part.about.get("shard") for part in parts]
    if not any(shards):
        return parts
    count = max(int(shard.partition("/")[2]) for shard in shards if shard)
    expected = [f"{number}/{count}" for number in range(1, count + 1)]
    if missing := [name for name in expected if name not in shards]:
        raise UsageError("merge", f"shards are missing: {', '.join(missing)}")
    if len(parts) != count:
        raise UsageError("merge", f"{len(parts)} tables, but {count} shards", "Give each once")
    ordered = [parts[shards.index(name)] for name in expected]
    sizes = [part.images for part in ordered]
    if sizes[0] - sizes[-1] > 1 or sizes != sorted(sizes, reverse=True):
        reason = f"the shards saw different pictures (their tables have {sizes} rows)"
        raise OutputError("merge", reason, "Make them anew from one list")
    return ordered


def merge(parts: Sequence[Part], output: Path, form: str) -> int:
    """Write one table, as one run would have, with its sidecar; returns how many images failed.

    Raises:
        OutputError: a part isn't what its sidecar says; the output can't be written.
    """
    about = {**parts[0].about, "shard": None}
    about["merged"] = [part.path.name for part in parts]
    table = TableFile(output, form, about["columns"], about)
    table.begin()
    counts = {"images": 0, "failed": 0, "ok": 0}
    try:
        for record in _records(parts):
            table.write(record)
            counts["images"] += 1
            counts[record.status] += 1
        if counts["images"] != sum(part.images for part in parts):
            raise OutputError("merge", "a table has not as many rows as its sidecar says")
        table.complete(counts)
    finally:
        table.close()
    return counts["failed"]


def _records(parts: Sequence[Part]) -> Iterator[Record]:
    tables = [read_table(part.path, part.about) for part in parts]
    if parts[0].about.get("shard") is None:
        return chain.from_iterable(tables)
    return _in_turn(tables)


def _in_turn(tables: Sequence[Iterable[Record]]) -> Iterator[Record]:
    for turn in zip_longest(*tables):
        yield from (record for record in turn if record is not None)
