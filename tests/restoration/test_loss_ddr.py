"""The DDR loss: the paper's equations, the published class's geometry, gradients to the pixels."""

import pytest
import torch
import torch.nn.functional as F
from random_weights import picture

from ddriqa.encoders import Encoder, EncoderCard, load_encoder
from ddriqa.errors import UsageError
from ddriqa.images.views import SquareCrops
from ddriqa.metrics.ddr import DDR
from ddriqa.metrics.prompts import published_pairs
from ddriqa.restoration.losses import build
from ddriqa.restoration.losses.ddr import DDRLoss


class Projection(Encoder):
    """Pixels times a matrix, in double precision; of one size."""

    def __init__(self, side=6, dim=16):
        super().__init__(mean=(0.5,) * 3, std=(0.25,) * 3)
        self.double()
        random = torch.Generator().manual_seed(3)
        self.matrix = torch.randn(3 * side**2, dim, generator=random, dtype=torch.double)
        names = ("source", "licence", "data")
        self.card = EncoderCard(
            **dict.fromkeys(names, ""), name="projection", dim=dim, parameters=0, side=side,
            stage_channels=(), stage_strides=(), geometry="crops",
        )  # fmt: skip

    def encode_image(self, pixels):
        return ((pixels - self.mean) / self.std).flatten(1) @ self.matrix

    def encode_text(self, texts):
        random = torch.Generator().manual_seed(len("".join(texts)))
        return torch.randn(len(texts), 16, generator=random, dtype=torch.double)


class Fixed(Projection):
    """F and T of the sheet's test vector, whatever the pixels and the words."""

    def encode_image(self, pixels):
        i = torch.arange(512, dtype=torch.double)
        return (torch.sin(0.37 * i) + 0.2)[None] + 0 * pixels.sum()

    def encode_text(self, texts):
        i = torch.arange(512, dtype=torch.double)
        degraded = 0.1 * torch.cos(0.53 * i) + 0.05 * torch.sin(0.37 * i)
        return torch.stack([degraded, 0 * i])


def by_the_equations(encoder, crops, types):
    """Eq. 3, 4, 5 and 1 one after the other, ``(B, K)``."""
    resized = F.interpolate(crops, (32, 32), mode="bicubic", align_corners=False)
    rows = []
    for feature in encoder.encode_image(resized).double():
        row = []
        for name in types:
            pair = published_pairs()[name]
            text = encoder.encode_text([pair.degraded, pair.clean]).double()
            text = text[0] - text[1]
            adapted = (text - text.mean()) / (text.std() + 0.001) * feature.std() + feature.mean()
            row.append(1 - F.cosine_similarity(feature, feature + adapted, dim=0))
        rows.append(torch.stack(row))
    return torch.stack(rows)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_it_is_the_paper_s_equations_of_the_resized_crops(reduction):
    encoder = load_encoder("toy")
    output = 1.6 * picture(48, 48, 3) - 0.3  # overshoots, and isn't clamped
    responses = by_the_equations(encoder, output, ("color", "content", "blur"))
    total = responses.mean(1) if reduction == "mean" else responses.sum(1)
    loss = DDRLoss(encoder, reduction=reduction)(output, torch.zeros_like(output))
    assert loss.item() == pytest.approx(-2 * total.mean().item(), rel=1e-5)


def test_without_adaptation_the_direction_itself_is_added():
    """Table 6: F_d = F + T_d."""
    encoder, output = load_encoder("toy"), picture(32, 32, 2)
    pair = published_pairs()["blur"]
    text = encoder.encode_text([pair.degraded, pair.clean])
    features = encoder.encode_image(output)
    expected = 1 - F.cosine_similarity(features, features + text[0] - text[1])
    loss = DDRLoss(encoder, types=["blur"], adaptation=False)(output, output)
    assert loss.item() == pytest.approx(-2 * expected.mean().item(), rel=1e-4)
    assert loss.item() != pytest.approx(DDRLoss(encoder, types=["blur"])(output, output).item())


def test_the_sheets_vector():
    """DDR 0.135261106156, calculated in float64 from the authors' formula."""
    loss = DDRLoss(Fixed(), types=["blur"])
    square = picture(6, 6, dtype=torch.double)
    assert loss(square, square).item() == pytest.approx(-2 * 0.135261106156, abs=1e-11)


def test_it_is_minus_the_scorers_number_of_a_square_picture():
    encoder, types = load_encoder("toy"), ("blur", "noise")
    pixels = (picture(50, 50, seed=4)[0].permute(1, 2, 0) * 255).byte().numpy()
    score = DDR(encoder, types, geometry="crops")
    features = encoder.encode_image(SquareCrops(32)(pixels))
    output = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255
    loss = DDRLoss(encoder, types=types, weight=1.0)(output, output)
    assert loss.item() == pytest.approx(-score.score(features)["ddr"].item(), abs=1e-6)


def test_the_target_does_not_count_and_the_types_do():
    output = picture(40, 40)
    loss = DDRLoss("toy")
    assert loss(output, torch.zeros_like(output)) == loss(output, output)
    assert DDRLoss("toy", types=["noise"])(output, output) != loss(output, output)


def test_gradients_reach_every_pixel_and_no_weight():
    loss = DDRLoss("toy")
    output = picture(64, 64, 2).requires_grad_()
    loss(output, output.detach()).backward()
    assert (output.grad.abs().amax(1) > 0).float().mean() > 0.95
    assert not any(p.requires_grad or p.grad is not None for p in loss.parameters())


@pytest.mark.parametrize("encoder", ["builtin", "builtin-fast", "builtin@1"])
@pytest.mark.parametrize("offset", [-0.5, 0.0, 0.5])
def test_an_output_far_outside_the_range_has_a_finite_loss_and_gradient(encoder, offset):
    """As that of a network that begins to take noise off, neither clipped nor rounded."""
    output = offset + torch.randn(2, 3, 96, 96, generator=torch.manual_seed(0))
    output.requires_grad_()
    value = DDRLoss(encoder, side=64)(output, torch.zeros_like(output))
    value.backward()
    assert value.isfinite()
    assert output.grad.isfinite().all()


def test_the_gradient_is_that_of_differences():
    loss = DDRLoss(Projection())
    output = picture(7, 7, 2, dtype=torch.double).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss(x, torch.zeros_like(x)), output)


def test_a_few_steps_along_the_gradient_raise_ddr():
    loss = DDRLoss("toy")
    output = picture(32, 32).requires_grad_()
    before = loss(output, output.detach()).item()
    optimiser = torch.optim.SGD([output], lr=5.0)
    for _ in range(5):
        optimiser.zero_grad()
        loss(output, output.detach()).backward()
        optimiser.step()
    assert loss(output, output.detach()).item() < before


def test_another_side_needs_an_encoder_of_any_size():
    output = picture(48, 48)
    loss = build({"name": "ddr", "encoder": "toy", "side": 48})
    expected = by_the_equations_at_own_size(output)
    assert loss(output, output).item() == pytest.approx(-2 * expected, rel=1e-5)
    with pytest.raises(UsageError, match="6 x 6 pixels only"):
        DDRLoss(Projection(), side=48)


def test_the_builtin_encoder_sees_crops_as_they_are():
    output = picture(48, 48)
    loss = build({"name": "ddr", "encoder": "builtin-fast"})
    assert loss(output, output) == build({"name": "ddr", "encoder": "builtin-fast", "side": 48})(
        output, output
    )
    assert DDRLoss("builtin-fast", side=64)(output, output) != loss(output, output)


def by_the_equations_at_own_size(output):
    metric = DDR(load_encoder("toy"), ("color", "content", "blur"))
    return metric.score(load_encoder("toy").encode_image(output))["ddr"].item()


def test_what_it_refuses():
    with pytest.raises(UsageError, match="square crops, not 32 x 40"):
        DDRLoss("toy")(torch.zeros(1, 3, 32, 40), torch.zeros(1, 3, 32, 40))
    with pytest.raises(UsageError, match="unknown name 'total'"):
        DDRLoss("toy", reduction="total")
    with pytest.raises(UsageError, match="unknown type 'rain'"):
        DDRLoss("toy", types=["rain"])
