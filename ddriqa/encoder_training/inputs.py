"""What a training is given, checked before anything slow begins."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from ddriqa.errors import OutputError, UsageError
from ddriqa.images.find import find


def check_output(output: Path, work: Path, overwrite: bool) -> None:
    """Whether the weights can be written.

    Raises:
        OutputError: ``output`` exists and ``overwrite`` isn't set, or is a folder; its own folder
            doesn't exist; ``work``, the folder of intermediate results, is a file.
    """
    if output.is_dir():
        raise OutputError(str(output), "is a folder", "Name a file, such as my.safetensors")
    if output.exists() and not overwrite:
        raise OutputError(str(output), "exists already", "Add --force to overwrite it")
    if not output.parent.is_dir():
        raise OutputError(str(output), "its folder doesn't exist")
    if work == output or work.is_file():
        raise OutputError(str(work), "is a file", "Name a folder with --work")


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
