"""Finding the files of a data set: copies differ in case, and in how deep the folders lie."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class FileIndex:
    """All files under a folder, looked up by the end of their path, whatever the case.

    Args:
        root: the folder; links to folders are followed, hidden files and folders left out.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def find(self, *names: str) -> Path | None:
        """The file whose path ends in one of the names, the first name first, or None.

        Where several files do, one that fits in case, else the one that lies highest.

        Args:
            names: file names with as much of their folders as matters: ``jpeg/img12.bmp``; a path
                that leads out of the folder (``../a.jpg``, ``/photos/a.jpg``) is taken as it is.
        """
        for name in names:
            if found := self.fitting(name):
                return found[0]
            if (outside := self.root / name).is_file():
                return outside
        return None

    def fitting(self, name: str) -> list[Path]:
        """The files that a name fits equally well, sorted; more than one makes it ambiguous."""
        candidates = self._files.get(name.rpartition("/")[2].lower(), [])
        wanted = f"/{name.lower()}"
        fits = [path for path in candidates if f"/{path.as_posix().lower()}".endswith(wanted)]
        ranks = {path: (not _ends(path, name), len(path.parts)) for path in fits}
        best = min(ranks.values(), default=None)
        return sorted(path for path, rank in ranks.items() if rank == best)

    def pictures(self, endings: tuple[str, ...]) -> Iterator[Path]:
        """All files that end so (lower case, with the dot), sorted."""
        for path in sorted(path for paths in self._files.values() for path in paths):
            if path.suffix.lower() in endings:
                yield path

    def folders(self) -> Iterator[Path]:
        """All folders that hold files, sorted."""
        yield from sorted({path.parent for paths in self._files.values() for path in paths})

    @cached_property
    def _files(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for folder, folders, names in os.walk(self.root, followlinks=True):
            folders[:] = [
                name for name in folders if not (name.startswith(".") or _leads_up(folder, name))
            ]
            for name in names:
                if not name.startswith("."):
                    found.setdefault(name.lower(), []).append(Path(folder, name))
        return found


def _ends(path: Path, name: str) -> bool:
    return f"/{path.as_posix()}".endswith(f"/{name}")


def _leads_up(folder: str, name: str) -> bool:
    """Whether a link in a folder leads to that folder or one above it, and so round and round."""
    path = Path(folder, name)
    if not path.is_symlink():
        return False
    here = Path(folder).resolve()
    return path.resolve() in (here, *here.parents)
