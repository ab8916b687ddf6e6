"""Arguments become paths: files, folders, globs, and lists of them.

In a folder every file with the ending of a picture or of a camera raw file counts; names that
begin with a dot and pages made by ``--report`` are passed over. Its files come first, then its
sub-folders, both in natural order (``img2`` before ``img10``). Links to folders are followed after
the real folders, and each real folder is entered once an argument, so loops end. A file that is
named explicitly is tried whatever its ending.

Every distinct path behind the arguments is given out once, at its first place. What a list names
is another matter: it is given out every time it stands there, so that rows can be matched with
the list. Neither a list of any length nor a single folder makes anything pile up in memory,
beyond the names in one folder. Names that aren't text in the file system's encoding survive as
``os.fsdecode`` makes them (surrogate escapes).
"""

from __future__ import annotations

import glob
import os
import re
from itertools import chain, islice
from typing import TYPE_CHECKING, BinaryIO

from ddriqa.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

RAW_EXTENSIONS = frozenset(
    (
        *("3fr", "arw", "cr2", "cr3", "crw", "dcr", "dng", "erf", "iiq", "kdc", "mef", "mos"),
        *("mrw", "nef", "nrw", "orf", "pef", "raf", "raw", "rw2", "rwl", "sr2", "srf", "srw"),
        "x3f",
    )
)
"""Camera raw files: found, and answered with a row that says what to do."""

PICTURE_EXTENSIONS = frozenset(
    (
        *("jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp", "bmp", "gif", "tif", "tiff"),
        *("avif", "heic", "heif", "jxl", "jp2"),
    )
)


REPORT_MARK = b'content="ddriqa report"'
"""Near the beginning of every page that ``--report`` makes."""


class Listed(str):
    """A path out of a list: taken as it stands, no pattern, and given out as often as it comes."""


def find(
    paths: Iterable[str | os.PathLike[str]],
    *,
    recursive: bool = True,
    warn: Callable[[str], None] = lambda sentence: None,
) -> Iterator[str]:
    """The paths of pictures behind files, folders and globs, lazily, in input order.

    A path that doesn't exist, or a folder that can't be read, is given out as it is: decoding it
    says what is wrong, so that it becomes a row.

    Args:
        paths: files, folders, and patterns with ``*``, ``?``, ``[`` (``**`` for any depth) that
            the shell left alone.
        recursive: also look below the sub-folders of a folder.
        warn: called at the end with a sentence for each folder that holds no picture.

    Raises:
        UsageError: nothing was found at all.
    """
    seen: set[str] = set()
    barren: list[str] = []
    found_any = False
    for given, repeatable in _arguments(paths):
        empty = True
        for path in _expand(given, recursive):
            empty, found_any = False, True
            if not repeatable or _is_new(_key(path), seen):
                yield path
        if empty:
            barren.append(given)
    if not found_any:
        raise _nothing(barren, recursive)
    for folder in barren:
        warn(f"{folder}: holds no pictures")


def _arguments(paths: Iterable[str | os.PathLike[str]]) -> Iterator[tuple[str, bool]]:
    """Each argument, and whether what it leads to may come, or have come, a second time.

    A single file or folder leads nowhere twice; patterns may overlap.
    """
    arguments = (os.fspath(path) for path in paths)
    for first in arguments:
        if isinstance(first, Listed):
            yield first, False
            continue
        others = list(islice(arguments, 1))
        yield first, bool(others) or _is_pattern(first)
        yield from ((other, not isinstance(other, Listed)) for other in chain(others, arguments))


def _is_new(key: str, seen: set[str]) -> bool:
    before = len(seen)
    seen.add(key)
    return len(seen) > before


def _key(path: str) -> str:
    """Equal for two spellings of a path; ``..`` is left alone, since links make it ambiguous."""
    return path if os.pardir in path.split(os.sep) else os.path.abspath(path)


def _nothing(barren: list[str], recursive: bool) -> UsageError:
    where = ", ".join(barren) or "the list"
    depth = "or below it" if recursive else "itself (sub-folders weren't searched)"
    reason = f"no pictures found in it {depth}" if barren else "names no pictures"
    return UsageError(where, reason, "Looked for jpg, png, webp, tif, heic, avif, bmp, gif and raw")


def _expand(given: str, recursive: bool) -> Iterator[str]:
    if os.path.isdir(given):
        yield from _walk(given, recursive)
    elif _is_pattern(given):
        matches = sorted(glob.glob(given, recursive=True), key=natural)
        for match in matches:
            yield from _expand(match, recursive)
        if not matches:
            yield given
    else:
        yield given


def _is_pattern(given: str) -> bool:
    listed = isinstance(given, Listed)
    return not listed and glob.has_magic(given) and not os.path.lexists(given)


def _walk(top: str, recursive: bool) -> Iterator[str]:
    entered: set[tuple[int, int]] = set()
    folders = [top]
    while folders:
        folder = folders.pop()
        try:
            identity = _identity(folder)
            names, below = ([], []) if identity in entered else _list(folder)
        except OSError:
            yield folder
            continue
        entered.add(identity)
        yield from (os.path.join(folder, name) for name in names)
        if recursive:
            below.sort(key=os.DirEntry.is_symlink)
            folders += [entry.path for entry in reversed(below)]


def _identity(folder: str) -> tuple[int, int]:
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def _list(folder: str) -> tuple[list[str], list[os.DirEntry[str]]]:
    """The names of the pictures in a folder, and its sub-folders, in natural order."""
    names: list[str] = []
    below: list[os.DirEntry[str]] = []
    if _is_report(folder):
        return names, below
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if _is_folder(entry):
                below.append(entry)
            elif _is_picture(entry.name):
                names.append(entry.name)
    return sorted(names, key=natural), sorted(below, key=lambda entry: natural(entry.name))


def _is_report(folder: str) -> bool:
    """Whether it holds a page made by ``--report``: its thumbnails are pictures of pictures."""
    try:
        with open(os.path.join(folder, "index.html"), "rb") as page:
            return REPORT_MARK in page.read(1024)
    except OSError:
        return False


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _is_picture(name: str) -> bool:
    ending = extension(name)
    return ending in PICTURE_EXTENSIONS or ending in RAW_EXTENSIONS


def extension(path: str) -> str:
    """The ending of a file's name in lower case, without the dot."""
    return os.path.splitext(path)[1][1:].lower()


def natural(name: str) -> tuple[str, str]:
    """A sorting key that takes runs of digits as numbers: ``img2`` before ``img10``."""
    return re.sub(r"[0-9]+", lambda digits: digits[0].zfill(20), name.casefold()), name


def read_list(stream: BinaryIO, *, nul: bool = False) -> Iterator[Listed]:
    """The paths of a list, one a line (or separated by NUL bytes), lazily; empty ones are skipped.

    Args:
        stream: the list in bytes; a byte order mark and Windows line ends are taken off.
        nul: paths end with a NUL byte, as ``find -print0`` writes them, and may hold line ends.
    """
    first = True
    for item in _split(stream) if nul else stream:
        item = item.removeprefix(b"\xef\xbb\xbf") if first else item
        first = False
        name = item if nul else item.rstrip(b"\r\n")
        if name:
            yield Listed(os.fsdecode(name))


def _split(stream: BinaryIO) -> Iterator[bytes]:
    rest = b""
    while chunk := stream.read(1 << 16):
        *items, rest = (rest + chunk).split(b"\0")
        yield from items
    yield rest
