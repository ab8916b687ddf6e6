"""A warning that ``restore`` and ``evaluate`` give alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def warn_of_untrained(run: Path) -> None:
    """Say that a run's network hasn't learned anything yet, if so."""
    from ddriqa.cli.talk import tell
    from ddriqa.restoration.restorer import steps_of

    if steps_of(run) == 0:
        reason = "is untrained (its only checkpoint is of step 0)"
        tell(f"{run}: {reason}: expect pictures nearly as they were, or nonsense")
