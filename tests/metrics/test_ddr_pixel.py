"""The pixel-domain form: Eq. 1 and 2 spelled out, and what it should do."""

import numpy as np
import pytest
import torch

from ddriqa import load_encoder
from ddriqa.degradations import degrade
from ddriqa.errors import UsageError
from ddriqa.metrics.ddr_pixel import pixel_response

ENCODER = load_encoder("toy")


@pytest.fixture
def image():
    coarse = np.random.default_rng(0).integers(0, 256, (16, 20, 3), dtype=np.uint8)
    return coarse.repeat(4, axis=0).repeat(4, axis=1)


def test_is_the_distance_between_features(image):
    damaged = degrade(image, "gaussian_blur", 0.6, seed=0)
    before, after = (
        ENCODER.encode_image(ENCODER.view(x).float() / 255)[0] for x in (image, damaged)
    )
    cosine = 1 - before @ after / (before.norm() * after.norm())
    response = pixel_response(ENCODER, image, "gaussian_blur", 0.6)
    assert response == pytest.approx(float(cosine), abs=1e-6)
    assert pixel_response(ENCODER, image, "gaussian_blur", 0.6, disparity="l2") == pytest.approx(
        float(torch.linalg.vector_norm(after - before)), rel=1e-5
    )
    assert pixel_response(ENCODER, image, "gaussian_blur", 0.6, disparity="l1") == pytest.approx(
        float((after - before).abs().mean()), rel=1e-5
    )


@pytest.mark.parametrize("geometry", ["crops", "view"])
def test_no_damage_no_response(image, geometry):
    response = pixel_response(ENCODER, image, "jpeg", 0.0, geometry=geometry)
    assert response == pytest.approx(0, abs=1e-6)


def test_grows_with_the_level_and_repeats_by_seed(image):
    responses = [pixel_response(ENCODER, image, "gaussian_noise", x) for x in (0.2, 0.6, 1.0)]
    assert responses == sorted(responses)
    assert pixel_response(ENCODER, image, "gaussian_noise", 0.6, seed=0) == responses[1]
    assert pixel_response(ENCODER, image, "gaussian_noise", 0.6, seed=1) != responses[1]


def test_a_sharper_picture_responds_more_to_blur(image):
    soft = degrade(image, "gaussian_blur", 0.8, seed=0)
    assert pixel_response(ENCODER, soft, "gaussian_blur", 0.4) < pixel_response(
        ENCODER, image, "gaussian_blur", 0.4
    )


@pytest.mark.parametrize(
    ("name", "level", "options"),
    [("blurr", 0.5, {}), ("jpeg", 1.5, {}), ("jpeg", 0.5, {"disparity": "l3"})],
)
def test_wrong_use_says_so(image, name, level, options):
    with pytest.raises(UsageError):
        pixel_response(ENCODER, image, name, level, **options)
