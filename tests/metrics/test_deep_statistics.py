"""Statistics of deep features: VGG19 against a plain chain of torch's functions, stages by hand."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ddriqa import load_encoder
from ddriqa.errors import ImageError, WeightsError
from ddriqa.metrics.deep_statistics import StageStatistics, VGGStatistics
from ddriqa.metrics.vgg import VGG19Features

CONVOLUTIONS = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28)
"""Indices in torchvision's VGG19 up to relu5_1; a pool precedes 5, 10, 19 and 28."""


def picture(height, width, seed=0):
    coarse = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return coarse.repeat(2, axis=0).repeat(2, axis=1)[:height, :width]


@pytest.fixture(scope="module")
def tensors():
    torch.manual_seed(0)
    tensors = VGG19Features().state_dict()
    for tensor in tensors.values():
        if tensor.ndim == 4:  # keep the size of the features through 13 layers
            tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5)
    return tensors


@pytest.fixture(scope="module")
def weights(tensors, tmp_path_factory):
    """As torchvision's file: a classifier beside the features, the format before torch 1.6."""
    path = tmp_path_factory.mktemp("vgg") / "vgg19-dcbb9e9d.pth"
    whole = tensors | {"classifier.6.bias": torch.zeros(1000)}
    torch.save(whole, path, _use_new_zipfile_serialization=False)
    return path


def by_hand(tensors, pixels):
    """Mean and population deviation at relu1_1 ... relu5_1, the whole picture at once."""
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    x = torch.tensor(((pixels / 255 - mean) / std).transpose(2, 0, 1)[None], dtype=torch.float32)
    found = {}
    for index in CONVOLUTIONS:
        if index in (5, 10, 19, 28):
            x = F.max_pool2d(x, 2)
        weight, bias = (tensors[f"features.{index}.{which}"] for which in ("weight", "bias"))
        x = F.conv2d(x, weight, bias, padding=1).relu()
        if index in (0, 5, 10, 19, 28):
            layer = f"vgg_relu{1 + len(found) // 2}_1"
            found[f"{layer}_mean"] = x.double().mean().item()
            found[f"{layer}_std"] = x.double().std(correction=0).item()
    return found


def test_vgg_has_torchvisions_structure():
    network = VGG19Features()
    assert sum(p.numel() for p in network.parameters()) == 20_024_384
    kinds = [type(layer).__name__ for layer in network.features]
    assert len(kinds) == 37
    assert [i for i, kind in enumerate(kinds) if kind == "MaxPool2d"] == [4, 9, 18, 27, 36]
    convolutions = [i for i, kind in enumerate(kinds) if kind == "Conv2d"]
    assert convolutions[:13] == list(CONVOLUTIONS)
    assert [network.features[i].out_channels for i in (0, 5, 10, 19, 28)] == [
        64,
        128,
        256,
        512,
        512,
    ]


@pytest.mark.parametrize("size", [(16, 16), (57, 90), (131, 48)])
def test_equals_the_network_by_hand(tensors, weights, size):
    metric = VGGStatistics(weights)
    found, expected = metric.measure(picture(*size)), by_hand(tensors, picture(*size))
    assert tuple(found) == metric.columns == tuple(expected)
    assert found == pytest.approx(expected, rel=1e-4)
    assert metric.describe()["weights"].startswith("vgg19-dcbb9e9d.pth:")


@pytest.mark.parametrize("height", [201, 208, 300])
def test_bands_give_the_same_numbers(tensors, weights, monkeypatch, height):
    """Bands of 96 rows, some of them so short that the last layer has none of theirs."""
    monkeypatch.setattr("ddriqa.metrics.deep_statistics.BAND_PIXELS", 1)
    pixels = picture(height, 40)
    assert VGGStatistics(weights).measure(pixels) == pytest.approx(
        by_hand(tensors, pixels), rel=1e-4
    )


def test_vgg_needs_weights_and_size(weights, tmp_path):
    with pytest.raises(WeightsError, match=r"vgg19-dcbb9e9d\.pth"):
        VGGStatistics()
    other = tmp_path / "other.pth"
    torch.save({"features.0.weight": torch.zeros(64, 3, 3, 3)}, other)
    with pytest.raises(WeightsError, match=r"features\.0\.bias is absent, expected \(64,\)"):
        VGGStatistics(other)
    with pytest.raises(ImageError, match="shorter than 16 px"):
        VGGStatistics(weights).measure(picture(15, 400))


def test_safetensors_will_do(tensors, weights, tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / "vgg19.safetensors"
    save_file(tensors, path)
    pixels = picture(40, 40)
    assert VGGStatistics(path).measure(pixels) == VGGStatistics(weights).measure(pixels)
    path.write_bytes(b"broken")
    with pytest.raises(WeightsError, match="damaged"):
        VGGStatistics(path)


def test_stage_statistics_are_those_of_numpy():
    encoder = load_encoder("toy")
    metric = StageStatistics(encoder)
    pixels = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        stages = encoder.stages(pixels)
    scores = metric.score(stages)
    assert tuple(scores) == metric.columns
    assert metric.columns == ("stage1_mean", "stage1_std", "stage2_mean", "stage2_std")
    for number, stage in enumerate(stages, 1):
        flat = stage.numpy().reshape(3, -1).astype(float)
        np.testing.assert_allclose(scores[f"stage{number}_mean"], flat.mean(1), rtol=1e-5)
        np.testing.assert_allclose(scores[f"stage{number}_std"], flat.std(1), rtol=1e-5)


def test_stage_statistics_of_the_builtin_encoder():
    encoder = load_encoder("builtin")
    metric = StageStatistics(encoder)
    with torch.inference_mode():
        view = metric.view(picture(200, 260))
        scores = metric.score(
            encoder.stages(view.float() / 255 if view.dtype == torch.uint8 else view)
        )
    assert len(scores) == 2 * len(encoder.card.stage_channels)
    assert all(torch.isfinite(v).all() and v.shape == (len(view),) for v in scores.values())
