"""Where a command's table goes, and that nothing is overwritten unasked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ddriqa.errors import OutputError, UsageError
from ddriqa.scoring.parquet import journal_path, require_pyarrow
from ddriqa.scoring.sidecar import sidecar_path

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
    resume: bool = False

    @classmethod
    def chosen(
        cls,
        output: Path | None,
        form: str | None,
        *,
        force: bool,
        resume: bool = False,
        terminal: bool,
    ) -> Target:
        """Decide it from the options.

        Raises:
            UsageError: an ending that says no form; options that exclude each other.
            OutputError: the file exists, or its folder doesn't.
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
        check_place(output)
        if not force and not resume:
            _check_free(output)
        return cls(output, form, to_stdout=False, resume=resume)


def form_of(output: Path) -> str:
    """The form that the ending of a name says. Raises ``UsageError`` where it says none."""
    ending = output.suffix.lower()
    if ending not in ENDINGS:
        hint = f"Use {', '.join(ENDINGS)}, or --format"
        raise UsageError(f"-o {output}", "its ending names no form", hint)
    return ENDINGS[ending]


def check_place(output: Path) -> None:
    """Raise an ``OutputError`` where no file can be written under that name."""
    if output.is_dir():
        raise OutputError(str(output), "is a folder", "Name a file in it")
    if output.exists() and not output.is_file():
        raise OutputError(str(output), "isn't a file", "For standard output say -o -")
    if not output.parent.is_dir():
        raise OutputError(str(output), "its folder doesn't exist")


def _check_free(output: Path) -> None:
    for path, what in _companions(output):
        if path.exists():
            hint = "Add --resume to go on with it, or --force to overwrite it"
            raise OutputError(str(path), f"exists already{what}", hint)


def _companions(output: Path) -> Iterator[tuple[Path, str]]:
    yield output, ""
    yield journal_path(output), ", an unfinished table"
    yield sidecar_path(output), ", the sidecar's name"
