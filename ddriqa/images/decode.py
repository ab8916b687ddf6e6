"""A file, bytes, a Pillow image, an array or a tensor becomes upright sRGB pixels, or a reason.

What happens on the way, each only where it is needed: EXIF orientation; ICC profile to sRGB;
grey, palette, CMYK and other modes to RGB; transparency is laid on white; 16 bit to 8, grey by
rounding and colour by truncation, as Pillow does; integers of 32 bit and floats are scaled from
[0, 1], [0, 255] or [0, 65535], whichever holds their largest value, and stretched where none
does; the first frame of an animation.
An image with none of these is decoded once and not touched again.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import stat
import threading
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from ddriqa.errors import ImageError
from ddriqa.images import foreign

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MAX_PIXELS = 250_000_000
COMMON_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "PPM")
OTHER_FORMATS = ("WEBP", "TIFF", "JPEG2000", "DIB")  # and AVIF and HEIF where they are there
# Formats that run other programs (EPS) or accept any bytes (TGA) are left out on purpose.

STRIP_PIXELS = 1 << 16

_ORIENTATION_TAG, _DNG_TAG = 0x0112, 0xC612
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_LIMIT_LOCK = threading.Lock()
_SHARED_LOCK = threading.Lock()

logging.getLogger("PIL").addHandler(logging.NullHandler())  # else some damage is told on stderr


@dataclass
class Decoded:
    """One picture, or why there is none.

    Attributes:
        path: the path, or a word in angle brackets for what was in memory.
        pixels: ``(H, W, 3)`` sRGB, C-contiguous: uint8, or float32 in about [0, 1] where floats
            were given. None after a failure.
        error: what is wrong, in words; None where pixels are there.
        width, height: of the upright picture; known after some failures, too.
    """

    path: str
    pixels: np.ndarray | None = None
    error: str | None = None
    width: int | None = None
    height: int | None = None


class _Limits(NamedTuple):
    """How much of a file is decoded; see ``decode``."""

    max_pixels: int
    admit: Callable[[int], None]
    draft: int | None


def decode(
    source: Any,
    *,
    max_pixels: int = MAX_PIXELS,
    admit: Callable[[int], None] | None = None,
    draft: int | None = None,
) -> Decoded:
    """Pixels of anything that holds a picture; never raises for what is wrong with one.

    Args:
        source: a path; the bytes of a file; a Pillow image; an array ``(H, W)``, ``(H, W, 3)`` or
            a tensor ``(3, H, W)``, uint8 or float in [0, 1].
        max_pixels: larger files are refused before they are decoded.
        admit: called with the number of pixels before a file is decoded; may wait.
        draft: a length in pixels, at least 1, for who needs no more: a JPEG file is decoded at
            the smallest of 1, 1/2, 1/4 and 1/8 of its size (libjpeg's scaling of the DCT) whose
            sides are both that long. ``width`` and ``height`` stay those of the full picture.
    """
    result = Decoded(_name(source))
    limits = _Limits(max_pixels, admit or (lambda pixels: None), draft)
    try:
        result.pixels = _pixels(source, result, limits)
    except ImageError as fault:
        result.error = fault.reason
    except MemoryError:
        result.error = "not enough memory to decode it"
    except OSError as fault:
        result.error = _system_reason(fault, source) or foreign.damage(fault)
    except Exception as fault:  # Pillow raises nearly anything for damaged data
        result.error = foreign.damage(fault)
    return result


def _name(source: Any) -> str:
    if isinstance(source, (str, os.PathLike)):
        return os.fsdecode(source)
    if isinstance(source, Image.Image):
        return os.fsdecode(getattr(source, "filename", "") or "<picture>")
    return "<bytes>" if isinstance(source, (bytes, bytearray, memoryview)) else "<array>"


def _pixels(source: Any, result: Decoded, limits: _Limits) -> np.ndarray:
    if isinstance(source, (str, os.PathLike)):
        if "\0" in result.path:
            raise _fault("its name holds a NUL byte: a list of find -print0 needs -0")
        with _regular_file(result.path) as stream:
            return _from_file(stream, result, limits)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _from_file(BytesIO(source), result, limits)
    if isinstance(source, Image.Image):
        with _SHARED_LOCK:  # the same lazy image may come twice
            _note_size(source, result)
            return _noted(_from_image(source), result)
    if hasattr(source, "detach"):
        source = _from_tensor(source)
    if isinstance(source, np.ndarray):
        return _noted(_from_array(source), result)
    raise _fault("not a picture: give a path, bytes, a Pillow image, an array or a tensor")


def _fault(reason: str) -> ImageError:
    return ImageError("", reason)


# --- files


def _regular_file(path: str) -> BinaryIO:
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        os.scandir(path).close()  # says so where the folder itself can't be read
        raise IsADirectoryError(errno.EISDIR, "")
    if not stat.S_ISREG(mode):
        raise _fault("not a regular file")
    return open(path, "rb")


def _system_reason(fault: OSError, source: Any) -> str | None:
    if fault.errno == errno.ENOENT:
        return "broken link" if os.path.islink(source) else "no such file"
    return {
        errno.EACCES: "no permission to read it",
        errno.EPERM: "no permission to read it",
        errno.EISDIR: "a folder, not a picture",
        errno.ENOTDIR: "no such file",
        errno.ELOOP: "a link that leads to itself",
        errno.ENAMETOOLONG: "no such file (the name is too long)",
        errno.EIO: "the disk failed while reading it",
        errno.EMFILE: "too many files are open",
        errno.ESTALE: "the network disk lost it",
    }.get(fault.errno or 0)


def _from_file(stream: BinaryIO, result: Decoded, limits: _Limits) -> np.ndarray:
    head = stream.read(foreign.HEAD)
    if reason := foreign.refusal(head, result.path):
        raise _fault(reason)
    with _open(stream, head) as image:
        _note_size(image, result)
        if _DNG_TAG in getattr(image, "tag_v2", ()):
            raise _fault(foreign.RAW)
        pixels = image.width * image.height
        if pixels > limits.max_pixels:
            raise _fault(
                f"{_mega(pixels)} megapixels, more than the limit of {_mega(limits.max_pixels)} "
                "(--max-pixels raises it)"
            )
        drafted = limits.draft and image.draft(None, (limits.draft, limits.draft))
        limits.admit(image.width * image.height)
        return _from_image(image) if drafted else _noted(_from_image(image), result)


def _mega(pixels: int) -> str:
    return f"{pixels / 1e6:.3g}" if pixels < 1e8 else f"{pixels / 1e6:.0f}"


def _open(stream: BinaryIO, head: bytes) -> Image.Image:
    with contextlib.suppress(UnidentifiedImageError):
        return _open_any_size(stream, COMMON_FORMATS)
    Image.init()  # the other plugins, loaded where they are needed
    others = list(OTHER_FORMATS)
    if _avif_plugin():
        others.append("AVIF")
    if foreign.is_heif(head) and _heif_plugin():
        others.append("HEIF")
    try:
        return _open_any_size(stream, others)
    except UnidentifiedImageError:
        raise _fault(foreign.unknown(head, others)) from None


def _open_any_size(stream: BinaryIO, formats: Sequence[str]) -> Image.Image:
    """Pillow's own limit is one for the whole process; ``max_pixels`` is checked afterwards."""
    stream.seek(0)
    try:
        return Image.open(stream, formats=list(formats))
    except Image.DecompressionBombError:
        with _LIMIT_LOCK, _without_pillow_limit():
            return Image.open(stream, formats=list(formats))


@contextlib.contextmanager
def _without_pillow_limit() -> Iterator[None]:
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


@lru_cache(maxsize=1)
def _avif_plugin() -> bool:
    try:
        from PIL.AvifImagePlugin import SUPPORTED
    except ImportError:  # before Pillow 11.3
        return False
    return SUPPORTED


@lru_cache(maxsize=1)
def _heif_plugin() -> bool:
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return False
    register_heif_opener()
    return True


# --- Pillow images


def _from_image(image: Image.Image) -> np.ndarray:
    """Strip by strip, since most conversions would go through the memory of a whole picture."""
    if 0 in image.size:
        raise _fault("a picture without pixels")
    _load(image)
    image = _upright(image)
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    profile = image.info.get("icc_profile")
    scale = _scale(image) if image.mode[0] in "IF" else None
    for top, strip in _strips(image):
        shallow = _eight_bit(strip, *scale) if scale else strip
        pixels[top : top + strip.height] = np.asarray(_rgb(shallow, profile))
    return pixels


def _load(image: Image.Image) -> None:
    try:
        image.load()
    except Image.DecompressionBombError:  # TIFF files meet Pillow's limit a second time
        with _LIMIT_LOCK, _without_pillow_limit():
            image.load()


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    width, height = image.size
    rows = max(1, STRIP_PIXELS // width)
    for top in range(0, height, rows):
        yield top, image.crop((0, top, width, min(height, top + rows)))


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # damaged EXIF data: the picture itself may be fine
        return 1


def _note_size(image: Image.Image, result: Decoded) -> None:
    late = image.format == "PNG" and "exif" not in image.info  # asking would decode all of it
    turned = not late and _orientation(image) in (5, 6, 7, 8)
    tags = getattr(image, "tag_v2", {})  # a TIFF image's own size may be turned already
    width, height = (tags[256], tags[257]) if tags else image.size
    result.width, result.height = (height, width) if turned else (width, height)


def _noted(pixels: np.ndarray, result: Decoded) -> np.ndarray:
    """The same pixels, after their size went into the result."""
    result.height, result.width = pixels.shape[:2]
    return pixels


def _upright(image: Image.Image) -> Image.Image:
    turn = _UPRIGHT.get(_orientation(image))
    return image if turn is None else image.transpose(turn)


def _rgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.has_transparency_data:
        image = _on_white(image)
    if image.mode not in ("RGB", "L", "CMYK", "LAB"):
        image = image.convert("RGB")
    if profile or image.mode == "LAB":
        transform = _to_srgb(profile, image.mode)
        image = transform.apply(image) if transform else image
    return image if image.mode == "RGB" else image.convert("RGB")


def _scale(image: Image.Image) -> tuple[float, float]:
    """The black point of wide integers or floats, and the factor that takes them to [0, 255]."""
    ends = [(v.min(), v.max()) for v in (_finite(strip) for _, strip in _strips(image))]
    low, high = float(np.min(ends)), float(np.max(ends))
    # Integers are 16 bit ones, which older Pillow opens as 32.
    ceilings = (65535.0,) if image.mode.startswith("I") else (1.0, 255.0, 65535.0)
    ceiling = next((top for top in ceilings if low >= 0 and high <= top), None)
    return (0.0, 255 / ceiling) if ceiling else (low, 255 / max(high - low, 1e-300))


def _finite(image: Image.Image) -> np.ndarray:
    return np.nan_to_num(np.asarray(image).astype(np.float64), posinf=0.0, neginf=0.0)


def _eight_bit(image: Image.Image, black: float, factor: float) -> Image.Image:
    values = (_finite(image) - black) * factor
    return Image.fromarray(np.rint(values).astype(np.uint8))


def _on_white(image: Image.Image) -> Image.Image:
    image = image.convert("RGBA")
    canvas = Image.new("RGB", image.size, "white")
    canvas.paste(image, mask=image.getchannel("A"))
    return canvas


@lru_cache(maxsize=64)
def _to_srgb(profile: bytes | None, mode: str) -> ImageCms.ImageCmsTransform | None:
    """None where the profile is sRGB already, damaged, or not for this mode."""
    try:
        source: Any = BytesIO(profile) if profile else ImageCms.createProfile("LAB")
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return None
    if mode == "RGB":
        colours = Image.fromarray(_COLOURS)
        moved = np.asarray(transform.apply(colours)).astype(int) - _COLOURS
        return None if np.abs(moved).max() <= 2 else transform
    return transform


_COLOURS = np.stack(np.meshgrid(*[np.arange(0, 256, 17)] * 3), -1).reshape(64, 64, 3).astype("u1")


# --- arrays and tensors


def _from_tensor(tensor: Any) -> np.ndarray:
    if tensor.ndim != 3 or tensor.shape[0] not in (1, 3):
        raise _fault("a tensor of one picture must be (3, height, width)")
    if tensor.is_floating_point():
        tensor = tensor.float()
    return tensor.detach().cpu().permute(1, 2, 0).numpy()


def _from_array(array: np.ndarray) -> np.ndarray:
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3):
        raise _fault("an array of one picture must be (height, width) or (height, width, 3)")
    if array.size == 0:
        raise _fault("a picture without pixels")
    if array.dtype.kind == "f":
        array = array.astype(np.float32, copy=False)
        if not (array.min() >= -0.5 and array.max() <= 1.5):
            raise _fault("float pixels must lie in [0, 1]; others must be uint8")
    elif array.dtype != np.uint8:
        raise _fault("pixels must be uint8, or float in [0, 1]")
    array = np.repeat(array, 3, axis=2) if array.shape[2] == 1 else array
    return np.require(array, requirements=["C", "W"])  # torch warns of arrays that are read-only
