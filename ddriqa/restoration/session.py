"""From one start of a training to its end or interruption: the loop, and what it leaves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ddriqa.errors import DdriqaError
from ddriqa.restoration import checkpoint, devices
from ddriqa.restoration.batches import Batches, Share, loader
from ddriqa.restoration.data import Pairs
from ddriqa.restoration.ema import Average
from ddriqa.restoration.loss_log import LossLog
from ddriqa.restoration.methods.base import fingerprints
from ddriqa.restoration.optimisation import Optimisation
from ddriqa.restoration.progress import Clock, Listener, Progress
from ddriqa.restoration.sheets import sheet
from ddriqa.restoration.validation import validate

if TYPE_CHECKING:
    from ddriqa.restoration.methods.base import Batch, Method, Stage
    from ddriqa.restoration.run_folder import RunFolder
    from ddriqa.restoration.settings import Settings
    from ddriqa.restoration.trainer import Data

FIRST_LOOK = 2
"""Validation pictures that are restored before the first step."""


class Session:
    """What a running training holds.

    Args: as ``Trainer`` has them.
    """

    def __init__(
        self,
        method: Method,
        data: Data,
        folder: RunFolder,
        settings: Settings,
        listen: Listener,
    ) -> None:
        self._method, self._data, self._folder = method, data, folder
        self._settings, self._training, self._listen = settings, settings.training, listen
        self._raw = method.modules
        self._fabric = devices.open_fabric(self._training)
        self._log = LossLog()
        self._step, self._saved = 0, -1

    def begin(self, *, resume: bool) -> None:
        """Launch, write the folder or read its newest checkpoint, and try everything once."""
        self._fabric.launch()
        devices.seed_all(self._settings.seed + self._fabric.global_rank)
        self._wrap()
        state = self._read() if resume else None
        self._step = state["step"] if state else 0
        self._clock = Clock(
            self._step,
            self._method.steps,
            self._training.batch_size,
            state["seconds"] if state else 0,
        )
        self._enter(self._stage_at(self._step))
        if state:
            self._restore(state)
        self._on_first(self._write_folder, resume)
        self._validate(at_most=FIRST_LOOK)
        if not state:
            self._save()
        else:
            self._saved = self._step

    def run(self, stop: Callable[[], bool]) -> tuple[int, Path]:
        """All remaining steps; gives the last one done and the newest checkpoint."""
        steps, training = self._method.steps, self._training
        self._tell()
        for batches in self._batches():
            if self._step == self._end:
                self._enter(self._number + 1)
            parts = [self._fabric.to_device(batch) for batch in batches]
            done = self._step - (self._end - self._stage.steps)
            self._optimisation.step(parts, done, self._log, self._step + 1)
            for average in self._averages.values():
                average.update()
            self._step += 1
            closing = self._step == self._end
            logged = self._due(training.log_every)
            asked = self._asked(stop, logged)
            if logged or closing:
                self._write_losses()
            if self._clock.due() or self._step == steps:
                self._tell()
            if self._due(training.validate_every) or closing:
                self._validate()
            if self._due(training.save_every) or closing or asked:
                self._save()
            if asked:
                break
        latest = self._fabric.broadcast(self._folder.latest())
        assert latest is not None
        return self._step, latest

    def _wrap(self) -> None:
        """Put every module on its device, once however many stages it is in."""
        wrapped = {name: self._fabric.setup_module(part) for name, part in self._raw.items()}
        for stage in self._method.stages:
            stage.modules = {name: wrapped[name] for name in stage.modules}
            for module in stage.fixed:
                module.to(self._fabric.device)

    def _stage_at(self, step: int) -> int:
        """The number of the stage that a checkpoint after so many steps is of."""
        end = 0
        for number, stage in enumerate(self._method.stages):
            end += stage.steps
            if step <= end:
                return number
        raise DdriqaError(str(self._folder.path), f"its {step} steps are more than {end}")

    def _enter(self, number: int) -> None:
        """Set a stage up: its optimisers, its averages, and who is in training mode."""
        self._number, stage = number, self._method.stages[number]
        self._stage: Stage = stage
        self._end = sum(part.steps for part in self._method.stages[: number + 1])
        self._optimisation = Optimisation(
            self._fabric, stage, self._settings.schedule, self._training.clip_norm
        )
        trained = {id(weight) for weight in self._optimisation.weights}
        for module in stage.modules.values():
            module.train(any(id(weight) in trained for weight in module.parameters()))
        names = (
            [name for name in stage.restores if name in stage.modules] if self._training.ema else []
        )
        self._averages = {name: Average(self._raw[name], self._training.ema) for name in names}
        self._averaged = {
            name: self._fabric.setup_module(average.module)
            for name, average in self._averages.items()
        }

    def _batches(self) -> Iterator[list[Batch]]:
        training, fabric = self._training, self._fabric
        parts = training.accumulate
        share = Share(training.batch_size, parts, fabric.global_rank, fabric.world_size)
        train, seed, steps = self._data.train, self._settings.seed, self._method.steps
        order = Batches(
            len(train),  # type: ignore[arg-type]
            seed,
            share,
            self._step,
            steps,
            endless=isinstance(train, Pairs),
        )
        pin = fabric.device.type == "cuda"
        found = iter(loader(train, order, training.workers, pin=pin))
        while batches := [batch for _, batch in zip(range(parts), found, strict=False)]:
            yield batches

    def _due(self, every: int) -> bool:
        return self._step % every == 0

    def _asked(self, stop: Callable[[], bool], logged: bool) -> bool:
        """Whether to stop: with several processes they agree, each time that losses are told."""
        if self._fabric.world_size == 1:
            return stop()
        if not logged:
            return False
        mine = torch.tensor(float(stop()), device=self._fabric.device)
        total: Any = self._fabric.all_reduce(mine, reduce_op="sum")
        return bool(total > 0)

    def _write_losses(self) -> None:
        self._check()
        rates = {f"lr_{name}": rate for name, rate in self._optimisation.rates().items()}
        means = self._log.means(self._fabric)
        losses = {f"loss_{name}": mean for name, mean in means.items()}
        self._log.clear()
        self._on_first(self._write_row, {**rates, **losses})

    def _write_row(self, values: dict[str, float]) -> None:
        row = {
            "step": self._step,
            "stage": self._stage.name,
            "seconds": f"{self._clock.seconds:.1f}",
            "images_per_second": f"{self._clock.images_per_second(self._step):.2f}",
        }
        self._table.add({**row, **values})

    def _check(self) -> None:
        """Stop where a loss since the last look was no finite number."""
        if (step := self._log.broken_at(self._fabric)) is not None:
            raise checkpoint.diverged(
                step, "the loss isn't a finite number", self._folder.checkpoints
            )

    def _tell(self) -> None:
        if self._fabric.is_global_zero:
            rate, left = (
                self._clock.images_per_second(self._step),
                self._clock.seconds_left(self._step),
            )
            loss, steps = self._log.last_known(), self._method.steps
            self._listen(Progress(self._stage.name, self._step, steps, loss, rate, left))

    def _validate(self, at_most: int | None = None) -> None:
        if self._data.validation is None:
            return
        since = time.monotonic()
        found = validate(
            self._fabric,
            self._stage,
            self._data.validation,
            averages=self._averaged,
            workers=self._training.workers,
            samples=self._training.samples,
            at_most=at_most,
        )
        if at_most is None and found.psnr is not None:
            self._on_first(self._write_row, {"psnr": found.psnr})
        if found.samples and (at_most is None or self._step == 0):
            self._on_first(self._folder.add_sheet, self._step, sheet(found.samples))
        self._clock.pause(since)

    def _save(self) -> None:
        if self._saved == self._step:
            return
        self._check()
        since = time.monotonic()
        random: list[Any] = [devices.random_state(self._fabric.device)]
        if self._fabric.world_size > 1:
            random = [None] * self._fabric.world_size
            torch.distributed.all_gather_object(random, devices.random_state(self._fabric.device))
        self._on_first(self._write_checkpoint, random)
        self._saved = self._step
        self._clock.pause(since)

    def _write_checkpoint(self, random: list[Any]) -> None:
        state = {
            "step": self._step,
            "seconds": self._clock.seconds,
            "optimisers": {
                name: optimiser.state_dict()
                for name, optimiser in self._optimisation.optimisers.items()
            },
            "precision": self._fabric.strategy.precision.state_dict(),
            "losses": self._log.state(),
            "random": random,
        }
        averages = {name: average.module for name, average in self._averages.items()}
        folder = self._folder.checkpoints
        checkpoint.save(folder, self._step, self._raw, averages, state)
        checkpoint.remove_old(folder, self._training.keep)
        self._folder.draw_curves()

    def _read(self) -> dict[str, Any]:
        """The newest checkpoint's weights are put in; its state is given."""
        latest = self._folder.latest()
        assert latest is not None  # was looked at before the start
        for name, module in self._raw.items():
            checkpoint.load_weights(module, latest, name, averaged=False)
        self._from = latest
        return checkpoint.load_state(latest)

    def _restore(self, state: dict[str, Any]) -> None:
        for name, average in self._averages.items():
            checkpoint.load_weights(average.module, self._from, name, averaged=True)
        for name, found in state["optimisers"].items():
            self._optimisation.optimisers[name].load_state_dict(found)
        self._fabric.strategy.precision.load_state_dict(state["precision"])
        self._log.load(state["losses"], self._fabric.device)
        devices.set_random_state(state["random"][self._fabric.global_rank], self._fabric.device)

    def _write_folder(self, resume: bool) -> None:
        if not resume or self._settings != self._folder.settings():
            self._folder.create(self._settings)
        names = dict.fromkeys(name for stage in self._method.stages for name in stage.optimisers)
        columns = [f"{kind}_{name}" for name in names for kind in ("lr", "loss")]
        self._table = self._folder.metrics([*columns, "psnr"])
        self._table.begin(self._step)
        device, processes = self._fabric.device, self._fabric.world_size
        self._folder.add_environment(self._step, device, processes, fingerprints(self._method))

    def _on_first(self, write: Callable[..., None], *values: Any) -> None:
        """Do it in process 0; what fails there fails in all, so that none waits for it."""
        fault: DdriqaError | None = None
        if self._fabric.is_global_zero:
            try:
                write(*values)
            except DdriqaError as found:
                fault = found
        fault = self._fabric.broadcast(fault)
        if fault is not None:
            raise fault
