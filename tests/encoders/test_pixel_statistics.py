"""Statistics of the pixels against closed forms and what they are for."""

import numpy as np
import pytest
import torch

from ddriqa.degradations import degrade
from ddriqa.encoders import pixel_statistics as ps

PARTS = {"light": ps.LIGHT, "shades": ps.SHADES, "hues": ps.HUES, "detail": ps.DETAIL}


def grey(value, side=32):
    return torch.full((1, 3, side, side), value)


def texture(seed=0, side=96):
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (side // 8, side // 8, 3), dtype=np.uint8)
    return np.kron(coarse, np.ones((8, 8, 1), dtype=np.uint8))


def tensor(picture):
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255


@pytest.mark.parametrize("name", PARTS)
def test_lengths_and_finite_everywhere(name):
    for pixels in (torch.rand(2, 3, 33, 47), grey(0.0), grey(1.0), torch.rand(2, 3, 16, 20)):
        values = getattr(ps, name)(pixels)
        assert values.shape == (len(pixels), PARTS[name])
        assert values.isfinite().all()


def test_all_of_them_in_order():
    pixels = torch.rand(1, 3, 48, 64)
    few = pixels[..., :: ps.EVERY, :: ps.EVERY]
    expected = [ps.light(few), ps.shades(few), ps.hues(few), ps.detail(pixels)]
    assert torch.equal(ps.pixel_statistics(pixels), torch.cat(expected, 1))
    assert sum(PARTS.values()) == ps.PIXELS


def test_quantiles_are_order_statistics():
    values = torch.rand(3, 1001)
    found = ps.quantiles(values, (0.0, 0.25, 0.5, 1.0))
    expected = np.quantile(values.numpy(), [0, 0.25, 0.5, 1], axis=1).T
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)


def test_light_of_a_ramp():
    ramp = torch.linspace(0, 1, 10001).expand(1, 3, 1, -1)
    expected = torch.tensor(ps.QUANTILES).repeat(3)
    torch.testing.assert_close(ps.light(ramp)[0], expected, atol=2e-4, rtol=0)


def test_hues_shift_with_the_white_balance():
    grey_bin = ps.hues(grey(0.5)).view(8, 8).exp()
    assert grey_bin[3:5, 3:5].sum() == pytest.approx(1, abs=0.02)
    warm = grey(0.5) * torch.tensor([1.5, 1.0, 0.5]).view(1, 3, 1, 1)
    histogram = ps.hues(warm).view(8, 8).exp()
    assert histogram[:4, 4:].sum() > 0.95  # less green than red, more than blue


def test_detail_counts_energies_of_haar():
    """A chessboard of amplitude a has all its energy, a deviation of a, in the finest scale."""
    amplitude = 0.1
    board = (torch.arange(64)[:, None] + torch.arange(64)) % 2
    pixels = (0.5 + amplitude * (2.0 * board - 1)).expand(1, 3, 64, 64)
    histograms = ps.detail(pixels)[0].view(-1, ps.DETAIL_BINS)
    place = (np.log(amplitude) + 6.3) / 5 * (ps.DETAIL_BINS - 1)
    centre = float((histograms[0] * torch.arange(ps.DETAIL_BINS)).sum())
    assert centre == pytest.approx(place, abs=0.01)
    for coarser in histograms[1:]:
        assert float(coarser[:2].sum()) == pytest.approx(1, abs=1e-5)  # at the floor


@pytest.mark.parametrize(
    ("damage", "part", "where"),
    [
        ("overexpose", "light", slice(0, 13)),
        ("gaussian_noise", "detail", slice(6, 12)),
        ("oversaturate", "shades", slice(29, 35)),
    ],
)
def test_grow_with_their_damage(damage, part, where):
    clean = texture()
    sums = [
        getattr(ps, part)(tensor(degrade(clean, damage, level, 0)))[0, where].sum()
        for level in (0.0, 0.3, 0.6)
    ]
    assert sums[0] < sums[1] < sums[2]


def test_gradient_is_that_of_differences():
    pixels = torch.rand(1, 3, 24, 24, dtype=torch.float64, requires_grad=True)
    direction = torch.randn(ps.PIXELS, dtype=torch.float64)
    total = (ps.pixel_statistics(pixels)[0] * direction).sum()
    (gradient,) = torch.autograd.grad(total, pixels)
    step = torch.randn_like(pixels) * 1e-7
    with torch.no_grad():
        up, down = (ps.pixel_statistics(pixels + s * step)[0] @ direction for s in (1, -1))
    assert float(up - down) / 2 == pytest.approx(float((gradient * step).sum()), rel=1e-3)


def test_quantiles_are_the_same_with_and_without_a_gradient():
    values = torch.rand(3, 5, 7)
    plain = ps.quantiles(values, (0.0, 0.25, 1.0))
    assert torch.equal(
        plain, ps.quantiles(values.clone().requires_grad_(), (0.0, 0.25, 1.0)).detach()
    )
    assert torch.equal(plain[:, 2], values.flatten(1).amax(1))
