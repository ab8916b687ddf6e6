"""The tables of a run's shards become the table that one run would have made."""

from __future__ import annotations

from itertools import chain, zip_longest
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from ddriqa.errors import OutputError, UsageError
from ddriqa.scoring.output import now, read_table, refuse_if_written
from ddriqa.scoring.parquet import journal_path, write_parquet
from ddriqa.scoring.replacing import replacing
from ddriqa.scoring.sidecar import (
    differences,
    named,
    other_versions,
    read_sidecar,
    sidecar_path,
    write_sidecar,
)
from ddriqa.scoring.table import WRITERS, write_failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from ddriqa.scoring.table import Record

OF_ONE_PART = ("arguments", "input", "counts", "resumed", "in_flight", "threads", "workers")
"""What a part's sidecar says of its own run."""


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
        if not part.about["finished"]:
            hint = "Finish it with the command that began it and --resume"
            raise OutputError(str(part.path), "isn't finished", hint)
        _check_same(parts[0], part)
    return _by_shard(parts)


def of_other_versions(parts: Sequence[Part]) -> list[str]:
    """A sentence for each table whose last digits may differ from the first one's."""
    first = parts[0]
    return [
        f"{part.path} was made with other versions than {first.path} ({'; '.join(found)}), so the "
        "last digits may differ"
        for part in parts
        if (found := other_versions(part.about, first.about))
    ]


def _check_same(first: Part, part: Part) -> None:
    leave = {"shard": None, "format": None, "relative_to": None}
    if found := differences(part.about | leave, first.about | leave):
        reason = f"was made with other settings than {first.path} ({named(found)})"
        raise UsageError(str(part.path), reason)


def _by_shard(parts: list[Part]) -> list[Part]:
    shards = [part.about.get("shard") for part in parts]
    if not any(shards):
        return parts
    if twice := sorted({shard for shard in shards if shard and shards.count(shard) > 1}):
        raise UsageError("merge", f"shards come twice: {named(twice)}", "Give each once")
    count = max(int(shard.partition("/")[2]) for shard in shards if shard)
    expected = [f"{number}/{count}" for number in range(1, count + 1)]
    if missing := [name for name in expected if name not in shards]:
        raise UsageError("merge", f"shards are missing: {named(missing)}")
    if len(parts) != count:
        raise UsageError("merge", f"{len(parts)} tables, but {count} shards", "Give each once")
    ordered = [parts[shards.index(name)] for name in expected]
    sizes = [part.images for part in ordered]
    if sizes[0] - sizes[-1] > 1 or sizes != sorted(sizes, reverse=True):
        found = f"one table has {max(sizes)} rows, another {min(sizes)}"
        reason = f"the shards weren't made of the same pictures ({found})"
        raise OutputError("merge", reason, "Make them anew from one list")
    return ordered


def merge(parts: Sequence[Part], output: Path, form: str) -> dict[str, int]:
    """Write one table, as one run would have, then its sidecar; what was there is replaced.

    Args:
        parts: see ``read_parts``.
        output: none of them.
        form: csv, jsonl or parquet.

    Returns:
        How many images there are, how many ok and how many failed.

    Raises:
        OutputError: a part isn't what its sidecar says; the output can't be written.
    """
    about = {name: v for name, v in parts[0].about.items() if name not in OF_ONE_PART}
    about |= {"shard": None, "merged": [part.path.name for part in parts]}
    about |= {"output": output.name, "format": form, "started": now()}
    counts = {"images": 0, "failed": 0, "ok": 0}
    records = _counted(_records(parts), counts, sum(part.images for part in parts))
    rows = journal_path(output) if form == "parquet" else output
    try:
        refuse_if_written(rows, output)
        with replacing(output, _companions(output, form)) as stream:
            _write(stream, form, records, about)
    except OSError as fault:
        raise write_failure(output, fault) from fault
    write_sidecar(output, about | {"counts": counts, "finished": now()})
    return counts


def _companions(output: Path, form: str) -> Iterator[Path]:
    """What belongs to a table that is replaced, and goes with it."""
    yield sidecar_path(output)
    if form == "parquet":
        yield journal_path(output)


def _write(stream: IO[bytes], form: str, records: Iterable[Record], about: dict[str, Any]) -> None:
    if form == "parquet":
        write_parquet(stream, records, about["columns"], about)
        return
    writer = WRITERS[form](stream, about["columns"], about["output"], next_step="")
    writer.begin()
    for record in records:
        writer.write(record)


def _counted(records: Iterable[Record], counts: dict[str, int], wanted: int) -> Iterator[Record]:
    for record in records:
        counts["images"] += 1
        counts[record.status] += 1
        yield record
    if counts["images"] != wanted:
        reason = f"the tables have {counts['images']} rows, their sidecars say {wanted}"
        raise OutputError("merge", reason, "Make them anew")


def _records(parts: Sequence[Part]) -> Iterator[Record]:
    tables = [read_table(part.path, part.about) for part in parts]
    if parts[0].about.get("shard") is None:
        return chain.from_iterable(tables)
    return _in_turn(tables)


def _in_turn(tables: Sequence[Iterable[Record]]) -> Iterator[Record]:
    for turn in zip_longest(*tables):
        yield from (record for record in turn if record is not None)
