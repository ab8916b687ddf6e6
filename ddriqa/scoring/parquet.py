"""Parquet: written at the end, whole or not at all, from a journal of JSON lines."""

from __future__ import annotations

import json
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

from ddriqa.errors import OutputError, UsageError
from ddriqa.scoring.reading import record_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from ddriqa.scoring.table import Record

ROW_GROUP = 1 << 16
NOTED = (
    "ddriqa",
    "torch",
    "pillow",
    "device",
    "encoder",
    "metrics",
    "precision",
    "draft",
    "percentile_reference",
)
"""What of a sidecar stands in the file, too."""


def journal_path(output: Path) -> Path:
    """Where the rows wait: ``scores.parquet`` -> ``scores.parquet.journal``."""
    return output.with_name(output.name + ".journal")


def require_pyarrow() -> None:
    """Raise a ``UsageError`` with the command to install where pyarrow isn't there."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as fault:
        hint = 'pip install "ddriqa[parquet]"'
        raise UsageError("--format parquet", "needs one more package, pyarrow", hint) from fault


def write_parquet(
    stream: IO[bytes], records: Iterable[Record], columns: Sequence[str], about: Mapping[str, Any]
) -> None:
    """Write a Parquet file in row groups of 65,536; memory stays bounded.

    Columns: path (string), width and height (int32), the scores (float64), status, error
    (strings). Of ``about``, a sidecar's content, that which makes the numbers goes into the file's
    key-value metadata as JSON under ``ddriqa``; so equal rows made in one way are equal files.

    Raises:
        OSError: it can't be written.
    """
    import pyarrow as pa
    from pyarrow import parquet

    kinds = {"path": pa.string(), "width": pa.int32(), "height": pa.int32()}
    kinds |= dict.fromkeys(columns, pa.float64())
    kinds |= {"status": pa.string(), "error": pa.string()}
    note = json.dumps({name: about.get(name) for name in NOTED}, default=str)
    schema = pa.schema(list(kinds.items()), metadata={"ddriqa": note})
    rows = (record.as_row(columns) for record in records)
    with parquet.ParquetWriter(stream, schema, compression="zstd") as writer:
        while group := list(islice(rows, ROW_GROUP)):
            writer.write_table(pa.Table.from_pylist(group, schema=schema))


def read_parquet(path: Path, columns: Sequence[str]) -> Iterator[Record]:
    """The records of a Parquet file of ddriqa's, lazily.

    Raises:
        OutputError: it isn't one.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(ROW_GROUP):
                for row in batch.to_pylist():
                    yield record_of(row, columns)
    except (pa.ArrowException, KeyError, ValueError, OSError) as fault:
        raise OutputError(str(path), "isn't a table of ddriqa's") from fault
