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
import os
import stat
import threading
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from ddriqa.errors import ImageError
from ddriqa.images import foreign

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_PIXELS = 250_000_000
COMMON_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "PPM")
OTHER_FORMATS = ("WEBP", "TIFF", "AVIF", "JPEG2000", "DIB")
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


def decode(
    source: Any,
    *,
    max_pixels: int = MAX_PIXELS,
    admit: Callable[[int], None] | None = None,
) -> Decoded:
    """Pixels of anything that holds a picture; never raises for what is wrong with one.

    Args:
        source: a path; the bytes of a file; a Pillow image; an array ``(H, W)``, ``(H, W, 3)`` or
            a tensor ``(3, H, W)``, uint8 or float in [0, 1].
        max_pixels: larger files are refused before they are decoded.
        admit: called with the number of pixels before a file is decoded; may wait.
    """
    result = Decoded(_name(source))
    try:
        result.pixels = _pixels(source, result, max_pixels, admit or (lambda pixels: None))
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


def _pixels(
    source: Any, result: Decoded, max_pixels: int, admit: Callable[[int], None]
) -> np.ndarray:
    if isinstance(source, (str, os.PathLike)):
        with _regular_file(result.path) as stream:
            return _from_file(stream, result, max_pixels, admit)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _from_file(BytesIO(source), result, max_pixels, admit)
    if isinstance(source, Image.Image):
        with _SHARED_LOCK:  # the same lazy image may come twice
            return _from_image(source, result)
    if hasattr(source, "detach"):
        source = _from_tensor(source)
    if isinstance(source, np.ndarray):
        pixels = _from_array(source)
        result.height, result.width = pixels.shape[:2]
        return pixels
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


def _from_file(
    stream: BinaryIO, result: Decoded, max_pixels: int, admit: Callable[[int], None]
) -> np.ndarray:
    head = stream.read(foreign.HEAD)
    if reason := foreign.refusal(head, result.path):
        raise _fault(reason)
    with _open(stream, head) as image:
        _note_size(image, result)
        if _DNG_TAG in getattr(image, "tag_v2", ()):
            raise _fault(foreign.RAW)
        pixels = image.width * image.height
        if pixels > max_pixels:
            raise _fault(
                f"{_mega(pixels)} megapixels, more than the limit of {_mega(max_pixels)} "
                "(--max-pixels raises it)"
            )
        admit(pixels)
        return _from_image(image, result)


def _mega(pixels: int) -> str:
    return f"{pixels / 1e6:.3g}" if pixels < 1e8 else f"{pixels / 1e6:.0f}"


def _open(stream: BinaryIO, head: bytes) -> Image.Image:
    with contextlib.suppress(UnidentifiedImageError):
        return _open_any_size(stream, COMMON_FORMATS)
    Image.init()  # the other plugins, loaded where they are needed
    others = tuple(name for name in OTHER_FORMATS if name in Image.OPEN)
    if foreign.is_heif(head) and _heif_plugin():
        others += ("HEIF",)
    try:
        return _open_any_size(stream, others)
    except UnidentifiedImageError:
        raise _fault(foreign.unknown(head)) from None


def _open_any_size(stream: BinaryIO, formats: tuple[str, ...]) -> Image.Image:
    """Pillow's own limit is one for the whole process; ``max_pixels`` is checked afterwards."""
    stream.seek(0)
    try:
        return Image.open(stream, formats=formats)
    except Image.DecompressionBombError:
        with _LIMIT_LOCK, _without_pillow_limit():
            return Image.open(stream, formats=formats)


@contextlib.contextmanager
def _without_pillow_limit() -> Iterator[None]:
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


@lru_cache(maxsize=1)
def _heif_plugin() -> bool:
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return False
    register_heif_opener()
    return True


# --- Pillow images


def _from_image(image: Image.Image, result: Decoded) -> np.ndarray:
    if 0 in image.size:
        raise _fault("a picture without pixels")
    image.load()
    image = _rgb(_upright(image))
    result.width, result.height = image.size
    return _array(image)


def _array(image: Image.Image) -> np.ndarray:
    """What ``np.array`` gives, which for large pictures goes through the memory twice more."""
    width, height = image.size
    if width * height < STRIP_PIXELS * 4:
        return np.array(image)
    pixels = np.empty((height, width, 3), np.uint8)
    rows = max(1, STRIP_PIXELS // width)
    for top in range(0, height, rows):
        strip = image.crop((0, top, width, min(height, top + rows)))
        pixels[top : top + rows] = np.asarray(strip)
    return pixels


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # damaged EXIF data: the picture itself may be fine
        return 1


def _note_size(image: Image.Image, result: Decoded) -> None:
    turned = _orientation(image) in (5, 6, 7, 8)
    result.width, result.height = image.size[::-1] if turned else image.size


def _upright(image: Image.Image) -> Image.Image:
    turn = _UPRIGHT.get(_orientation(image))
    return image if turn is None else image.transpose(turn)


def _rgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if image.mode[0] in "IF":
        image = _eight_bit(image)
    if image.has_transparency_data:
        image = _on_white(image)
    if image.mode not in ("RGB", "L", "CMYK", "LAB"):
        image = image.convert("RGB")
    if profile or image.mode == "LAB":
        transform = _to_srgb(profile, image.mode)
        image = transform.apply(image) if transform else image
    return image if image.mode == "RGB" else image.convert("RGB")


def _eight_bit(image: Image.Image) -> Image.Image:
    values = np.nan_to_num(np.asarray(image).astype(np.float64), posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if image.mode.startswith("I"):  # 16 bit, which older Pillow opens as 32
        ceiling = 65535.0 if low >= 0 and high <= 65535 else None
    else:
        ceiling = next((top for top in (1.0, 255.0, 65535.0) if high <= top and low >= 0), None)
    if ceiling is None:
        values, ceiling = values - low, max(high - low, 1e-300)
    return Image.fromarray(np.rint(values * (255 / ceiling)).astype(np.uint8))


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
