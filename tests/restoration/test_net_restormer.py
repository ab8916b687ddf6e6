"""Restormer's and PromptIR's parts, beside their formulas."""

import math

import pytest
import torch
import torch.nn.functional as F

from ddriqa.restoration.networks.catalogue import build
from ddriqa.restoration.networks.layer_norm import BiasFreeLayerNorm2d, LayerNorm2d
from ddriqa.restoration.networks.promptir import PromptBlock
from ddriqa.restoration.networks.transformer_block import GDFN, MDTA, TransformerBlock


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("channels", "heads", "count"),
    [(48, 1, 31_279), (96, 2, 117_872), (192, 4, 456_352), (384, 8, 1_796_306)],
)
def test_a_block_has_the_measured_number_of_parameters(channels, heads, count):
    assert parameters(TransformerBlock(channels, heads)) == count


def test_norms_beside_their_formulas():
    x = torch.randn(2, 5, 3, 4, dtype=torch.float64)
    mean = x.sum(1, keepdim=True) / 5
    deviation = ((x - mean).square().sum(1, keepdim=True) / 5 + 1e-5).sqrt()
    with_bias, bias_free = LayerNorm2d(5, 1e-5).double(), BiasFreeLayerNorm2d(5, 1e-5).double()
    torch.testing.assert_close(with_bias(x), (x - mean) / deviation)
    torch.testing.assert_close(bias_free(x), x / deviation)


def test_only_the_bias_free_norm_sees_a_constant_over_channels():
    x = torch.randn(1, 8, 4, 4)
    assert torch.allclose(LayerNorm2d(8, 1e-5)(x + 3), LayerNorm2d(8, 1e-5)(x), atol=1e-4)
    free = BiasFreeLayerNorm2d(8, 1e-5)
    assert (free(x + 3) - free(x)).abs().min() > 0.5


def test_attention_is_between_the_channels_of_each_head():
    torch.manual_seed(0)
    attention = MDTA(6, 2).double()
    torch.nn.init.uniform_(attention.temperature, 0.5, 3)
    x = torch.randn(1, 6, 4, 5, dtype=torch.float64)
    qkv = F.conv2d(
        F.conv2d(x, attention.qkv.weight), attention.qkv_dwconv.weight, None, 1, 1, 1, 18
    )
    rows = qkv[0].reshape(18, 20)
    expected = torch.zeros(6, 20, dtype=torch.float64)
    for head in range(2):
        own = range(3 * head, 3 * head + 3)
        for i in own:
            cosines = [F.cosine_similarity(rows[i], rows[6 + j], dim=0) for j in own]
            powers = [math.exp(attention.temperature[head].item() * c.item()) for c in cosines]
            for power, j in zip(powers, own, strict=True):
                expected[i] += power / sum(powers) * rows[12 + j]
    expected = F.conv2d(expected.view(1, 6, 4, 5), attention.project_out.weight)
    torch.testing.assert_close(attention(x), expected)


def test_feed_forward_is_gated_by_exact_gelu():
    ffn, x = GDFN(5), torch.randn(1, 5, 4, 4)
    wide = F.conv2d(F.conv2d(x, ffn.project_in.weight), ffn.dwconv.weight, None, 1, 1, 1, 26)
    gate = 0.5 * wide[:, :13] * (1 + torch.erf(wide[:, :13] / math.sqrt(2)))
    expected = F.conv2d(gate * wide[:, 13:], ffn.project_out.weight)
    torch.testing.assert_close(ffn(x), expected)


@pytest.mark.parametrize("name", ["restormer", "promptir"])
def test_sides_are_mirrored_to_a_multiple_of_eight(name):
    torch.manual_seed(0)
    network = build(name).eval()
    x = torch.rand(1, 3, 21, 30)
    with torch.no_grad():
        outside = network(F.pad(x, (0, 2, 0, 3), mode="reflect"))[..., :21, :30]
        torch.testing.assert_close(network(x), outside, atol=1e-6, rtol=0)


def test_the_picture_is_added_except_with_two_views():
    x = torch.rand(1, 6, 16, 16)
    usual, two = build("restormer"), build("restormer", dual_pixel=True, in_channels=6)
    for network in (usual, two):
        torch.nn.init.zeros_(network.output.weight)
    assert torch.equal(usual(x[:, :3]), x[:, :3])
    assert not two(x).any()


def test_prompts_are_mixed_by_shares_that_sum_to_one():
    torch.manual_seed(0)
    block, x = PromptBlock(6, 4, 8), torch.randn(2, 6, 5, 7)
    shares = block.weights(x)
    torch.testing.assert_close(shares.sum(1), torch.ones(2))
    resized = F.interpolate(block.prompt_param[0], (5, 7), mode="bilinear", align_corners=False)
    mixed = sum(shares[:, k, None, None, None] * resized[k] for k in range(5))
    expected = F.conv2d(mixed, block.conv3x3.weight, padding=1)
    torch.testing.assert_close(block(x), expected, atol=1e-5, rtol=1e-5)


def test_prompts_start_uniform_in_zero_to_one():
    prompt = PromptBlock(4, 64, 64).prompt_param
    assert 0 <= prompt.min() < 0.001 < 0.999 < prompt.max() <= 1
    assert abs(prompt.mean() - 0.5) < 0.005


def test_paper_prompts_have_the_measured_number_of_weights():
    with torch.device("meta"):
        network = build("promptir", "paper")
    assert sum(p.numel() for k, p in network.named_parameters() if "prompt_param" in k) == 2_375_680
    assert [network.noise_level3.ffn.project_out.in_channels] == [1872]
    assert [network.noise_level2.ffn.project_out.in_channels] == [851]
    assert [network.noise_level1.ffn.project_out.in_channels] == [425]


@pytest.mark.parametrize("reduced", [2, 4, 8])
def test_a_tile_gets_its_part_of_the_prompts(reduced):
    """Of constant features, which weigh the prompts everywhere alike; a border of one pixel is
    the convolution's."""
    torch.manual_seed(0)
    block = PromptBlock(6, 5, 16)
    height, width = 203, 120  # mirrored to 208 and 120
    whole = block(torch.ones(1, 6, 208 // reduced, width // reduced), reduced)
    top, left, stop, right = 96, 16, 208, 88
    size = (stop - top) // reduced, (right - left) // reduced
    tile = block(torch.ones(1, 6, *size), reduced, (top, left, height, width))
    rows, columns = (slice(a // reduced, b // reduced) for a, b in ((top, stop), (left, right)))
    expected = whole[..., rows, columns]
    inner = (..., slice(1, -1), slice(1, -1))
    torch.testing.assert_close(tile[inner], expected[inner], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(block(torch.ones(1, 6, *size), reduced)[inner], expected[inner])
