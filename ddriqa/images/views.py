"""Geometry: which square or rectangle of a picture an encoder gets to see.

A view is a small frozen value, equal to another one exactly when it cuts and resizes alike, so
that metrics which share a view share its pixels and features. Calling it on a decoded picture
(uint8, height x width x 3) gives ``(n, 3, h, w)``: n crops, uint8 or float in about [0, 1].
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class View(ABC):
    """A way to look at a picture. Subclasses give ``geometry`` and ``__call__``."""

    @property
    @abstractmethod
    def geometry(self) -> str:
        """The name under which ``--geometry`` and the sidecar know this view."""

    @property
    def draft(self) -> int | None:
        """The length that both sides of a picture may be reduced to beforehand without harm that
        matters, or None where the view needs every pixel.
        """
        return None

    @property
    def batch(self) -> int | None:
        """How many of these views really go through the network at once, where the view has its
        own say; None leaves it to the encoder's card.
        """
        return None

    @abstractmethod
    def __call__(self, pixels: np.ndarray) -> Tensor:
        """uint8 ``(H, W, 3)`` -> ``(n, 3, h, w)``, uint8 or float32 in about [0, 1]."""

    def describe(self) -> dict[str, Any]:
        """The view as plain values, for sidecars and reports."""
        return {"geometry": self.geometry, **asdict(self)}


@dataclass(frozen=True)
class SquareCrops(View):
    """The geometry of DDR's published class: squares of the short side along the long side.

    ``floor(long / short) + 1`` squares, the last of which may end a few pixels before the
    border, each resized to ``side`` with a cubic kernel (a = -0.75) without antialiasing and
    without clamping. Source: eezkni/DDR ``DDR_pytorch/DDR.py`` (``DDR_quality_score``); the
    paper doesn't mention it. Where that gives the same square again, as twice for a square
    picture, it is given out once, which leaves the mean over the squares as it is.
    """

    side: int = 224

    @property
    def geometry(self) -> str:
        return "crops"

    def __call__(self, pixels: np.ndarray) -> Tensor:
        image = torch.from_numpy(pixels).permute(2, 0, 1)
        return self.of_tensor(image[None])[0]

    def of_tensor(self, images: Tensor) -> Tensor:
        """``(B, 3, H, W)`` uint8, or float in [0, 1] -> ``(B, n, 3, side, side)`` float.

        Differentiable for float input.
        """
        crops = [
            resize_cubic(images[..., top : top + size, left : left + size], self.side)
            for top, left, size in dict.fromkeys(square_crops(*images.shape[-2:]))
        ]
        return torch.stack(crops, dim=1)


def square_crops(height: int, width: int) -> list[tuple[int, int, int]]:
    """The ``(top, left, side)`` of each square crop of a picture, in order.

    All of them are the same one where the step between them is 0, as for a square picture.
    """
    short, long = min(height, width), max(height, width)
    count = long // short + 1
    step = (long - short) // (count - 1)
    if height > width:
        return [(i * step, 0, short) for i in range(count)]
    return [(0, i * step, short) for i in range(count)]


def resize_cubic(images: Tensor, side: int) -> Tensor:
    """Cubic resize (a = -0.75) without antialiasing to ``side`` x ``side``: ``(B, 3, H, W)``.

    uint8 is divided by 255; nothing is clamped; a picture of that size is passed through.
    Large pictures take a way of their own that reads, and turns into floats, no more than counts.
    """
    if min(images.shape[-2:]) > 4 * side:
        resized = _resize_cubic_by_taps(images, side)
    elif images.shape[-2:] == (side, side):
        resized = _floats(images)
    else:
        size = (side, side)
        resized = F.interpolate(_floats(images), size, mode="bicubic", align_corners=False)
    return resized / 255 if images.dtype == torch.uint8 else resized


def _floats(images: Tensor) -> Tensor:
    return images.float() if images.dtype == torch.uint8 else images


def _resize_cubic_by_taps(images: Tensor, side: int) -> Tensor:
    """``resize_cubic`` to less than a quarter, where the taps of neighbours don't overlap."""
    kind = torch.promote_types(images.dtype, torch.float32)
    (rows, above), (columns, along) = (_taps(length, side, kind) for length in images.shape[-2:])
    taps = _floats(images[..., rows[:, :, None, None], columns])
    return ((taps * along).sum(-1) * above[..., None]).sum(-2)


def _taps(length: int, side: int, kind: torch.dtype) -> tuple[Tensor, Tensor]:
    """The four pixels that each of ``side`` outputs reads, and their weights: ``(side, 4)`` each.

    Positions are rounded to ``kind`` once, as ``F.interpolate`` does where the processor multiplies
    and adds in one step. Below a quarter of the length no tap falls outside.
    """
    scale = torch.tensor(length / side, dtype=kind).item()
    centre = ((torch.arange(side, dtype=torch.double) + 0.5) * scale - 0.5).to(kind)
    first = centre.floor()
    distance = (centre - first)[:, None] - torch.arange(-1, 3)
    weights = _cubic(distance.abs())
    return first.long()[:, None] + torch.arange(-1, 3), weights


def _cubic(t: Tensor) -> Tensor:
    """The kernel of Keys (1981) at the distances t in [0, 2], with a = -0.75."""
    near = (1.25 * t - 2.25) * t * t + 1
    far = ((-0.75 * t + 3.75) * t - 6) * t + 3
    return torch.where(t <= 1, near, far)


@dataclass(frozen=True)
class CentreCrop(View):
    """CLIP's own view: short side to ``side`` (antialiased, 8 bit), then the middle square.

    Rounds lengths and offsets as torchvision's ``Resize`` and ``CenterCrop`` do.
    """

    side: int = 224

    @property
    def geometry(self) -> str:
        return "view"

    @property
    def draft(self) -> int:
        return 2 * self.side

    def __call__(self, pixels: np.ndarray) -> Tensor:
        short = min(pixels.shape[:2])
        height, width = (int(self.side * length / short) for length in pixels.shape[:2])
        image = resize_antialiased(pixels, (height, width))
        top, left = (round((length - self.side) / 2) for length in (height, width))
        return image[..., top : top + self.side, left : left + self.side]


@dataclass(frozen=True)
class WholePicture(View):
    """The whole picture, in its own shape, at about ``side`` x ``side`` pixels.

    The sides are multiples of ``multiple`` whose product comes near ``side`` squared, and each
    width has one height: only a few shapes occur, and pictures of one shape share a batch, at the
    price of a squeeze: none for 3:2, 5 % for 4:3, 18 % at worst. An aspect ratio beyond
    ``max_aspect`` is squeezed to it.
    """

    side: int = 384
    multiple: int = 32
    max_aspect: float = 3.0

    @property
    def geometry(self) -> str:
        return "view"

    @property
    def draft(self) -> int:
        return 3 * self.side // 2

    def __call__(self, pixels: np.ndarray) -> Tensor:
        return resize_antialiased(pixels, self.size(*pixels.shape[:2]))

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the view of a picture of that height and width."""
        aspect = min(max(height / width, 1 / self.max_aspect), self.max_aspect)
        view_width = self._near(self.side / math.sqrt(aspect))
        return self._near(self.side**2 / view_width), view_width

    def _near(self, length: float) -> int:
        return self.multiple * max(1, round(length / self.multiple))


def resize_antialiased(pixels: np.ndarray, size: tuple[int, int]) -> Tensor:
    """uint8 ``(H, W, 3)`` -> uint8 ``(1, 3, h, w)``, cubic with antialiasing (a = -0.5).

    Works on the picture's own memory (channels last), the fastest exact way on a CPU; at most
    one grey level from Pillow's ``BICUBIC``.
    """
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None]
    if image.shape[-2:] == size:
        return image
    return F.interpolate(image, size=size, mode="bicubic", antialias=True, align_corners=False)


@dataclass(frozen=True)
class NativeSize(View):
    """The picture as it is, without a resize or a crop.

    A side shorter than ``least`` is padded to it by reflection, evenly at both ends (the pixel at
    the border is repeated, and a very short side is reflected again and again): CLIP's ResNets
    have no output for less than 31 pixels. Views of different sizes can't share a batch, so each
    goes through the network alone.
    """

    least: int = 64

    @property
    def geometry(self) -> str:
        return "native"

    @property
    def batch(self) -> int:
        return 1

    def __call__(self, pixels: np.ndarray) -> Tensor:
        missing = [max(0, self.least - length) for length in pixels.shape[:2]]
        if any(missing):
            ends = [(count // 2, count - count // 2) for count in missing]
            pixels = np.pad(pixels, [*ends, (0, 0)], mode="symmetric")
        return torch.from_numpy(pixels).permute(2, 0, 1)[None]


@dataclass(frozen=True)
class Windows(View):
    """DDR's square crops, and beside them windows of the picture at its own resolution.

    The crops (``SquareCrops(side)``) show a large photograph as a whole, at a fraction of its
    resolution; the windows, ``side`` x ``side`` each and at most ``most`` of them, evenly spaced
    from border to border, show its grain. A picture with a side of ``side`` pixels or fewer has no
    windows: its crops are at its own resolution already, or above it. The mean over all views is
    the score, as MA-CLIP (zhix000/MA-CLIP, ``Maclip/model.py``) takes it over all windows with
    stride 128 and one resized copy.
    """

    side: int = 224
    most: int = 12

    @property
    def geometry(self) -> str:
        return "windows"

    def __call__(self, pixels: np.ndarray) -> Tensor:
        crops = SquareCrops(self.side)(pixels)
        image = torch.from_numpy(pixels).permute(2, 0, 1)
        windows = [
            image[:, top : top + self.side, left : left + self.side].float() / 255
            for top, left in self.corners(*pixels.shape[:2])
        ]
        return torch.cat([crops, torch.stack(windows)]) if windows else crops

    def corners(self, height: int, width: int) -> list[tuple[int, int]]:
        """The ``(top, left)`` of each window in a picture of that size, row by row."""
        if min(height, width) <= self.side:
            return []
        rows, columns = self.grid(height, width)
        lefts = self._starts(width, columns)
        return [(top, left) for top in self._starts(height, rows) for left in lefts]

    def grid(self, height: int, width: int) -> tuple[int, int]:
        """How many rows and columns of windows: those whose longest step is the shortest, among
        equals the fewest, and never more than cover the picture.
        """
        covering = math.ceil(height / self.side), math.ceil(width / self.side)
        grids = [
            (rows, columns)
            for rows in range(1, min(self.most, covering[0]) + 1)
            for columns in range(1, min(self.most // rows, covering[1]) + 1)
        ]
        return min(
            grids, key=lambda grid: (max(height / grid[0], width / grid[1]), math.prod(grid))
        )

    def _starts(self, length: int, count: int) -> list[int]:
        spare = length - self.side
        if count == 1:
            return [spare // 2]
        return [round(i * spare / (count - 1)) for i in range(count)]
