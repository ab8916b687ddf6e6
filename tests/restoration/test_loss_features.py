"""CTX, PDL, FDL: the sheet's vectors, plain loops, and the maps of VGG19 that they compare."""

import numpy as np
import pytest
import torch
from random_weights import picture, random_network, save_network
from scipy.signal import correlate
from scipy.stats import wasserstein_distance

from ddriqa.errors import UsageError, WeightsError
from ddriqa.restoration.losses import build
from ddriqa.restoration.losses.contextual import ContextualLoss, contextual
from ddriqa.restoration.losses.fdl import FrequencyDistributionLoss, frequency_distribution
from ddriqa.restoration.losses.pdl import ProjectedDistributionLoss, projected_distribution
from ddriqa.restoration.losses.vgg import LAST_LAYERS, LAYERS, VGG19Maps

N = torch.arange(100, dtype=torch.double)
X = torch.sin(0.7 * N).view(1, 4, 5, 5)
Y = torch.sin(0.7 * N + 0.5 * torch.cos(0.3 * N)).view(1, 4, 5, 5)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return save_network(tmp_path_factory.mktemp("vgg"), "vgg19")


def features(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


@pytest.mark.parametrize(
    ("bandwidth", "expected"), [(0.5, 0.98152953), (1.0, 1.05116569), (0.1, 0.89074892)]
)
def test_contextual_of_the_sheets_vectors(bandwidth, expected):
    """Calculated in float64 from the form of S-aiueo32/contextual_loss_pytorch."""
    assert contextual(X, Y, bandwidth).item() == pytest.approx(expected, abs=5e-9)


def test_contextual_of_equal_features_is_all_but_zero():
    assert contextual(X, X).item() == pytest.approx(-1.0e-5, abs=1e-8)


def test_contextual_is_the_mean_over_the_batch_about_one_common_mean():
    """Loops over positions, with the target's mean over batch and positions."""
    x, y = features(2, 3, 2, 3), features(2, 3, 2, 3, seed=1)
    mean = y.mean((0, 2, 3))
    losses = []
    for a, b in zip(x.numpy(), y.numpy(), strict=True):
        a, b = ((f.reshape(3, -1).T - mean.numpy()) for f in (a, b))
        a, b = (f / np.linalg.norm(f, axis=1, keepdims=True) for f in (a, b))
        similar = np.zeros((6, 6))
        for i in range(6):
            distances = np.array([1 - a[i] @ b[j] for j in range(6)])
            affinity = np.exp((1 - distances / (distances.min() + 1e-5)) / 0.5)
            similar[i] = affinity / affinity.sum()
        losses.append(-np.log(similar.max(axis=0).mean() + 1e-5))
    assert contextual(x, y).item() == pytest.approx(np.mean(losses), rel=1e-10)


def test_projected_distribution_of_the_sheets_vectors():
    assert projected_distribution(X, Y).item() == pytest.approx(0.09248972, abs=5e-9)


def test_projected_distribution_is_scipys_wasserstein_distance_a_channel():
    x, y = features(2, 3, 4, 5), features(2, 3, 4, 5, seed=1)
    pairs = zip(x.view(6, 20).numpy(), y.view(6, 20).numpy(), strict=True)
    expected = np.mean([wasserstein_distance(a, b) for a, b in pairs])
    assert projected_distribution(x, y).item() == pytest.approx(expected, rel=1e-12)
    moved = x.flip(-1).roll(1, -2)
    assert projected_distribution(x, moved).item() == 0


def test_frequency_distribution_by_numpy_and_scipy():
    x, y, filters = features(2, 3, 7, 9), features(2, 3, 7, 9, seed=1), features(4, 3, 5, 5, seed=2)
    expected = 0.0
    for part, weight in ((np.abs, 1.0), (np.angle, 0.5)):
        spectra = [part(np.fft.fft2(f.numpy())) for f in (x, y)]
        distances = [
            wasserstein_distance(*(correlate(s[b], k, "valid").ravel() for s in spectra))
            for b in range(2)
            for k in filters.numpy()
        ]
        expected += weight * np.mean(distances)
    found = frequency_distribution(x, y, filters, phase_weight=0.5)
    assert found.item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    "loss",
    [
        contextual,
        projected_distribution,
        lambda x, y: frequency_distribution(x, y, features(4, 3, 5, 5, seed=2)),
    ],
    ids=["contextual", "projected", "frequency"],
)
def test_gradients_of_the_functions_are_those_of_differences(loss):
    x, y = features(2, 3, 5, 7).requires_grad_(), features(2, 3, 5, 7, seed=1)
    assert torch.autograd.gradcheck(loss, (x, y))


@pytest.mark.parametrize("name", ["ctx", "pdl", pytest.param("fdl", marks=pytest.mark.slow)])
def test_gradients_to_the_pixels_are_those_of_differences(name, weights):
    """Sides that are odd in every block: a spectrum's real entries have phases of 0 or pi."""
    loss = build({"name": name, "weights": weights}).double()
    side = 95 if name == "fdl" else 16
    output = picture(side, side, dtype=torch.double).requires_grad_()
    target = picture(side, side, seed=1, dtype=torch.double)
    assert torch.autograd.gradcheck(lambda x: loss(x, target), output, fast_mode=True)


def maps_of(x, layers):
    """Of the normalised picture, straight from the layers' numbers in torchvision's list."""
    mean, std = (
        torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    network = random_network("vgg19").features
    return [network[: index + 1]((x - mean) / std).detach().double() for index in layers]


def test_contextual_looks_at_relu3_4_or_where_it_is_told(weights):
    x, y = picture(24, 20), picture(24, 20, seed=1)
    (f,), (g,) = maps_of(x, [17]), maps_of(y, [17])
    loss = ContextualLoss(weights=weights)
    assert loss(x, y).item() == pytest.approx(contextual(f, g).item(), rel=1e-4)
    several = ContextualLoss(weights=weights, layers=["relu3_2", "relu4_2"], bandwidth=0.2)
    pairs = zip(maps_of(x, [13, 22]), maps_of(y, [13, 22]), strict=True)
    expected = sum(contextual(f, g, 0.2).item() for f, g in pairs)
    assert several(x, y).item() == pytest.approx(expected, rel=1e-4)


def test_pdl_sums_the_last_map_of_each_block(weights):
    x, y = picture(32, 40), picture(32, 40, seed=1)
    pairs = zip(*(maps_of(image, (3, 8, 17, 26, 35)) for image in (x, y)), strict=True)
    expected = sum(projected_distribution(f, g).item() for f, g in pairs)
    found = ProjectedDistributionLoss(weights=weights)(x, y)
    assert found.item() == pytest.approx(expected, rel=1e-4)


def test_fdl_has_fixed_filters_of_unit_norm_and_a_least_size(weights):
    loss, again = (FrequencyDistributionLoss(weights=weights) for _ in range(2))
    other = FrequencyDistributionLoss(weights=weights, seed=1)
    for layer, channels in zip(LAST_LAYERS, (64, 128, 256, 512, 512), strict=True):
        filters = loss.get_buffer(f"filters_{layer}")
        assert filters.shape == (256, channels, 5, 5)
        assert filters.square().sum((1, 2, 3)).tolist() == pytest.approx([1.0] * 256)
        assert torch.equal(filters, again.get_buffer(f"filters_{layer}"))
        assert not torch.equal(filters, other.get_buffer(f"filters_{layer}"))
    x, y = picture(80, 80), picture(80, 80, seed=1)
    assert loss(x, x).item() == 0
    assert loss(x, y).item() == again(x, y).item() > 0
    with pytest.raises(UsageError, match="crops of 79 x 80 are too small"):
        loss(x[..., 1:, :], y[..., 1:, :])


def test_fdl_sums_its_distance_over_blocks(weights):
    x, y = picture(95, 95), picture(95, 95, seed=1)
    loss = FrequencyDistributionLoss(weights=weights, phase_weight=0.0)
    maps = (maps_of(image, (3, 8, 17, 26, 35)) for image in (x, y))
    expected = sum(
        frequency_distribution(f, g, loss.get_buffer(f"filters_{layer}").double(), 0.0).item()
        for f, g, layer in zip(*maps, LAST_LAYERS, strict=True)
    )
    assert loss(x, y).item() == pytest.approx(0.1 * expected, rel=1e-4)


def test_the_layers_are_torchvisions():
    """Indices measured on torchvision's vgg19, research sheet of DDR."""
    known = {"relu1_1": 1, "relu1_2": 3, "relu2_1": 6, "relu2_2": 8, "relu3_1": 11, "relu3_2": 13,
             "relu3_3": 15, "relu3_4": 17, "relu4_1": 20, "relu4_2": 22, "relu4_3": 24,
             "relu4_4": 26, "relu5_1": 29, "relu5_4": 35}  # fmt: skip
    assert {name: LAYERS[name] for name in known} == known
    assert len(LAYERS) == 16


@pytest.mark.parametrize(("layer", "least"), [("relu1_2", 1), ("relu3_4", 4), ("relu5_4", 16)])
def test_the_least_size_of_a_layer(layer, least, weights):
    maps = VGG19Maps([layer], weights)
    assert maps(picture(least, least))[0].shape[-2:] == (1, 1)
    if least > 1:
        with pytest.raises(UsageError, match=f"It needs {least} x {least}"):
            maps(picture(least - 1, least))


def test_what_is_refused(weights, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for name in ("ctx", "pdl", "fdl"):
        with pytest.raises(WeightsError, match="vgg19-dcbb9e9d.pth"):
            build({"name": name})
    with pytest.raises(UsageError, match="unknown layer 'relu3_5'"):
        ContextualLoss(layers=["relu3_5"], weights=weights)
    with pytest.raises(UsageError, match="needs a layer"):
        ContextualLoss(layers=[], weights=weights)
