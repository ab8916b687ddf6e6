"""Lossy codecs, and blocks lost on the way."""

import io
from typing import Any

import numpy as np
from PIL import Image

from ddriqa.degradations.base import Pixels, degradation
from ddriqa.degradations.levels import linear, log, log_throughout


def to_8_bit(image: Pixels) -> Image.Image:
    """The nearest 8-bit picture."""
    return Image.fromarray(np.rint(image * 255).astype(np.uint8))


def from_8_bit(picture: Image.Image) -> Pixels:
    """A Pillow picture as (H, W, 3) float32 in [0, 1]."""
    return np.asarray(picture.convert("RGB"), dtype=np.float32) / np.float32(255)


def encode_decode(image: Pixels, codec: str, **options: Any) -> Pixels:
    """What is left after writing and reading with one of Pillow's codecs."""
    buffer = io.BytesIO()
    to_8_bit(image).save(buffer, codec, **options)
    return from_8_bit(Image.open(buffer))


@degradation("compression", quality=linear(100, 70, 40, 22, 11, 5))
def jpeg(image: Pixels, quality: float) -> Pixels:
    """JPEG through Pillow, 4:2:0, quality 100 (best) to 0, rounded."""
    return encode_decode(image, "JPEG", quality=round(quality), subsampling="4:2:0")


@degradation("compression", quality=linear(100, 60, 35, 15, 5, 0))
def webp(image: Pixels, quality: float) -> Pixels:
    """Lossy WebP through Pillow, quality 100 (best) to 0."""
    return encode_decode(image, "WEBP", quality=quality)


@degradation("compression", ratio=log_throughout(1, 16, 32, 60, 120, 250))
def jpeg2000(image: Pixels, ratio: float) -> Pixels:
    """JPEG 2000 through Pillow, irreversible wavelet, at a fixed compression ratio."""
    # Each resolution halves the picture, which must not vanish.
    resolutions = min(6, min(image.shape[:2]).bit_length())
    return encode_decode(
        image,
        "JPEG2000",
        quality_mode="rates",
        quality_layers=[ratio],
        num_resolutions=resolutions,
        irreversible=True,
    )


@degradation("compression", share=log(0, 0.01, 0.03, 0.06, 0.12, 0.2))
def block_loss(image: Pixels, rng: np.random.Generator, share: float) -> Pixels:
    """Blocks of 16×16 lost in transmission, filled with the column to their left."""
    height, width = image.shape[:2]
    blocks = (-(-height // 16), -(-width // 16))
    received = rng.random(blocks) >= share
    # The last column of the nearest block to the left that arrived; at the left edge, column 0.
    sources = np.where(received, np.arange(blocks[1]), -1)
    sources = np.maximum(np.maximum.accumulate(sources, axis=1) * 16 + 15, 0)
    pixel_received = _enlarge(received, height, width)
    columns = np.where(pixel_received, np.arange(width), _enlarge(sources, height, width))
    return np.take_along_axis(image, columns[..., None], axis=1)


def _enlarge(blocks: Any, height: int, width: int) -> Any:
    return blocks.repeat(16, axis=0).repeat(16, axis=1)[:height, :width]
