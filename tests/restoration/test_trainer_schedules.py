"""Schedules against torch's own, averages against their closed form, batches against sets."""

import pytest
import torch
from torch import nn

from ddriqa.restoration.batches import Batches, Share
from ddriqa.restoration.ema import Average
from ddriqa.restoration.schedules import learning_rate
from ddriqa.restoration.settings import ScheduleSettings


def torch_rates(make, base, steps):
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], base)
    schedule = make(optimiser)
    for _ in range(steps):
        yield optimiser.param_groups[0]["lr"]
        optimiser.step()
        schedule.step()


def test_cosine_is_that_of_torch():
    def make(optimiser):
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 50, 1e-7)

    ours = [learning_rate(ScheduleSettings("cosine"), 1e-3, step, 50) for step in range(50)]
    assert ours == pytest.approx(list(torch_rates(make, 1e-3, 50)), rel=1e-9)


def test_steps_are_those_of_torch():
    def make(optimiser):
        return torch.optim.lr_scheduler.MultiStepLR(optimiser, [5, 9, 12], 0.5)

    schedule = ScheduleSettings("step", milestones=[5, 9, 12])
    ours = [learning_rate(schedule, 2e-4, step, 20) for step in range(20)]
    assert ours == pytest.approx(list(torch_rates(make, 2e-4, 20)), rel=1e-12)


def test_restormers_schedule_holds_then_falls():
    """92k steps at 3e-4, then a cosine to 1e-6 over 208k: the sheet, section 7."""
    schedule = ScheduleSettings("cosine", hold=92_000, final_lr=1e-6)
    rates = [learning_rate(schedule, 3e-4, step, 300_000) for step in (0, 92_000, 196_000, 300_000)]
    assert rates == pytest.approx([3e-4, 3e-4, (3e-4 + 1e-6) / 2, 1e-6])


def test_a_cosine_longer_than_the_run_is_stopped_on_its_way():
    schedule = ScheduleSettings("cosine", length=100, final_lr=0.0)
    assert learning_rate(schedule, 1.0, 50, 60) == pytest.approx(0.5)
    assert learning_rate(schedule, 1.0, 500, 600) == 0.0


def test_warm_up_rises_evenly_from_the_first_step():
    schedule = ScheduleSettings("constant", warmup=4)
    rates = [learning_rate(schedule, 8.0, step, 9) for step in range(6)]
    assert rates == [2.0, 4.0, 6.0, 8.0, 8.0, 8.0]


def test_average_has_its_closed_form():
    """After weights w_1 … w_n: d^n w_0 + (1 - d) Σ d^(n-k) w_k."""
    module, decay = nn.BatchNorm1d(1), 0.9
    averaged = Average(module, decay)
    values, expected = [0.3, -2.0, 5.0], decay**3 * 1.0
    for number, value in enumerate(values, start=1):
        nn.init.constant_(module.weight, value)
        module.running_mean.fill_(value)
        averaged.update()
        expected += (1 - decay) * decay ** (3 - number) * value
    assert averaged.module.weight.item() == pytest.approx(expected, rel=1e-6)
    assert averaged.module.running_mean.item() == 5.0
    assert not averaged.module.weight.requires_grad


def all_of(batches):
    return [index for batch in batches for index in batch]


def test_every_pass_has_each_sample_once_in_another_order():
    seen = all_of(Batches(10, 0, Share(4), 0, 5, endless=False))
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    assert seen[:10] != seen[10:]
    endless = all_of(Batches(10, 0, Share(4), 0, 5, endless=True))
    assert endless == seen[:10] + [index + 10 for index in seen[10:]]


def test_batches_are_the_same_from_any_step_on():
    whole = list(Batches(7, 3, Share(4), 0, 9, endless=False))
    assert list(Batches(7, 3, Share(4), 5, 9, endless=False)) == whole[5:]


def test_processes_and_parts_divide_a_batch():
    whole = list(Batches(100, 1, Share(12), 0, 3, endless=False))
    shares = [
        list(Batches(100, 1, Share(12, parts=2, rank=rank, world=3), 0, 3, endless=False))
        for rank in range(3)
    ]
    for step, batch in enumerate(whole):
        pieces = [index for share in shares for part in (0, 1) for index in share[2 * step + part]]
        assert sorted(pieces) == sorted(batch)
