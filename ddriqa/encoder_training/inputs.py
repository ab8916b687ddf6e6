"""What a training is given, checked before anything slow begins."""

from __future__ import annotations

import contextlib
import csv
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ddriqa.errors import OutputError, UsageError
from ddriqa.images.decode import decode
from ddriqa.images.find import find

NAMED = 5
"""Faulty pictures that are named at most; of the rest the number is told."""


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """What the system refuses while ``path`` is written becomes an ``OutputError``."""
    try:
        yield
    except OSError as error:
        reason = f"can't be written: {error.strerror or error}".lower()
        raise OutputError(str(path), reason) from error


def check_output(output: Path, work: Path, overwrite: bool) -> None:
    """Whether the weights can be written.

    Raises:
        OutputError: ``output`` exists and ``overwrite`` isn't set, or is a folder; its own folder
            doesn't exist; ``work``, the folder of intermediate results, is a file; nothing can
            be written there.
    """
    if output.is_dir():
        raise OutputError(str(output), "is a folder", "Name a file, such as my.safetensors")
    if output.exists() and not overwrite:
        raise OutputError(str(output), "exists already", "Add --force to overwrite it")
    if not output.parent.is_dir():
        raise OutputError(str(output), "its folder doesn't exist")
    if work == output or work.is_file():
        raise OutputError(str(work), "is a file", "Name a folder with --work")
    for path in (output.parent, work):
        there = next(folder for folder in (path, *path.absolute().parents) if folder.is_dir())
        with writing(path), tempfile.TemporaryFile(dir=there):
            pass


def photographs(given: Sequence[str], least: int) -> list[Path]:
    """The picture files behind folders, files and patterns.

    Raises:
        UsageError: a name that is no file, or fewer than ``least``.
    """
    found = [Path(path) for path in find(given)]
    for path in found:
        if not path.is_file():
            raise UsageError(str(path), "no such file")
    if len(found) < least:
        reason = f"only {len(found)} photographs, {least} are the least"
        raise UsageError(" ".join(given), reason, "300 or more are better")
    return found


def check_pictures(paths: Sequence[Path], report: Callable[[int], None]) -> None:
    """Decode every picture once, before anything slow needs them.

    Raises:
        UsageError: some can't be read; they are named together.
    """
    faults = []
    for number, path in enumerate(paths, 1):
        if error := decode(path).error:
            faults.append(f"{path}: {error}")
        report(number)
    if faults:
        more = len(faults) - NAMED
        named = [*faults[:NAMED], *([f"and {more} more"] if more > 0 else [])]
        raise UsageError("", "; ".join(named), "Leave them out, or mend them")


def read_captions(file: Path) -> list[tuple[Path, str]]:
    """``(picture, caption)`` of each row of a CSV; pictures lie in ``images`` beside it.

    Raises:
        UsageError: no CSV in UTF-8 with columns image and caption; a row without a caption; a
            picture that isn't there.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream))
        named = [(file.parent / "images" / row["image"], row["caption"]) for row in rows]
    except OSError as error:
        raise UsageError(str(file), f"can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(str(file), "isn't UTF-8") from error
    except (KeyError, TypeError, csv.Error) as error:
        raise UsageError(str(file), "isn't a CSV with columns image and caption") from error
    for number, (picture, caption) in enumerate(named, 2):
        if not caption:
            raise UsageError(str(file), f"line {number} has no caption")
        if not picture.is_file():
            raise UsageError(str(picture), "no such file", f"{file}, line {number}, names it")
    return named
