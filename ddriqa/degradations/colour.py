"""Colour casts, saturation, and too few colours."""

import math

import numpy as np
from PIL import Image
from scipy import ndimage

from ddriqa.degradations.base import Pixels, degradation
from ddriqa.degradations.colour_spaces import from_lab, rotate_hue, to_lab
from ddriqa.degradations.compression import from_8_bit, to_8_bit
from ddriqa.degradations.fields import (
    LUMA,
    gaussian,
    luma,
    min_max,
    pixel_grid,
    sample,
    to_linear,
    to_srgb,
)
from ddriqa.degradations.levels import linear, log, log_throughout


@degradation("colour", gain=linear(1, 0.8, 0.6, 0.4, 0.2, 0))
def desaturate(image: Pixels, gain: float) -> Pixels:
    """Differences of the channels from the luma times ``gain``; 0 is gray."""
    return saturate(image, gain)


@degradation("colour", ordered_from=0.4, gain=log(1, 1.3, 1.6, 2.2, 3.2, 5))
def oversaturate(image: Pixels, gain: float) -> Pixels:
    """Differences of the channels from the luma times ``gain``, above 1, clipped."""
    return saturate(image, gain)


def saturate(image: Pixels, gain: float) -> Pixels:
    """Differences of the channels from the luma times ``gain``."""
    grey = luma(image)[..., None]
    return grey + np.float32(gain) * (image - grey)


@degradation("colour", angle=linear(0, 8, 16, 30, 60, 110))
def hue_rotate(image: Pixels, angle: float) -> Pixels:
    """HSV hue plus ``angle`` degrees."""
    return rotate_hue(image, angle)


@degradation("colour", gain=linear(0, 0.08, 0.16, 0.28, 0.45, 0.7))
def wb_warm(image: Pixels, gain: float) -> Pixels:
    """White balance too warm: see ``white_balance``."""
    return white_balance(image, gain)


@degradation("colour", gain=linear(0, -0.08, -0.16, -0.28, -0.45, -0.7))
def wb_cool(image: Pixels, gain: float) -> Pixels:
    """White balance too cool: see ``white_balance``."""
    return white_balance(image, gain)


def white_balance(image: Pixels, gain: float) -> Pixels:
    """Linear light times (1 + gain, 1, 1 − gain), divided by the luma of that colour."""
    cast = np.array([1 + gain, 1, 1 - gain], dtype=np.float32)
    return to_srgb(to_linear(image) * (cast / (cast @ LUMA)))


@degradation("colour", distance=linear(0, 1, 3, 6, 8, 12))
def colour_shift(image: Pixels, rng: np.random.Generator, distance: float) -> Pixels:
    """Green fringes: near edges the green channel is read ``distance`` px away."""
    angle = rng.uniform(0, 2 * math.pi)
    rows, columns = pixel_grid(image.shape)
    away = np.float32(distance)
    shifted = sample(image[..., 1], rows + away * math.sin(angle), columns + away * math.cos(angle))
    grey = luma(image)
    slopes = [ndimage.correlate1d(grey, [-0.5, 0, 0.5], axis, mode="nearest") for axis in (0, 1)]
    edges = min_max(gaussian(np.hypot(*slopes), 4))
    result = image.copy()
    result[..., 1] += edges * (shifted - image[..., 1])
    return result


@degradation("colour", amount=linear(1, 1, 1.3, 1.7, 2.3, 3.2), share=linear(0, 1, 1, 1, 1, 1))
def colour_diffusion(image: Pixels, amount: float, share: float) -> Pixels:
    """Colours bleed and glow: Lab a and b blurred with σ = 1.5·amount + 2 px, times ``amount``.

    ``share`` blends with the image, because no ``amount`` is the identity.
    """
    lab = to_lab(image)
    lab[..., 1:] = np.float32(amount) * gaussian(lab[..., 1:], 1.5 * amount + 2)
    return image + np.float32(share) * (from_lab(lab) - image)


@degradation("quantisation", steps=log_throughout(256, 32, 16, 10, 6, 4))
def posterise(image: Pixels, steps: float) -> Pixels:
    """Each channel rounded to ``steps`` (rounded) equidistant values."""
    return to_steps(image, round(steps))


def to_steps(image: Pixels, steps: int) -> Pixels:
    """The nearest of ``steps`` equidistant values from 0 to 1."""
    return np.rint(image * (steps - 1)) / np.float32(steps - 1)


@degradation("quantisation", colours=log_throughout(256, 64, 48, 32, 16, 8))
def colour_quantise(image: Pixels, colours: float) -> Pixels:
    """A median-cut palette of ``colours`` (rounded) with error diffusion, through Pillow."""
    picture = to_8_bit(image)
    palette = picture.quantize(round(colours), Image.Quantize.MEDIANCUT)
    return from_8_bit(picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG))


@degradation("quantisation", steps=log_throughout(256, 32, 20, 12, 8, 5))
def banding(image: Pixels, steps: float) -> Pixels:
    """Contours in smooth areas: blurred (σ 2 px) and posterised where there is no detail."""
    smooth = gaussian(image, 2)
    residual = ((image - smooth) ** 2).mean(axis=-1, keepdims=True)
    weight = np.exp(gaussian(residual, 4) / np.float32(-0.001))
    return image + weight * (to_steps(smooth, round(steps)) - image)


@degradation("quantisation", steps=log_throughout(256, 16, 8, 5, 3, 2))
def ordered_dither(image: Pixels, steps: float) -> Pixels:
    """Each channel dithered to ``steps`` (rounded) values with 8×8 Bayer thresholds."""
    height, width = image.shape[:2]
    tiles = (-(-height // 8), -(-width // 8))
    thresholds = np.tile(bayer(8), tiles)[:height, :width, None]
    top = np.float32(round(steps) - 1)
    return np.floor(image * top + thresholds) / top


def bayer(side: int) -> Pixels:
    """(side, side) thresholds in (0, 1), side a power of two."""
    matrix = np.zeros((1, 1))
    while len(matrix) < side:
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    return ((matrix + 0.5) / matrix.size).astype(np.float32)


@degradation("quantisation", steps=log_throughout(256, 16, 8, 5, 3, 2))
def error_diffusion(image: Pixels, steps: float) -> Pixels:
    """Each channel dithered to ``steps`` (rounded) values by Floyd and Steinberg's rule."""
    greys = np.rint(np.linspace(0, 255, round(steps))).astype(np.uint8)
    palette = Image.new("P", (1, 1))
    palette.putpalette(greys.repeat(3).tobytes())
    channels = [_diffuse(channel, palette) for channel in to_8_bit(image).split()]
    return np.stack(channels, axis=-1)


def _diffuse(channel: Image.Image, palette: Image.Image) -> Pixels:
    # Pillow diffuses errors from RGB to a palette only; three equal channels stand for gray.
    picture = Image.merge("RGB", [channel] * 3)
    dithered = picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
    return from_8_bit(dithered)[..., 0]
