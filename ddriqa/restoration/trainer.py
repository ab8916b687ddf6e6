"""The trainer: it runs a method's stages, and leaves a run folder that can be gone on with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch.utils.data import Dataset

from ddriqa.errors import DdriqaError
from ddriqa.restoration.methods import base
from ddriqa.restoration.methods.base import Method
from ddriqa.restoration.progress import Listener
from ddriqa.restoration.run_folder import RunFolder
from ddriqa.restoration.settings import Settings, problems, refusal

EXTRA = 'pip install "ddriqa[train]"'


@dataclass(frozen=True)
class Data:
    """The data sets of a training: ``dataset[index]`` is ``{"lq", "gt", "name"}``, always the
    same for an index; ``train`` in one size. Without ``validation`` none is done."""

    train: Dataset[Any]
    validation: Dataset[Any] | None = None


@dataclass(frozen=True)
class Outcome:
    """How a training ended.

    Attributes:
        step, steps: done, and in all.
        checkpoint: the newest one.
    """

    step: int
    steps: int
    checkpoint: Path

    @property
    def finished(self) -> bool:
        """Whether all steps are done; if not, the trainer goes on with ``resume=True``."""
        return self.step == self.steps


class Trainer:
    """Runs a method's stages.

    Args:
        method: what is trained, built after its random generator was seeded: the weights of a
            new run are as they come.
        data: what with.
        run_folder: where everything is left; new or empty unless ``resume``.
        settings: all of them, written down there.
        resume: go on from the newest checkpoint of the folder, to the same result (on a CPU to
            the bit) as if there had been no interruption.
        listen: is told how far it is, twice a second at most.

    Raises:
        UsageError: with everything that is wrong, before anything is written.
        DdriqaError: the package lightning-fabric isn't installed.
    """

    def __init__(
        self,
        method: Method,
        data: Data,
        run_folder: Path,
        settings: Settings,
        *,
        resume: bool = False,
        listen: Listener = lambda progress: None,
    ) -> None:
        self._method, self._data, self._settings = method, data, settings
        self._folder, self._resume, self._listen = RunFolder(run_folder), resume, listen
        try:
            import lightning_fabric  # noqa: F401
        except ImportError as fault:
            raise DdriqaError("lightning-fabric", "isn't installed", EXTRA) from fault
        if found := list(self._problems()):
            raise refusal(found)

    def run(self, stop: Callable[[], bool] = lambda: False) -> Outcome:
        """Train up to the last step, or until ``stop()`` is true after one; then save.

        Raises:
            OutputError: something can't be written. The checkpoints before are safe.
            DivergedError: a loss or weight is no finite number any more: at which step, and which
                checkpoint is good.
        """
        from ddriqa.restoration.session import Session

        raw = [dict(stage.modules) for stage in self._method.stages]
        session = Session(self._method, self._data, self._folder, self._settings, self._listen)
        try:
            session.begin(resume=self._resume)
            step, checkpoint = session.run(stop)
        finally:
            for stage, modules in zip(self._method.stages, raw, strict=True):
                stage.modules = modules
        return Outcome(step, self._method.steps, checkpoint)

    def _problems(self) -> Iterator[str]:
        from ddriqa.restoration import devices

        yield from problems(self._settings)
        yield from devices.problems(self._settings.training)
        yield from base.problems(self._method)
        for name, dataset in (("train", self._data.train), ("validation", self._data.validation)):
            if dataset is not None and len(dataset) == 0:  # type: ignore[arg-type]
                yield f"the {name} data set is empty"
            yield from _other_scale(self._method, name, dataset)
        yield from self._folder.problems(self._settings, resume=self._resume)
        if self._resume:
            yield from self._folder.other_weights(base.fingerprints(self._method))


def _other_scale(method: Method, name: str, dataset: Dataset[Any] | None) -> Iterator[str]:
    """Whether a network enlarges by another factor than the data ask for, where both say it."""
    network = method.modules.get("network")
    enlarges, asked = getattr(network, "scale", None), getattr(dataset, "scale", None)
    if None not in (enlarges, asked) and enlarges != asked:
        yield f"the network enlarges {enlarges} times, the {name} data ask for {asked}"
