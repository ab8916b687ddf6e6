"""An interrupted run goes on to the bit; what can't go on says so and keeps what is good."""

import contextlib
import os
import resource
import shutil
import signal

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as some
from training_toys import Dimmed, baseline, opposed, settings, trainer
from training_toys import network as toy_network

from ddriqa.cli.interrupts import Interruptible
from ddriqa.errors import DdriqaError, DivergedError, OutputError, UsageError
from ddriqa.restoration.checkpoint import checkpoints, load_state
from ddriqa.restoration.methods.baseline import supervised
from ddriqa.restoration.metrics_table import TIMES, read_rows
from ddriqa.restoration.run_folder import RunFolder


class Killed(Exception):
    pass


def equal(one, other):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return one == other


def assert_same(one, other):
    """All weights, averages, optimisers, generators and rows of two run folders."""
    left, right = RunFolder(one).latest(), RunFolder(other).latest()
    assert left.name == right.name
    files = sorted(path.name for path in left.iterdir())
    assert files == sorted(path.name for path in right.iterdir())
    for name in files:
        if name.endswith(".safetensors"):
            tensors = [safetensors.torch.load_file(folder / name) for folder in (left, right)]
            assert equal(*tensors), name
    states = [load_state(folder) for folder in (left, right)]
    for state in states:
        assert state.pop("seconds") >= 0
    assert equal(*states)
    rows = [read_rows(RunFolder(folder).metrics_file) for folder in (one, other)]
    for row in (*rows[0], *rows[1]):
        for name in TIMES:
            row.pop(name)
    assert rows[0] == rows[1]


def noisy(found):
    """A method whose every step draws from torch, numpy and Python's generators."""
    import random

    method = baseline(found, dropout=0.3)
    stage = method.stages[0]
    plain = stage.step

    def step(batch):
        noise = 0.01 * np.random.rand() + 0.01 * random.random()
        return plain(batch | {"gt": batch["gt"] + noise})

    stage.step = step
    return method


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "whole"
    found = settings(ema=0.9)
    trainer(folder, found, method=noisy(found), validation=Dimmed(3, seed=4)).run()
    return folder


@pytest.mark.parametrize("after", [1, 4, 7])
def test_a_stopped_run_goes_on_to_the_bit(tmp_path, uninterrupted, after):
    found, validation, asked = (
        settings(ema=0.9),
        Dimmed(3, seed=4),
        iter([False] * (after - 1) + [True]),
    )
    first = trainer(tmp_path / "run", found, method=noisy(found), validation=validation)
    outcome = first.run(stop=lambda: next(asked))
    assert (outcome.finished, outcome.step, outcome.steps) == (False, after, 12)
    torch.rand(5), np.random.rand(5)  # another process has other generators
    again = trainer(
        tmp_path / "run", found, method=noisy(found), validation=validation, resume=True
    ).run()
    assert again.finished
    assert_same(tmp_path / "run", uninterrupted)


@hypothesis_settings(max_examples=8, deadline=None)
@given(read=some.integers(1, 47))
def test_a_killed_run_goes_on_to_the_bit(tmp_path_factory, uninterrupted, read):
    """Killed while it reads a sample: the newest checkpoint is older than the last row."""
    folder = tmp_path_factory.mktemp("killed") / "run"
    found, validation = settings(ema=0.9), Dimmed(3, seed=4)

    def kill(count):
        if count == read:
            raise Killed

    with contextlib.suppress(Killed):
        train = Dimmed(on_read=kill)
        trainer(folder, found, method=noisy(found), train=train, validation=validation).run()
    (folder / "checkpoints" / ".step-00000099.tmp").mkdir()  # a save that was cut off
    with (folder / "metrics.csv").open("a") as stream:
        stream.write("11,restore,1.0")  # a torn row
    trainer(folder, found, method=noisy(found), validation=validation, resume=True).run()
    assert_same(folder, uninterrupted)


def test_two_optimisers_go_on_to_the_bit(tmp_path):
    found = settings()
    trainer(tmp_path / "whole", found, method=opposed(found)).run()
    asked = iter([False] * 4 + [True])
    trainer(tmp_path / "run", found, method=opposed(found)).run(stop=lambda: next(asked))
    trainer(tmp_path / "run", found, method=opposed(found), resume=True).run()
    assert_same(tmp_path / "run", tmp_path / "whole")


def test_workers_change_nothing(tmp_path, uninterrupted):
    found = settings(ema=0.9, workers=2)
    trainer(tmp_path / "run", found, method=noisy(found), validation=Dimmed(3, seed=4)).run()
    assert_same(tmp_path / "run", uninterrupted)


def test_ctrl_c_saves(tmp_path):
    def interrupt(count):
        if count == 10:  # in the third batch of four
            os.kill(os.getpid(), signal.SIGINT)

    with Interruptible() as interrupts:
        train = Dimmed(on_read=interrupt)
        outcome = trainer(tmp_path, settings(), train=train).run(stop=lambda: interrupts.asked)
    assert not outcome.finished
    assert outcome.step == 3
    assert outcome.checkpoint.name == "step-00000003"
    assert trainer(tmp_path, settings(), resume=True).run().finished


class Weighed(torch.nn.Module):
    """A loss that stands on weights of its own."""

    def __init__(self, fingerprint):
        super().__init__()
        self.fingerprint = fingerprint

    def forward(self, output, target):
        return (output - target).square().mean()


def test_another_encoder_of_the_loss_is_refused(tmp_path):
    def start(fingerprint, **options):
        found = settings(steps=2)
        method = supervised("toy", toy_network(), [Weighed(fingerprint)], found, {})
        return trainer(tmp_path / "x", found, method=method, **options)

    start("encoder:1").run(stop=lambda: True)
    with pytest.raises(UsageError, match="begun with a Weighed of encoder:1, and here it is of"):
        start("encoder:2", resume=True)
    assert start("encoder:1", resume=True).run().finished


def test_nan_stops_and_keeps_the_last_good_checkpoint(tmp_path):
    found = settings(log_every=4, save_every=4, keep=1)
    train = Dimmed(bad=[25])  # the seventh batch of four
    with pytest.raises(DivergedError, match="step 7: the loss isn't a finite number") as caught:
        trainer(tmp_path, found, train=train).run()
    (good,) = checkpoints(tmp_path / "checkpoints")
    assert good.name == "step-00000004"
    assert str(good) in str(caught.value)
    assert "train with a lower learning rate, or clip gradients" in caught.value.next_step
    tensors = safetensors.torch.load_file(good / "network.safetensors")
    assert all(tensor.isfinite().all() for tensor in tensors.values())
    assert all("nan" not in row.values() for row in read_rows(tmp_path / "metrics.csv"))


def test_weights_that_are_no_numbers_are_not_saved(tmp_path):
    """The last loss before a save is finite, but its gradient isn't: √0."""
    found = settings(steps=1)
    method = baseline(found)
    network = method.modules["network"]

    def step(batch):
        output = network(batch["lq"])
        yield (output - output.detach()).square().sum().sqrt(), "network"

    method.stages[0].step = step
    with pytest.raises(DivergedError, match="step 1: the weight 0.weight isn't a finite number"):
        trainer(tmp_path, found, method=method).run()
    assert [path.name for path in checkpoints(tmp_path / "checkpoints")] == ["step-00000000"]


@contextlib.contextmanager
def no_room_for(size):
    """No file of this process may grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_save_that_fails_stops_the_run(tmp_path):
    found, asked = settings(), iter([False, False, True])
    trainer(tmp_path, found).run(stop=lambda: next(asked))
    before = RunFolder(tmp_path).latest()
    with no_room_for(2000), pytest.raises(OutputError, match="file too large.*are safe"):
        trainer(tmp_path, found, resume=True).run()
    assert RunFolder(tmp_path).latest() == before
    assert not [path for path in (tmp_path / "checkpoints").iterdir() if path.name[0] == "."]
    assert trainer(tmp_path, found, resume=True).run().finished


def test_old_checkpoints_go(tmp_path):
    trainer(tmp_path, settings(save_every=2, keep=3)).run()
    kept = [path.name[-2:] for path in checkpoints(tmp_path / "checkpoints")]
    assert kept == ["08", "10", "12"]


def test_faults_are_told_together_before_anything_is_written(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "holiday.jpg").touch()
    found = settings(steps=0, precision="float16")
    with pytest.raises(UsageError) as caught:
        trainer(tmp_path / "run", found, train=Dimmed(0))
    for phrase in (
        "training.steps is 0",
        "stage restore has 0 steps",
        "precision is float16, which needs a GPU",
        "the train data set is empty",
        "run exists already; name another one",
    ):
        assert phrase in str(caught.value)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["holiday.jpg"]


def test_resume_refuses_other_settings_and_absent_runs(tmp_path):
    with pytest.raises(UsageError, match="holds no checkpoint to go on from"):
        trainer(tmp_path / "none", settings(), resume=True)
    asked = iter([True])
    trainer(tmp_path / "run", settings()).run(stop=lambda: next(asked))
    with pytest.raises(UsageError, match=r"another optimiser.lr: 0.01 there, 0.5 here; .*batch"):
        trainer(tmp_path / "run", settings(lr=0.5, batch_size=2), resume=True)
    with pytest.raises(UsageError, match="exists already; --resume goes on with it"):
        trainer(tmp_path / "run", settings())


def test_a_damaged_checkpoint_is_told(tmp_path):
    found = settings()
    trainer(tmp_path, found).run()
    newest = RunFolder(tmp_path).latest()
    content = (newest / "state.pt").read_bytes()
    (newest / "state.pt").write_bytes(content[: len(content) // 2])
    with pytest.raises(DdriqaError, match="is damaged. Remove the checkpoint"):
        trainer(tmp_path, found, resume=True).run()
    shutil.rmtree(newest)
    assert trainer(tmp_path, found, resume=True).run().finished


def test_a_checkpoint_of_another_network_is_told(tmp_path):
    found = settings()
    trainer(tmp_path, found).run()
    method = baseline(found)
    method.stages[0].modules["network"] = torch.nn.Conv2d(3, 3, 1)
    with pytest.raises(DdriqaError, match="belongs to another network"):
        trainer(tmp_path, found, method=method, resume=True).run()
