"""CLIP-IQA against its steps written out with open_clip's own model and a softmax."""

import copy
import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from ddriqa.encoders import load_encoder
from ddriqa.encoders.clip import import_open_clip
from ddriqa.errors import UsageError
from ddriqa.images.views import CentreCrop, NativeSize, SquareCrops
from ddriqa.metrics.clip_iqa import CLIPIQA, clip_iqa

TOWERS = {
    "clip-iqa-resnet": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "head_width": 32},
    "clip-iqa-vit": {
        "image_size": 32,
        "layers": 2,
        "width": 64,
        "head_width": 32,
        "patch_size": 8,
    },
}
TEXT = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2}
SCALE = 37.0
MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073])[:, None, None]
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711])[:, None, None]
FIVE = {  # of chaofengc/IQA-PyTorch
    "quality": ("Good image", "bad image"),
    "sharpness": ("Sharp image", "blurry image"),
    "edges": ("sharp edges", "blurry edges"),
    "resolution": ("High resolution image", "low resolution image"),
    "noise": ("Noise-free image", "noisy image"),
}


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """``clip("clip-iqa-resnet")``: an encoder with random weights, and open_clip's model of it."""
    open_clip, folder = import_open_clip(), tmp_path_factory.mktemp("clip-iqa")
    for name, vision in TOWERS.items():
        config = {"embed_dim": 48, "vision_cfg": vision, "text_cfg": TEXT}
        (folder / f"{name}.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder)

    def make(name):
        torch.manual_seed(0)
        model = open_clip.create_model(name).eval().requires_grad_(False)
        model.logit_scale.fill_(np.log(SCALE))
        for parameter_name, parameter in model.named_parameters():
            if parameter_name.endswith("bn3.weight"):
                parameter.fill_(0.5)
        path = folder / f"{name}.safetensors"
        save_file({key: tensor.contiguous() for key, tensor in model.state_dict().items()}, path)
        return load_encoder(f"{name}:{path}"), model

    return make


def picture(height, width):
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


def scores(metric, encoder, pixels):
    """Column -> the mean over the metric's views, through what it says it needs."""
    views = metric.view(pixels)
    views = views.float() / 255 if views.dtype == torch.uint8 else views
    encode = {"features": encoder.encode_image, "native_features": encoder.encode_native}
    with torch.no_grad():
        values = metric.score(encode[metric.needs](views))
    return {name: column.mean().item() for name, column in values.items()}


def literal(model, pixels, good, bad):
    """The authors' steps for one picture: no resize, no positions, a softmax over two texts."""
    model = copy.deepcopy(model)
    tokens = (pixels.shape[0] // 32) * (pixels.shape[1] // 32) + 1
    table = torch.zeros(tokens, model.visual.attnpool.positional_embedding.shape[1])
    model.visual.attnpool.positional_embedding = torch.nn.Parameter(table)
    image = (torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255 - MEAN) / STD
    texts = import_open_clip().get_tokenizer("RN50")([good, bad])
    with torch.no_grad():
        cosines = F.cosine_similarity(model.encode_image(image), model.encode_text(texts))
        return torch.softmax(cosines * model.logit_scale.exp(), dim=0)[0].item()


@pytest.mark.parametrize("size", [(64, 64), (75, 101), (130, 66)])
def test_equals_the_authors_steps(clip, size):
    encoder, model = clip("clip-iqa-resnet")
    metric, pixels = CLIPIQA(encoder), picture(*size)
    assert metric.needs == "native_features"
    assert metric.columns == ("clip_iqa",)
    expected = literal(model, pixels, "Good photo.", "Bad photo.")
    assert abs(expected - 0.5) > 1e-3
    assert scores(metric, encoder, pixels) == {"clip_iqa": pytest.approx(expected, abs=1e-5)}


def test_five_pairs_equal_the_toolbox_s_steps(clip):
    encoder, model = clip("clip-iqa-resnet")
    metric, pixels = CLIPIQA(encoder, five=True), picture(75, 101)
    ours = scores(metric, encoder, pixels)
    assert tuple(ours) == metric.columns
    shares = {f"clip_iqa_{name}": literal(model, pixels, *pair) for name, pair in FIVE.items()}
    assert ours == {
        "clip_iqa": pytest.approx(sum(shares.values()) / 5, abs=1e-5),
        **{name: pytest.approx(share, abs=1e-5) for name, share in shares.items()},
    }


def test_the_prompts_tokens(clip):
    """Values of the research sheet (section 9)."""
    encoder, _ = clip("clip-iqa-resnet")
    metric = CLIPIQA(encoder)
    tokens = encoder.tokenizer([metric.pairs[0].clean, metric.pairs[0].degraded])
    assert tokens[:, 1:4].tolist() == [[886, 1125, 269], [2103, 1125, 269]]


def test_the_softmax_written_out():
    random = torch.Generator().manual_seed(0)
    features, good, bad = (
        torch.randn(n, 32, generator=random, dtype=torch.float64) for n in (4, 3, 3)
    )
    ours = clip_iqa(features, good, bad, 9.0)
    assert ours.shape == (4, 3)
    for i in range(4):
        for k in range(3):
            pair = torch.stack([good[k], bad[k]])
            cosines = F.cosine_similarity(features[i][None], pair)
            expected = (9.0 * cosines).exp() / (9.0 * cosines).exp().sum()
            assert ours[i, k].item() == pytest.approx(expected[0].item(), abs=1e-12)


def test_better_means_nearer_to_the_good_text():
    good, bad = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    steps = torch.linspace(0, 1, 5)[:, None]
    values = clip_iqa(steps * good + (1 - steps) * bad, good, bad, 3.0)[:, 0]
    assert values.tolist() == sorted(values.tolist())
    assert values[2].item() == pytest.approx(0.5)
    assert values[0].item() == pytest.approx(1 / (1 + np.exp(3.0)))
    assert torch.equal(clip_iqa(7 * good, good, bad), clip_iqa(good, good, bad))


def test_is_differentiable_to_the_pixels(clip):
    encoder, _ = clip("clip-iqa-resnet")
    pixels = torch.rand(1, 3, 70, 90, requires_grad=True)
    CLIPIQA(encoder, five=True).score(encoder.encode_native(pixels))["clip_iqa"].sum().backward()
    assert pixels.grad.isfinite().all()
    assert pixels.grad.abs().sum() > 0
    vectors = [torch.randn(2, 8, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    assert torch.autograd.gradcheck(lambda f, g, b: clip_iqa(f, g, b, 2.0), vectors)


@pytest.mark.parametrize("name", ["toy", "builtin", "clip-iqa-vit"])
@pytest.mark.parametrize("five", [False, True])
def test_other_encoders_look_through_their_own_view(clip, name, five):
    encoder = clip(name)[0] if name in TOWERS else load_encoder(name)
    metric = CLIPIQA(encoder, five=five)
    assert metric.view == encoder.view_for()
    assert metric.needs == "features"
    values = scores(metric, encoder, picture(90, 120))
    assert len(values) == (6 if five else 1)
    assert all(0 <= value <= 1 for value in values.values())


def test_any_geometry_can_be_asked_for(clip):
    encoder, _ = clip("clip-iqa-resnet")
    wanted = {"crops": SquareCrops(64), "view": CentreCrop(64), "native": NativeSize()}
    for geometry, view in wanted.items():
        metric = CLIPIQA(encoder, geometry=geometry)
        assert metric.view == view
        assert metric.needs == ("native_features" if geometry == "native" else "features")
        assert 0 < scores(metric, encoder, picture(90, 120))["clip_iqa"] < 1
    with pytest.raises(UsageError, match="round"):
        CLIPIQA(encoder, geometry="round")


def test_the_description_fixes_the_numbers(clip):
    metric = CLIPIQA(clip("clip-iqa-resnet")[0])
    assert metric.describe() == {
        "name": "clip_iqa",
        "types": {"quality": ["Good photo.", "Bad photo."]},
        "view": {"geometry": "native", "least": 64},
        "scale": pytest.approx(SCALE),
    }
    toolbox = CLIPIQA(load_encoder("toy"), five=True).describe()
    assert toolbox["types"] == {name: list(pair) for name, pair in FIVE.items()}
    assert toolbox["scale"] == 1  # trained without a temperature


def test_columns_begin_with_the_metric_s_name():
    metric = CLIPIQA(load_encoder("toy"), five=True)
    metric.name = "clip_iqa+five"
    features = torch.randn(2, 24)
    assert list(metric.score(features)) == list(metric.columns)
    assert metric.columns[:2] == ("clip_iqa+five", "clip_iqa+five_quality")
