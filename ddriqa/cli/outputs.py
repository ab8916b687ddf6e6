"""Where a command's table goes, and that nothing is overwritten unasked."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ddriqa.errors import OutputError, UsageError
from ddriqa.scoring.table import sidecar_path

if TYPE_CHECKING:
    from collections.abc import Iterator

ENDINGS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
STDOUT = Path("-")


@dataclass
class Target:
    """Where the table goes: a file, standard output, or nowhere (a person reads the summary)."""

    path: Path | None
    form: str
    to_stdout: bool

    @classmethod
    def chosen(
        cls, output: Path | None, form: str | None, *, force: bool, terminal: bool
    ) -> Target:
        """Decide it from the options.

        Raises:
            UsageError: an ending that says no form.
            OutputError: the file exists, or its folder doesn't.
        """
        if output is None or output == STDOUT:
            return cls(None, form or "csv", to_stdout=output == STDOUT or not terminal)
        if form is None and output.suffix.lower() not in ENDINGS:
            known = ", ".join(ENDINGS)
            raise UsageError(
                f"-o {output}", "its ending names no form", f"Use {known}, or --format"
            )
        if output.exists() and not (output.is_file() or output.is_dir()):
            raise OutputError(str(output), "isn't a file", "For standard output say -o -")
        if output.is_dir():
            raise OutputError(str(output), "is a folder", "Name a file in it")
        if not output.parent.is_dir():
            raise OutputError(str(output), "its folder doesn't exist")
        if output.exists() and not force:
            raise OutputError(str(output), "exists already", "Add --force to overwrite it")
        if sidecar_path(output).exists() and not force:
            reason, hint = "exists already, the sidecar's name", "Add --force to overwrite it"
            raise OutputError(str(sidecar_path(output)), reason, hint)
        return cls(output, form or ENDINGS[output.suffix.lower()], to_stdout=False)

    @contextlib.contextmanager
    def opened(self, stdout: IO[bytes]) -> Iterator[IO[bytes] | None]:
        """The stream for the rows. An old sidecar goes: a sidecar says that a table is complete."""
        if self.path is None:
            yield stdout if self.to_stdout else None
            return
        try:
            sidecar_path(self.path).unlink(missing_ok=True)
            stream = open(self.path, "wb")  # noqa: SIM115
        except OSError as fault:
            reason = (fault.strerror or "can't be written").lower()
            raise OutputError(str(self.path), reason) from fault
        try:
            yield stream
        except BaseException:
            with contextlib.suppress(OSError):  # the first failure is the one to tell
                stream.close()
            raise
        stream.close()
