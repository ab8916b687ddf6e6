"""The folded attention pool against torch's whole attention, and open_clip's module."""

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from ddriqa.encoders.attention_pool import mean_token_pool
from ddriqa.encoders.clip import import_open_clip

SIZES = [(7, 7), (1, 1), (1, 6), (3, 5), (11, 4)]
FORMATS = [torch.contiguous_format, torch.channels_last]


def make_pool(side, width, heads, dim):
    """open_clip's pool with random weights and biases that matter."""
    import_open_clip()
    from open_clip.modified_resnet import AttentionPool2d

    torch.manual_seed(0)
    pool = AttentionPool2d(side, width, heads, dim).requires_grad_(False)
    for layer in (pool.q_proj, pool.k_proj, pool.v_proj, pool.c_proj):
        layer.bias.normal_()
        layer.weight.normal_(std=3 * width**-0.5)
    return pool


def whole_attention(features, pool):
    """Every token asks every token, as CLIP's code has it, without positions; the first answers."""
    tokens = features.flatten(2).permute(2, 0, 1)
    tokens = torch.cat([tokens.mean(0, keepdim=True), tokens])
    answers, _ = F.multi_head_attention_forward(
        tokens,
        tokens,
        tokens,
        embed_dim_to_check=features.shape[1],
        num_heads=pool.num_heads,
        in_proj_weight=None,
        in_proj_bias=torch.cat([pool.q_proj.bias, pool.k_proj.bias, pool.v_proj.bias]),
        bias_k=None,
        bias_v=None,
        add_zero_attn=False,
        dropout_p=0.0,
        out_proj_weight=pool.c_proj.weight,
        out_proj_bias=pool.c_proj.bias,
        training=False,
        use_separate_proj_weight=True,
        q_proj_weight=pool.q_proj.weight,
        k_proj_weight=pool.k_proj.weight,
        v_proj_weight=pool.v_proj.weight,
    )
    return answers[0]


@pytest.mark.parametrize("memory_format", FORMATS)
@pytest.mark.parametrize("size", SIZES)
def test_equals_the_whole_attention(size, memory_format):
    pool = make_pool(7, 96, 6, 40).double()
    features = torch.randn(3, 96, *size, dtype=torch.float64).to(memory_format=memory_format)
    expected = whole_attention(features, pool)
    assert expected.std() > 0.1
    torch.testing.assert_close(mean_token_pool(features, pool), expected, rtol=0, atol=1e-12)


def test_equals_open_clip_s_pool_without_positions():
    pool = make_pool(7, 2048, 32, 1024)
    features = torch.rand(2, 2048, 7, 7)
    ours = mean_token_pool(features, pool)
    assert (ours - pool(features)).abs().max() > 1e-3  # with positions
    pool.positional_embedding.zero_()
    torch.testing.assert_close(ours, pool(features), rtol=1e-5, atol=1e-5)


class Copies(TorchDispatchMode):
    """The largest tensor with memory of its own that was made meanwhile, in elements."""

    def __init__(self, *known):
        super().__init__()
        self.known = {tensor.untyped_storage().data_ptr() for tensor in known}
        self.elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if result.untyped_storage().data_ptr() not in self.known:
            self.elements = max(self.elements, result.numel())
        return result


@pytest.mark.parametrize("memory_format", FORMATS)
def test_no_token_is_copied(memory_format):
    pool = make_pool(7, 64, 4, 24)
    features = torch.randn(1, 64, 50, 60).to(memory_format=memory_format)
    with Copies(features, *pool.parameters()) as copies:
        mean_token_pool(features, pool)
    assert 0 < copies.elements <= max(4 * (50 * 60 + 1), 64 * 64)


def test_is_differentiable():
    pool = make_pool(2, 12, 3, 5).double()
    features = torch.randn(2, 12, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda maps: mean_token_pool(maps, pool), (features,))
