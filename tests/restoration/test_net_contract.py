"""What every network of the catalogue promises."""

import math
from importlib import import_module
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import ddriqa.restoration.networks
from ddriqa.errors import UsageError
from ddriqa.restoration.networks.catalogue import NETWORKS, PRESETS, build

FOLDER = Path(ddriqa.restoration.networks.__file__).parent
SHARED = {
    "__init__",
    "catalogue",
    "checkpoints",
    "layer_norm",
    "padding",
    "swin_block",
    "swinir_heads",
    "transformer_block",
}
EVERY = [(name, preset) for name in NETWORKS if name != "nafnet-local" for preset in PRESETS[name]]

MEASURED = {  # parameters of the authors' own classes
    ("nafnet", "paper"): 17_111_907,
    ("nafnet", "sidd-width32"): 29_159_715,
    ("nafnet", "gopro-width64"): 67_888_835,
    ("nafnet", "sidd-width64"): 115_982_915,
    ("nafnet-local", "paper"): 17_111_907,
    ("restormer", "paper"): 26_126_644,
    ("restormer", "denoise"): 26_111_668,
    ("restormer", "denoise-grey"): 26_109_076,
    ("restormer", "dual-pixel"): 26_132_548,
    ("promptir", "paper"): 35_592_263 - 215_296,  # without what the authors never use
    ("swinir", "paper"): 11_900_199,
    ("swinir", "classical-x2"): 11_752_487,
    ("swinir", "classical-x3"): 11_937_127,
    ("swinir", "classical-x8"): 12_047_911,
    ("swinir", "light-x2"): 910_152,
    ("swinir", "light-x3"): 918_267,
    ("swinir", "light-x4"): 929_628,
    ("swinir", "real-x4"): 11_715_559,
    ("swinir", "real-x4-large"): 28_013_059,
    ("swinir", "denoise"): 11_504_163,
    ("swinir", "denoise-grey"): 11_497_681,
    ("swinir", "jpeg"): 11_492_067,
    ("swinir", "jpeg-grey"): 11_485_585,
    ("rrdb", "paper"): 16_697_987,
    ("rrdb", "x2"): 16_703_171,
    ("rrdb", "x1"): 16_723_907,
    ("rrdb", "x4-anime"): 4_467_779,
    ("rrdb", "sfd-x2"): 16_661_059,
}

MULTIPLY_ADDS = [  # of the authors' own classes, in 10^9, at a square input of the side
    ("nafnet", "paper", 256, 15.96),
    ("nafnet", "sidd-width64", 256, 63.24),
    ("restormer", "paper", 256, 154.88),
    ("restormer", "dual-pixel", 256, 155.27),
    ("promptir", "paper", 256, 172.71),
    ("swinir", "paper", 64, 53.6),
    ("swinir", "light-x3", 64, 4.32),
    ("swinir", "real-x4-large", 64, 125.6),
    ("swinir", "denoise", 128, 200.1),
    ("swinir", "jpeg-grey", 126, 190.7),
    ("rrdb", "paper", 64, 73.4),
    ("rrdb", "x2", 64, 18.4),
    ("rrdb", "x1", 64, 4.6),
]


def on_meta(name, preset, **overrides):
    with torch.device("meta"):
        return build(name, preset, **overrides)


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def seeded(name, **overrides):
    torch.manual_seed(0)
    return build(name, **overrides)


def test_every_file_is_a_row_or_shared():
    files = {path.stem for path in FOLDER.glob("*.py")}
    rows = {target.split(":")[0].rpartition(".")[2] for target in NETWORKS.values()}
    assert files == rows | SHARED
    assert not rows & SHARED


def test_every_network_has_both_presets():
    assert PRESETS.keys() == NETWORKS.keys()
    assert all({"paper", "small"} <= PRESETS[name].keys() for name in NETWORKS)
    for target in NETWORKS.values():
        module, attribute = target.split(":")
        assert issubclass(getattr(import_module(module), attribute), torch.nn.Module)


@pytest.mark.parametrize(("name", "preset"), MEASURED)
def test_parameters_are_the_measured_ones(name, preset):
    assert parameters(on_meta(name, preset)) == MEASURED[name, preset]


@pytest.mark.parametrize(("name", "preset", "side", "expected"), MULTIPLY_ADDS)
def test_multiply_adds_are_the_measured_ones(name, preset, side, expected):
    network = on_meta(name, preset)
    with FlopCounterMode(display=False) as counter:
        network(torch.empty(1, network.in_channels, side, side, device="meta"))
    digits = len(str(expected).partition(".")[2])
    assert abs(counter.get_total_flops() / 2e9 - expected) <= 0.6 * 10**-digits


@pytest.mark.parametrize("name", NETWORKS)
def test_small_is_small(name):
    assert 300_000 <= parameters(on_meta(name, "small")) <= 1_200_000


@pytest.mark.parametrize(("name", "preset"), EVERY)
def test_shapes_of_every_preset_at_an_odd_size(name, preset):
    network = on_meta(name, preset)
    out = network(torch.empty(2, network.in_channels, 65, 38, device="meta"))
    channels = 1 if network.in_channels == 1 else 3
    assert out.shape == (2, channels, 65 * network.scale, 38 * network.scale)


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (17, 5), (16, 24)])
@pytest.mark.parametrize("name", NETWORKS)
def test_any_size_gives_finite_pixels(name, size):
    network = seeded(name).eval()
    with torch.no_grad():
        out = network(torch.rand(1, 3, *size))
    assert out.shape == (1, 3, size[0] * network.scale, size[1] * network.scale)
    assert out.isfinite().all()


@pytest.mark.parametrize("name", NETWORKS)
def test_deterministic_and_saved_whole(name):
    network, other = seeded(name).eval(), build(name).eval()
    x = torch.rand(1, 3, 19, 22)
    with torch.no_grad():
        out = network(x)
        assert torch.equal(out, network(x))
        assert not torch.equal(out, other(x))
        other.load_state_dict(network.state_dict())
        assert torch.equal(out, other(x))


@pytest.mark.parametrize("name", NETWORKS)
def test_neighbours_in_a_batch_do_not_mix(name):
    network = seeded(name).eval()
    x = torch.rand(2, 3, 16, 16)
    with torch.no_grad():
        together, alone = network(x), network(x[1:])
    assert (together[1:] - alone).abs().max() < 1e-5


@pytest.mark.parametrize("name", NETWORKS)
def test_gradient_reaches_every_parameter_and_the_pixels(name):
    network = seeded(name)
    if name.startswith("nafnet"):  # beta and gamma start at zero, which stops what is behind them
        for key, parameter in network.named_parameters():
            if key.endswith(("beta", "gamma")):
                torch.nn.init.normal_(parameter, std=0.5)
    x = torch.rand(2, 3, 24, 24, requires_grad=True)
    network(x).square().mean().backward()
    silent = [k for k, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert not silent
    assert (x.grad.abs() > 0).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_training_reduces_the_loss_on_one_batch(name):
    network = seeded(name)
    optimiser = torch.optim.Adam(network.parameters(), 2e-3)
    lq = torch.rand(2, 3, 16, 16)
    gt = 0.5 * torch.nn.functional.interpolate(lq, scale_factor=network.scale).flip(1) + 0.2
    losses = []
    for _ in range(12):
        loss = (network(lq) - gt).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert math.isfinite(losses[-1])
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize(
    ("arguments", "overrides", "says"),
    [
        (("nafnett",), {}, "nafnet"),
        (("swinir", "smal"), {}, "small"),
        (("rrdb",), {"feature": 3}, "features"),
        (("rrdb",), {"scale": 3}, "none of 1, 2 and 4"),
        (("nafnet",), {"decoder_blocks": (1,)}, "3 encoder levels and 1 decoder levels"),
        (("swinir",), {"upsampler": "bicubic"}, "pixelshuffledirect"),
        (("swinir",), {"scale": 2}, "needs an upsampler"),
        (("swinir",), {"scale": 6, "upsampler": "pixelshuffle"}, "power of two"),
        (("swinir",), {"scale": 3, "upsampler": "nearest+conv"}, "neither 2 nor 4"),
        (("swinir",), {"heads": (4,)}, "4 groups of layers and heads for 1"),
        (("restormer",), {"in_channels": 6}, "6 channels can't be added to 3"),
    ],
)
def test_wrong_names_and_arguments_are_told(arguments, overrides, says):
    with pytest.raises(UsageError, match=says):
        build(*arguments, **overrides)
