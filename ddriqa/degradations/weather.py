"""Rain, snow, haze, drops on the lens, and bad light."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from ddriqa.degradations.base import Pixels, degradation
from ddriqa.degradations.fields import (
    Field,
    convolve,
    depth,
    disk,
    gaussian,
    gaussian_kernel,
    line_kernel,
    pixel_grid,
    plasma,
    to_linear,
    to_srgb,
    white_noise,
)
from ddriqa.degradations.levels import linear

DEGREE = math.pi / 180


@degradation(
    "weather",
    density=linear(0.002, 0.002, 0.003, 0.004, 0.005, 0.007),
    length=linear(9, 9, 12, 16, 20, 26),
    opacity=linear(0, 0.25, 0.32, 0.4, 0.48, 0.58),
    layers=linear(1, 1, 1, 2, 3, 4),
)
def rain(
    image: Pixels,
    rng: np.random.Generator,
    density: float,
    length: float,
    opacity: float,
    layers: float,
) -> Pixels:
    """Bright streaks of ``length`` px in one to four layers, blended as a screen.

    ``density`` is the share of pixels where a streak begins; between whole numbers of ``layers``
    the last one fades in.
    """
    angle = rng.uniform(70, 110)
    # Every layer is drawn, so that the streaks of one are the same however many are shown.
    angles = angle + np.append(0, rng.uniform(-14, 14, 3))
    stretch = np.append(1, rng.uniform(0.7, 1.3, 3))
    draws = rng.random((4, 2, *image.shape[:2]), dtype=np.float32)
    streaks = np.zeros(image.shape[:2], dtype=np.float32)
    for layer in range(math.ceil(layers)):
        kernel = line_kernel(length * stretch[layer], angles[layer] * DEGREE)
        streaks += min(1, layers - layer) * _rain_layer(draws[layer], density, kernel)
    return 1 - (1 - image) * (1 - np.float32(opacity) * np.minimum(streaks, 1))[..., None]


def _rain_layer(draws: Field, density: float, kernel: Field) -> Field:
    drops = (draws[0] < density) * (0.5 + 0.5 * draws[1])
    streaks = np.maximum(convolve(gaussian(drops, 0.5), kernel), 0)
    return streaks / np.float32(max(np.quantile(streaks, 0.999), 1e-3))


@degradation(
    "weather",
    density=linear(0.002, 0.002, 0.005, 0.012, 0.024, 0.045),
    radius=linear(1.2, 1.2, 1.8, 2.6, 3.6, 4.8),
    opacity=linear(0, 0.5, 0.6, 0.75, 0.85, 1),
)
def snow(
    image: Pixels, rng: np.random.Generator, density: float, radius: float, opacity: float
) -> Pixels:
    """White flakes of three sizes up to ``radius`` px, ``density`` flakes a px at radius 1."""
    angle = rng.uniform(60, 120) * DEGREE
    draws = rng.random((3, *image.shape[:2]), dtype=np.float32)
    flakes = np.zeros(image.shape[:2], dtype=np.float32)
    for draw, share in zip(draws, (0.35, 0.65, 1), strict=True):
        size = share * radius
        seeds = (draw < density / size**2).astype(np.float32)
        flakes = np.maximum(flakes, convolve(seeds, _flake(size, angle)))
    cover = np.float32(opacity) * np.clip(flakes, 0, 1)[..., None]
    return image * (1 - cover) + cover


def _flake(radius: float, angle: float) -> Field:
    shape = convolve(_padded(disk(radius)), line_kernel(1 + 1.2 * radius, angle))
    return convolve(shape, gaussian_kernel(0.25 * radius, 0.25 * radius, 0))


def _padded(kernel: Field) -> Field:
    return np.pad(kernel, kernel.shape[0])


@degradation("weather", beta=linear(0, 0.2, 0.45, 0.8, 1.4, 2.2))
def haze(image: Pixels, rng: np.random.Generator, beta: float) -> Pixels:
    """Koschmieder's law with a stand-in depth: x·t + A·(1 − t), t = exp(−β·depth).

    The air light A is (0.90, 0.90, 0.92).
    """
    transmission = np.exp(np.float32(-beta) * depth(image.shape, rng))[..., None]
    air = np.array([0.90, 0.90, 0.92], dtype=np.float32)
    return air + transmission * (image - air)


@degradation("weather", count=linear(0, 8, 16, 28, 42, 60), radius=linear(7, 7, 9, 11, 13, 15))
def raindrop(image: Pixels, rng: np.random.Generator, count: float, radius: float) -> Pixels:
    """``count`` (rounded) drops on the lens, ``radius`` px where the short side has 300.

    A drop shows its surroundings upside down, blurred, darker below than above.
    """
    scale = min(image.shape[:2]) / 300
    blurred = gaussian(image, 2 * scale)
    result = image.copy()
    for draw in rng.random((round(count), 4)):
        centre = draw[:2] * image.shape[:2]
        half_width = radius * scale * (0.6 + 0.7 * draw[2])
        half_height = half_width * (1 + 0.4 * draw[3])
        _add_drop(result, blurred, centre, np.array([half_height, half_width]))
    return result


def _add_drop(
    result: Pixels, blurred: Pixels, centre: npt.NDArray[Any], axes: npt.NDArray[Any]
) -> None:
    """Paint one drop, semi-axes (vertical, horizontal) in px, into ``result``."""
    start = np.maximum(np.floor(centre - axes), 0).astype(int)
    stop = np.minimum(np.ceil(centre + axes) + 1, result.shape[:2]).astype(int)
    rows, columns = pixel_grid(tuple(stop - start))
    dy, dx = rows + start[0] - centre[0], columns + start[1] - centre[1]
    mask = np.clip(3 * (1 - (dy / axes[0]) ** 2 - (dx / axes[1]) ** 2), 0, 1)[..., None]
    height, width = result.shape[:2]
    source_rows = np.clip(np.rint(centre[0] - 4 * dy), 0, height - 1).astype(int)
    source_columns = np.clip(np.rint(centre[1] - 4 * dx), 0, width - 1).astype(int)
    light = 0.85 + 0.35 * np.clip(-dy / axes[0], -1, 1)
    content = blurred[source_rows, source_columns] * light[..., None]
    window = result[start[0] : stop[0], start[1] : stop[1]]
    window += mask * (content - window)


@degradation("light", strength=linear(0, 0.3, 0.5, 0.65, 0.78, 0.88))
def shadow(image: Pixels, rng: np.random.Generator, strength: float) -> Pixels:
    """A soft cast shadow over 40 % of the image that takes this share of the linear light.

    Blue loses a little less, because the sky still lights the shadow.
    """
    cloud = plasma(image.shape, 1.8, rng)
    mask = (cloud > np.quantile(cloud, 0.6)).astype(np.float32)
    mask = gaussian(mask, min(image.shape[:2]) / 80)[..., None]
    loss = np.float32(strength) * np.array([1, 0.96, 0.90], dtype=np.float32)
    return to_srgb(to_linear(image) * (1 - mask * np.minimum(loss, 1)))


@degradation(
    "light", stops=linear(0, 0.5, 1, 1.8, 2.8, 4), noise=linear(0, 0.01, 0.02, 0.035, 0.05, 0.07)
)
def low_light(image: Pixels, rng: np.random.Generator, stops: float, noise: float) -> Pixels:
    """Linear light v / 2^stops with sensor noise of variance noise²·(v + 0.01)."""
    light = to_linear(image) * np.float32(2**-stops)
    deviation = np.float32(noise) * np.sqrt(light + np.float32(0.01))
    return to_srgb(light + deviation * white_noise(image.shape, rng))


@degradation("light", strength=linear(0, 0.4, 0.8, 1.4, 2.2, 3.2))
def underwater(image: Pixels, rng: np.random.Generator, strength: float) -> Pixels:
    """Water takes red first and adds a blue-green veil that grows with distance."""
    distance = np.float32(strength) * (0.35 + 0.65 * depth(image.shape, rng))[..., None]
    attenuation = np.array([1, 0.35, 0.2], dtype=np.float32)
    water = to_linear(np.array([0.06, 0.38, 0.45], dtype=np.float32))
    transmission = np.exp(-attenuation * distance)
    veil = water * (1 - np.exp(-0.5 * distance))
    return to_srgb(to_linear(image) * transmission + veil)
