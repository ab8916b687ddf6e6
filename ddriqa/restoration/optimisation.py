"""One step of a stage: its losses backward, clipped, and its optimisers' steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lightning_fabric import Fabric
from torch import Tensor

from ddriqa.restoration.devices import average_gradients
from ddriqa.restoration.loss_log import LossLog
from ddriqa.restoration.methods.base import Batch, Stage
from ddriqa.restoration.schedules import learning_rate
from ddriqa.restoration.settings import ScheduleSettings


class Optimisation:
    """The optimisers of a stage at work.

    Args:
        fabric: launched.
        stage: its modules on their device.
        schedule: of every optimiser's learning rate.
        clip_norm: of each optimiser's gradients; 0 doesn't clip.
    """

    def __init__(
        self, fabric: Fabric, stage: Stage, schedule: ScheduleSettings, clip_norm: float
    ) -> None:
        self._fabric, self._stage = fabric, stage
        self._schedule, self._clip_norm = schedule, clip_norm
        self.optimisers: dict[str, Any] = {}
        for name, make in stage.optimisers.items():
            optimiser = make(stage.modules)
            for group in optimiser.param_groups:
                group["initial_lr"] = group["lr"]
            self.optimisers[name] = fabric.setup_optimizers(optimiser)
        self._weights = {
            name: [w for group in optimiser.param_groups for w in group["params"]]
            for name, optimiser in self.optimisers.items()
        }

    @property
    def weights(self) -> list[Tensor]:
        """All that is trained in this stage."""
        return [weight for weights in self._weights.values() for weight in weights]

    def rates(self) -> dict[str, float]:
        """The learning rate of each optimiser's first group as it is now."""
        return {name: found.param_groups[0]["lr"] for name, found in self.optimisers.items()}

    def step(self, batches: Sequence[Batch], done: int, log: LossLog, number: int) -> None:
        """Every loss of the stage's ``step`` once.

        Args:
            batches: the parts of one batch, of equal size.
            done: steps of the stage before this one.
            log: takes the losses.
            number: of the step, as the log counts.

        Raises:
            RuntimeError: the stage yields other optimisers for one part than for another, or
                one that it doesn't have.
        """
        for optimiser in self.optimisers.values():
            for group in optimiser.param_groups:
                base = group["initial_lr"]
                group["lr"] = learning_rate(self._schedule, base, done, self._stage.steps)
        running = [self._stage.step(batch) for batch in batches]
        while (found := self._backward(running)) is not None:
            name, loss = found
            self._update(name)
            log.add(name, loss, number)

    def _backward(self, running: list[Iterator[tuple[Tensor, str]]]) -> tuple[str, Tensor] | None:
        """The next loss of each part, backward; its mean, or None where there is no more."""
        names: set[str | None] = set()
        total: Tensor | None = None
        for part in running:
            loss, name = next(part, (None, None))
            names.add(name)
            if loss is None or name is None:
                continue
            if name not in self.optimisers:
                raise RuntimeError(f"stage {self._stage.name} has no optimiser {name!r}")
            share = loss / len(running)
            self._fabric.backward(share, inputs=self._weights[name])
            total = share.detach() if total is None else total + share.detach()
        if len(names) > 1:
            raise RuntimeError(f"stage {self._stage.name} yields other names for other batches")
        name = names.pop()
        return None if name is None or total is None else (name, total)

    def _update(self, name: str) -> None:
        optimiser, weights = self.optimisers[name], self._weights[name]
        average_gradients(self._fabric, weights)
        if self._clip_norm:
            module = next(iter(self._stage.modules.values()))  # asked for, of use to shards only
            self._fabric.clip_gradients(
                module, optimiser, max_norm=self._clip_norm, error_if_nonfinite=False
            )
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
