"""One step after another: against loops written out, opposed optimisers, several stages."""

from pathlib import Path

import pytest
import torch
from torch import nn
from training_toys import Dimmed, Opposed, baseline, mse, network, opposed, settings, trainer

from ddriqa.errors import UsageError
from ddriqa.restoration.batches import Batches, Share
from ddriqa.restoration.methods.base import Method
from ddriqa.restoration.methods.baseline import Supervised, supervised
from ddriqa.restoration.methods.catalogue import METHODS, build
from ddriqa.restoration.optimisers import optimiser_of
from ddriqa.restoration.settings import MethodSettings, ScheduleSettings


def batches(found, steps, length=10):
    data = Dimmed(length)
    for indices in Batches(
        length, found.seed, Share(found.training.batch_size), 0, steps, endless=False
    ):
        samples = [data[index] for index in indices]
        yield tuple(torch.stack([sample[side] for sample in samples]) for side in ("lq", "gt"))


def weights(module):
    return torch.cat([weight.detach().flatten() for weight in module.parameters()])


@pytest.mark.parametrize("clip", [0.0, 0.01])
def test_training_is_the_loop_one_would_write(tmp_path, clip):
    found = settings(clip_norm=clip, schedule=ScheduleSettings("constant"))
    method = baseline(found)
    trainer(tmp_path, found, method=method).run()
    bare = network()
    optimiser = torch.optim.AdamW(bare.parameters(), 1e-2, betas=(0.9, 0.999), weight_decay=0)
    for lq, gt in batches(found, 12):
        optimiser.zero_grad()
        mse(bare(lq), gt).backward()
        if clip:
            nn.utils.clip_grad_norm_(bare.parameters(), clip)
        optimiser.step()
    torch.testing.assert_close(weights(method.modules["network"]), weights(bare), rtol=0, atol=0)


def test_a_batch_in_parts_is_the_batch(tmp_path):
    found = [settings(accumulate=parts) for parts in (1, 4)]
    methods = [baseline(each) for each in found]
    for number, (each, method) in enumerate(zip(found, methods, strict=True)):
        trainer(tmp_path / str(number), each, method=method).run()
    whole, parts = (weights(method.modules["network"]) for method in methods)
    torch.testing.assert_close(whole, parts, rtol=1e-4, atol=1e-6)
    assert (whole - weights(network())).abs().max() > 1e-2


@pytest.mark.parametrize("parts", [1, 2])
def test_opposed_optimisers_move_their_own_weights_only(tmp_path, parts):
    found = settings(steps=3, accumulate=parts)
    method = opposed(found)
    stage = method.stages[0]
    trainer(tmp_path, found, method=method).run()
    after_network, after_judge = stage.seen[0], stage.seen[-1]
    fresh = Opposed(found, 3).modules
    untouched = {name: next(module.parameters()) for name, module in fresh.items()}
    assert torch.equal(after_network["judge"], untouched["judge"])
    assert not torch.equal(after_network["network"], untouched["network"])
    assert not torch.equal(after_judge["judge"], untouched["judge"])


def test_opposed_training_is_the_loop_one_would_write(tmp_path):
    found = settings(schedule=ScheduleSettings("constant"))
    method = opposed(found)
    trainer(tmp_path, found, method=method).run()
    bare = Opposed(found, 12).modules
    restorer, judge = bare["network"], bare["judge"]
    first, second = (
        torch.optim.AdamW(part.parameters(), 1e-2, weight_decay=0) for part in bare.values()
    )
    for lq, gt in batches(found, 12):
        output = restorer(lq)
        loss = mse(output, gt) + 0.1 * (judge(output) - 1).square().mean()
        first.zero_grad()
        loss.backward()
        first.step()
        second.zero_grad()
        ((judge(gt) - 1).square().mean() + judge(output.detach()).square().mean()).backward()
        second.step()
    for name, module in bare.items():
        torch.testing.assert_close(weights(method.modules[name]), weights(module), rtol=0, atol=0)


def test_stages_follow_one_another_on_shared_weights(tmp_path):
    found = settings(ema=0.5)
    shared = network()
    stages = [
        Supervised(shared, [loss], optimiser_of(found.optimiser, ["network"]), steps)
        for loss, steps in ((mse, 5), (nn.L1Loss(), 7))
    ]
    stages[1].name = "second"
    before = weights(shared)
    outcome = trainer(tmp_path, found, method=Method("two", stages)).run()
    assert outcome.finished
    assert outcome.step == 12
    rows = (tmp_path / "metrics.csv").read_text().splitlines()[1:]
    names = [row.split(",")[1] for row in rows]
    assert names == ["restore"] * names.count("restore") + ["second"] * names.count("second")
    assert {"restore", "second"} == set(names)
    assert not torch.equal(weights(shared), before)


def test_training_restores(tmp_path):
    """Pictures at half their brightness: the identity has its PSNR, the trained one far more."""
    found, validation = settings(steps=250, lr=2e-2, validate_every=250), Dimmed(5, seed=9)
    trainer(tmp_path, found, validation=validation).run()
    last = (tmp_path / "metrics.csv").read_text().splitlines()[-1]
    untouched = -10 * torch.log10((validation.gt / 2).square().mean((1, 2, 3))).mean()
    assert float(last.split(",")[-1]) > untouched + 6


def test_a_stage_that_yields_an_unknown_optimiser_is_told(tmp_path):
    found = settings(steps=1)
    method = baseline(found)
    method.stages[0].step = lambda batch: iter([(torch.zeros(()), "judge")])
    with pytest.raises(RuntimeError, match="no optimiser 'judge'"):
        trainer(tmp_path, found, method=method).run()


def test_every_method_of_the_table_trains_on_one_batch(tmp_path):
    options = {"ddr": {"ddr": {"encoder": "toy"}}}
    for name in METHODS:
        found = settings(steps=30)
        object.__setattr__(found, "method", MethodSettings(name, options.get(name, {})))
        rows = train_rows(tmp_path / name, found, build(network(), found))
        assert float(rows[-1]["loss_network"]) < float(rows[0]["loss_network"]), name


def test_every_method_of_the_folder_is_in_the_table():
    from ddriqa.restoration import methods

    helpers = {"__init__", "base", "catalogue", "options"}
    files = {path.stem for path in Path(methods.__file__).parent.glob("*.py")} - helpers
    assert files == {target.split(":")[0].rpartition(".")[2] for target in METHODS.values()}


def train_rows(folder, found, method):
    from ddriqa.restoration.metrics_table import read_rows

    trainer(folder, found, method=method, train=Dimmed(4)).run()
    return read_rows(folder / "metrics.csv")


def test_ddr_adds_its_term_to_the_reconstruction():
    from ddriqa.restoration.losses.catalogue import build as build_loss

    found = settings()
    object.__setattr__(
        found,
        "method",
        MethodSettings("ddr", {"loss": {"name": "l1"}, "ddr": {"encoder": "toy", "weight": 3.0}}),
    )
    method = build(network(), found)
    lq, gt = next(batches(found, 1))
    ((loss, name),) = method.stages[0].step({"lq": lq, "gt": gt})
    output = method.modules["network"](lq)
    term = build_loss({"name": "ddr", "encoder": "toy", "weight": 1.0})(output, gt)
    assert name == "network"
    torch.testing.assert_close(loss, nn.functional.l1_loss(output, gt) + 3.0 * term)


def test_the_losses_of_a_list_are_summed():
    found = settings()
    losses = [{"name": "l1"}, {"name": "charbonnier", "weight": 0.5}]
    object.__setattr__(found, "method", MethodSettings("baseline", {"loss": losses}))
    method = build(network(), found)
    lq, gt = next(batches(found, 1))
    ((loss, _),) = method.stages[0].step({"lq": lq, "gt": gt})
    output = method.modules["network"](lq)
    charbonnier = ((output - gt).square() + 1e-6).sqrt().mean()
    torch.testing.assert_close(loss, (output - gt).abs().mean() + 0.5 * charbonnier)


def test_methods_refuse_what_they_do_not_know():
    found = settings()
    for method, message in (
        (MethodSettings("baselin"), "Did you mean baseline"),
        (MethodSettings("baseline", {"los": {}}), "has no 'los'"),
        (MethodSettings("baseline", {"loss": []}), "is an empty list"),
    ):
        object.__setattr__(found, "method", method)
        with pytest.raises(UsageError, match=message):
            build(network(), found)


def test_fixed_losses_are_not_in_the_checkpoint(tmp_path):
    found = settings(steps=1)
    frozen = nn.Conv2d(3, 1, 1)

    class Frozen(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = frozen

        def forward(self, output, target):
            return (self.inner(output) - self.inner(target)).square().mean()

    method = supervised("frozen", network(), [Frozen()], found, {})
    before = weights(frozen)
    outcome = trainer(tmp_path, found, method=method).run()
    assert torch.equal(weights(frozen), before)
    assert sorted(path.name for path in outcome.checkpoint.iterdir()) == [
        "network.safetensors",
        "state.pt",
    ]
