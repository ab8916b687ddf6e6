"""The folded tower against timm's EfficientNet-Lite0 with the same weights."""

import pytest
import torch

from ddriqa.encoders.clip import import_open_clip
from ddriqa.encoders.efficientnet import TAP_CHANNELS, TAP_STRIDES, from_published

import_open_clip()  # declares what timm's torchvision may lack
timm = pytest.importorskip("timm")


@pytest.fixture(scope="module")
def original():
    """timm's tower with random weights and random batch-norm statistics."""
    torch.manual_seed(0)
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.1)
    return model


def published_names(model):
    """timm's tensors under the names of the published file: same order, other names."""
    weights = {k: v for k, v in model.state_dict().items() if "num_batches" not in k}
    names = []
    for index, block in enumerate(b for stage in model.blocks for b in stage):
        expanded = hasattr(block, "conv_pwl")
        parts = ["_expand_conv", "_bn0"] if expanded else []
        parts += ["_depthwise_conv", "_bn1", "_project_conv", "_bn2"]
        for part in parts:
            leaves = ["weight"] if part.endswith("conv") else BATCH_NORM
            names += [f"_blocks.{index}.{part}.{leaf}" for leaf in leaves]
    stem = ["_conv_stem.weight", *(f"_bn0.{leaf}" for leaf in BATCH_NORM)]
    head = ["_conv_head.weight", *(f"_bn1.{leaf}" for leaf in BATCH_NORM)]
    return dict(zip([*stem, *names, *head], weights.values(), strict=False))


BATCH_NORM = ("weight", "bias", "running_mean", "running_var")


@pytest.mark.parametrize("size", [(64, 64), (96, 64), (65, 83)])
def test_features_equal(original, size):
    tower = from_published(published_names(original))
    pixels = torch.randn(2, 3, *size)
    with torch.no_grad():
        maps, expected = tower(pixels), original.forward_features(pixels)
    torch.testing.assert_close(maps[-1], expected, atol=1e-4, rtol=1e-4)
    for tap, channels, stride in zip(maps, TAP_CHANNELS, TAP_STRIDES, strict=False):
        assert tap.shape[1:] == (channels, -(-size[0] // stride), -(-size[1] // stride))
