"""Tiles: together they are the whole."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch import nn

from ddriqa.errors import UsageError
from ddriqa.restoration.infer import restore, restore_pixels, spans


def convolutions(scale=1):
    """A receptive field of 7 pixels."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3, padding=1), nn.GELU(), nn.Conv2d(8, 8, 3, padding=1), nn.GELU()]
    layers += [nn.Conv2d(8, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale)]
    return nn.Sequential(*layers).eval()


def whole(network, picture):
    with torch.no_grad():
        return network(picture[None])[0]


@settings(max_examples=300, deadline=None)
@given(
    size=some.integers(1, 700),
    tile=some.integers(24, 200),
    overlap=some.integers(1, 60),
    scale=some.sampled_from([1, 2, 4]),
)
def test_the_weights_of_all_tiles_sum_to_one(size, tile, overlap, scale):
    if tile < 2 * overlap + 16:
        with pytest.raises(UsageError, match=f"{2 * overlap + 16} is the least"):
            spans(size, tile, overlap)
        return
    total = torch.zeros(size * scale)
    for span in spans(size, tile, overlap):
        assert span.start % 16 == 0
        assert span.stop - span.start <= tile + 15
        weights = span.weights(scale, overlap)
        assert (weights >= -1e-6).all()
        thrown = overlap // 2 * scale
        if span.start > 0:
            assert (weights[:thrown].abs() < 1e-6).all()
        if span.stop < size:
            assert (weights[len(weights) - thrown :].abs() < 1e-6).all()
        total[span.start * scale : span.stop * scale] += weights
    torch.testing.assert_close(total, torch.ones_like(total))


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize(("height", "width"), [(97, 130), (40, 200), (33, 33), (1, 90)])
def test_a_network_that_sees_less_than_the_overlap_gives_the_whole(height, width, scale):
    network, picture = convolutions(scale), torch.rand(3, height, width)
    tiled = restore(network, picture, tile=46, overlap=7)
    assert tiled.shape == (3, height * scale, width * scale)
    torch.testing.assert_close(tiled, whole(network, picture), rtol=0, atol=1e-6)


def test_a_network_that_reduces_falls_on_the_same_grid():
    """Eight times smaller and back: it isn't the same for a picture moved by a pixel."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 8, stride=8), nn.ConvTranspose2d(8, 3, 8, stride=8))
    picture = torch.rand(3, 160, 208)
    tiled = restore(network, picture, tile=64, overlap=15)
    torch.testing.assert_close(tiled, whole(network, picture), rtol=0, atol=1e-6)


def test_too_little_overlap_shows():
    """The test above can fail: with 2 pixels the seams see the tiles' borders."""
    network, picture = convolutions(), torch.rand(3, 97, 130)
    tiled = restore(network, picture, tile=36, overlap=2)
    assert (tiled - whole(network, picture)).abs().max() > 1e-4


class Levelling(nn.Module):
    """Looks at the whole picture: takes the mean away."""

    def forward(self, picture):
        return picture - picture.mean()


def test_what_depends_on_the_whole_picture_passes_over_softly():
    """A slope whose tiles have other means: no step is larger than the passage makes it."""
    slope = torch.linspace(0, 1, 256).expand(3, 64, 256)
    tiled = restore(Levelling(), slope, tile=96, overlap=32)
    shifted = (tiled - slope)[0, 0].diff().abs()
    assert shifted.max() < 1 / 32
    assert shifted.max() > 0


def test_a_small_picture_goes_through_whole():
    seen = []

    class Watching(nn.Module):
        def forward(self, picture):
            seen.append(tuple(picture.shape))
            return picture

    restore(Watching(), torch.rand(3, 60, 70), tile=64, overlap=8)
    assert seen == [(1, 3, 60, 70)]
    seen.clear()
    restore(Watching(), torch.rand(3, 300, 200), tile=64, overlap=8)
    assert max(max(shape) for shape in seen) <= 64 + 15


def test_pixels_come_back_rounded():
    pixels = np.random.default_rng(0).integers(0, 256, (90, 75, 3), dtype=np.uint8)
    assert (restore_pixels(nn.Identity(), pixels, tile=48, overlap=8) == pixels).all()

    class Twice(nn.Module):
        def forward(self, picture):
            return 2 * picture

    wanted = np.minimum(2 * pixels.astype(int), 255)
    assert (restore_pixels(Twice(), pixels, tile=48, overlap=8) == wanted).all()


def test_an_output_of_another_size_is_told():
    network = nn.Conv2d(3, 3, 3)
    with pytest.raises(UsageError, match="must be a multiple of its input"):
        restore(network, torch.rand(3, 20, 20))


def padded_nafnet():
    """NAFNet whose blocks do something; sides become multiples of 4, with zeros."""
    from ddriqa.restoration.networks.catalogue import build

    blocks = {"encoder_blocks": [1, 1], "middle_blocks": 1, "decoder_blocks": [1, 1]}
    torch.manual_seed(0)
    network = build("nafnet-local", width=4, **blocks, train_size=8).eval()
    with torch.no_grad():
        for key, weight in network.named_parameters():
            if key.endswith(("beta", "gamma")):
                weight.normal_(0, 0.2)
    return network


def test_pictures_are_mirrored_before_a_network_pads_them_with_zeros():
    """As if one had padded oneself; ``restore`` alone leaves it to the network."""
    pixels = np.random.default_rng(0).integers(0, 256, (41, 51, 3), dtype=np.uint8)
    mirrored = np.pad(pixels, ((0, 3), (0, 1), (0, 0)), mode="reflect")
    network = padded_nafnet()
    found = restore_pixels(network, pixels)
    assert (found == restore_pixels(network, mirrored)[:41, :51]).all()
    picture = torch.from_numpy(pixels).permute(2, 0, 1).float() / 255
    own = restore(network, picture)
    torch.testing.assert_close(own, whole(network, picture), rtol=0, atol=1e-6)
    assert (restore(network, picture, multiple=4) - own).abs().max() > 0.01


@pytest.mark.parametrize(("height", "width"), [(129, 203), (130, 99)])
def test_mirrored_tiles_are_the_mirrored_whole(height, width):
    """Also where a tile's side is no multiple: a tile is mirrored as the picture would be."""

    class Padding(nn.Module):
        multiple = 8

        def __init__(self):
            super().__init__()
            self.inner = convolutions(2)

        def forward(self, picture):
            assert picture.shape[-1] % 8 == picture.shape[-2] % 8 == 0
            return self.inner(picture)

    picture, network = torch.rand(3, height, width), Padding()
    together = restore(network, picture, tile=512, multiple=8)
    tiled = restore(network, picture, tile=50, overlap=8, multiple=8)
    assert tiled.shape == (3, 2 * height, 2 * width)
    torch.testing.assert_close(tiled, together, rtol=0, atol=1e-6)


class Stretched(nn.Module):
    """Adds its place in the whole picture, from 0 at the top to 1 at the bottom."""

    placed = True

    def forward(self, x, part=None):
        top, _, height, _ = part or (0, 0, *x.shape[-2:])
        return x + ((top + torch.arange(x.shape[-2]) + 0.5) / height)[:, None]


def test_a_tile_is_told_where_it_lies():
    picture = torch.rand(3, 200, 150, generator=torch.manual_seed(3))
    whole = Stretched()(picture[None])[0]
    torch.testing.assert_close(restore(Stretched(), picture, tile=96, overlap=16), whole)
    torch.testing.assert_close(restore(Stretched(), picture), whole)
