"""DDR against the paper's literal equations, the published class's steps, and stored vectors."""

import math

import pytest
import torch
import torch.nn.functional as F

from ddriqa import Scorer, ddr, load_encoder
from ddriqa.encoders.clip import import_open_clip
from ddriqa.errors import UsageError
from ddriqa.images.views import SquareCrops, square_crops
from ddriqa.metrics.ddr import DDR, directions, join_shape, shape_cue
from ddriqa.metrics.prompts import PromptPair, published_pairs, read_pairs, select_pairs

# Float64 vectors of the research sheet (its section 2.6), computed from the literal equations.
I = torch.arange(512, dtype=torch.float64)  # noqa: E741
FEATURE = torch.sin(0.37 * I) + 0.2
DIRECTION = 0.1 * torch.cos(0.53 * I) + 0.05 * torch.sin(0.37 * I)
GOLDEN = [
    ({}, 0.135261106156),
    ({"eps": 0.0}, 0.137108109176),
    ({"adaptation": False}, 0.004293621248),
    ({"disparity": "l2"}, 16.416568043),
    ({"disparity": "l2", "eps": 0.0}, 16.607823330),
    ({"disparity": "l1"}, 0.612838334),
    ({"disparity": "l1", "eps": 0.0}, 0.620153369),
]


def literal(features, directions, eps=0.001):
    """Eq. 4, 5 and 1 one pair at a time, as the authors' class writes them."""
    rows = []
    for feature in features:
        row = []
        for direction in directions:
            scaled = (direction - direction.mean()) / (direction.std() + eps)
            damaged = feature + scaled * feature.std() + feature.mean()
            row.append(1 - F.cosine_similarity(feature, damaged, dim=0, eps=0))
        rows.append(torch.stack(row))
    return torch.stack(rows)


@pytest.mark.parametrize(("options", "expected"), GOLDEN)
def test_stored_vectors(options, expected):
    assert ddr(FEATURE[None], DIRECTION[None], **options).item() == pytest.approx(
        expected, abs=1e-9
    )


def test_negated_direction():
    assert ddr(FEATURE[None], -DIRECTION[None]).item() == pytest.approx(0.417684242052, abs=1e-11)


@pytest.mark.parametrize("eps", [0.0, 1e-3, 1e-2])
@pytest.mark.parametrize("offset", [0.0, 0.3, 30.0])
def test_closed_form_equals_the_equations(eps, offset):
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(7, 512, generator=generator, dtype=torch.float64) + offset
    texts = 0.2 * torch.randn(5, 512, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(
        ddr(features, texts, eps=eps), literal(features, texts, eps), rtol=0, atol=1e-12
    )


def test_scale_of_features_does_not_matter():
    features, texts = torch.randn(3, 64), torch.randn(4, 64)
    torch.testing.assert_close(ddr(1000 * features, texts), ddr(features, texts))


def test_l2_is_the_norm_of_the_embedding():
    features = torch.randn(3, 64, dtype=torch.float64)
    texts = torch.randn(4, 64, dtype=torch.float64)
    norms = ddr(features, texts, disparity="l2", eps=0.0)
    torch.testing.assert_close(norms, features.norm(dim=-1, keepdim=True).expand(3, 4))


def test_better_pictures_respond_more():
    toward_bad = DIRECTION - DIRECTION.mean()
    scores = [ddr((FEATURE + t * toward_bad)[None], DIRECTION[None]).item() for t in (-3, 0, 3)]
    assert scores[0] > scores[1] > scores[2]


def test_gradient_reaches_the_pixels_and_is_orthogonal_to_the_features():
    encoder = load_encoder("toy")
    pixels = torch.rand(2, 3, 32, 32, requires_grad=True)
    features = encoder.encode_image(pixels)
    features.retain_grad()
    texts = directions(encoder, select_pairs())
    ddr(features, texts).mean().backward()
    assert pixels.grad.abs().sum() > 0
    assert (features.grad * features).sum(-1).abs().max() < 1e-6
    assert torch.autograd.gradcheck(ddr, (FEATURE[None].requires_grad_(), DIRECTION[None]))


@pytest.mark.parametrize("size", [(500, 500), (480, 640), (640, 480), (20, 61), (1500, 400)])
def test_score_equals_the_published_class(size):
    """The class's own steps: square crops, resize, encode, Eq. 4 to 7, mean over the crops."""
    encoder = load_encoder("toy")
    pixels = torch.randint(0, 256, (*size, 3), dtype=torch.uint8)
    metric = DDR(encoder, geometry="crops")
    views = metric.view(pixels.numpy())
    ours = metric.score(encoder.encode_image(views))["ddr"].mean()

    image = pixels.permute(2, 0, 1)[None].float() / 255
    height, width = size
    short = min(size)
    count = max(size) // short + 1
    step = (max(size) - short) // (count - 1)
    responses = []
    for i in range(count):
        top, left = (i * step, 0) if height > width else (0, i * step)
        crop = image[..., top : top + short, left : left + short]
        crop = F.interpolate(crop, size=(32, 32), mode="bicubic", align_corners=False)
        texts = [
            encoder.encode_text([p.degraded]) - encoder.encode_text([p.clean])
            for p in select_pairs()
        ]
        responses.append(literal(encoder.encode_image(crop), torch.cat(texts)).mean())
    assert ours.item() == pytest.approx(torch.stack(responses).mean().item(), abs=1e-5)


def test_published_prompts_word_for_word():
    pairs = published_pairs()
    assert list(pairs) == ["color", "noise", "blur", "exposure", "content"]
    assert pairs["noise"].degraded == "A noise degraded photo with low-quality."
    assert pairs["color"].degraded == "A unnatural color photo with low-quality."
    assert pairs["exposure"].clean == "A natural exposure photo with high-quality."
    assert [pair.name for pair in select_pairs()] == ["color", "noise", "blur", "exposure"]


def test_columns_and_mean_over_types():
    encoder = load_encoder("toy")
    metric = DDR(encoder, types=["blur", "content"])
    scores = metric.score(encoder.encode_image(torch.rand(3, 3, 32, 32)))
    assert list(scores) == ["ddr", "ddr_blur", "ddr_content"] == list(metric.columns)
    torch.testing.assert_close(scores["ddr"], (scores["ddr_blur"] + scores["ddr_content"]) / 2)


def test_prompts_of_a_file(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('[haze]\nclean = "A clear photo."\ndegraded = "A hazy photo."\n')
    metric = DDR(load_encoder("toy"), pairs=read_pairs(file))
    assert metric.columns == ("ddr", "ddr_haze")


@pytest.mark.parametrize(
    "text", ["", "haze = 3", "[haze]\nclean = 'x'", "[a b]\nclean='x'\ndegraded='y'", "[[", "\xff"]
)
def test_bad_prompt_files_say_what_is_wrong(tmp_path, text):
    file = tmp_path / "mine.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match="mine.toml"):
        read_pairs(file)


def test_unknown_names_are_usage_errors():
    encoder = load_encoder("toy")
    for options in ({"types": ["blurr"]}, {"types": ["blur", "blur"]}, {"geometry": "round"}):
        with pytest.raises(UsageError):
            DDR(encoder, **options)
    with pytest.raises(UsageError, match="l3"):
        DDR(encoder, disparity="l3")


def test_uncorrelated_response_is_one_minus_root_half():
    features = torch.tensor([[1.0, -1, 1, -1]], dtype=torch.float64)
    text = torch.tensor([[1.0, 1, -1, -1]], dtype=torch.float64)
    assert ddr(features, text, eps=0.0).item() == pytest.approx(1 - math.sqrt(0.5))


def test_square_crops_stored_vectors():
    """Values of the research sheet (section 2.6), made with torch's own resize."""
    y, x = torch.meshgrid(torch.arange(300.0), torch.arange(400.0), indexing="ij")
    image = torch.stack([0.5 + 0.4 * torch.sin(0.05 * x * (c + 1) + 0.03 * y) for c in range(3)])
    crops = SquareCrops(224).of_tensor(image[None])[0]
    mean = torch.tensor([0.48145466, 0.4578275, 0.40821073])[:, None, None]
    std = torch.tensor([0.26862954, 0.26130258, 0.27577711])[:, None, None]
    views = (crops - mean) / std
    expected = {
        (0, 0, 0): [0.084335, 0.186945, 0.366349],
        (0, 111, 57): [1.419721, -0.507887, -0.000501],
        (0, 223, 223): [-1.330676, 1.560671, -0.217839],
        (1, 0, 0): [-1.354239, -0.692370, 1.249492],
        (1, 111, 57): [1.053831, -0.026596, -0.333252],
        (1, 223, 223): [-0.814580, -1.349556, -0.120492],
    }
    for (crop, row, column), values in expected.items():
        torch.testing.assert_close(
            views[crop, :, row, column], torch.tensor(values), atol=2e-6, rtol=0
        )


def gaussian(generator):
    return torch.randn(2000, 1024, generator=generator, dtype=torch.float64)


def laplace(generator):
    return (
        gaussian(generator).sign()
        * -torch.rand(2000, 1024, generator=generator, dtype=torch.float64).log()
    )


def student_3(generator):
    chi = sum(gaussian(generator) ** 2 for _ in range(3))
    return gaussian(generator) / (chi / 3).sqrt()


def one_outlier(generator):
    return torch.cat([gaussian(generator)[:, 1:], torch.full((2000, 1), 10.0)], dim=1)


@pytest.mark.parametrize(
    ("entries", "expected"),
    [(gaussian, 0.983), (laplace, 0.760), (student_3, 0.669), (one_outlier, 0.910)],
)
def test_shape_cue_of_known_distributions(entries, expected):
    """Values of the research sheet (section 7.3)."""
    features = entries(torch.Generator().manual_seed(0))
    assert shape_cue(features).mean().item() == pytest.approx(expected, abs=0.004)


def test_shape_cue_written_out():
    values = [3.0, -1.0, 0.5, -0.25]
    sizes = [abs(value) for value in values]
    mean = sum(sizes) / 4
    deviation = math.sqrt(sum((size - mean) ** 2 for size in sizes) / 3) + 1e-6
    expected = sum(2 * (math.sqrt(size / deviation + 1) - 1) for size in sizes) / 4
    features = torch.tensor([values], dtype=torch.float64)
    assert shape_cue(features).item() == pytest.approx(expected, abs=1e-12)
    assert shape_cue(1000 * features).item() == pytest.approx(expected, abs=1e-5)


def test_shape_joins_by_the_softmax_of_the_difference():
    response = torch.tensor([0.1, 0.4, 0.9], dtype=torch.float64)
    shape = torch.tensor([0.98, 0.4, 0.2], dtype=torch.float64)
    difference = response - shape
    weights = torch.softmax(torch.stack([1.0 + difference, 0.6 - difference]), dim=0)
    expected = weights[0] * response + weights[1] * shape
    torch.testing.assert_close(join_shape(response, shape), expected, rtol=0, atol=1e-12)


def test_shape_moves_the_score_and_no_type():
    encoder = load_encoder("toy")
    features = encoder.encode_image(torch.rand(3, 3, 32, 32))
    plain, joined = DDR(encoder).score(features), DDR(encoder, shape=True).score(features)
    assert list(joined) == [*plain, "ddr_shape"] == list(DDR(encoder, shape=True).columns)
    for name, values in plain.items():
        if name != "ddr":
            assert torch.equal(joined[name], values)
    torch.testing.assert_close(joined["ddr_shape"], shape_cue(features))
    torch.testing.assert_close(joined["ddr"], join_shape(plain["ddr"], joined["ddr_shape"]))
    assert torch.autograd.gradcheck(
        lambda f: join_shape(ddr(f, DIRECTION[None]).mean(-1), shape_cue(f)),
        (FEATURE[None].requires_grad_(),),
    )


def test_shape_needs_a_response_with_a_range():
    with pytest.raises(UsageError, match="l2"):
        DDR(load_encoder("toy"), disparity="l2", shape=True)


def test_more_pairs_come_beside_the_others():
    encoder = load_encoder("toy")
    metric = DDR(encoder, more=True)
    names = [pair.name for pair in metric.pairs]
    assert names[:4] == ["color", "noise", "blur", "exposure"]
    assert names[4:] == [
        "photo",
        "sharpness",
        "edges",
        "resolution",
        "noise_free",
        "quality",
        "picture",
    ]
    features = encoder.encode_image(torch.rand(3, 3, 32, 32))
    scores = metric.score(features)
    types = torch.stack([scores[f"ddr_{name}"] for name in names])
    torch.testing.assert_close(scores["ddr"], types.mean(0))
    for name, values in DDR(encoder).score(features).items():
        assert name == "ddr" or torch.equal(scores[name], values)


@pytest.mark.parametrize(("name", "option"), [("edges", "more"), ("shape", "shape")])
def test_a_user_s_pair_that_an_option_has_the_name_of_is_refused(name, option):
    mine = {name: PromptPair(name, "Crisp edges.", "Soft edges.")}
    assert DDR(load_encoder("toy"), pairs=mine).columns == ("ddr", f"ddr_{name}")
    with pytest.raises(UsageError, match=f"ddr_{name}"):
        DDR(load_encoder("toy"), pairs=mine, **{option: True})


def test_options_that_are_off_leave_no_trace():
    """Percentile tables and sidecars of earlier runs are matched with this."""
    encoder = load_encoder("builtin")
    keys = ["name", "types", "view", "adaptation", "disparity", "eps"]
    assert list(DDR(encoder).describe()) == keys
    assert DDR(encoder, shape=True).describe() == {**DDR(encoder).describe(), "shape": True}
    assert DDR(encoder, more=True).describe() != DDR(encoder).describe()
    assert list(DDR(encoder).usual) == ["ddr_color", "ddr_noise", "ddr_blur", "ddr_exposure"]
    assert DDR(encoder, geometry="windows").usual == {}


def test_columns_begin_with_the_metric_s_name():
    metric = DDR(load_encoder("builtin"), types=["blur"], shape=True)
    metric.name = "ddr+shape"
    assert metric.columns == ("ddr+shape", "ddr+shape_blur", "ddr+shape_shape")
    assert list(metric.usual) == ["ddr+shape_blur"]
    assert tuple(metric.score(torch.randn(2, 128))) == metric.columns


def test_windows_count_like_crops():
    encoder = load_encoder("toy")
    metric = DDR(encoder, geometry="windows")
    pixels = torch.randint(0, 256, (70, 90, 3), dtype=torch.uint8)
    image = pixels.permute(2, 0, 1)[None].float() / 255
    crops = SquareCrops(32).of_tensor(image)[0]
    corners = [(top, left) for top in (0, 19, 38) for left in (0, 29, 58)]
    windows = [image[0, :, top : top + 32, left : left + 32] for top, left in corners]
    features = encoder.encode_image(torch.cat([crops, torch.stack(windows)]))
    ours = metric.score(encoder.encode_image(metric.view(pixels.numpy())))["ddr"].mean()
    torch.testing.assert_close(ours, DDR(encoder).score(features)["ddr"].mean())


def test_a_picture_at_its_own_size_takes_native_features():
    encoder = load_encoder("toy")
    assert DDR(encoder).needs == DDR(encoder, geometry="windows").needs == "features"
    assert DDR(encoder, geometry="native").needs == "native_features"


@pytest.mark.slow
@pytest.mark.parametrize("size", [(480, 720), (333, 333), (40, 31), (2000, 3000)])
def test_a_whole_vit_equals_the_published_class(size, tmp_path_factory):
    """Through ``Scorer``, with random weights: open_clip's own model and the literal equations."""
    clip = import_open_clip()
    torch.manual_seed(0)
    model = clip.create_model("ViT-B-32-quickgelu").eval()
    path = tmp_path_factory.mktemp("weights") / "vit.pt"
    torch.save(model.state_dict(), path)
    pixels = torch.randint(0, 256, (*size, 3), dtype=torch.uint8).numpy()
    ours = Scorer(encoder=f"ViT-B-32-quickgelu:{path}").score(pixels).scores["ddr"]

    image = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    mean = torch.tensor([0.48145466, 0.4578275, 0.40821073])[:, None, None]
    std = torch.tensor([0.26862954, 0.26130258, 0.27577711])[:, None, None]
    tokens = clip.get_tokenizer("ViT-B-32")
    with torch.no_grad():
        texts = torch.cat(
            [
                model.encode_text(tokens([p.degraded])) - model.encode_text(tokens([p.clean]))
                for p in select_pairs()
            ]
        )
        responses = []
        for top, left, side in square_crops(*size):
            crop = image[..., top : top + side, left : left + side]
            crop = F.interpolate(crop, size=(224, 224), mode="bicubic", align_corners=False)
            responses.append(literal(model.encode_image((crop - mean) / std), texts).mean())
    assert ours == pytest.approx(float(torch.stack(responses).mean()), abs=1e-6)
