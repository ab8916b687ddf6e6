"""A network on a picture of any size: tile by tile, blended, memory bounded by the tile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ddriqa.errors import UsageError
from ddriqa.restoration.networks.padding import reflect_pad

TILE, OVERLAP = 512, 32
GRID = 16
"""Tiles begin at multiples of it: the networks reduce by at most 16, and attend in windows of 8,
so that a tile falls on the same grid as the whole picture."""


@dataclass(frozen=True)
class Span:
    """A tile's extent in one direction, and where it passes over into its neighbours.

    ``before`` and ``after`` are the middles of the passages, None at the picture's border.
    """

    start: int
    stop: int
    before: float | None
    after: float | None

    def weights(self, scale: int, passage: int) -> Tensor:
        """How much the tile counts at each of its pixels, ``((stop − start) · scale,)``: 1 in its
        middle, falling linearly over ``passage`` source pixels; all tiles together give 1."""
        places = torch.arange(self.start * scale, self.stop * scale) + 0.5
        return self._rise(places, self.before, scale, passage, 1.0) - self._rise(
            places, self.after, scale, passage, 0.0
        )

    @staticmethod
    def _rise(
        places: Tensor, middle: float | None, scale: int, passage: int, without: float
    ) -> Tensor:
        if middle is None:
            return torch.full(places.shape, without)
        return ((places - middle * scale) / (passage * scale) + 0.5).clamp(0, 1)


def spans(size: int, tile: int, overlap: int) -> list[Span]:
    """The tiles that cover ``size`` pixels in one direction.

    Args:
        size: of the picture, at least 1.
        tile: of a tile; the last one may have up to 15 pixels more.
        overlap: pixels that a tile reaches over each side that isn't the picture's border. The
            outer half of them is thrown away, the rest passes over into the neighbour; so what
            is kept has at least overlap / 2 pixels of true surroundings, and a network whose
            receptive field is at most ``overlap`` wide gives what it gives for the whole.

    Raises:
        UsageError: the tile is too small for its overlaps.
    """
    stride = (tile - 2 * overlap) // GRID * GRID
    if overlap < 1 or stride < GRID:
        reason = f"{tile} with an overlap of {overlap} leaves no room"
        raise UsageError("tile", reason, f"{2 * max(overlap, 1) + GRID} is the least")
    if size <= tile + GRID - 1:
        return [Span(0, size, None, None)]
    last = (size - tile) // GRID * GRID
    starts = [*range(0, last, stride), last]
    stops = [start + tile for start in starts[:-1]] + [size]
    seams = [(after + before) / 2 for after, before in zip(starts[1:], stops[:-1], strict=True)]
    edges = [None, *seams, None]
    return [
        Span(start, stop, edges[number], edges[number + 1])
        for number, (start, stop) in enumerate(zip(starts, stops, strict=True))
    ]


def restore(
    network: nn.Module,
    picture: Tensor,
    *,
    tile: int = TILE,
    overlap: int = OVERLAP,
    multiple: int = 1,
) -> Tensor:
    """The output of a network for a picture of any size.

    Beside the picture and the result, memory holds one tile on its way through the network.

    Args:
        network: ``(1, 3, h, w)`` float in [0, 1] → ``(1, 3, s·h, s·w)``; in its own mode (call
            ``eval()``), on its own device. One with a true ``placed`` also takes where a tile lies:
            its top and left, then height and width of the picture.
        picture: ``(3, H, W)`` RGB, float in [0, 1] or uint8, best on the CPU.
        tile, overlap: see ``spans``; a picture that fits in one tile goes through whole.
        multiple: sides are mirrored up to it at the right and below, and the output is cut there.
            With 1 a network pads as its authors do.

    Returns:
        ``(3, s·H, s·W)`` float32 on the CPU, not cut to [0, 1].

    Raises:
        UsageError: the tile is too small, or the output's size is no multiple of the input's.
    """
    height, width = picture.shape[-2:]
    result: Tensor | None = None
    with torch.no_grad():
        for down, across in _tiles(height, width, tile, overlap):
            output = _through(network, picture, down, across, multiple)
            scale = output.shape[-1] // (across.stop - across.start)
            if output.shape[-2:] != _size(down, across, scale):
                reason = f"gives {tuple(output.shape)} for {tuple(_size(down, across, 1))} pixels"
                raise UsageError("network", reason, "Its output must be a multiple of its input")
            if result is None:
                result = torch.zeros(3, height * scale, width * scale)
            rows = slice(down.start * scale, down.stop * scale)
            columns = slice(across.start * scale, across.stop * scale)
            output *= down.weights(scale, overlap)[:, None]
            output *= across.weights(scale, overlap)
            result[:, rows, columns] += output
    assert result is not None  # there is at least one tile
    return result


def restore_pixels(
    network: nn.Module,
    pixels: npt.NDArray[np.uint8],
    *,
    tile: int = TILE,
    overlap: int = OVERLAP,
) -> npt.NDArray[np.uint8]:
    """The same from pixels to pixels, mirrored to the ``multiple`` of the network if it has one.

    The padding of a network never acts then: NAFNet's zeros, which are black, leave a line along
    the border of pictures whose sides aren't such multiples.

    Args:
        pixels: ``(H, W, 3)`` uint8 RGB.
        network, tile, overlap: see ``restore``.

    Returns:
        ``(s·H, s·W, 3)`` uint8: the output cut to [0, 1] and rounded.
    """
    picture = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)
    multiple = getattr(network, "multiple", 1)
    result = restore(network, picture, tile=tile, overlap=overlap, multiple=multiple)
    result = result.clamp_(0, 1).mul_(255).round_()
    return np.ascontiguousarray(result.to(torch.uint8).permute(1, 2, 0).numpy())


def _tiles(height: int, width: int, tile: int, overlap: int) -> Iterator[tuple[Span, Span]]:
    columns = spans(width, tile, overlap)
    for down in spans(height, tile, overlap):
        for across in columns:
            yield down, across


def _size(down: Span, across: Span, scale: int) -> torch.Size:
    return torch.Size(((down.stop - down.start) * scale, (across.stop - across.start) * scale))


def _through(
    network: nn.Module, picture: Tensor, down: Span, across: Span, multiple: int
) -> Tensor:
    """``(3, s·h, s·w)`` float32 on the CPU, its own memory."""
    part = picture[:, down.start : down.stop, across.start : across.stop]
    part = part.float() / 255 if part.dtype == torch.uint8 else part.float()
    weight = next(network.parameters(), torch.empty(0))
    padded = reflect_pad(part[None], multiple)
    placed = getattr(network, "placed", False) and part.shape != picture.shape
    place = [(down.start, across.start, *picture.shape[-2:])] if placed else []
    output = network(padded.to(weight.device), *place)[0]
    if padded.shape[-2:] != part.shape[-2:]:
        scale = max(output.shape[-1] // padded.shape[-1], 1)
        output = output[:, : part.shape[-2] * scale, : part.shape[-1] * scale]
    return output.to("cpu", torch.float32, copy=True)
