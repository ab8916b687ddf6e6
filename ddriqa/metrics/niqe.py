"""NIQE: how far a picture's statistics lie from those of pristine photographs. Lower is better.

Mittal, Soundararajan, Bovik, "Making a Completely Blind Image Quality Analyzer", IEEE Signal
Processing Letters 20(3), 2013. Written from the paper; where it is silent, the conventions are
those of the authors' released test code: blocks of 96x96 without overlap, what is left over is cut
off at the right and the bottom, neighbours wrap around inside a block, no choice of sharp blocks.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from ddriqa.errors import ImageError, UsageError
from ddriqa.metrics.niqe_parameters import read_parameters

if TYPE_CHECKING:
    from numpy import ndarray

BLOCK = 96
RADIUS, SIGMA = 3, 7 / 6
NOISE = 1e-9  # grey levels: what rounding leaves of a flat area, where sums depend on the machine
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
LUMINANCE = {
    "grey": (0.0, (0.298936021293775, 0.587043074451121, 0.114020904255103)),
    "y": (16.0, (65.481 / 255, 128.553 / 255, 24.966 / 255)),
}
"""Offset and weights of R, G, B: MATLAB's rgb2gray, and Y of ITU-R BT.601 in 16...235."""


class NIQE:
    """The metric ``niqe``: about 2 to 4 for good photographs, unbounded above; lower is better.

    Args:
        parameters: file of the pristine model: ``.npz`` with ``mu_pris_param`` and
            ``cov_pris_param`` or the authors' ``modelparameters.mat``; by default the one that the
            package ``basicsr`` carries, where that is installed.
        luminance: ``grey``, MATLAB's rgb2gray, as the authors' code has it, or ``y``, the Y of
            YCbCr (BT.601, 16 to 235), as papers on super-resolution report it.

    Raises:
        UsageError: an unknown luminance.
        WeightsError: no parameters, or a file that doesn't hold them.
    """

    name = "niqe"
    needs = "pixels"
    bytes_per_pixel = 32  # at its peak, measured
    higher_is_better = False
    view = None
    usual: dict[str, tuple[float, float]] = {}

    def __init__(self, *, parameters: str | None = None, luminance: str = "grey") -> None:
        if luminance not in LUMINANCE:
            raise UsageError("luminance", f"unknown {luminance!r}", "Known: grey, y")
        self.luminance = luminance
        self.parameters = read_parameters(parameters)

    @property
    def columns(self) -> tuple[str, ...]:
        """The metric's name."""
        return (self.name,)

    def measure(self, pixels: ndarray) -> dict[str, float]:
        """uint8 ``(H, W, 3)`` sRGB -> column -> score.

        Raises:
            ImageError: fewer than two blocks of 96x96, or fewer than two that have any texture.
        """
        height, width = pixels.shape[:2]
        if (height // BLOCK) * (width // BLOCK) < 2:
            raise ImageError("", f"{width}x{height} is too small: NIQE needs two 96x96 blocks")
        rows = features(to_luminance(pixels, self.luminance))
        complete = rows[~np.isnan(rows).any(axis=1)]
        if len(complete) < 2:
            raise ImageError("", "NIQE needs two blocks that have texture: the picture is flat")
        mean, covariance = np.nanmean(rows, axis=0), np.cov(complete, rowvar=False)
        score = distance(mean, covariance, self.parameters.mean, self.parameters.covariance)
        return {self.name: score}

    def describe(self) -> dict[str, object]:
        """Everything that fixes the number, for the sidecar."""
        import scipy

        return {
            "name": self.name,
            "source": "Mittal, Soundararajan, Bovik 2013",
            "luminance": self.luminance,
            "parameters_sha256": self.parameters.sha256,
            "numpy": np.__version__,
            "scipy": scipy.__version__,
        }


def distance(mean: ndarray, covariance: ndarray, mean_0: ndarray, covariance_0: ndarray) -> float:
    """Eq. 10: sqrt(d^T ((S_0 + S) / 2)^+ d) with d the difference of the means ``(36,)``."""
    difference = mean_0 - mean
    inverse = np.linalg.pinv((covariance_0 + covariance) / 2)
    return float(np.sqrt(max(difference @ inverse @ difference, 0.0)))


def to_luminance(pixels: ndarray, luminance: str) -> ndarray:
    """uint8 ``(H, W, 3)`` -> whole grey levels, float64 ``(H, W)``; halves go up, as in MATLAB."""
    offset, weights = LUMINANCE[luminance]
    return np.floor(offset + pixels @ np.array(weights) + 0.5)


def features(grey: ndarray) -> ndarray:
    """Luminance ``(H, W)`` in 0...255 -> 36 features of each 96x96 block, ``(blocks, 36)``.

    18 at full size, 18 at half; NaN where a block is too flat to have them.
    """
    height, width = (BLOCK * (size // BLOCK) for size in grey.shape)
    grey = grey[:height, :width]
    return np.hstack([_scale_features(grey, BLOCK), _scale_features(halve(grey), BLOCK // 2)])


def _scale_features(grey: ndarray, side: int) -> ndarray:
    padded = np.pad(grey, RADIUS, mode="edge")
    rows = []
    for top in range(0, len(grey), side):  # a row of blocks at a time: little memory
        strip = _mscn(padded[top : top + side + 2 * RADIUS])
        rows.append(_block_features(strip.reshape(side, -1, side).swapaxes(0, 1)))
    return np.vstack(rows)


def _mscn(padded: ndarray) -> ndarray:
    """Eq. 1: ``(H + 6, W + 6)`` -> mean-subtracted, contrast-normalised ``(H, W)``."""
    inner = padded[RADIUS:-RADIUS, RADIUS:-RADIUS]
    mean = _smooth(padded)
    deviation = np.sqrt(np.abs(_smooth(padded**2) - mean**2))
    difference = inner - mean
    difference[np.abs(difference) < NOISE] = 0
    return difference / (deviation + 1)


def _smooth(padded: ndarray) -> ndarray:
    from scipy.ndimage import correlate1d

    weights = np.exp(-(np.arange(-RADIUS, RADIUS + 1) ** 2) / (2 * SIGMA**2))
    weights /= weights.sum()
    smooth = correlate1d(correlate1d(padded, weights, axis=0), weights, axis=1)
    return smooth[RADIUS:-RADIUS, RADIUS:-RADIUS]


def _block_features(blocks: ndarray) -> ndarray:
    """Section II-B: MSCN blocks ``(N, side, side)`` -> ``(N, 18)``."""
    from scipy.special import gamma

    alpha, left, right = fit_aggd(blocks)
    columns = [alpha, (left + right) / 2]
    for shift in NEIGHBOURS:
        alpha, left, right = fit_aggd(blocks * np.roll(blocks, shift, axis=(1, 2)))
        mean = (right - left) * gamma(2 / alpha) / gamma(1 / alpha)  # Eq. 8
        columns += [alpha, mean, left, right]
    return np.stack(columns, axis=1)


def fit_aggd(values: ndarray) -> tuple[ndarray, ndarray, ndarray]:
    """Asymmetric generalised Gaussian of each row, by its moments (Lasmar et al., ICIP 2009).

    Args:
        values: ``(N, ...)``; zeros count for neither side.

    Returns:
        Eq. 4: shape alpha in [0.2, 10] in steps of 0.001, scales beta_l and beta_r, each ``(N,)``.
        A side without values has the scale NaN, and then the shape is 0.2.
    """
    from scipy.special import gamma

    values = values.reshape(len(values), -1)
    square = values**2
    with np.errstate(invalid="ignore", divide="ignore"):
        left, right = (
            np.sqrt((square * side).sum(axis=1) / side.sum(axis=1))
            for side in (values < 0, values > 0)
        )
        ratio = left / right
        moments = np.abs(values).mean(axis=1) ** 2 / square.mean(axis=1)
        moments *= (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    alpha = _shape(moments)
    scale = np.sqrt(gamma(1 / alpha) / gamma(3 / alpha))
    return alpha, left * scale, right * scale


def _shape(moments: ndarray) -> ndarray:
    """The alpha whose Gamma(2/a)^2 / (Gamma(1/a) Gamma(3/a)) is nearest."""
    alphas, ratios = _shape_table()
    above = np.clip(np.searchsorted(ratios, moments), 1, len(ratios) - 1)
    nearest = above - (moments - ratios[above - 1] <= ratios[above] - moments)
    return np.where(np.isnan(moments), alphas[0], alphas[nearest])


@cache
def _shape_table() -> tuple[ndarray, ndarray]:
    from scipy.special import gamma

    alphas = np.arange(200, 10001) / 1000
    return alphas, gamma(2 / alphas) ** 2 / (gamma(1 / alphas) * gamma(3 / alphas))


def halve(grey: ndarray) -> ndarray:
    """``(H, W)`` of even sides -> ``(H/2, W/2)`` as MATLAB's imresize(grey, 0.5) does.

    Bicubic (Keys, a = -0.5) widened to twice the support against aliasing, edges mirrored.
    """
    from scipy.ndimage import correlate1d

    near, far = np.array([0.25, 0.75]), np.array([1.25, 1.75])
    half = np.concatenate(
        [1.5 * near**3 - 2.5 * near**2 + 1, -0.5 * far**3 + 2.5 * far**2 - 4 * far + 2]
    )
    weights = np.concatenate([half[::-1], half]) / (2 * half.sum())
    for axis in (0, 1):
        grey = correlate1d(grey, weights, axis=axis, mode="reflect")
        grey = grey[1::2] if axis == 0 else grey[:, 1::2]
    return grey
