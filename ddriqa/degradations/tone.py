"""Exposure, brightness, gamma and contrast."""

import numpy as np

from ddriqa.degradations.base import Pixels, degradation
from ddriqa.degradations.fields import luma, to_linear, to_srgb
from ddriqa.degradations.levels import linear, log


@degradation("exposure", amount=linear(0, 0.1, 0.2, 0.4, 0.6, 0.8))
def brighten(image: Pixels, amount: float) -> Pixels:
    """Tone curve: the parabola through (0, 0), (0.5, 0.5 + amount / 2) and (1, 1), clipped."""
    return tone_parabola(image, amount)


@degradation("exposure", amount=linear(0, 0.1, 0.2, 0.4, 0.6, 0.8))
def darken(image: Pixels, amount: float) -> Pixels:
    """Tone curve: the parabola through (0, 0), (0.5, 0.5 − amount / 2) and (1, 1), clipped."""
    return tone_parabola(image, -amount)


def tone_parabola(image: Pixels, amount: float) -> Pixels:
    """The parabola that keeps black and white and lifts the middle by ``amount`` / 2."""
    return image + np.float32(2 * amount) * image * (1 - image)


@degradation("exposure", stops=linear(0, 0.3, 0.6, 1, 1.6, 2.4))
def overexpose(image: Pixels, stops: float) -> Pixels:
    """Linear light times 2^stops, clipped at white."""
    return expose(image, stops)


@degradation("exposure", stops=linear(0, -0.4, -0.8, -1.5, -2.3, -3.3))
def underexpose(image: Pixels, stops: float) -> Pixels:
    """Linear light times 2^stops, stops below 0."""
    return expose(image, stops)


def expose(image: Pixels, stops: float) -> Pixels:
    """Linear light times 2^stops."""
    return to_srgb(to_linear(image) * np.float32(2**stops))


@degradation("exposure", gamma=log(1, 1.15, 1.35, 1.7, 2.3, 3.2))
def gamma_dark(image: Pixels, gamma: float) -> Pixels:
    """x^gamma with gamma above 1."""
    return image ** np.float32(gamma)


@degradation("exposure", gamma=log(1, 0.9, 0.78, 0.62, 0.47, 0.33))
def gamma_bright(image: Pixels, gamma: float) -> Pixels:
    """x^gamma with gamma below 1."""
    return image ** np.float32(gamma)


@degradation("contrast", gain=linear(1, 0.85, 0.7, 0.5, 0.33, 0.18))
def contrast_down(image: Pixels, gain: float) -> Pixels:
    """Differences from the image's mean luma times ``gain``, below 1."""
    return stretch_contrast(image, gain)


@degradation("contrast", ordered_from=0.4, gain=log(1, 1.15, 1.35, 1.7, 2.3, 3.2))
def contrast_up(image: Pixels, gain: float) -> Pixels:
    """Differences from the image's mean luma times ``gain``, above 1, clipped."""
    return stretch_contrast(image, gain)


def stretch_contrast(image: Pixels, gain: float) -> Pixels:
    """Differences from the mean luma times ``gain``."""
    mean = luma(image).mean()
    return mean + np.float32(gain) * (image - mean)
