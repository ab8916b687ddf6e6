"""What every encoder promises, checked on each: the table's, a CLIP ViT and a CLIP ResNet."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from ddriqa.encoders import Encoder, load_encoder
from ddriqa.encoders.catalogue import BUILT_IN, BUILT_IN_WEIGHTS, list_encoders
from ddriqa.errors import UsageError

TEXTS = ["A clean photo with high-quality.", "A noise degraded photo with low-quality."]


def load(name: str) -> Encoder:
    if name == "builtin" and not BUILT_IN_WEIGHTS.is_file():
        pytest.skip("the built-in encoder's weights aren't in the package")
    return load_encoder(name)


@pytest.fixture(scope="module", params=[*BUILT_IN, "ViT-B-32", "RN50"])
def encoder(request, clip_encoder) -> Encoder:
    return load(request.param) if request.param in BUILT_IN else clip_encoder(request.param)[0]


def pixels(encoder: Encoder, count: int, seed: int = 0) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.rand(count, 3, encoder.card.side, encoder.card.side, generator=random)


@pytest.fixture(scope="module")
def features(encoder) -> torch.Tensor:
    with torch.no_grad():
        return encoder.encode_image(pixels(encoder, 2))


@pytest.fixture(scope="module")
def text_features(encoder) -> torch.Tensor:
    with torch.no_grad():
        return encoder.encode_text([*TEXTS, TEXTS[0]])


class TestEncoderContract:
    def test_image_features_are_what_the_card_says(self, encoder, features):
        assert features.shape == (2, encoder.card.dim)
        assert features.dtype == torch.float32
        assert encoder.card.dtype == "float32"
        assert features.isfinite().all()
        assert not torch.allclose(features[0], features[1])

    def test_features_are_not_normalised(self, features, text_features):
        assert (features.norm(dim=1) - 1).abs().min() > 1e-3
        assert (text_features.norm(dim=1) - 1).abs().min() > 1e-3

    def test_text_features_share_the_space(self, encoder, text_features):
        assert text_features.shape == (3, encoder.card.dim)
        torch.testing.assert_close(text_features[0], text_features[2])
        assert not torch.allclose(text_features[0], text_features[1])

    def test_stored_text_features_are_those_of_the_text_tower(self, encoder):
        stored = list(encoder.prompt_features)[:8] or TEXTS[:1]
        expected = encoder.encode_text(stored).detach()
        torch.testing.assert_close(encoder.text_features(stored), expected, rtol=1e-4, atol=1e-4)

    def test_stages_have_the_announced_channels_and_strides(self, encoder):
        image = pixels(encoder, 2)
        with torch.no_grad():
            stages = encoder.stages(image)
        card = encoder.card
        assert [stage.shape[1] for stage in stages] == list(card.stage_channels)
        side = image.shape[-1]
        assert [stage.shape[-1] for stage in stages] == [-(-side // s) for s in card.stage_strides]
        assert list(card.stage_strides) == sorted(card.stage_strides)
        for stage in stages:
            assert stage.shape[0] == 2
            assert stage.shape[2] == stage.shape[3]
            assert stage.isfinite().all()
            assert not torch.allclose(stage[0], stage[1])

    def test_the_gradient_reaches_the_pixels_and_no_weight(self, encoder):
        image = pixels(encoder, 1).requires_grad_()
        total = encoder.encode_image(image).square().sum()
        total = total + sum(stage.square().mean() for stage in encoder.stages(image))
        total.backward()
        assert image.grad.abs().sum() > 0
        assert image.grad.isfinite().all()
        assert not any(parameter.requires_grad for parameter in encoder.parameters())

    def test_evaluation_mode_cannot_be_left(self, encoder):
        torch.nn.Sequential(encoder).train()
        encoder.train(True)
        assert not any(module.training for module in encoder.modules())

    def test_features_do_not_depend_on_the_neighbours(self, encoder):
        batch, others = pixels(encoder, 3), pixels(encoder, 3, seed=1)
        others[-1] = batch[0]
        with torch.no_grad():
            first = encoder.encode_image(batch)[0]
            last = encoder.encode_image(others)[-1]
        assert torch.equal(first, last)

    @pytest.mark.parametrize("geometry", ["crops", "view"])
    def test_both_geometries_give_pixels_that_the_encoder_takes(self, encoder, geometry):
        picture = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
        views = encoder.view_for(geometry)(picture)
        assert views.shape[1] == 3
        scaled = views / 255 if views.dtype == torch.uint8 else views
        with torch.no_grad():
            features = encoder.encode_image(scaled.float())
        assert features.shape == (len(views), encoder.card.dim)

    def test_an_unknown_geometry_is_refused_with_the_known_ones(self, encoder):
        with pytest.raises(UsageError, match="crops, view"):
            encoder.view_for("circles")

    def test_the_card_and_the_fingerprint_tell_the_weights(self, encoder):
        assert encoder.card.parameters == sum(p.numel() for p in encoder.parameters())
        assert re.fullmatch(r"[\w.-]+:[0-9a-f]{64}", encoder.fingerprint)
        assert encoder.card.name
        assert encoder.card.source
        assert encoder.card.licence


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_second_load_gives_the_same_encoder(name):
    first, second = load(name), load(name)
    image = pixels(first, 1)
    assert first.fingerprint == second.fingerprint
    assert torch.equal(first.encode_image(image), second.encode_image(image))


def test_every_encoder_of_the_table_is_listed():
    assert set(BUILT_IN) <= {row.name for row in list_encoders()}
