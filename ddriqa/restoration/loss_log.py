"""The losses since the last row of the table, kept on their device: reading them would wait."""

from __future__ import annotations

from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor


class LossLog:
    """Means of losses by optimiser, and the first step whose loss wasn't a finite number."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        self._broken: Tensor | None = None
        self._last = float("nan")

    def add(self, name: str, loss: Tensor, step: int) -> None:
        """One loss of an optimiser at a step, counted from 1."""
        loss = loss.float()
        self._sums[name] = self._sums.get(name, torch.zeros_like(loss)) + loss
        self._counts[name] = self._counts.get(name, 0) + 1
        broken = torch.zeros_like(loss) if self._broken is None else self._broken
        self._broken = torch.where((broken == 0) & ~loss.isfinite(), float(step), broken)

    def means(self, fabric: Fabric) -> dict[str, float]:
        """The mean of each since ``clear``, over all processes."""
        means: dict[str, float] = {}
        for name, total in self._sums.items():
            mean: Any = fabric.all_reduce(total / self._counts[name], reduce_op="mean")
            means[name] = float(mean)
        return means

    def last_known(self) -> float:
        """The mean of the first optimiser's, of this process alone, since ``clear`` or up to it;
        NaN where there is none yet."""
        return next((float(s) / self._counts[n] for n, s in self._sums.items()), self._last)

    def broken_at(self, fabric: Fabric) -> int | None:
        """The first step with a loss that isn't finite, on any process."""
        if self._broken is None:
            return None
        steps: Any = fabric.all_gather(self._broken)
        return min((int(step) for step in steps.flatten() if step > 0), default=None)

    def clear(self) -> None:
        """Begin a new row."""
        self._last = self.last_known()
        self._sums, self._counts = {}, {}

    def state(self) -> dict[str, Any]:
        """What a resumed run needs for its next row."""
        return {"sums": {n: s.cpu() for n, s in self._sums.items()}, "counts": self._counts}

    def load(self, state: dict[str, Any], device: torch.device) -> None:
        """Go on from there."""
        self._sums = {name: total.to(device) for name, total in state["sums"].items()}
        self._counts = dict(state["counts"])
