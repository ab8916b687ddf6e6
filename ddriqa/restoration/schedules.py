"""The learning rate as a function of the step."""

from __future__ import annotations

import math
from bisect import bisect_right

from ddriqa.restoration.settings import ScheduleSettings


def learning_rate(schedule: ScheduleSettings, base: float, step: int, steps: int) -> float:
    """The learning rate of one step.

    Args:
        schedule: its shape.
        base: the full learning rate.
        step: counted from 0.
        steps: of the stage.

    Cosine is Eq. 5 of Loshchilov & Hutter 2017 without restarts, from ``base`` at step ``hold``
    to ``final_lr`` at step ``length``; after that it stays. In the warm-up step t has the share
    (t + 1) / warmup of what the schedule says, so that the first step isn't lost.
    """
    rate = base
    if schedule.name == "cosine":
        length = schedule.length or steps
        part = min(max(step - schedule.hold, 0) / (length - schedule.hold), 1.0)
        rate = schedule.final_lr + (base - schedule.final_lr) * (1 + math.cos(math.pi * part)) / 2
    elif schedule.name == "step":
        rate = base * schedule.gamma ** bisect_right(schedule.milestones, step)
    return rate * min(1.0, (step + 1) / schedule.warmup) if schedule.warmup else rate
