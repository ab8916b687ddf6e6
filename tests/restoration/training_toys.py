"""Data, networks and methods that train in milliseconds."""

from pathlib import Path

import torch
from torch import nn
from torch.utils.data import Dataset

from ddriqa.restoration.methods.base import Method, Stage
from ddriqa.restoration.methods.baseline import supervised
from ddriqa.restoration.optimisers import optimiser_of
from ddriqa.restoration.settings import (
    MethodSettings,
    NetworkSettings,
    OptimiserSettings,
    ScheduleSettings,
    Settings,
    TrainingSettings,
)
from ddriqa.restoration.trainer import Data, Trainer

SIDE = 8


class Dimmed(Dataset):
    """Random pictures, and the same at half the brightness; a call hook on reading.

    ``bad`` gives the reads (counted from 1) that come with a NaN in the target.
    """

    def __init__(self, length=10, seed=0, on_read=lambda count: None, bad=()):
        random = torch.Generator().manual_seed(seed)
        self.gt = torch.rand(length, 3, SIDE, SIDE, generator=random)
        self.on_read, self.bad, self.count = on_read, bad, 0

    def __len__(self):
        return len(self.gt)

    def __getitem__(self, index):
        if not 0 <= index < len(self):
            raise IndexError(index)
        self.count += 1
        self.on_read(self.count)
        gt = self.gt[index].clone()
        if self.count in self.bad:
            gt[0, 0, 0] = float("nan")
        return {"lq": self.gt[index] / 2, "gt": gt, "name": str(index)}


def network(dropout=0.0, seed=0):
    """A small network; dropout draws from torch's generator at every step."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.GELU(), nn.Dropout(dropout), nn.Conv2d(8, 3, 3, padding=1)
    )


def settings(seed=0, lr=1e-2, schedule=None, **training):
    own = {"steps": 12, "batch_size": 4, "device": "cpu", "clip_norm": 0.0, "log_every": 2}
    own |= {"validate_every": 6, "save_every": 4, "samples": 2, **training}
    return Settings(
        network=NetworkSettings("toy"),
        method=MethodSettings("baseline"),
        seed=seed,
        optimiser=OptimiserSettings(lr=lr),
        schedule=schedule or ScheduleSettings(final_lr=1e-4, warmup=2),
        training=TrainingSettings(**own),
    )


def mse(output, target):
    return (output - target).square().mean()


def baseline(found, *, dropout=0.0):
    """The plain method of a fresh toy network."""
    return supervised("toy", network(dropout), [mse], found, {})


def trainer(folder, found, *, train=None, validation=None, method=None, **options):
    data = Data(Dimmed() if train is None else train, validation)
    return Trainer(method or baseline(found), data, Path(folder), found, **options)


class Opposed(Stage):
    """A restorer against a judge: least-squares adversarial losses, one optimiser each."""

    def __init__(self, found, steps, name="opposed"):
        torch.manual_seed(1)
        judge = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * (SIDE - 2) ** 2, 1))
        names = {"network": network(), "judge": judge}
        factories = {part: optimiser_of(found.optimiser, [part]) for part in names}
        super().__init__(name, names, factories, steps)
        self.seen = []

    def step(self, batch):
        judge = self.modules["judge"]
        output = self.modules["network"](batch["lq"])
        yield mse(output, batch["gt"]) + 0.1 * (judge(output) - 1).square().mean(), "network"
        self.seen.append({n: _first(m) for n, m in self.modules.items()})
        real, made = judge(batch["gt"]), judge(output.detach())
        yield (real - 1).square().mean() + made.square().mean(), "judge"
        self.seen.append({n: _first(m) for n, m in self.modules.items()})


def _first(module):
    return next(module.parameters()).detach().clone()


def opposed(found):
    return Method("opposed", [Opposed(found, found.training.steps)])
