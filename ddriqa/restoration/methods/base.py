"""What a training method is: named stages, each with modules, optimisers and a step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from ddriqa.restoration.optimisers import OptimiserFactory

Batch = Mapping[str, Any]
"""``lq`` and ``gt``, each ``(B, 3, h, w)`` float in [0, 1]; ``name``; what else a data set says."""


class Stage(ABC):
    """A part of a training with its own steps and optimisers.

    Attributes:
        name: in ``metrics.csv`` and messages.
        modules: what is trained, or trained in another stage; all of it is in a checkpoint. While
            the trainer runs, ``modules`` holds them on their device and in their precision: call
            them from here, by their ``forward``.
        optimisers: name → factory.
        steps: how many.
        fixed: what is needed but never trained, such as the encoder of a loss; it is put on the
            device, and isn't in a checkpoint.
        restores: the modules whose weights make the output: they are averaged where the settings
            ask for that, and the averages validate.
    """

    def __init__(
        self,
        name: str,
        modules: Mapping[str, nn.Module],
        optimisers: Mapping[str, OptimiserFactory],
        steps: int,
        *,
        fixed: Sequence[nn.Module] = (),
        restores: Sequence[str] = ("network",),
    ) -> None:
        self.name, self.steps = name, steps
        self.modules, self.optimisers = dict(modules), dict(optimisers)
        self.fixed, self.restores = list(fixed), list(restores)

    @abstractmethod
    def step(self, batch: Batch) -> Iterator[tuple[Tensor, str]]:
        """The losses of one batch, each with the name of the optimiser that lowers it.

        The trainer takes a loss backward, to the weights of that optimiser alone, steps it, and
        then asks for the next loss. So what is computed after a ``yield`` sees the new weights;
        a graph serves one loss; and whatever alternates, opposes or joins is written down in
        order. Every batch gives the same names in the same order.
        """

    def restored(self, batch: Batch) -> Tensor | None:
        """The restored picture of a batch, ``(B, 3, sh, sw)``; None where the stage has none."""
        network = self.modules.get("network")
        return None if network is None else network(batch["lq"])


@dataclass(frozen=True)
class Method:
    """Named stages, one after another. A module that two stages share has one name in both.

    ``options`` are those of the settings' method, with every default written out.
    """

    name: str
    stages: Sequence[Stage]
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def modules(self) -> dict[str, nn.Module]:
        """All modules of all stages."""
        return {name: part for stage in self.stages for name, part in stage.modules.items()}

    @property
    def steps(self) -> int:
        """Of all stages together."""
        return sum(stage.steps for stage in self.stages)


def fingerprints(method: Method) -> dict[str, str]:
    """What its losses stand on: the class of a fixed module -> its ``fingerprint``, where it has
    one."""
    fixed = [module for stage in method.stages for module in stage.fixed]
    found = {type(module).__name__: getattr(module, "fingerprint", None) for module in fixed}
    return {name: text for name, text in found.items() if isinstance(text, str)}


def problems(method: Method) -> Iterator[str]:
    """What can't be trained as it is put together, a phrase each."""
    if not method.stages:
        yield f"the method {method.name} has no stage"
    names = [stage.name for stage in method.stages]
    yield from (f"two stages are named {name}" for name in set(names) if names.count(name) > 1)
    modules: dict[str, nn.Module] = {}
    for stage in method.stages:
        for name, module in stage.modules.items():
            if modules.setdefault(name, module) is not module:
                yield f"stage {stage.name} has another module {name} than a stage before it"
        if stage.steps < 1:
            yield f"stage {stage.name} has {stage.steps} steps, 1 is the least"
        if not stage.optimisers:
            yield f"stage {stage.name} has no optimiser"
