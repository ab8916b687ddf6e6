"""The second-order degradation of Real-ESRGAN: blur, resize, noise and JPEG, twice.

Wang et al., "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic Data",
ICCVW 2021, with the probabilities and ranges of the authors' x4plus options. Two differences:
everything is drawn for each image (the authors draw sizes, modes and kinds of noise for a batch,
and mix batches afterwards), and JPEG is Pillow's, 4:2:0, at a whole-numbered quality.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from scipy import ndimage

from ddriqa.degradations.compression import encode_decode
from ddriqa.degradations.fields import convolve, luma
from ddriqa.restoration import kernels

Pixels = npt.NDArray[np.float32]

SHAPES = {
    ("gaussian", False): 0.45,
    ("gaussian", True): 0.25,
    ("generalised", False): 0.12,
    ("generalised", True): 0.03,
    ("plateau", False): 0.12,
    ("plateau", True): 0.03,
}
"""(family of kernel, whether anisotropic) -> probability."""

SIZES = tuple(range(7, 22, 2))
MODES = ("area", "bilinear", "bicubic")
SINC_SHARE = 0.1
GREY_SHARE = 0.4
FINAL_SINC_SHARE = 0.8
QUALITIES = (30, 95)


@dataclass(frozen=True)
class Pass:
    """The ranges of one of the two passes.

    Attributes:
        blur: the probability of a blur.
        sigma: of the blur in px.
        resize: probabilities of enlarging, shrinking and keeping the size.
        enlarged, shrunk: the largest and the smallest factor.
        noise: σ of Gaussian noise in 8-bit units.
        poisson: scale of Poisson noise.
    """

    blur: float
    sigma: tuple[float, float]
    resize: tuple[float, float, float]
    enlarged: float
    shrunk: float
    noise: tuple[float, float]
    poisson: tuple[float, float]


FIRST = Pass(1.0, (0.2, 3.0), (0.2, 0.7, 0.1), 1.5, 0.15, (1, 30), (0.05, 3.0))
SECOND = Pass(0.8, (0.2, 1.5), (0.3, 0.4, 0.3), 1.2, 0.3, (1, 25), (0.05, 2.5))


def second_order(
    image: Pixels, rng: np.random.Generator, scale: int, sharpen: bool = True
) -> Pixels:
    """A low-resolution picture with the faults of two generations of the internet.

    Args:
        image: ``(H, W, 3)`` sRGB float32 in [0, 1], at least 16 px a side; the authors take 400
            and cut 256 out of it afterwards, so that no border shows.
        scale: the result is smaller by this.
        sharpen: the low resolution is made from the sharpened picture, as the authors do.

    Returns:
        ``(H // scale, W // scale, 3)`` float32 in [0, 1], on the 256 levels of 8 bit.

    Raises:
        ValueError: a side below 16 px.
    """
    height, width = image.shape[:2]
    if min(height, width) < 16:
        raise ValueError(f"the second-order chain needs 16 px a side, got {width}x{height}")
    size = (height // scale, width // scale)
    picture = usm_sharpen(image) if sharpen else image
    picture = convolve(picture, random_kernel(rng, FIRST.sigma))
    picture = _resize_by(picture, _factor(rng, FIRST), rng)
    picture = _jpeg(_noisy(picture, rng, FIRST), rng)
    if rng.random() < SECOND.blur:
        picture = convolve(picture, random_kernel(rng, SECOND.sigma))
    factor = _factor(rng, SECOND)
    picture = _resize_to(picture, (int(size[0] * factor), int(size[1] * factor)), rng)
    picture = _noisy(picture, rng, SECOND)
    last_filter = _final_kernel(rng)
    if rng.random() < 0.5:
        picture = _jpeg(convolve(_resize_to(picture, size, rng), last_filter), rng)
    else:
        picture = convolve(_resize_to(_jpeg(picture, rng), size, rng), last_filter)
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.float32) / np.float32(255)


def usm_sharpen(image: Pixels, weight: float = 0.5, threshold: float = 10) -> Pixels:
    """Unsharp masking where the detail exceeds ``threshold`` 8-bit levels, Gaussian 51x51, σ 8.

    ``image`` is (H, W, 3) float32 in [0, 1], and so is the result.
    """
    residual = image - _gaussian_51(image)
    mask = (np.abs(residual) * 255 > threshold).astype(np.float32)
    soft = _gaussian_51(mask)
    sharp = np.clip(image + np.float32(weight) * residual, 0, 1)
    return soft * sharp + (1 - soft) * image


def _gaussian_51(image: Pixels) -> Pixels:
    taps = np.exp(-0.5 * (np.arange(-25, 26) / 8.0) ** 2)
    taps = (taps / taps.sum()).astype(np.float32)
    rows = ndimage.correlate1d(image, taps, axis=0, mode="mirror")
    return ndimage.correlate1d(rows, taps, axis=1, mode="mirror")


def random_kernel(rng: np.random.Generator, sigma: tuple[float, float]) -> kernels.Kernel:
    """A blur kernel of the family of the paper, of 7 to 21 px, sum 1."""
    size = int(rng.choice(SIZES))
    if rng.random() < SINC_SHARE:
        return kernels.sinc(size, rng.uniform(math.pi / (3 if size < 13 else 5), math.pi))
    family, anisotropic = list(SHAPES)[rng.choice(len(SHAPES), p=list(SHAPES.values()))]
    across = sigma_x = rng.uniform(*sigma)
    angle = 0.0
    if anisotropic:
        across, angle = rng.uniform(*sigma), rng.uniform(-math.pi, math.pi)
    if family == "gaussian":
        return kernels.gaussian(size, sigma_x, across, angle)
    flat = rng.random() < 0.5
    if family == "generalised":
        beta = rng.uniform(0.5, 1) if flat else rng.uniform(1, 4)
        return kernels.generalised(size, sigma_x, across, angle, beta)
    return kernels.plateau(size, sigma_x, across, angle, 1.0 if flat else rng.uniform(1, 2))


def _final_kernel(rng: np.random.Generator) -> kernels.Kernel:
    if rng.random() >= FINAL_SINC_SHARE:
        return np.ones((1, 1))
    return kernels.sinc(int(rng.choice(SIZES)), rng.uniform(math.pi / 3, math.pi))


def _factor(rng: np.random.Generator, ranges: Pass) -> float:
    direction = rng.choice(3, p=ranges.resize)
    return (rng.uniform(1, ranges.enlarged), rng.uniform(ranges.shrunk, 1), 1.0)[direction]


def _resize_by(image: Pixels, factor: float, rng: np.random.Generator) -> Pixels:
    return _interpolate(image, rng, scale_factor=factor)


def _resize_to(image: Pixels, size: tuple[int, int], rng: np.random.Generator) -> Pixels:
    return _interpolate(image, rng, size=(max(1, size[0]), max(1, size[1])))


def _interpolate(image: Pixels, rng: np.random.Generator, **target: object) -> Pixels:
    """torch's interpolation without antialiasing, in a random mode; bicubic may overshoot."""
    planes = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None]
    resized = F.interpolate(planes, mode=MODES[rng.integers(3)], **target)  # type: ignore[arg-type]
    return resized[0].permute(1, 2, 0).numpy()


def _noisy(image: Pixels, rng: np.random.Generator, ranges: Pass) -> Pixels:
    gaussian, grey = rng.random() < 0.5, rng.random() < GREY_SHARE
    if gaussian:
        shape = (*image.shape[:2], 1) if grey else image.shape
        noise = rng.normal(0, rng.uniform(*ranges.noise) / 255, shape)
    else:
        noise = rng.uniform(*ranges.poisson) * _poisson(image, rng, grey)
    return np.clip(image + noise, 0, 1).astype(np.float32)


def _poisson(image: Pixels, rng: np.random.Generator, grey: bool) -> npt.NDArray[np.float64]:
    """Poisson noise of unit scale; the photons at white follow from the number of distinct values.

    The count is the least power of two that isn't below it, so this is no physical model.
    """
    source = luma(image)[..., None] if grey else image
    rounded = np.rint(np.clip(source, 0, 1) * 255) / 255
    photons = 2.0 ** math.ceil(math.log2(len(np.unique(rounded))))
    return rng.poisson(rounded * photons) / photons - rounded


def _jpeg(image: Pixels, rng: np.random.Generator) -> Pixels:
    quality = round(rng.uniform(*QUALITIES))
    return encode_decode(np.clip(image, 0, 1), "JPEG", quality=quality, subsampling="4:2:0")
