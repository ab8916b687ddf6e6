"""NAFNet and its local statistics, beside their formulas."""

import pytest
import torch
import torch.nn.functional as F

from ddriqa.restoration.networks.catalogue import PRESETS, build
from ddriqa.restoration.networks.nafnet import NAFBlock
from ddriqa.restoration.networks.nafnet_local import LocalMean, local_mean


def awake(module, seed=0):
    """Random beta and gamma, so that blocks aren't the identity."""
    torch.manual_seed(seed)
    for key, parameter in module.named_parameters():
        if key.endswith(("beta", "gamma")):
            torch.nn.init.normal_(parameter)
    return module.eval()


def reference_block(weights, x):
    """The paper's formulas, layer norm channels-last, attention by hand."""

    def norm(name, a):
        last = F.layer_norm(a.movedim(1, -1), a.shape[1:2], eps=1e-6).movedim(-1, 1)
        return (
            last * weights[f"{name}.weight"][:, None, None] + weights[f"{name}.bias"][:, None, None]
        )

    def conv(name, a, **options):
        return F.conv2d(a, weights[f"{name}.weight"], weights[f"{name}.bias"], **options)

    def gate(a):
        c = a.shape[1] // 2
        return a[:, :c] * a[:, c:]

    s = gate(conv("conv2", conv("conv1", norm("norm1", x)), padding=1, groups=2 * x.shape[1]))
    s = s * conv("sca.1", s.mean((2, 3), keepdim=True))
    y = x + weights["beta"] * conv("conv3", s)
    return y + weights["gamma"] * conv("conv5", gate(conv("conv4", norm("norm2", y))))


def test_a_block_is_the_papers_formula_and_starts_as_the_identity():
    x = torch.randn(2, 6, 9, 11)
    block = NAFBlock(6)
    assert torch.equal(block(x), x)
    out = awake(block)(x)
    torch.testing.assert_close(out, reference_block(block.state_dict(), x), atol=1e-5, rtol=1e-5)
    assert not torch.allclose(out, x, atol=0.1)


def test_a_block_has_the_measured_number_of_parameters():
    assert sum(p.numel() for p in NAFBlock(64).parameters()) == 7 * 64**2 + 33 * 64 == 30_784


def test_sides_are_padded_with_zeros_at_the_right_and_below():
    network = awake(build("nafnet"))
    x = torch.rand(1, 3, 21, 30)
    with torch.no_grad():
        whole = network(F.pad(x, (0, 2, 0, 3)))  # three levels: a multiple of 8
        torch.testing.assert_close(network(x), whole[..., :21, :30], atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", [(20, 33), (7, 40), (33, 9)])
@pytest.mark.parametrize("window", [5, 6, 8])
def test_local_mean_is_average_pooling_with_replicated_borders(size, window):
    x = torch.randn(2, 3, *size)
    height, width = (min(window, side) for side in size)
    inside = F.avg_pool2d(x, (height, width), 1)
    down, across = size[0] - inside.shape[-2], size[1] - inside.shape[-1]
    border = (across // 2, (across + 1) // 2, down // 2, (down + 1) // 2)
    expected = F.pad(inside, border, mode="replicate")
    torch.testing.assert_close(local_mean(x, window), expected, atol=1e-5, rtol=0)


def test_local_mean_keeps_its_digits_on_a_large_picture():
    x = 100 + torch.rand(1, 1, 1500, 2000)
    found = local_mean(x, 384)
    for row, column in [(0, 0), (700, 31), (1116, 1616)]:
        expected = x[..., row : row + 384, column : column + 384].double().mean()
        assert abs(found[0, 0, row + 191, column + 191] - expected) < 1e-3  # of 100


def test_windows_are_the_measured_ones_of_a_training_crop_of_256():
    network = build("nafnet-local", "paper")
    windows = {
        key.split(".")[0] + key.split(".")[1]: module.window
        for key, module in network.named_modules()
        if isinstance(module, LocalMean)
    }
    assert [windows[f"encoders{level}"] for level in range(4)] == [384, 192, 96, 48]
    assert windows["middle_blks0"] == 24
    assert [windows[f"decoders{step}"] for step in range(4)] == [48, 96, 192, 384]


@pytest.mark.parametrize(("size", "equal"), [((48, 48), True), ((21, 40), True), ((49, 49), False)])
def test_local_is_global_up_to_one_and_a_half_crops(size, equal):
    network, local = awake(build("nafnet")), build("nafnet-local", train_size=32).eval()
    local.load_state_dict(network.state_dict())
    x = torch.rand(1, 3, *size)
    with torch.no_grad():
        assert torch.equal(network(x), local(x)) == equal


def test_local_result_of_a_place_does_not_depend_on_far_places():
    local = awake(build("nafnet-local", train_size=16))
    x = torch.rand(1, 3, 16, 512)
    far = x.clone()
    far[..., 448:] = 0
    with torch.no_grad():
        near = (local(x) - local(far))[..., :64].abs().max()
        middle = (local(x) - local(far))[..., 384:].abs().max()
    assert near < 1e-5 < 1e-2 < middle


def test_local_shares_the_presets():
    assert PRESETS["nafnet-local"] == PRESETS["nafnet"]
