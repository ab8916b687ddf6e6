"""LPIPS: the published numbers where the weights are at hand, its formula step by step."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from random_weights import picture, random_network, save_network

from ddriqa.errors import UsageError, WeightsError
from ddriqa.restoration.losses.backbones import FILES, NETWORKS, load_backbone
from ddriqa.restoration.losses.lpips import LPIPS, LPIPSLoss

REFERENCES = Path(__file__).resolve().parents[3] / "shared" / "weights"
FOLDER = REFERENCES / "lpips"
reference = pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the reference weights")
CACHED = Path(torch.hub.get_dir()) / "checkpoints" / FILES["alexnet"]
CHANNELS = {
    "alex": (64, 192, 384, 256, 256),
    "vgg": (64, 128, 256, 512, 512),
    "squeeze": (64, 128, 256, 384, 384, 512, 512),
}
BACKBONES = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}


def read(path):
    pixels = torch.from_numpy(np.array(Image.open(path).convert("RGB")))
    return pixels.permute(2, 0, 1)[None] / 255


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Network -> its options, with random weights in the published layouts."""
    folder = tmp_path_factory.mktemp("lpips")
    random = torch.Generator().manual_seed(5)
    found = {}
    for network, channels in CHANNELS.items():
        heads = {
            f"lin{i}.model.1.weight": torch.rand(1, count, 1, 1, generator=random)
            for i, count in enumerate(channels)
        }
        torch.save(heads, folder / f"{network}.pth")
        weights = save_network(folder, BACKBONES[network])
        found[network] = {"weights": weights, "heads": folder / f"{network}.pth"}
    return found


@reference
@pytest.mark.parametrize(("distorted", "official"), [("ex_p0", 0.711048), ("ex_p1", 0.147902)])
def test_the_numbers_of_the_authors_code(distorted, official):
    """richzhang/PerceptualSimilarity, LPIPS-squeeze of its own example pictures."""
    metric = LPIPS(
        "squeeze",
        weights=FOLDER / "squeezenet1_1_features.pth",
        heads=FOLDER / "linear_squeeze.pth",
    )
    pair = read(FOLDER / "ex_ref.png"), read(FOLDER / f"{distorted}.png")
    assert metric(*pair).item() == pytest.approx(official, abs=1e-5)


@reference
def test_the_reference_files_are_found_by_their_own_names(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "nothing"))
    monkeypatch.setenv("DDRIQA_WEIGHTS", str(FOLDER))
    pair = read(FOLDER / "ex_ref.png"), read(FOLDER / "ex_p0.png")
    assert LPIPS("squeeze")(*pair).item() == pytest.approx(0.711048, abs=1e-4)


@reference
@pytest.mark.skipif(not CACHED.is_file(), reason="needs torchvision's AlexNet weights")
@pytest.mark.parametrize(
    ("name", "official"),
    [("I03", 0.7237), ("I04", 0.2572), ("I06", 0.05079), ("I08", 0.05205), ("I19", 0.4253)],
)
def test_the_numbers_of_alexnet(name, official):
    """IQA-PyTorch, results_official.csv, row lpips."""
    metric = LPIPS(heads=FOLDER / "linear_alex.pth")
    folder = REFERENCES / "calibration"
    pair = (read(folder / part / f"{name}.png") for part in ("dist", "ref"))
    assert metric(*pair).item() == pytest.approx(official, abs=1e-3)


@reference
@pytest.mark.parametrize("network", CHANNELS)
def test_the_published_heads_fit(network, files):
    LPIPS(network, weights=files[network]["weights"], heads=FOLDER / f"linear_{network}.pth")


def plain_maps(network, weights, x):
    """AlexNet's and VGG16's maps after ReLUs, by torch's functions."""

    def convolve(x, index, **options):
        weight, bias = (weights[f"features.{index}.{w}"] for w in ("weight", "bias"))
        return F.conv2d(x, weight, bias, **options).relu()

    maps = []
    if network == "alex":
        for index, options in ((0, {"stride": 4, "padding": 2}), (3, {"padding": 2})):
            maps.append(convolve(x, index, **options))
            x = F.max_pool2d(maps[-1], 3, 2)
        for index in (6, 8, 10):
            x = convolve(x, index, padding=1)
            maps.append(x)
        return maps
    for block in ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28)):
        x = F.max_pool2d(x, 2) if maps else x
        for index in block:
            x = convolve(x, index, padding=1)
        maps.append(x)
    return maps


@pytest.mark.parametrize("network", ["alex", "vgg"])
def test_it_is_the_formula_step_by_step(network, files):
    """Section 3 of the sheet's sources: normalise, unit lengths, weighted squares, means, sum."""
    x, y = picture(40, 50, 2), picture(40, 50, 2, seed=1)
    weights = {k: v.double() for k, v in torch.load(files[network]["weights"]).items()}
    heads = torch.load(files[network]["heads"])
    mean, std = (
        (torch.tensor(v).view(3, 1, 1)) for v in ((-0.03, -0.088, -0.188), (0.458, 0.448, 0.45))
    )
    features = [
        plain_maps(network, weights, ((2 * image - 1 - mean) / std).double()) for image in (x, y)
    ]
    expected = torch.zeros(2, dtype=torch.double)
    for layer, (f, g) in enumerate(zip(*features, strict=True)):
        head = heads[f"lin{layer}.model.1.weight"].flatten().double()
        difference = F.normalize(f, dim=1) - F.normalize(g, dim=1)
        expected += torch.einsum("bchw,c->bhw", difference**2, head).mean((1, 2))
    metric = LPIPS(network, **files[network])
    assert metric(x, y).tolist() == pytest.approx(expected.tolist(), rel=1e-4)
    loss = LPIPSLoss(network, weight=3.0, **files[network])
    assert loss(x, y).item() == pytest.approx(3 * expected.mean().item(), rel=1e-4)


@pytest.mark.parametrize(("network", "least"), [("alex", 31), ("vgg", 16), ("squeeze", 17)])
def test_the_least_size(network, least, files):
    """The shortest side that has all maps; one less has none of the last."""
    metric = LPIPS(network, **files[network])
    x, y = picture(least, least + 9), picture(least, least + 9, seed=1)
    assert metric(x, y).item() > 0
    with pytest.raises(UsageError, match=f"Sides of {least} pixels are the least"):
        metric(x[..., 1:, :], y[..., 1:, :])
    backbone = NETWORKS[BACKBONES[network]]()
    indices = metric.taps.indices
    with pytest.raises(RuntimeError, match="too small"):
        list(backbone.maps(x[..., 1:, :], indices))


def test_an_equal_pair_has_none_and_no_nan_even_where_features_are_dead(files):
    loss = LPIPSLoss("squeeze", **files["squeeze"])
    with torch.no_grad():
        for parameter in loss.distance.backbone.parameters():
            parameter.zero_()
    output = torch.zeros(1, 3, 20, 20, requires_grad=True)
    value = loss(output, torch.ones(1, 3, 20, 20))
    value.backward()
    assert value.item() == 0
    assert torch.equal(output.grad, torch.zeros_like(output))


def test_the_gradient_is_that_of_differences(files):
    loss = LPIPSLoss("squeeze", **files["squeeze"]).double()
    output = picture(17, 17, dtype=torch.double).requires_grad_()
    target = picture(17, 17, seed=1, dtype=torch.double)
    assert torch.autograd.gradcheck(lambda x: loss(x, target), output, fast_mode=True)


@pytest.mark.parametrize(
    ("name", "count"), [("alexnet", 2_469_696), ("vgg16", 14_714_688), ("squeezenet1_1", 722_496)]
)
def test_the_networks_have_their_known_sizes(name, count):
    assert sum(p.numel() for p in NETWORKS[name]().parameters()) == count


def test_weights_come_from_torch_hubs_folder_where_they_are(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(WeightsError, match="https://.*/squeezenet1_1-b8a52dc0.pth holds"):
        load_backbone("squeezenet1_1")
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    save_network(folder, "squeezenet1_1").rename(folder / "squeezenet1_1-b8a52dc0.pth")
    found = load_backbone("squeezenet1_1").state_dict()
    for key, tensor in random_network("squeezenet1_1").state_dict().items():
        assert torch.equal(found[key], tensor)


def test_weights_come_from_the_named_folder_too(tmp_path, monkeypatch, files):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "nothing"))
    monkeypatch.setenv("DDRIQA_WEIGHTS", str(tmp_path))
    with pytest.raises(WeightsError, match="Save it as lpips_squeeze.pth in the folder"):
        LPIPS("squeeze")
    own = files["squeeze"]
    (tmp_path / "lpips_squeeze.pth").write_bytes(own["heads"].read_bytes())
    (tmp_path / FILES["squeezenet1_1"]).write_bytes(own["weights"].read_bytes())
    pair = picture(40, 40), picture(40, 40, seed=1)
    assert torch.equal(LPIPS("squeeze")(*pair), LPIPS("squeeze", **own)(*pair))


def test_what_it_refuses(files):
    with pytest.raises(UsageError, match="unknown network 'resnet'"):
        LPIPS("resnet")
    with pytest.raises(WeightsError, match="lpips/weights/v0.1/alex.pth"):
        LPIPS()
    with pytest.raises(WeightsError, match="doesn't fit lpips alex's linear heads"):
        LPIPS(heads=files["vgg"]["heads"])
    with pytest.raises(WeightsError, match="doesn't fit alexnet: features.0.weight"):
        LPIPS(heads=files["alex"]["heads"], weights=files["vgg"]["weights"])
