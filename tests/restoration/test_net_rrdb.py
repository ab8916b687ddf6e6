"""RRDB: dense blocks, scales, and tiles."""

import pytest
import torch
import torch.nn.functional as F

from ddriqa.restoration.networks.catalogue import build
from ddriqa.restoration.networks.padding import reflect_pad, zero_pad
from ddriqa.restoration.networks.rrdb import RRDB, ResidualDenseBlock

RADIUS = 1 + 15 + 1 + 1 + 1  # of one RRDB at scale 4, in input pixels: the last four count less


def test_dense_blocks_beside_their_formula():
    torch.manual_seed(0)
    block, x = ResidualDenseBlock(8, 4), torch.randn(1, 8, 6, 7)
    seen = x
    for k in range(1, 6):
        y = F.conv2d(seen, block.get_submodule(f"conv{k}").weight, padding=1)
        seen = torch.cat([seen, torch.maximum(y, 0.2 * y)], 1)
    torch.testing.assert_close(block(x), x + 0.2 * y)
    rrdb = RRDB(8, 4)
    inner = rrdb.rdb3(rrdb.rdb2(rrdb.rdb1(x)))
    torch.testing.assert_close(rrdb(x), x + 0.2 * inner)


def test_dense_convolutions_start_at_a_tenth_of_kaiming():
    conv = ResidualDenseBlock(64, 32).conv1
    assert conv.weight.std().item() == pytest.approx(0.1 * (2 / (64 * 9)) ** 0.5, rel=0.05)
    assert not conv.bias.any()


@torch.no_grad()
def test_a_tile_is_the_whole_picture_away_from_its_cut():
    torch.manual_seed(0)
    network = build("rrdb", blocks=1).eval()
    x = torch.rand(1, 3, 20, 90)
    whole, tile = network(x), network(x[..., :60])
    good = 4 * (60 - RADIUS)
    torch.testing.assert_close(tile[..., :good], whole[..., :good], atol=1e-5, rtol=0)
    assert (tile - whole[..., :240]).abs().max() > 1e-4


@pytest.mark.parametrize(("scale", "multiple"), [(1, 4), (2, 2)])
@torch.no_grad()
def test_odd_sizes_are_mirrored_and_cropped(scale, multiple):
    torch.manual_seed(0)
    network = build("rrdb", scale=scale, blocks=1).eval()
    x = torch.rand(1, 3, 13, 19)
    padded = F.pad(x, (0, -19 % multiple, 0, -13 % multiple), mode="reflect")
    expected = network(padded)[..., : 13 * scale, : 19 * scale]
    torch.testing.assert_close(network(x), expected, atol=1e-6, rtol=0)


@torch.no_grad()
def test_unshuffled_channels_are_a_colours_pixels_row_by_row():
    """Scale 1's first convolution sees 16 pixels of each colour: channel 16 c + 4 row + column."""
    network = build("rrdb", scale=1, blocks=1)
    seen = []
    network.conv_first.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    x = torch.rand(1, 3, 8, 8)
    network(x)
    assert seen[0].shape == (1, 48, 2, 2)
    assert seen[0][0, 16 * 2 + 4 * 3 + 1, 1, 0] == x[0, 2, 4 * 1 + 3, 1]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 2), (5, 9), (8, 16)])
def test_reflection_is_a_triangle_wave_at_any_size(height, width):
    x = torch.rand(1, 2, height, width)
    padded = reflect_pad(x, 8)
    rows, columns = (
        [min(i % max(2 * n - 2, 1), -i % max(2 * n - 2, 1)) for i in range(side)]
        for n, side in zip((height, width), padded.shape[-2:], strict=True)
    )
    assert torch.equal(padded, x[..., rows, :][..., columns])
    assert padded.shape[-2:] == (-(-height // 8) * 8, -(-width // 8) * 8)


def test_zero_padding_keeps_the_picture_left_and_above():
    x = torch.rand(1, 2, 5, 16)
    padded = zero_pad(x, 16)
    assert padded.shape == (1, 2, 16, 16)
    assert torch.equal(padded[..., :5, :], x)
    assert not padded[..., 5:, :].any()
