"""PSNR and SSIM equal scikit-image's, scipy's and measured numbers; luma, borders, refusals."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from random_weights import picture
from scipy.ndimage import gaussian_filter

from ddriqa.errors import ImageError, UsageError
from ddriqa.restoration.measures import MEASURES, build
from ddriqa.restoration.measures.planes import eight_bit, luma
from ddriqa.restoration.measures.psnr import psnr
from ddriqa.restoration.measures.ssim import DEFINITIONS, ssim

SHARED = Path(__file__).resolve().parents[3] / "shared"
CALIBRATION = SHARED / "weights" / "calibration"
PAIRED = SHARED / "data" / "paired" / "ndr-layout"


def read(path):
    pixels = torch.from_numpy(np.array(Image.open(path).convert("RGB")))
    return pixels.permute(2, 0, 1)[None].double() / 255


def pair(height=40, width=37, batch=2, seed=0):
    """A smooth picture and a noisy one."""
    target = torch.from_numpy(
        gaussian_filter(picture(height, width, batch, seed, torch.double).numpy(), (0, 0, 2, 2))
    )
    target = (target - target.amin()) / (target.amax() - target.amin())
    noise = 0.1 * (picture(height, width, batch, seed + 1, torch.double) - 0.5)
    return (target + noise).clamp(0, 1), target


def as_arrays(images):
    return [image.permute(1, 2, 0).numpy() for image in images]


def test_psnr_equals_scikit_images():
    metrics = pytest.importorskip("skimage.metrics")
    output, target = pair()
    expected = [
        metrics.peak_signal_noise_ratio(y, x, data_range=1)
        for x, y in zip(as_arrays(output), as_arrays(target), strict=True)
    ]
    assert psnr(output, target).tolist() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("definition", ["gauss", "gauss-y", "uniform7"])
def test_ssim_equals_scikit_images_of_the_same_definition(definition):
    metrics = pytest.importorskip("skimage.metrics")
    colour = pytest.importorskip("skimage.color")
    gauss = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    options = {"gauss": gauss, "gauss-y": gauss, "uniform7": {}}[definition]
    output, target = pair()
    expected = []
    for x, y in zip(as_arrays(output), as_arrays(target), strict=True):
        if definition == "gauss-y":
            x, y = (colour.rgb2ycbcr(image)[..., :1] / 255 for image in (x, y))
        score = metrics.structural_similarity(x, y, data_range=1, channel_axis=-1, **options)
        expected.append(score)
    assert ssim(output, target, definition=definition).tolist() == pytest.approx(expected, abs=1e-9)


def test_ssim_3d_by_scipys_gaussian_over_rows_columns_and_colours():
    def smooth(volume):
        return gaussian_filter(volume, 1.5, mode="nearest", radius=5)

    output, target = pair()
    expected = []
    for x, y in zip(as_arrays(output), as_arrays(target), strict=True):
        a, b = smooth(x), smooth(y)
        va, vb, vab = smooth(x * x) - a**2, smooth(y * y) - b**2, smooth(x * y) - a * b
        similar = (2 * a * b + 1e-4) * (2 * vab + 9e-4)
        similar /= (a**2 + b**2 + 1e-4) * (va + vb + 9e-4)
        expected.append(similar.mean())
    assert ssim(output, target, definition="3d").tolist() == pytest.approx(expected, abs=1e-10)


@pytest.mark.skipif(not CALIBRATION.is_dir(), reason="needs the reference pictures")
@pytest.mark.parametrize(
    ("name", "official"),
    [("I03", 21.11), ("I04", 20.99), ("I06", 27.01), ("I08", 23.3), ("I19", 21.62)],
)
def test_psnr_of_the_reference_pictures(name, official):
    """IQA-PyTorch, results_official.csv, to its two digits."""
    found = psnr(
        read(CALIBRATION / "dist" / f"{name}.png"), read(CALIBRATION / "ref" / f"{name}.png")
    )
    assert found.item() == pytest.approx(official, abs=0.006)


@pytest.mark.skipif(not PAIRED.is_dir(), reason="needs the paired pictures")
@pytest.mark.parametrize(
    ("sigma", "decibels", "expected"),
    [(15, 24.80, (0.520, 0.545, 0.782)), (25, 20.55, (0.338, 0.367, 0.625)),
     (50, 15.09, (0.158, 0.181, 0.380))],
)  # fmt: skip
def test_noise_on_four_pictures_has_the_measured_values(sigma, decibels, expected):
    """The authors' scripts on these pictures, research sheet of NDR-Restore, section 3."""
    rows = []
    for number, path in enumerate(sorted((PAIRED / "noise" / "gt").iterdir())):
        target = read(path)
        noise = np.random.default_rng(number).normal(0, sigma / 255, target.shape)
        output = (target + torch.from_numpy(noise)).clamp(0, 1)
        similar = [ssim(output, target, definition=d).item() for d in ("gauss", "uniform7", "3d")]
        rows.append([psnr(output, target).item(), *similar])
    found = np.mean(rows, axis=0)
    assert found[0] == pytest.approx(decibels, abs=0.03)
    assert found[1:] == pytest.approx(expected, abs=0.0025)


@pytest.mark.skipif(not PAIRED.is_dir(), reason="needs the paired pictures")
@pytest.mark.parametrize(("number", "decibels"), [(2, 26.31), (3, 26.08), (4, 32.16), (1, 26.78)])
def test_rain_has_the_measured_psnr(number, decibels):
    """Measured where the pictures were collected (the README beside them)."""
    rainy, clean = PAIRED / "rain" / "rainy", PAIRED / "rain" / "gt"
    found = psnr(read(rainy / f"rain-{number}.png"), read(clean / f"norain-{number}.png"))
    assert found.item() == pytest.approx(decibels, abs=0.006)


def test_luma_is_matlabs():
    """rgb2ycbcr of black, white, red, green, blue: 16, 235, 81.481, 144.553, 40.966."""
    colours = torch.tensor([[0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]]).double()
    found = luma(colours.T[None, :, None]).flatten() * 255
    assert found.tolist() == pytest.approx([16, 235, 81.481, 144.553, 40.966])


def test_psnr_of_luma_in_closed_form():
    """Grey levels 0.1 apart are 21.9 apart in Y: 1.32 dB more than of the colours."""
    target = torch.full((1, 3, 8, 8), 0.4)
    output = target + 0.1
    assert psnr(output, target).item() == pytest.approx(20, abs=1e-5)
    expected = 20 * np.log10(255 / 21.9)
    assert psnr(output, target, channel="y").item() == pytest.approx(expected, abs=1e-5)


@given(st.integers(0, 4), st.sampled_from(["psnr", *DEFINITIONS]))
def test_a_border_is_cut_off_and_nothing_else(border, what):
    output, target = pair(24, 25, batch=1)

    def measure(x, y, border=0):
        if what == "psnr":
            return psnr(x, y, border=border)
        return ssim(x, y, definition=what, border=border)

    spoilt = output.clone()
    inner = (..., slice(border, 24 - border), slice(border, 25 - border))
    spoilt[:] = 0
    spoilt[inner] = output[inner]
    expected = measure(output[inner], target[inner])
    assert measure(spoilt, target, border=border).item() == pytest.approx(expected.item())


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_an_equal_pair_is_perfect(definition):
    output, _ = pair()
    assert ssim(output, output, definition=definition).tolist() == pytest.approx([1, 1])
    assert psnr(output, output).tolist() == [float("inf")] * 2


def test_eight_bits_are_clamped_and_rounded():
    values = torch.tensor([-0.2, 0.4999 / 255, 0.5001 / 255, 0.5, 1.3])
    assert (eight_bit(values) * 255).tolist() == pytest.approx([0, 0, 1, 128, 255])


def test_what_is_refused():
    small, output = torch.zeros(1, 3, 10, 30), torch.zeros(1, 3, 12, 12)
    with pytest.raises(ImageError, match="smaller than the window of 11 x 11"):
        ssim(small, small)
    with pytest.raises(ImageError, match="one shape"):
        psnr(small, output)
    with pytest.raises(ImageError, match="nothing inside a border of 6 px"):
        psnr(output, output, border=6)
    with pytest.raises(UsageError, match="-1 is too small"):
        psnr(output, output, border=-1)
    with pytest.raises(UsageError, match="unknown name 'matlab'"):
        ssim(output, output, definition="matlab")
    with pytest.raises(UsageError, match="unknown name 'Y'"):
        psnr(output, output, channel="Y")


def test_the_table_says_which_way_is_better():
    better, worse = pair()[1], pair()[0]
    for name in ("psnr", "ssim"):
        assert MEASURES[name].higher_is_better
        measure = build(name)
        assert (measure(better, better) > measure(worse, better)).all()
    assert {name for name, row in MEASURES.items() if not row.higher_is_better} == {
        "lpips", "dists", "fid",
    }  # fmt: skip


def test_the_table_builds_with_options_and_refuses_others():
    output, target = pair()
    found = build("psnr", channel="y", border=2)(output, target)
    assert torch.equal(found, psnr(output, target, channel="y", border=2))
    with pytest.raises(UsageError, match="Did you mean ssim"):
        build("sim")
    with pytest.raises(UsageError, match="measure psnr: has no 'definition'"):
        build("psnr", definition="gauss")
