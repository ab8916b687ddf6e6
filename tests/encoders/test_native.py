"""Pictures at their own size: each kind of tower against what it should equal."""

import copy

import numpy as np
import pytest
import torch

from ddriqa.encoders import load_encoder
from ddriqa.errors import UsageError
from ddriqa.images.views import NativeSize

SIZES = [(64, 64), (75, 101), (160, 71)]


def image(*size, count=1):
    return torch.rand(count, 3, *size, generator=torch.Generator().manual_seed(5))


@pytest.fixture(scope="module")
def load(tiny, clip_encoder):
    def get(name):
        if name in ("RN50", "ViT-B-32"):
            return clip_encoder(name)[0]
        return load_encoder(f"{name}:{tiny(name).path}" if name.startswith("tiny") else name)

    return get


def without_positions(model, height, width):
    """A copy of open_clip's ResNet whose positional table is zero, for pictures of one size."""
    model = copy.deepcopy(model)
    tokens = (height // 32) * (width // 32) + 1
    table = torch.zeros(tokens, model.visual.attnpool.positional_embedding.shape[1])
    model.visual.attnpool.positional_embedding = torch.nn.Parameter(table, requires_grad=False)
    return model


@pytest.mark.parametrize("size", SIZES)
def test_a_resnet_takes_any_size_without_positions(size, tiny, load):
    encoder = load("tiny-resnet")
    model = without_positions(tiny("tiny-resnet").model, *size)
    pixels = image(*size, count=2)
    with torch.no_grad():
        expected = model.encode_image(encoder.normalise(pixels))
        torch.testing.assert_close(encoder.encode_native(pixels), expected, rtol=0, atol=1e-5)


def test_rn50_of_real_size(clip_encoder):
    encoder, model = clip_encoder("RN50")
    pixels = image(101, 160)
    with torch.no_grad():
        expected = without_positions(model, 101, 160).encode_image(encoder.normalise(pixels))
        ours = encoder.encode_native(pixels)
    assert ours.shape == (1, encoder.card.dim)
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["tiny-vit", "ViT-B-32"])
def test_a_vit_at_its_own_size_is_the_tower_itself(name, load):
    encoder = load(name)
    pixels = image(encoder.card.side, encoder.card.side)
    with torch.no_grad():
        expected = encoder.encode_image(pixels)
        torch.testing.assert_close(encoder.encode_native(pixels), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", [(48, 64), (64, 24), (16, 24)])
def test_a_vit_at_another_size_equals_open_clip_s_model_of_that_size(size, tiny, load, open_clip):
    encoder = load("tiny-vit")
    weights = tiny("tiny-vit").model.state_dict()
    other = open_clip.create_model("tiny-vit", force_image_size=size).eval()
    open_clip.model.resize_pos_embed(weights, other)
    other.load_state_dict(weights)
    pixels = image(*size, count=2)
    with torch.no_grad():
        expected = other.encode_image(encoder.normalise(pixels))
        torch.testing.assert_close(encoder.encode_native(pixels), expected, rtol=0, atol=1e-5)


def test_a_vit_s_last_patches_are_filled_by_reflection(load):
    encoder = load("tiny-vit")
    pixels = image(45, 59)
    filled = np.pad(pixels.numpy(), [(0, 0), (0, 0), (0, 3), (0, 5)], mode="reflect")
    with torch.no_grad():
        expected = encoder.encode_native(torch.from_numpy(filled))
        torch.testing.assert_close(encoder.encode_native(pixels), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["builtin", "toy"])
@pytest.mark.parametrize("size", SIZES)
def test_convolutions_alone_take_any_size_as_they_are(name, size, load):
    encoder = load(name)
    with torch.no_grad():
        assert torch.equal(encoder.encode_native(image(*size)), encoder.encode_image(image(*size)))


@pytest.mark.parametrize("name", ["builtin", "toy", "tiny-resnet", "tiny-vit"])
@pytest.mark.parametrize("size", [(1, 1), (5, 90), (130, 97)])
def test_every_picture_has_native_features(name, size, load):
    encoder = load(name)
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    view = encoder.view_for("native")
    assert view == NativeSize()
    with torch.no_grad():
        features = encoder.encode_native(view(picture).float() / 255)
    assert features.shape == (1, encoder.card.dim)
    assert features.dtype == torch.float32
    assert features.isfinite().all()


@pytest.mark.parametrize("name", ["tiny-resnet", "tiny-vit"])
def test_the_gradient_reaches_the_pixels(name, load):
    pixels = image(70, 90).requires_grad_()
    load(name).encode_native(pixels).square().sum().backward()
    assert pixels.grad.isfinite().all()
    assert pixels.grad.abs().sum() > 0


@pytest.mark.parametrize("name", ["tiny-resnet", "tiny-vit"])
def test_half_the_digits_give_nearly_the_same(name, load):
    encoder, pixels = load(name), image(70, 90)
    with torch.no_grad():
        exact = encoder.encode_native(pixels)
        ours = encoder.in_precision(torch.bfloat16).encode_native(pixels)
    assert ours.dtype == torch.float32
    assert 0 < (ours - exact).norm() < 0.05 * exact.norm()


def test_a_tower_of_one_size_says_so(load):
    encoder = load("tiny-timm")
    assert not encoder.any_size
    with pytest.raises(UsageError, match="160 x 160 pixels only"):
        encoder.view_for("native")
    with pytest.raises(UsageError, match="160 x 160 pixels only"):
        encoder.encode_native(image(64, 64))


def test_only_resnets_prefer_a_picture_s_own_size(load):
    names = ["builtin", "toy", "tiny-resnet", "tiny-vit", "tiny-timm"]
    assert [name for name in names if load(name).prefers_native] == ["tiny-resnet"]
