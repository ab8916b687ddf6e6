"""The one handler at the top: every failure becomes one line on stderr and an exit code."""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import select
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ddriqa.errors import (
    INTERNAL,
    INTERRUPTED,
    OK,
    USAGE,
    DatasetError,
    DdriqaError,
    OutputError,
    SeveralErrors,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# typer carries its own copy of click or uses the real one, by version: ask its public class
_ParserError: type[Exception] = typer.BadParameter.__mro__[2]

PYDANTIC_PREFIX = "Value error, "  # some versions of typer let it show
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
WITH_TRACES = 2
_verbosity = 0


class Interrupted(DdriqaError):
    """Ctrl-C in a command that has no better way to end; typer would end it without a word.

    Args:
        next_step: how to go on, where there is something to go on with.
    """

    exit_code = INTERRUPTED

    def __init__(self, next_step: str = "") -> None:
        super().__init__("", "interrupted", next_step)


def set_verbosity(level: int) -> None:
    """How much a failure tells: from 2 on what caused it, and the traceback of a fault of ours.

    It holds until the next command begins.
    """
    global _verbosity
    _verbosity = level


def guarded(command: Callable[[], object]) -> int:
    """Run a command; its exit code, or that of its failure, which is printed."""
    set_verbosity(0)
    try:
        code = command()
        return code if isinstance(code, int) else OK
    except SeveralErrors as several:
        for fault in several.faults:
            _tell(fault)
        return several.exit_code
    except DdriqaError as fault:
        return _tell(fault)
    except _ParserError as fault:
        return _parser_fault(fault)
    except (KeyboardInterrupt, typer.Abort):
        return _say("interrupted", INTERRUPTED)
    except Exception as fault:
        return _internal(fault)


def _tell(fault: DdriqaError) -> int:
    first, *layout = str(fault).splitlines() or [""]
    lines = "".join(f"\n  {line.rstrip()}" for line in layout)  # a data set's tree of files
    if not isinstance(fault, DatasetError):
        first, lines = str(fault), ""
    return _say(first, fault.exit_code, lines + _causes(fault))


def _say(text: str, code: int, details: str = "") -> int:
    with contextlib.suppress(OSError):  # nobody listens; the exit code speaks
        print(f"ddriqa: {' '.join(text.split())}{details}", file=sys.stderr)
    return code


def _causes(fault: BaseException) -> str:
    """What lies behind an expected failure, a line each, innermost last; told from -vv on."""
    text = ""
    while _verbosity >= WITH_TRACES and (cause := _cause(fault)):
        frames = traceback.extract_tb(cause.__traceback__)
        place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
        text += f"\n  caused by {type(cause).__name__}: {' '.join(str(cause).split())}{place}"
        fault = cause
    return text


def _cause(fault: BaseException) -> BaseException | None:
    return fault.__cause__ or (None if fault.__suppress_context__ else fault.__context__)


def _parser_fault(fault: Exception) -> int:
    context = getattr(fault, "ctx", None)
    if type(fault).__name__ == "NoArgsIsHelpError":
        print(fault.format_message(), file=sys.stderr)  # type: ignore[attr-defined]
        return USAGE
    command = context.command_path if context else "ddriqa"
    reason = fault.format_message().rstrip(".").replace(PYDANTIC_PREFIX, "")  # type: ignore[attr-defined]
    end = "" if reason.endswith("?") else "."
    return _say(f"{reason}{end} Try {command} --help", USAGE)


def _internal(fault: Exception) -> int:
    traced = _verbosity >= WITH_TRACES
    try:
        where = f"Details are in {_write_log(fault)}"
    except OSError:
        traced, where = True, "Details are above"
    if traced:
        with contextlib.suppress(OSError):
            traceback.print_exception(fault)
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


@contextlib.contextmanager
def printing() -> Iterator[None]:
    """Around a command: what is wrong with standard output isn't a fault of ours.

    Raises:
        typer.Exit: the reader has gone, as after ``| head``: with 0, it had all that it wanted.
        OutputError: there is no room for what is written.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError as fault:
        if not _reader_is_gone():  # click would take it for one of standard output
            raise RuntimeError("a pipe within the program broke") from fault
        _discard_output()
        raise typer.Exit(OK) from None
    except OSError as fault:
        if fault.errno not in _NO_ROOM:
            raise
        _discard_output()
        raise OutputError("", f"nothing more can be written: {fault.strerror}".lower()) from fault


def _reader_is_gone() -> bool:
    if not hasattr(select, "poll"):  # Windows doesn't say
        return True
    poll = select.poll()
    poll.register(1, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def _discard_output() -> None:
    """What still waits to be written goes nowhere, so that it isn't tried again at the end."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
