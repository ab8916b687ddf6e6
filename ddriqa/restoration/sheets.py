"""Sample sheets: what went in, what came out, and what it should be, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from ddriqa.restoration.measures.psnr import psnr

TITLES = ("LQ", "output", "GT")
LARGEST, GAP, HEADER = 384, 6, 18  # pixels


def sheet(samples: Sequence[tuple[Tensor, Tensor, Tensor]]) -> Image.Image:
    """A row for each sample: LQ | output | GT, the first two with their PSNR over the picture.

    Args:
        samples: triples of ``(3, h, w)`` floats in [0, 1] (values beyond are cut off); a smaller
            LQ is enlarged to the GT by repeating its pixels. Of pictures larger than 384 pixels
            the centre is shown, so that a pixel stays a pixel.
    """
    whole = [_one_size(*sample) for sample in samples]
    rows = [[_centre(part) for part in row] for row in whole]
    cell = max((part.shape[-1] for row in rows for part in row), default=1)
    heights = [row[0].shape[-2] for row in rows]
    size = (GAP + 3 * (cell + GAP), sum(heights) + (HEADER + GAP) * len(rows))
    drawn = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(drawn)
    top = 0
    for (lq, output, gt), row, height in zip(whole, rows, heights, strict=True):
        titles = [_title(TITLES[0], lq, gt), _title(TITLES[1], output, gt), TITLES[2]]
        for column, (title, part) in enumerate(zip(titles, row, strict=True)):
            left = GAP + column * (cell + GAP)
            pen.text((left, top + 3), title, fill="black")
            drawn.paste(_image(part), (left, top + HEADER))
        top += HEADER + height + GAP
    return drawn


def _title(name: str, picture: Tensor, gt: Tensor) -> str:
    """``output 27.31 dB``; infinite where it equals the truth."""
    return f"{name} {float(psnr(picture[None].float().clamp(0, 1), gt[None].float())):.2f} dB"


def _one_size(lq: Tensor, output: Tensor, gt: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    size = (gt.shape[-2], gt.shape[-1])
    return torch.nn.functional.interpolate(lq[None], size, mode="nearest")[0], output, gt


def _centre(picture: Tensor) -> Tensor:
    height, width = picture.shape[-2:]
    top, left = max(0, height - LARGEST) // 2, max(0, width - LARGEST) // 2
    return picture[:, top : top + LARGEST, left : left + LARGEST]


def _image(picture: Tensor) -> Image.Image:
    pixels = picture.float().clamp(0, 1).mul(255).round().to(torch.uint8)
    return Image.fromarray(pixels.permute(1, 2, 0).cpu().numpy())
