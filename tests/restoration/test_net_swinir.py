"""SwinIR's windows, shifts and heads."""

import math

import pytest
import torch
import torch.nn.functional as F

from ddriqa.restoration.networks.catalogue import build
from ddriqa.restoration.networks.swin_block import (
    DropPath,
    SwinLayer,
    from_windows,
    shift_mask,
    to_windows,
)


def reference_attention(attention, x, window, shift):
    """Attention of a whole picture: two pixels see each other if one window holds both.

    Windows start ``shift`` pixels further right and below, and are cut off at the borders.
    """
    height, width, channels = x.shape
    heads = attention.heads
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    rows, columns = rows.flatten(), columns.flatten()
    down, across = (
        (rows - shift).div(window, rounding_mode="floor"),
        (columns - shift).div(window, rounding_mode="floor"),
    )
    together = (down[:, None] == down) & (across[:, None] == across)
    place = (rows[:, None] - rows + window - 1) * (2 * window - 1)
    place = (place + columns[:, None] - columns + window - 1).where(together, torch.tensor(0))
    q, k, v = attention.qkv(x.view(-1, channels)).split(channels, dim=-1)
    out = torch.empty_like(q)
    for head in range(heads):
        own = slice(head * channels // heads, (head + 1) * channels // heads)
        scores = q[:, own] @ k[:, own].T / math.sqrt(channels // heads)
        scores = scores + attention.relative_position_bias_table[place, head]
        out[:, own] = scores.masked_fill(~together, -torch.inf).softmax(-1) @ v[:, own]
    return attention.proj(out).view(height, width, channels)


@pytest.mark.parametrize("size", [(4, 4), (8, 4), (12, 16)])
@pytest.mark.parametrize("shift", [0, 2])
@torch.no_grad()
def test_a_layer_at_any_size_beside_attention_of_the_whole_picture(size, shift):
    torch.manual_seed(0)
    layer = SwinLayer(6, 2, 4, shift, 2.0, 0.0).double()
    torch.nn.init.normal_(layer.attn.relative_position_bias_table)
    x = torch.randn(1, *size, 6, dtype=torch.float64)
    y = x[0] + reference_attention(layer.attn, layer.norm1(x[0]), 4, shift)
    expected = y + layer.mlp(layer.norm2(y))
    found = layer(x, shift_mask(*size, 4, 2, x))[0]
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=0)


def test_windows_go_there_and_back():
    x = torch.arange(2 * 6 * 9 * 5.0).view(2, 6, 9, 5)
    windows = to_windows(x, 3)
    assert torch.equal(windows[1, 4], x[1, 3:6, 3:6].reshape(9, 5))
    assert torch.equal(from_windows(windows, 3, 6, 9), x)


def test_the_mask_spares_all_windows_but_the_last_row_and_column():
    mask = shift_mask(12, 16, 4, 2, torch.zeros(()))
    touched = mask.view(3, 4, -1).any(-1)
    assert not touched[:2, :3].any()
    assert touched[2].all()
    assert touched[:, 3].all()
    assert set(mask.unique().tolist()) == {-100.0, 0.0}


@pytest.mark.parametrize("window", [7, 8])
def test_sides_are_mirrored_to_a_multiple_of_the_window(window):
    torch.manual_seed(0)
    network = build("swinir", window=window).eval()
    x = torch.rand(1, 3, 17, 30)
    padded = F.pad(x, (0, -30 % window, 0, -17 % window), mode="reflect")
    with torch.no_grad():
        found = network(x)
        torch.testing.assert_close(found, network(padded)[..., :17, :30], atol=1e-6, rtol=0)


@pytest.mark.parametrize("img_range", [1.0, 255.0])
def test_range_and_mean_are_undone_where_nothing_is_found(img_range):
    network = build("swinir", img_range=img_range)
    torch.nn.init.zeros_(network.head.conv_last.weight)
    torch.nn.init.zeros_(network.head.conv_last.bias)
    x = torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(network(x), x, atol=1e-6, rtol=0)


def test_super_resolution_starts_from_the_mean():
    network = build("swinir", upsampler="pixelshuffledirect", scale=2)
    torch.nn.init.zeros_(network.head.upsample[0].weight)
    torch.nn.init.zeros_(network.head.upsample[0].bias)
    out = network(torch.rand(1, 3, 9, 8))
    expected = torch.tensor([0.4488, 0.4371, 0.4040]).view(1, 3, 1, 1).expand(1, 3, 18, 16)
    torch.testing.assert_close(out, expected)


def test_drop_path_leaves_samples_out_and_keeps_the_mean():
    torch.manual_seed(0)
    drop, x = DropPath(0.25), torch.ones(4000, 1, 1, 2)
    out = drop(x)
    assert out.unique().tolist() == pytest.approx([0, 4 / 3])
    assert torch.equal(out[..., 0], out[..., 1])
    assert abs(out.mean() - 1) < 0.05
    assert torch.equal(drop.eval()(x), x)


def test_drop_path_grows_linearly_over_the_layers():
    with torch.device("meta"):
        network = build("swinir", "light-x2")
    rates = [m.rate for m in network.modules() if isinstance(m, DropPath)]
    assert rates == pytest.approx([0.1 * index / 23 for index in range(24)])


def test_linear_layers_start_narrow_and_without_bias():
    network = build("swinir", "light-x2")
    linear = network.layers[0].blocks[0].mlp.fc1
    assert abs(linear.weight.std() - 0.02) < 0.002
    assert not linear.bias.any()
