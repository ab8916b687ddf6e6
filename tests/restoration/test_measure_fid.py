"""The Frechet distance in closed form and by scipy's root; Inception's structure and loading."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from random_weights import picture
from scipy.linalg import sqrtm

from ddriqa.errors import UsageError, WeightsError
from ddriqa.restoration.measures import build
from ddriqa.restoration.measures.fid import Collected, frechet_distance
from ddriqa.restoration.measures.inception import InceptionA, InceptionE, InceptionV3


def features(count, length, seed=0):
    random = torch.Generator().manual_seed(seed)
    mix = torch.randn(length, length, generator=random, dtype=torch.double)
    return torch.randn(count, length, generator=random, dtype=torch.double) @ mix


@pytest.mark.parametrize(("count", "other"), [(200, 150), (30, 12), (9, 5)])
def test_the_distance_by_scipys_matrix_root(count, other):
    """Heusel's formula with sqrtm, also where covariances are singular (fewer than 12)."""
    x, y = features(count, 12), features(other, 12, seed=1) + 0.5
    a, b = np.cov(x.numpy(), rowvar=False), np.cov(y.numpy(), rowvar=False)
    ridge = 1e-12 * np.eye(12)
    root = sqrtm((a + ridge) @ (b + ridge)).real
    shift = (x.mean(0) - y.mean(0)).square().sum().item()
    expected = shift + np.trace(a + b - 2 * root)
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-5)


def test_closed_forms():
    """A shift counts by its square, a scale s by (s - 1)^2 times the variance."""
    x = features(50, 6)
    assert frechet_distance(x, x.flip(0)) == pytest.approx(0, abs=1e-9)
    shift = torch.arange(6.0).double()
    assert frechet_distance(x, x + shift) == pytest.approx(55, rel=1e-9)
    centred = x - x.mean(0)
    variance = x.var(0).sum().item()
    assert frechet_distance(centred, 3 * centred) == pytest.approx(4 * variance, rel=1e-9)


def test_few_features_of_inceptions_length():
    """Three against four in 2048 dimensions: fewer numbers than any full root could use."""
    x, y = features(3, 2048), features(4, 2048, seed=1)
    assert frechet_distance(x, y) == pytest.approx(frechet_distance(y, x), rel=1e-10)
    assert frechet_distance(x, torch.cat([x, x, x])) < frechet_distance(x, y)


@pytest.mark.parametrize("shapes", [((1, 4), (5, 4)), ((5, 4), (5, 3))])
def test_sets_that_have_no_covariance_are_refused(shapes):
    with pytest.raises(UsageError, match="two features or more"):
        frechet_distance(*(torch.zeros(shape) for shape in shapes))


@pytest.fixture(scope="module")
def inception():
    torch.manual_seed(0)
    return InceptionV3().eval()


def test_inception_has_its_known_size(inception):
    """torchvision's inception_v3 without auxiliary head has 23,834,568 numbers, 2,049,000 of them
    in the classifier."""
    assert sum(p.numel() for p in inception.parameters()) == 23_834_568 - 2_049_000


def test_inceptions_maps_have_the_papers_sizes(inception):
    """Table 1 of Szegedy et al.: 35 x 35 x 288, 17 x 17 x 768, 8 x 8 x 2048."""
    sizes = {}
    for name in ("Conv2d_2b_3x3", "Conv2d_4a_3x3", "Mixed_5d", "Mixed_6e", "Mixed_7c"):
        module = inception.get_submodule(name)
        module.register_forward_hook(
            lambda _module, _inputs, maps, name=name: sizes.update({name: tuple(maps.shape[1:])})
        )
    with torch.no_grad():
        assert inception(picture(299, 299)).shape == (1, 2048)
    assert sizes == {
        "Conv2d_2b_3x3": (64, 147, 147),
        "Conv2d_4a_3x3": (192, 71, 71),
        "Mixed_5d": (288, 35, 35),
        "Mixed_6e": (768, 17, 17),
        "Mixed_7c": (2048, 8, 8),
    }


@torch.no_grad()
def test_pools_leave_the_padding_out_and_the_last_is_a_maximum():
    """What sets TensorFlow's network apart from torchvision's, seen on constant maps."""
    ones = torch.ones(1, 2, 5, 5)
    for block, channels in ((InceptionA(2, pool=3).eval(), 3), (InceptionE(2).eval(), 192)):
        pooled = block(ones)[:, -channels:]
        assert torch.allclose(pooled, pooled[..., 2:3, 2:3].expand_as(pooled), atol=1e-6)
    last = InceptionE(2, last=True).eval()
    values = picture(5, 5)[:, :2]
    expected = last.branch_pool(F.max_pool2d(values, 3, stride=1, padding=1))
    assert torch.allclose(last(values)[:, -192:], expected)


@pytest.mark.parametrize("counted", [True, False])
def test_a_file_with_or_without_counted_batches_loads(inception, counted, tmp_path):
    """Batch normalisation counts its batches only since torch 0.4.1."""
    tensors = {
        key: tensor
        for key, tensor in inception.state_dict().items()
        if counted or not key.endswith("num_batches_tracked")
    }
    tensors |= {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    torch.save(tensors, tmp_path / "inception.pth")
    fid = build("fid", weights=tmp_path / "inception.pth")
    pixels = picture(40, 60, 3)
    resized = F.interpolate(pixels, (299, 299), mode="bilinear", align_corners=False)
    with torch.no_grad():
        assert torch.allclose(fid.features(pixels), inception(2 * resized - 1), atol=1e-6)
    if counted:
        same, other = [pixels[:2], pixels[2:]], [1 - pixels[:1], pixels[:2] / 2]
        assert fid(same, same) == pytest.approx(0, abs=1e-6)
        both = (torch.cat([fid.features(b) for b in part]) for part in (same, other))
        assert fid(same, other) == pytest.approx(frechet_distance(*both))


def test_what_comes_picture_by_picture_is_the_distance_of_the_sets(inception, tmp_path):
    torch.save(inception.state_dict(), tmp_path / "inception.pth")
    fid = build("fid", weights=tmp_path / "inception.pth")
    output, target = picture(40, 60, 3), picture(50, 40, 3, seed=1)
    collected = Collected(fid)
    with pytest.raises(UsageError, match="two features or more"):
        collected.distance()
    for pair in zip(output, target, strict=True):
        collected.add(*pair)
    assert collected.distance() == pytest.approx(fid([output], [target]), rel=1e-4)


def test_weights_that_are_absent_or_others_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="pt_inception-2015-12-05-6726825d.pth"):
        build("fid")
    torch.save({"conv.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match="doesn't fit fid's Inception"):
        build("fid", weights=tmp_path / "other.pth")
