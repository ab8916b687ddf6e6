"""Edge density, and ICNet under the name IC9600 only with weights."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ddriqa.errors import ImageError, WeightsError
from ddriqa.metrics.canny import canny
from ddriqa.metrics.complexity import IC9600, EdgeDensity
from ddriqa.metrics.icnet import ICNet, SpatialGate

PHOTOS = Path(__file__).parents[1] / "photos"


def disk(side=400, radius=120):
    y, x = np.mgrid[:side, :side] - side / 2
    return (255 * (np.hypot(y, x) < radius)).astype(np.uint8)


def test_edges_of_a_disk_are_its_outline():
    """Across canny's bands of rows, too: a thin closed line at the radius."""
    edges = canny(disk().astype(float), 1.0, 100, 200)
    y, x = np.argwhere(edges).T - 200
    assert np.abs(np.hypot(y, x) - 120).max() < 1.5
    angles = np.sort(np.degrees(np.arctan2(y, x)))
    assert np.diff(angles, append=angles[0] + 360).max() < 1
    assert 0.8 * 2 * math.pi * 120 < len(y) < 2.2 * 2 * math.pi * 120


def test_weak_edges_stay_where_they_touch_strong_ones():
    grey = np.zeros((60, 200))
    grey[:, 50:] = np.linspace(2, 40, 60)[:, None]  # weak above, strong below: one line
    grey[:30, 150:] += 5  # weak alone
    edges = canny(grey, 1.0, 4, 80)
    assert edges[5:-5, 48:52].any(1).all()
    assert not edges[:25, 145:155].any()


def test_bands_leave_no_seam(monkeypatch):
    grey = np.asarray(Image.open(PHOTOS / "otters.jpg").convert("L")).astype(float)
    whole = canny(grey, 1.0, 10, 40)
    monkeypatch.setattr("ddriqa.metrics.canny.BAND", 7)
    assert (canny(grey, 1.0, 10, 40) == whole).all()
    assert whole.any()


@pytest.mark.parametrize(
    ("name", "expected"), [("lake", 0.08391), ("osprey", 0.13375), ("otters_compressed", 0.15417)]
)
def test_density_is_scikit_images(name, expected):
    """``canny(luma / 255).mean()`` of scikit-image 0.26.0 with its defaults; only its border
    differs (zeros, where here the picture's edge repeats), so .0005 is allowed."""
    pixels = np.asarray(Image.open(PHOTOS / f"{name}.jpg").convert("RGB"))
    assert EdgeDensity().measure(pixels)["edge_density"] == pytest.approx(expected, abs=5e-4)


def test_density_of_a_flat_picture_and_of_two_photographs():
    def density(pixels):
        return EdgeDensity().measure(np.asarray(pixels))["edge_density"]

    assert density(np.full((40, 40, 3), 200, np.uint8)) == 0
    sharp, soft = (Image.open(PHOTOS / f"{n}.jpg").convert("RGB") for n in ("lake", "lake_blurred"))
    assert 0 < density(soft) < density(sharp) < 1
    assert "substitute" in EdgeDensity().describe()["definition"]


@pytest.fixture(scope="module")
def icnet():
    torch.manual_seed(0)
    network = ICNet().eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
    return network


@pytest.fixture(scope="module")
def weights(icnet, tmp_path_factory):
    path = tmp_path_factory.mktemp("icnet") / "ck.pth"
    torch.save(icnet.state_dict(), path)
    return path


def test_icnet_has_the_authors_number_of_parameters(icnet):
    assert sum(p.numel() for p in icnet.parameters()) == 20_328_074


def test_icnet_takes_the_authors_names(icnet):
    """Some names of the published state dict, one for each kind of module."""
    assert set(icnet.state_dict()) > {
        "b1_1.0.weight",
        "b1_1.4.1.bn2.running_var",
        "b1_2.0.downsample.1.bias",
        "b2_4.1.conv2.weight",
        "b2_4_slam.linear.2.bias",
        "up2.bn.running_mean",
        "to_map_f.conv.bias",
        "to_map.to_map.0.weight",
        "head.2.weight",
    }


def test_a_gate_scales_each_channel_by_one_number():
    torch.manual_seed(0)
    gate, maps = SpatialGate(8), torch.rand(2, 3, 16, 16) + 0.5
    ratio = gate(maps) / maps
    small = torch.nn.functional.interpolate(maps, (8, 8), mode="bilinear", align_corners=True)
    for channel in range(3):
        expected = gate.linear(small[:, channel].reshape(2, 64))
        torch.testing.assert_close(
            ratio[:, channel], expected[:, :, None].expand(2, 16, 16), rtol=1e-4, atol=1e-6
        )


def test_ic9600_squeezes_the_picture_and_scores_it(icnet, weights):
    metric = IC9600(weights)
    picture = Image.open(PHOTOS / "tea_gardens.jpg").convert("RGB")
    squeezed = np.asarray(picture.resize((512, 512), Image.Resampling.BILINEAR))
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    normal = ((squeezed / 255 - mean) / std).transpose(2, 0, 1)[None]
    with torch.no_grad():
        expected, heat = icnet(torch.tensor(normal, dtype=torch.float32))
    value = metric.measure(np.asarray(picture))["ic9600"]
    assert value == pytest.approx(float(expected), abs=1e-6)
    assert 0 < value < 1
    assert heat.shape == (1, 1, 64, 64)
    assert metric.describe()["weights"].startswith("ck.pth:")


def test_ic9600_needs_weights(tmp_path):
    with pytest.raises(WeightsError, match="github.com/tinglyfeng/IC9600"):
        IC9600()
    with pytest.raises(WeightsError, match="no such file"):
        IC9600(tmp_path / "ck.pth")


def test_ic9600_refuses_other_weights(tmp_path, icnet):
    path = tmp_path / "ck.pth"
    path.write_bytes(b"nothing")
    with pytest.raises(WeightsError, match="damaged"):
        IC9600(path)
    tensors = icnet.state_dict()
    tensors["head.2.weight"] = torch.zeros(1, 5)
    torch.save(tensors, path)
    with pytest.raises(WeightsError, match=r"head\.2\.weight is \(1, 5\), expected \(1, 512\)"):
        IC9600(path)
    torch.save({"epoch": 3}, path)
    with pytest.raises(WeightsError, match="no state dict"):
        IC9600(path)


def test_other_pixels_are_refused(weights):
    for metric in (EdgeDensity(), IC9600(weights)):
        with pytest.raises(ImageError, match="8-bit colour"):
            metric.measure(np.zeros((80, 80, 3), np.float32))
