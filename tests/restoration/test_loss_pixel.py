"""PSNR loss, L1, Charbonnier against closed forms, and what every loss does with its input."""

import inspect

import pytest
import torch
from random_weights import picture

from ddriqa.errors import UsageError
from ddriqa.restoration.losses import LOSSES, build
from ddriqa.restoration.losses.base import Loss
from ddriqa.restoration.losses.pixel import CharbonnierLoss, L1Loss, PSNRLoss

PIXEL = ("psnr", "l1", "charbonnier")


def shifted(*shifts, dtype=torch.double):
    """A grey pair of a batch whose images differ by these everywhere."""
    target = torch.full((len(shifts), 3, 6, 5), 0.5, dtype=dtype)
    return target + torch.tensor(shifts, dtype=dtype).view(-1, 1, 1, 1), target


def test_psnr_loss_is_the_mean_of_the_images_decibels():
    """-20 dB and -40 dB, less 1e-8 in the logarithm: -29.99978, measured with NAFNet's class."""
    assert PSNRLoss()(*shifted(0.1, 0.01)).item() == pytest.approx(-29.99978, abs=1e-5)
    assert PSNRLoss()(*shifted(0.0)).item() == pytest.approx(-80)


def test_l1_and_charbonnier_have_their_closed_forms():
    pair = shifted(0.1, -0.3)
    assert L1Loss()(*pair).item() == pytest.approx(0.2)
    expected = (0.010001**0.5 + 0.090001**0.5) / 2
    assert CharbonnierLoss()(*pair).item() == pytest.approx(expected, rel=1e-12)
    assert CharbonnierLoss(eps=0.02)(*shifted(0.0)).item() == pytest.approx(0.02)


@pytest.mark.parametrize("name", PIXEL)
def test_the_weight_multiplies(name):
    pair = shifted(0.1, 0.2)
    half = build({"name": name, "weight": 0.5})(*pair)
    assert half.item() == pytest.approx(0.5 * build({"name": name})(*pair).item())


@pytest.mark.parametrize("name", PIXEL)
def test_the_gradient_is_that_of_differences(name):
    output = picture(4, 5, 2, seed=1, dtype=torch.double).requires_grad_()
    loss = build({"name": name})
    assert torch.autograd.gradcheck(lambda x: loss(x, picture(4, 5, 2, dtype=torch.double)), output)


def test_half_precision_is_widened_before_the_difference_is_squared():
    """In float16 the square of 0.0005, 2.5e-7, is a subnormal number of two bits."""
    target = torch.full((1, 3, 8, 8), 0.25, dtype=torch.float16)
    output = target + torch.tensor(2.0**-11, dtype=torch.float16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = PSNRLoss()(output, target)
    assert loss.dtype == torch.float32
    exact = 10 * torch.log10(torch.tensor(2.0**-22 + 1e-8, dtype=torch.double))
    assert loss.item() == pytest.approx(exact.item(), abs=1e-4)


@pytest.mark.parametrize("shape", [(1, 3, 4, 5), (3, 4, 4), (2, 3, 4, 4), (1, 1, 4, 4)])
def test_shapes_that_would_broadcast_are_refused(shape):
    with pytest.raises(UsageError, match="one shape"):
        L1Loss()(torch.zeros(1, 3, 4, 4), torch.zeros(shape))


@pytest.mark.parametrize("name", LOSSES)
def test_every_row_is_a_loss_with_a_weight(name):
    module, attribute = LOSSES[name].split(":")
    loss = getattr(__import__(module, fromlist=[attribute]), attribute)
    assert issubclass(loss, Loss)
    papers = {"ddr": 2.0, "fdl": 0.1}  # DDR's section 4.3; 1 for the other rivals
    assert inspect.signature(loss).parameters["weight"].default == papers.get(name, 1.0)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"name": "psrn"}, "Did you mean psnr"),
        ({"weight": 1.0}, "has no name"),
        ({"name": "l1", "eps": 0.1}, "loss l1: has no 'eps'"),
    ],
)
def test_a_wrong_table_of_settings_says_what_is_known(spec, words):
    with pytest.raises(UsageError, match=words):
        build(spec)
