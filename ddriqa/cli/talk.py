"""What a run says on standard error while it works."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass


def tell(sentence: str) -> None:
    """One line, whether or not anybody listens."""
    with contextlib.suppress(OSError):
        print(f"ddriqa: {sentence}", file=sys.stderr)


def counted(count: int, thing: str) -> str:
    """``1 row``, ``2 rows``."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


@dataclass
class Talk:
    """Says what isn't to be kept quiet, and remembers whether there was a warning.

    Args:
        quiet: nothing but what ends the run is said.
        strict: warnings are said nevertheless, since the exit code speaks of them.
    """

    quiet: bool
    strict: bool
    warned: bool = False

    def say(self, sentence: str) -> None:
        """Something worth knowing."""
        if not self.quiet:
            tell(sentence)

    def warn(self, sentence: str) -> None:
        """Something that may be wrong."""
        self.warned = True
        if self.strict or not self.quiet:
            tell(sentence)
