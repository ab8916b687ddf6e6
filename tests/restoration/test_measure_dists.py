"""DISTS by its equations with random weights; the published numbers where VGG16 is at hand."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from random_weights import picture, random_network, save_network
from scipy.signal import correlate2d

from ddriqa.errors import UsageError, WeightsError
from ddriqa.restoration.losses.backbones import FILES
from ddriqa.restoration.measures import build
from ddriqa.restoration.measures.dists import l2_pool

REFERENCES = Path(__file__).resolve().parents[3] / "shared" / "weights"
OFFICIAL = REFERENCES / "lpips" / "dists_alpha_beta.pt"
reference = pytest.mark.skipif(not OFFICIAL.exists(), reason="needs the reference weights")
CACHED = Path(torch.hub.get_dir()) / "checkpoints" / FILES["vgg16"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dists")
    random = torch.Generator().manual_seed(7)
    learnt = {name: torch.rand(1, 1475, 1, 1, generator=random) for name in ("alpha", "beta")}
    torch.save(learnt, folder / "weights.pt")
    return {"weights": save_network(folder, "vgg16"), "alpha_beta": folder / "weights.pt"}


@reference
@pytest.mark.skipif(not CACHED.is_file(), reason="needs torchvision's VGG16 weights")
@pytest.mark.parametrize(
    ("name", "official"),
    [("I03", 0.4742), ("I04", 0.1424), ("I06", 0.06825), ("I08", 0.02867), ("I19", 0.3123)],
)
def test_the_official_numbers(name, official):
    """IQA-PyTorch, results_official.csv, row dists."""
    pair = []
    for part in ("dist", "ref"):
        pixels = np.array(Image.open(REFERENCES / "calibration" / part / f"{name}.png"))
        pair.append(torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255)
    assert build("dists", alpha_beta=OFFICIAL)(*pair).item() == pytest.approx(official, abs=1e-3)


@reference
def test_the_published_alpha_and_beta_fit_and_sum_to_one(files):
    metric = build("dists", weights=files["weights"], alpha_beta=OFFICIAL)
    assert (metric.alpha.sum() + metric.beta.sum()).item() == pytest.approx(1)
    x = picture(33, 47)
    assert metric(x, x).item() == pytest.approx(0, abs=1e-5)
    assert metric(x, 1 - x).item() > 0.01


def test_pooling_is_the_window_of_hanning_over_squares():
    """sqrt of the correlation with hanning(5) without its zeros, at every second place."""
    features = picture(7, 10, dtype=torch.double) - 0.3
    window = np.outer(*[np.hanning(5)[1:-1]] * 2)
    found = l2_pool(features)
    for channel, values in enumerate(features[0].numpy()):
        smooth = correlate2d(values**2, window / window.sum(), mode="same")[::2, ::2]
        assert found[0, channel].numpy() == pytest.approx(np.sqrt(smooth + 1e-12), rel=1e-9)


def maps_of(x):
    """The pixels and relu1_2 ... relu5_3 with pooling between, layer numbers of torchvision."""
    layers = random_network("vgg16").features
    mean, std = (
        torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    maps, features = [x], (x - mean) / std
    for first, last in ((0, 4), (5, 9), (10, 16), (17, 23), (24, 30)):
        features = layers[first:last](l2_pool(features) if first else features)
        maps.append(features)
    return [f.detach().double().flatten(2).numpy() for f in maps]


def test_it_is_the_papers_equations(files):
    """Eq. 6 to 9 with numpy's mean, var and cov of each channel."""
    x, y = picture(33, 47, 2), picture(33, 47, 2, seed=1)
    learnt = {k: v.flatten().numpy() for k, v in torch.load(files["alpha_beta"]).items()}
    total = learnt["alpha"].sum() + learnt["beta"].sum()
    channels = [
        [
            (f[b, c], g[b, c])
            for f, g in zip(maps_of(x), maps_of(y), strict=True)
            for c in range(f.shape[1])
        ]
        for b in range(2)
    ]
    expected = []
    for pairs in channels:
        similar = 0.0
        for (f, g), alpha, beta in zip(pairs, learnt["alpha"], learnt["beta"], strict=True):
            means, c = (f.mean(), g.mean()), np.cov(f, g, ddof=0)
            texture = (2 * means[0] * means[1] + 1e-6) / (means[0] ** 2 + means[1] ** 2 + 1e-6)
            structure = (2 * c[0, 1] + 1e-6) / (c[0, 0] + c[1, 1] + 1e-6)
            similar += (alpha * texture + beta * structure) / total
        expected.append(1 - similar)
    found = build("dists", **files)(x, y)
    assert found.tolist() == pytest.approx(expected, abs=2e-5)


def test_any_size_and_gradients(files):
    metric = build("dists", **files)
    x = picture(1, 5).requires_grad_()
    metric(x, picture(1, 5, seed=1)).sum().backward()
    assert x.grad.isfinite().all()
    assert x.grad.abs().sum() > 0


def test_what_is_refused(files):
    with pytest.raises(WeightsError, match="DISTS_pytorch/weights.pt"):
        build("dists", weights=files["weights"])
    with pytest.raises(WeightsError, match="doesn't fit DISTS's alpha and beta"):
        build("dists", weights=files["weights"], alpha_beta=files["weights"])
    with pytest.raises(UsageError, match="one shape"):
        build("dists", **files)(picture(8, 9), picture(9, 8))
