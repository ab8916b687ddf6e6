"""One network and any losses of its output against the target."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from ddriqa.errors import UsageError
from ddriqa.restoration.losses.catalogue import build, written_out
from ddriqa.restoration.methods.base import Batch, Method, Stage
from ddriqa.restoration.methods.options import options_of
from ddriqa.restoration.optimisers import OptimiserFactory, optimiser_of
from ddriqa.restoration.settings import Settings

Loss = Callable[[Tensor, Tensor], Tensor]
"""Output and target, each ``(B, 3, h, w)``, become a scalar."""


class Supervised(Stage):
    """Lowers the sum of some losses of ``network(lq)`` against ``gt``."""

    def __init__(
        self, network: nn.Module, losses: Sequence[Loss], optimiser: OptimiserFactory, steps: int
    ) -> None:
        fixed = [loss for loss in losses if isinstance(loss, nn.Module)]
        modules, optimisers = {"network": network}, {"network": optimiser}
        super().__init__("restore", modules, optimisers, steps, fixed=fixed)
        self._losses = losses

    def step(self, batch: Batch) -> Iterator[tuple[Tensor, str]]:
        """Their sum."""
        output = self.modules["network"](batch["lq"])
        losses = [loss(output, batch["gt"]) for loss in self._losses]
        yield sum(losses[1:], start=losses[0]), "network"


def supervised(
    name: str,
    network: nn.Module,
    losses: Sequence[Loss],
    settings: Settings,
    options: Mapping[str, Any],
) -> Method:
    """A method of one such stage."""
    optimiser = optimiser_of(settings.optimiser, ["network"])
    stage = Supervised(network, losses, optimiser, settings.training.steps)
    return Method(name, [stage], options)


def method(network: nn.Module, settings: Settings) -> Method:
    """The method; its option ``loss`` is what ``losses.catalogue.build`` takes, or a list of
    such tables, whose sum is lowered (the rivals of the DDR paper's Table 4).

    Raises:
        UsageError, WeightsError: see ``losses.catalogue.build``.
    """
    options = options_of("baseline", settings.method.options, loss={"name": "psnr"})
    tables = options["loss"] if isinstance(options["loss"], list) else [options["loss"]]
    if not tables:
        raise UsageError("method baseline", "its option loss is an empty list", "Name a loss")
    tables = [written_out(table) for table in tables]
    losses = [build(table) for table in tables]
    given = tables if isinstance(options["loss"], list) else tables[0]
    return supervised("baseline", network, losses, settings, {"loss": given})
