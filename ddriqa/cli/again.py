"""How to go on with a run that was stopped: the command to give, ready to paste."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST = 300
"""Characters of a command that is still worth repeating."""


def how_to_go_on(arguments: Sequence[str]) -> str:
    """A sentence that says which command goes on with the table of a run.

    Args:
        arguments: of the run, beginning with ``score``; those of a thousand paths, or of names
            that don't fit on a line, aren't repeated.
    """
    command, *others = arguments
    kept = [word for word in others if word not in ("--force", "--resume")]
    line = shlex.join(["ddriqa", command, "--resume", *kept])
    if len(line) <= LONGEST and line.isprintable():
        return f"To go on: {line}"
    instead = " instead of --force" if "--force" in others else ""
    return f"To go on give the same command with --resume{instead}"
