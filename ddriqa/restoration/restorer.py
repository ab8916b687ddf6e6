"""Picture files through a trained network, and back onto the disk."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ddriqa.errors import ImageError
from ddriqa.images.decode import decode
from ddriqa.restoration.checkpoint import read_weights, step_of
from ddriqa.restoration.extras import Extras, extras_of, opaque
from ddriqa.restoration.infer import OVERLAP, TILE, restore_pixels
from ddriqa.restoration.networks.catalogue import build
from ddriqa.restoration.run_folder import RunFolder
from ddriqa.restoration.targets import FORMATS
from ddriqa.scoring.replacing import replacing
from ddriqa.scoring.table import write_failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from ddriqa.restoration.settings import NetworkSettings

OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95},
    "PNG": {},
    "TIFF": {"compression": "tiff_lzw"},
}
GAP = 8
NO_EXTRAS = Extras()


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


def steps_of(run: Path) -> int:
    """The training steps behind ``network_of``; after none it gives back nearly its input, or
    nonsense.

    Raises:
        UsageError: see ``network_of``.
    """
    return step_of(RunFolder(run).weights().parent)


def _for_use(settings: NetworkSettings, data: Mapping[str, Any]) -> nn.Module:
    train = data.get("train", {})
    crops = [part.get("crop") for part in train.get("tasks", {"": train}).values()]
    if settings.name != "nafnet" or None in crops:
        return build(settings.name, settings.preset, **settings.options)
    options = {**settings.options, "train_size": max(crops)}
    return build("nafnet-local", settings.preset, **options)


@dataclass(frozen=True)
class Restored:
    """A picture before and after, upright sRGB, uint8.

    Attributes:
        before: ``(H, W, 3)``, laid on white where it lets others through.
        pixels: ``(s·H, s·W, 3)``, the restored colours, not laid on anything; those of a grey
            picture are grey.
        extras: what else its file holds.
    """

    before: npt.NDArray[np.uint8]
    pixels: npt.NDArray[np.uint8]
    extras: Extras

    @property
    def after(self) -> npt.NDArray[np.uint8]:
        """``(s·H, s·W, 3)``: what is to be seen, laid on white as ``before``."""
        return np.asarray(_on_white(_image(self.pixels, self.extras)))


def restore_file(
    network: nn.Module, source: Path, *, tile: int = TILE, overlap: int = OVERLAP
) -> Restored:
    """The picture of a file before and after.

    Raises:
        ImageError: it can't be read.
        UsageError: see ``infer.restore``.
    """
    before = _decoded(source, source)
    extras = extras_of(source)
    colours = before if extras.alpha is None else _decoded(opaque(source), source)
    pixels = restore_pixels(network, colours, tile=tile, overlap=overlap)
    if extras.grey:
        pixels = np.asarray(Image.fromarray(pixels).convert("L").convert("RGB"))
    return Restored(before, pixels, extras)


def _decoded(picture: Path | Image.Image, source: Path) -> npt.NDArray[np.uint8]:
    decoded = decode(picture)
    if decoded.pixels is None:
        raise ImageError(str(source), decoded.error or "can't be read")
    return decoded.pixels


def save(
    pixels: npt.NDArray[np.uint8], target: Path, extras: Extras = NO_EXTRAS
) -> tuple[str, ...]:
    """Write a picture in the format of its ending, with what its source held beside its colours.

    The picture is upright and sRGB: an orientation and a colour profile are left behind.

    Returns:
        What isn't as it was in the source, in words.

    Raises:
        OutputError: it can't be written.
    """
    form = FORMATS[target.suffix.lower()]
    image, notes = _image(pixels, extras), extras.notes
    if form == "JPEG" and extras.alpha is not None:
        image, notes = _on_white(image), (*notes, "laid on white, since a JPEG has no alpha")
        image = image.convert("L") if extras.grey else image
    try:
        content = _encoded(image, form, extras)
    except Exception:  # Pillow can't write all that it reads
        content, notes = _encoded(image, form, NO_EXTRAS), (*notes, "its metadata didn't fit")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as stream:
            stream.write(content)
    except OSError as fault:
        raise write_failure(target, fault) from fault
    return notes


def _encoded(image: Image.Image, form: str, extras: Extras) -> memoryview:
    buffer = io.BytesIO()
    image.save(buffer, form, **OPTIONS[form] | extras.options(form, image.size))
    return buffer.getbuffer()


def _image(pixels: npt.NDArray[np.uint8], extras: Extras) -> Image.Image:
    """With one channel where the source has one, and with its alpha, enlarged where they are."""
    image = Image.fromarray(pixels)
    if extras.grey:
        image = image.convert("L")
    if extras.alpha is not None:
        alpha = extras.alpha
        same = alpha.size == image.size
        image.putalpha(alpha if same else alpha.resize(image.size, Image.Resampling.BICUBIC))
    return image


def _on_white(image: Image.Image) -> Image.Image:
    if "A" not in image.getbands():
        return image.convert("RGB")
    canvas = Image.new("RGB", image.size, "white")
    canvas.paste(image.convert("RGB"), mask=image.getchannel("A"))
    return canvas


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
