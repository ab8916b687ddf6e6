"""The one handler at the top: every failure becomes one line on stderr and an exit code."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ddriqa.errors import INTERNAL, INTERRUPTED, OK, USAGE, DdriqaError

if TYPE_CHECKING:
    from collections.abc import Callable

# typer carries its own copy of click or uses the real one, by version: ask its public class
_ParserError: type[Exception] = typer.BadParameter.__mro__[2]


def guarded(command: Callable[[], object]) -> int:
    """Run a command; its exit code, or that of its failure, which is printed."""
    try:
        code = command()
        return code if isinstance(code, int) else OK
    except DdriqaError as fault:
        return _say(str(fault), fault.exit_code)
    except _ParserError as fault:
        return _parser_fault(fault)
    except (KeyboardInterrupt, typer.Abort):
        return _say("interrupted", INTERRUPTED)
    except Exception as fault:
        return _internal(fault)


def _say(text: str, code: int) -> int:
    print("ddriqa: " + " ".join(text.split()), file=sys.stderr)
    return code


def _parser_fault(fault: Exception) -> int:
    context = getattr(fault, "ctx", None)
    if type(fault).__name__ == "NoArgsIsHelpError":
        print(fault.format_message(), file=sys.stderr)  # type: ignore[attr-defined]
        return USAGE
    command = context.command_path if context else "ddriqa"
    reason = fault.format_message().rstrip(".")  # type: ignore[attr-defined]
    return _say(f"{reason}. Try {command} --help", USAGE)


def _internal(fault: Exception) -> int:
    try:
        where = f"Details are in {_write_log(fault)}"
    except OSError:
        traceback.print_exception(fault)
        where = "Details are above"
    return _say(f"a fault of ddriqa's own ({type(fault).__name__}: {fault}). {where}", INTERNAL)


def _write_log(fault: Exception) -> Path:
    from ddriqa import __version__

    name = time.strftime(f"ddriqa-fault-%Y%m%d-%H%M%S-{os.getpid()}.log")
    path = log_folder() / name
    lines = [
        f"ddriqa {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"arguments: {sys.argv[1:]!r}",
        "",
        *traceback.format_exception(fault),
    ]
    path.write_text("\n".join(lines), encoding="utf-8", errors="backslashreplace")
    return path


def log_folder() -> Path:
    """Where logs of faults go: the user's state folder, or else the temporary one."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    folder = Path(state) / "ddriqa"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.gettempdir())
    return folder if os.access(folder, os.W_OK) else Path(tempfile.gettempdir())
