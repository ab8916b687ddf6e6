"""Picture files through a trained network, and back onto the disk."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ddriqa.errors import ImageError
from ddriqa.images.decode import decode
from ddriqa.restoration.checkpoint import read_weights
from ddriqa.restoration.infer import OVERLAP, TILE, restore_pixels
from ddriqa.restoration.networks.catalogue import build
from ddriqa.restoration.run_folder import RunFolder
from ddriqa.scoring.replacing import replacing
from ddriqa.scoring.table import write_failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from ddriqa.restoration.settings import NetworkSettings

FORMATS = {
    **dict.fromkeys((".jpg", ".jpeg"), "JPEG"),
    **dict.fromkeys((".tif", ".tiff"), "TIFF"),
    ".png": "PNG",
    ".webp": "WEBP",
}
"""Endings that are written as they are; every other picture becomes a PNG."""

OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95},
    "PNG": {},
    "TIFF": {"compression": "tiff_lzw"},
}
ORIENTATION = 274
DESCRIPTIVE = {
    *(270, 271, 272, 282, 283, 296, 305, 306, 315, 316, 33432),  # title, camera, density, author
    *(34665, 34853),  # the tables of the exposure and of the place
}
"""Tags of a TIFF that aren't about where its pixels lie, which another file must not copy."""
GAP = 8


def network_of(run: Path, device: str = "cpu") -> nn.Module:
    """The newest network of a run folder (its averaged weights where there are some), for use.

    A NAFNet that was trained on crops comes with local statistics (``nafnet-local``): means over a
    whole photograph, or over a tile of one, aren't those that it has seen.

    Raises:
        UsageError: no run, or one without a checkpoint.
        WeightsError: a damaged checkpoint.
    """
    folder = RunFolder(run)
    settings = folder.settings()
    network = _for_use(settings.network, settings.data)
    read_weights(network, folder.weights())
    return network.eval().requires_grad_(False).to(device)


def _for_use(settings: NetworkSettings, data: Mapping[str, Any]) -> nn.Module:
    train = data.get("train", {})
    crops = [part.get("crop") for part in train.get("tasks", {"": train}).values()]
    if settings.name != "nafnet" or None in crops:
        return build(settings.name, settings.preset, **settings.options)
    options = {**settings.options, "train_size": max(crops)}
    return build("nafnet-local", settings.preset, **options)


def restore_file(
    network: nn.Module, source: Path, *, tile: int = TILE, overlap: int = OVERLAP
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """The picture of a file before and after, each ``(H, W, 3)`` uint8 sRGB, upright.

    Raises:
        ImageError: it can't be read.
        UsageError: see ``infer.restore``.
    """
    decoded = decode(source)
    if decoded.pixels is None:
        raise ImageError(str(source), decoded.error or "can't be read")
    return decoded.pixels, restore_pixels(network, decoded.pixels, tile=tile, overlap=overlap)


def target_of(source: Path, base: Path, folder: Path) -> Path:
    """Where the restored picture of ``source`` goes: its place below ``base``, in ``folder``."""
    name = source.relative_to(base) if source.is_relative_to(base) else Path(source.name)
    fitting = name.suffix.lower() in FORMATS
    return folder / (name if fitting else name.with_suffix(".png"))


def save(pixels: npt.NDArray[np.uint8], target: Path, source: Path) -> None:
    """Write a restored picture in the format of its ending, with the EXIF data of its source.

    The picture is upright and sRGB: an orientation and a colour profile are left behind.

    Raises:
        OutputError: it can't be written.
    """
    form = FORMATS[target.suffix.lower()]
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form, exif=_exif(source), **OPTIONS[form])
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as stream:
            stream.write(buffer.getbuffer())
    except OSError as fault:
        raise write_failure(target, fault) from fault


def side_by_side(
    before: npt.NDArray[np.uint8], after: npt.NDArray[np.uint8]
) -> npt.NDArray[np.uint8]:
    """Before, a white gap, after: ``(H, 2 W + 8, 3)``; an enlarged picture decides the size."""
    height, width = after.shape[:2]
    shown = Image.fromarray(before)
    if shown.size != (width, height):
        shown = shown.resize((width, height), Image.Resampling.BICUBIC)
    gap = np.full((height, GAP, 3), 255, np.uint8)
    return np.concatenate([np.asarray(shown), gap, after], axis=1)


def _exif(source: Path) -> bytes:
    try:
        with Image.open(source) as image:
            data, tiff = image.getexif(), image.format == "TIFF"
    except Exception:  # it was decoded; what else is wrong with the file doesn't matter
        return b""
    for tag in [ORIENTATION, *(set(data) - DESCRIPTIVE if tiff else ())]:
        data.pop(tag, None)
    return data.tobytes() if len(data) else b""
