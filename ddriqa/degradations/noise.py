"""Sensor, film and transmission noise."""

import math

import numpy as np
from scipy import special

from ddriqa.degradations.base import Pixels, degradation
from ddriqa.degradations.fields import (
    Field,
    luma,
    smooth_noise,
    to_linear,
    to_srgb,
    white_noise,
)
from ddriqa.degradations.levels import linear, log


@degradation("noise", sigma=linear(0, 5, 10, 20, 35, 60))
def gaussian_noise(image: Pixels, rng: np.random.Generator, sigma: float) -> Pixels:
    """Independent Gaussian noise in every pixel and channel, σ in 8-bit units."""
    return image + np.float32(sigma / 255) * white_noise(image.shape, rng)


@degradation("noise", sigma=linear(0, 5, 10, 20, 35, 60))
def gray_noise(image: Pixels, rng: np.random.Generator, sigma: float) -> Pixels:
    """Gaussian noise that is the same in the three channels, σ in 8-bit units."""
    return image + np.float32(sigma / 255) * white_noise((*image.shape[:2], 1), rng)


@degradation("noise", gain=log(0, 1 / 400, 1 / 150, 1 / 60, 1 / 25, 1 / 10))
def poisson_noise(image: Pixels, rng: np.random.Generator, gain: float) -> Pixels:
    """Photon noise: counts Poisson(x / gain) times gain, with 1 / gain photons at white."""
    rate = image / np.float32(gain)
    return np.float32(gain) * poisson_quantile(rate, white_noise(image.shape, rng))


def poisson_quantile(rate: Field, normal: Field) -> Field:
    """Poisson counts of mean ``rate`` at the quantiles of standard normal values.

    Inverting one fixed normal field keeps the noise pattern at every rate, which a Poisson
    generator would not. Cornish-Fisher expansion, distribution function within 0.6 % of the exact
    one; below a rate of 2 the exact inverse.
    """
    counts = np.rint(rate + np.sqrt(rate) * normal + (normal * normal - 1) / 6)
    few = rate < 2
    counts[few] = _small_poisson_quantile(rate[few], special.ndtr(normal[few]))
    return np.maximum(counts, 0)


def _small_poisson_quantile(rate: Field, probability: Field) -> Field:
    counts = np.zeros_like(rate)
    term = np.exp(-rate)
    cumulated = term.copy()
    # At a rate of 2, counts above 12 have a probability below 1e-6.
    for count in range(1, 13):
        counts += probability > cumulated
        term *= rate / count
        cumulated += term
    return counts


@degradation("noise", gain=log(0, 0.0005, 0.0015, 0.004, 0.012, 0.03))
def iso_noise(image: Pixels, rng: np.random.Generator, gain: float) -> Pixels:
    """Camera noise in linear light: variance gain·v + read, with ln read = 2.18 ln gain + 1.20.

    Source: Brooks et al., "Unprocessing Images for Learned Raw Denoising", CVPR 2019.
    """
    read = math.exp(2.18 * math.log(gain) + 1.20)
    light = to_linear(image)
    deviation = np.sqrt(np.float32(gain) * light + np.float32(read))
    return to_srgb(light + deviation * white_noise(image.shape, rng))


@degradation("noise", sigma=linear(0, 3, 6, 12, 22, 38))
def chroma_noise(image: Pixels, rng: np.random.Generator, sigma: float) -> Pixels:
    """Blotchy noise in Cb and Cr alone, blurred with σ = 1 px; ``sigma`` in 8-bit units."""
    noise = np.float32(sigma / 255) * smooth_noise((*image.shape[:2], 2), 1, rng)
    # Inverse BT.601 transform (JFIF) of a change in (Cb, Cr).
    to_rgb = np.array([[0, -0.344136, 1.772], [1.402, -0.714136, 0]], dtype=np.float32)
    return image + noise @ to_rgb


@degradation("noise", density=log(0, 0.005, 0.01, 0.03, 0.07, 0.15))
def impulse_noise(image: Pixels, rng: np.random.Generator, density: float) -> Pixels:
    """Salt and pepper: a share ``density`` of the pixels becomes black or white."""
    draw = rng.random((*image.shape[:2], 1), dtype=np.float32)
    salted = np.where(draw > 1 - density / 2, np.float32(1), image)
    return np.where(draw < density / 2, np.float32(0), salted)


@degradation("noise", sigma=linear(0, 0.05, 0.1, 0.2, 0.35, 0.55))
def speckle_noise(image: Pixels, rng: np.random.Generator, sigma: float) -> Pixels:
    """Noise in proportion to the value: x·(1 + σ·n)."""
    return image * (1 + np.float32(sigma) * white_noise(image.shape, rng))


@degradation("noise", sigma=linear(0, 4, 8, 14, 22, 34))
def stripe_noise(image: Pixels, rng: np.random.Generator, sigma: float) -> Pixels:
    """An offset for each row and channel, σ in 8-bit units: the banding of a line readout."""
    return image + np.float32(sigma / 255) * white_noise((image.shape[0], 1, 3), rng)


@degradation("noise", sigma=linear(0, 5, 10, 18, 30, 45))
def film_grain(image: Pixels, rng: np.random.Generator, sigma: float) -> Pixels:
    """Gray grain of about a pixel, strongest in the midtones; σ in 8-bit units."""
    grey = luma(image)[..., None]
    strength = 0.3 + 0.7 * 4 * grey * (1 - grey)
    grain = smooth_noise((*image.shape[:2], 1), 0.9, rng)
    return image + np.float32(sigma / 255) * strength * grain
