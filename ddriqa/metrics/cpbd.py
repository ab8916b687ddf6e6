"""CPBD: how large a share of a picture's edges is too narrow for people to call them blurred.

Narvekar and Karam, "A no-reference image blur metric based on the cumulative probability of blur
detection (CPBD)", IEEE Transactions on Image Processing 2011.
"""

from __future__ import annotations

from math import pi, tan

import numpy as np
from scipy import ndimage

from ddriqa.errors import ImageError
from ddriqa.metrics.canny import canny
from ddriqa.metrics.luma import luma

BLOCK = 64
EDGE_SHARE = 0.002
"""A block is an edge block if more than this share of its pixels are Canny's."""
SIGMA, LOW, HIGH = 1.0, 0.1, 0.2
"""Of Canny's detector, on luma in 0 ... 255."""
BETA = 3.6
LOW_CONTRAST = 50
JUST_NOTICEABLE = (5, 3)
"""Width in px at which blur is just noticed, in blocks of low and of high contrast."""
BAND = 128
LONGEST = 100
"""Steps after which the walk along an edge's profile ends."""
SHARP = 0.635
"""Bins 0 to 63 of a histogram of percents; P(just noticeable width) = 0.632."""


def cpbd(grey: np.ndarray) -> float:
    """The share of vertical edge pixels whose blur isn't noticed.

    An edge's width w is that of its strictly monotone profile along the row; its blur is noticed
    with ``P = 1 - exp(-(w / w_JNB) ** 3.6)``, and counts as unnoticed up to P = 0.63, which is
    w = w_JNB. Only full blocks of 64 x 64 px that hold enough of Canny's edges take part.

    The authors' MATLAB has other edge maps: it compares the squared response of Sobel's kernel
    with 4 times its mean, where this function, like the Python port by which it is checked,
    compares it with ``2 sqrt(mean)``, and MATLAB's Canny chooses thresholds from the picture. Over
    174 blurred pictures of LIVE the port and MATLAB differ by 0.012 on average and 0.056 at most
    (SRCC 0.996). On ideal, symmetric steps ties leave no edge, and the value is 0.

    Args:
        grey: ``(H, W)`` luma in 0 ... 255.

    Returns:
        In [0, 1], higher is sharper; 0 where there are no edges.

    Raises:
        ImageError: a side is shorter than 64 px.
    """
    height, width = (side // BLOCK * BLOCK for side in grey.shape)
    if not height or not width:
        raise ImageError("", f"is smaller than one block of {BLOCK} x {BLOCK} px")
    grey = grey.astype(np.float32)
    widths = edge_widths(grey)[:height, :width]
    edges = canny(grey, SIGMA, LOW, HIGH)[:height, :width]
    blocks = _blocks(grey[:height, :width])
    contrast = (blocks.max((1, 3)) - blocks.min((1, 3))).astype(int)
    just_noticeable = np.where(contrast <= LOW_CONTRAST, *JUST_NOTICEABLE)
    busy = _blocks(edges).sum((1, 3)) > EDGE_SHARE * BLOCK**2
    row, column = np.nonzero(widths)
    block = row // BLOCK, column // BLOCK
    relative = (widths[row, column] / just_noticeable[block])[busy[block]]
    if not relative.size:
        return 0.0
    return float((1 - np.exp(-(relative**BETA)) < SHARP).mean())


def _blocks(values: np.ndarray) -> np.ndarray:
    """``(H, W)`` -> ``(rows of blocks, 64, columns of blocks, 64)``."""
    height, width = values.shape
    return values.reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK)


def vertical_edges(grey: np.ndarray) -> np.ndarray:
    """Sobel's vertical edges, thinned: ``(H, W)`` luma -> bool ``(H, W)``.

    The squared response (weights 1-2-1, divided by 8; the border repeats) must exceed
    ``2 sqrt(mean)`` of it, and be strictly larger than both neighbours in its row or both in its
    column, of which those outside count as zero.
    """
    response = ndimage.sobel(grey, axis=1, mode="nearest") / 8
    square = response * response
    square[square <= 2 * np.sqrt(square.mean(dtype=np.float64))] = 0
    edges = _above_neighbours(square)
    edges |= _above_neighbours(square.T).T
    return edges


def _above_neighbours(values: np.ndarray) -> np.ndarray:
    """Where a value is strictly larger than both its neighbours in the row, zeros outside."""
    above = values > 0
    above[:, 1:] &= values[:, 1:] > values[:, :-1]
    above[:, :-1] &= values[:, :-1] > values[:, 1:]
    return above


def edge_widths(grey: np.ndarray) -> np.ndarray:
    """Widths of the vertical edges in px, 0 elsewhere: ``(H, W)`` luma -> int ``(H, W)``.

    At an edge pixel x whose gradient lies within 22.5 degrees of the row, the walk to the left
    starts at x - 1 and that to the right at x + 1; each goes on while the brightness strictly
    falls towards the dark side or rises towards the bright one, at most 100 steps, and a side's
    width is its steps and one more.
    """
    widths = np.zeros(grey.shape, np.int32)
    edges = vertical_edges(grey)
    for top in range(1, len(grey) - 1, BAND):  # a band at a time stays in the cache
        band = slice(top, min(top + BAND, len(grey) - 1))
        around = grey[band.start - 1 : band.stop + 1]
        _walk(around, edges[band], widths[band])
    return widths


def _walk(grey: np.ndarray, edges: np.ndarray, widths: np.ndarray) -> None:
    """Fill in the widths of a band of rows; ``grey`` has one row more above and below."""
    y, x = np.nonzero(edges[:, 1:-1])
    x += 1
    gx = grey[y + 1, x + 1] - grey[y + 1, x - 1]
    gy = grey[y + 2, x] - grey[y, x]
    level = (np.abs(gy) <= tan(pi / 8) * np.abs(gx)) | (gx == 0)
    step = np.diff(grey[1:-1], axis=1, prepend=grey[1:-1, :1])  # of a pixel from its left one
    for rises, chosen in ((step > 0, level & (gx >= 0)), (step < 0, level & (gx < 0))):
        before, after = _runs(rises)
        rows, columns = y[chosen], x[chosen]
        left = np.minimum(before[rows, columns - 1], LONGEST)
        right = np.minimum(after[rows, columns + 2], LONGEST)
        widths[rows, columns] = left + right + 2


def _runs(flags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lengths of the runs of true flags that end, and that begin, at each pixel of a row.

    The second has one more column, of zeros, for the pixel beyond the border.
    """
    place = np.arange(flags.shape[1], dtype=np.int32)
    last = np.maximum.accumulate(np.where(flags, np.int32(-1), place), axis=1)
    past = np.where(flags, np.int32(flags.shape[1]), place)[:, ::-1]
    following = np.minimum.accumulate(past, axis=1)[:, ::-1]
    return place - last, np.pad(following - place, ((0, 0), (0, 1)))


class CPBD:
    """The metric ``cpbd``. A characteristic: sharpness, whatever is sharp."""

    name = "cpbd"
    needs = "pixels"
    bytes_per_pixel = 19  # at its peak, measured
    higher_is_better = None
    columns = ("cpbd",)
    view = None
    usual: dict[str, tuple[float, float]] = {}

    def measure(self, pixels: np.ndarray) -> dict[str, float]:
        """uint8 ``(H, W, 3)`` sRGB -> column -> value in [0, 1].

        Raises:
            ImageError: other pixels, or a side shorter than 64 px.
        """
        return {self.columns[0]: cpbd(luma(pixels))}

    def describe(self) -> dict[str, object]:
        """Everything that fixes the number."""
        return {
            "name": self.name,
            "definition": "CPBD of Narvekar and Karam 2011",
            "block": BLOCK,
            "edge_share": EDGE_SHARE,
            "canny": {"sigma": SIGMA, "low": LOW, "high": HIGH},
            "edges": "squared Sobel response over 2 sqrt(mean), thinned",
        }
