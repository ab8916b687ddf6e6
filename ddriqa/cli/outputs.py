"""Where a command's table goes, and that nothing is overwritten unasked."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ddriqa.errors import OutputError, UsageError
from ddriqa.scoring.parquet import journal_path, require_pyarrow
from ddriqa.scoring.sidecar import sidecar_path
from ddriqa.scoring.table import write_failure

if TYPE_CHECKING:
    from collections.abc import Iterator

ENDINGS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
STDOUT = Path("-")


@dataclass
class Target:
    """Where the table goes: a file, standard output, or nowhere (a person reads the summary)."""

    path: Path | None
    form: str
    to_stdout: bool
    force: bool = False
    resume: bool = False

    @classmethod
    def chosen(
        cls,
        output: Path | None,
        form: str | None,
        *,
        force: bool,
        resume: bool | None = None,
        terminal: bool,
    ) -> Target:
        """Decide it from the options.

        Args:
            output: ``-o``; a link stands for the file that it leads to.
            form: ``--format``; by default by the ending of ``output``, else csv.
            force, resume: of the options; ``resume`` is None for a command that hasn't it.
            terminal: whether standard output is one.

        Raises:
            UsageError: an ending that says no form; options that exclude each other.
            OutputError: the file exists, or can't be written where it is to be.
        """
        if resume and force:
            raise UsageError("--resume", "excludes --force", "Give one of them")
        if output is None or output == STDOUT:
            if resume:
                raise UsageError("--resume", "needs a file to go on with", "Add -o scores.csv")
            if form == "parquet":
                raise UsageError("--format parquet", "needs a file", "Add -o scores.parquet")
            return cls(None, form or "csv", to_stdout=output == STDOUT or not terminal)
        form = form or form_of(output)
        if form == "parquet":
            require_pyarrow()
        output = behind_links(output)
        try:
            check_place(output)
        except OSError as fault:
            raise write_failure(output, fault) from fault
        if not force and not resume:
            _check_free(output, form, "" if resume is None else "--resume to go on with it, or ")
        return cls(output, form, to_stdout=False, force=force, resume=bool(resume))


def form_of(output: Path) -> str:
    """The form that the ending of a name says. Raises ``UsageError`` where it says none."""
    ending = output.suffix.lower()
    if ending not in ENDINGS:
        hint = f"Use {', '.join(ENDINGS)}, or --format"
        raise UsageError(f"-o {output}", "its ending names no form", hint)
    return ENDINGS[ending]


def behind_links(path: Path) -> Path:
    """The file itself where a path is a link, so that it is found beside its sidecar."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def check_place(output: Path) -> None:
    """Raise an ``OutputError`` where no file can be written under that name."""
    folder = output.parent
    if output.is_dir():
        raise OutputError(str(output), "is a folder", "Name a file in it")
    if output.exists() and not output.is_file():
        raise OutputError(str(output), "isn't a file", "For standard output say -o -")
    if not folder.is_dir():
        raise OutputError(str(output), "its folder doesn't exist")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(str(output), "its folder can't be written")
    with contextlib.suppress(FileNotFoundError):
        os.lstat(folder / f".{output.name}.journal.tmp")  # no name beside it may be too long


def _check_free(output: Path, form: str, instead: str) -> None:
    for path, what in _companions(output, form):
        if path.exists():
            hint = f"Add {instead}--force to overwrite it"
            raise OutputError(str(path), f"exists already{what}", hint)


def _companions(output: Path, form: str) -> Iterator[tuple[Path, str]]:
    yield output, ""
    if form == "parquet":
        yield journal_path(output), ", an unfinished table"
    yield sidecar_path(output), ", the sidecar's name"
