"""A file appears whole or not at all: written under another name, on the disk, then renamed."""

from __future__ import annotations

import contextlib
import os
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path, companions: Iterable[Path] = ()) -> Iterator[IO[bytes]]:
    """A stream whose content becomes ``path`` at the end, in place of what was there.

    Meanwhile it is in ``.NAME.tmp`` beside it, always the same name: what a killed process left
    there is overwritten by the next one. After any exception ``path`` is what it was.

    Args:
        path: the file.
        companions: files that belong to what was there, and go with it.

    Raises:
        OSError: as the system says.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with open(temporary, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        for companion in companions:
            companion.unlink(missing_ok=True)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):  # the first failure is the one to tell
            temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """A new name outlives a power cut, where the system lets a folder be opened (not Windows)."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
