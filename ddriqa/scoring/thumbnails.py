"""Small copies of pictures for a page, made by threads within bounds and kept for the next time."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from ddriqa.scoring.read_ahead import BYTES_PER_PIXEL, MemoryBudget
from ddriqa.scoring.table import write_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from PIL import Image

    from ddriqa.scoring.table import Record

SIDE, QUALITY = 160, 70
"""Pixels of the longer side, and WebP's quality: about 4 kB a thumbnail."""

_OURS = re.compile(r"\.?[0-9a-f]{20}\.webp(\.tmp)?")


def make_thumbnails(
    records: Sequence[Record], folder: Path, progress: Callable[[int, int], None]
) -> list[str | None]:
    """Write a WebP file for every scored picture on the disk that has none yet.

    A file is named after its picture's path, time and size, so that it can't be taken for another
    picture's or an older version's, and needs no second making.

    Args:
        records: of the pictures.
        folder: where the files go; it exists.
        progress: called with how many of how many are there.

    Returns:
        For each record the name of its file; None after a failure, for what isn't a file, and for
        a file that has changed into something that can't be read.

    Raises:
        OutputError: a thumbnail can't be written.
    """
    names = [_name(record) for record in records]
    there = set(os.listdir(folder)).intersection(filter(None, names))
    missing = {
        name: record
        for name, record in zip(names, records, strict=True)
        if name is not None and name not in there
    }
    total = len(there) + len(missing)
    progress(len(there), total)
    for done, name in enumerate(_made(missing, folder), start=len(there) + 1):
        there.update([name] if name else [])
        progress(done, total)
    return [name if name in there else None for name in names]


def remove_others(folder: Path, names: Collection[str | None]) -> None:
    """Delete the thumbnails in a folder that aren't among ``names``; strangers' files stay."""
    for name in os.listdir(folder):
        if _OURS.fullmatch(name) and name not in names:
            with contextlib.suppress(OSError):  # it does no harm
                (folder / name).unlink()


def _name(record: Record) -> str | None:
    if record.error is not None:
        return None
    try:
        status = os.stat(record.path)
    except (OSError, ValueError):  # it was in memory, or has gone since
        return None
    facts = f"{SIDE} {QUALITY} {status.st_mtime_ns} {status.st_size} "
    identity = facts.encode() + os.fsencode(os.path.abspath(record.path))
    return hashlib.sha256(identity).hexdigest()[:20] + ".webp"


def _made(wanted: Mapping[str, Record], folder: Path) -> Iterator[str | None]:
    """The names of the files in order as they are done; None where a picture can't be read."""
    from ddriqa.scoring.threads import available_cores

    workers, budget = available_cores(), MemoryBudget()
    waiting: deque[tuple[int, Future[str | None]]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="ddriqa-thumbnail")

    def oldest() -> str | None:
        index, future = waiting.popleft()
        budget.advance(index)
        return future.result()

    try:
        for index, (name, record) in enumerate(wanted.items()):
            job = pool.submit(_make, record, folder / name, budget, index)
            waiting.append((index, job))
            if len(waiting) >= 4 * workers:
                yield oldest()
        while waiting:
            yield oldest()
    finally:
        budget.advance(-1)
        pool.shutdown(wait=True, cancel_futures=True)


def _make(record: Record, target: Path, budget: MemoryBudget, index: int) -> str | None:
    from PIL import Image

    from ddriqa.images.decode import MAX_PIXELS, decode

    claimed = 0

    def admit(pixels: int) -> None:
        nonlocal claimed
        size = pixels * BYTES_PER_PIXEL
        budget.claim(index, size)
        claimed = size

    limit = max(MAX_PIXELS, (record.width or 0) * (record.height or 0))  # it was scored, after all
    try:
        pixels = decode(record.path, draft=2 * SIDE, max_pixels=limit, admit=admit).pixels
        if pixels is None:
            return None
        image = Image.fromarray(pixels)
        image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    finally:
        budget.release(claimed)
    _save(image, target)
    return target.name


def _save(image: Image.Image, target: Path) -> None:
    temporary = target.with_name(f".{target.name}.tmp")
    try:
        image.save(temporary, "WEBP", quality=QUALITY)
        os.replace(temporary, target)
    except OSError as fault:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise write_failure(target, fault) from fault
