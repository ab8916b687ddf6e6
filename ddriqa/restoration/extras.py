"""What the file of a picture holds beside its colours, and how it goes into the restored one.

Files are given to Pillow as streams: by their names it maps TIFFs, and gets turned ones wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

if TYPE_CHECKING:
    from pathlib import Path

ORIENTATION, DENSITY, EXPOSURE, PLACE, XMP = 274, 282, 34665, 34853, 700
SIDES = {256: 0, 257: 1, 40962: 0, 40963: 1}
"""Tags that hold a side of the picture: 0 its width, 1 its height."""

DESCRIPTIVE = {
    *(270, 271, 272, 282, 283, 296, 305, 306, 315, 316, 33432),  # title, camera, density, author
    *(EXPOSURE, PLACE),  # the tables of the exposure and of the place
}
"""Tags of a TIFF that aren't about where its pixels lie, which another file must not copy."""

_NAMES = rb"tiff:(?:Orientation|ImageWidth|ImageLength)|exif:Pixel[XY]Dimension"
_STALE = re.compile(
    rb"<(" + _NAMES + rb")>[^<]*</\1>|\s(?:" + _NAMES + rb")=(?:\"[^\"]*\"|'[^']*')"
)
XMP_TEXT = "XML:com.adobe.xmp"
NOT_TEXT = (XMP_TEXT, "Raw profile type ")


@dataclass(frozen=True)
class Extras:
    """What a file holds beside its colours.

    Attributes:
        grey: the picture has one channel, apart from its alpha.
        alpha: its alpha, upright, of mode L; None where it has none.
        exif: a block that begins with ``Exif``, without the orientation; empty where there is none.
        dpi: across and down; None where the file doesn't say.
        xmp: a packet without orientation and sizes, or empty.
        comment: of a JPEG or a GIF, or empty.
        text: keys and values of a PNG.
        notes: what of the file can't be in a restored picture, in words.
    """

    grey: bool = False
    alpha: Image.Image | None = None
    exif: bytes = b""
    dpi: tuple[float, float] | None = None
    xmp: bytes = b""
    comment: bytes = b""
    text: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    def options(self, form: str, size: tuple[int, int]) -> dict[str, Any]:
        """What Pillow's ``save`` takes to write them into a picture of ``size`` (width, height).

        Args:
            form: ``JPEG``, ``PNG``, ``TIFF`` or ``WEBP``; each gets what it can hold.
            size: EXIF sides become these.
        """
        found: dict[str, Any] = {}
        exif = self._exif(form, size)
        if len(exif):
            found["exif"] = exif.tobytes()
        if form == "TIFF" and {EXPOSURE, PLACE} & set(exif):
            found["compression"] = None  # libtiff, which compresses, can't write these tables
        if self.dpi and form != "WEBP":
            found["dpi"] = self.dpi
        if self.xmp and form in ("JPEG", "WEBP"):
            found["xmp"] = self.xmp
        if self.comment and form == "JPEG":
            found["comment"] = self.comment
        if form == "PNG":
            found["pnginfo"] = self._png_text()
        return found

    def _exif(self, form: str, size: tuple[int, int]) -> Image.Exif:
        exif = Image.Exif()
        if self.exif:
            exif.load(self.exif)
        if form == "TIFF":
            _keep(exif, DESCRIPTIVE)
            if self.xmp:
                exif[XMP] = self.xmp
        for table in (exif, exif.get_ifd(EXPOSURE) if EXPOSURE in exif else {}):
            for tag in SIDES.keys() & set(table):
                table[tag] = size[SIDES[tag]]
        return exif

    def _png_text(self) -> PngInfo:
        info = PngInfo()
        for key, value in self.text:
            info.add_text(key, value)
        if self.comment:
            info.add_text("Comment", self.comment.decode("utf-8", "replace"))
        if self.xmp:
            info.add_itxt(XMP_TEXT, self.xmp.decode("utf-8", "replace"))
        return info


def extras_of(path: Path) -> Extras:
    """Those of a file that could be decoded; a note says so where they can't be read."""
    try:
        with path.open("rb") as stream, Image.open(stream) as image:
            notes = _conversions(image)
            return Extras(
                grey=image.mode in ("1", "L", "LA", "La") or image.mode[0] in "IF",
                alpha=_alpha(image),
                dpi=_dpi(image),
                xmp=_xmp(image),
                comment=_bytes(image.info.get("comment")),
                text=_text(image),
                **_exif(image, notes),
            )
    except Exception:  # it was decoded; what else is wrong with the file doesn't matter
        return Extras(notes=("its metadata can't be read",))


def opaque(path: Path) -> Image.Image:
    """The colours of a picture with alpha, also where it lets others through."""
    with path.open("rb") as stream, Image.open(stream) as image:
        return image.convert("RGBA").convert("RGB")


def _conversions(image: Image.Image) -> tuple[str, ...]:
    """Before the picture is loaded: its raw mode is known only as long."""
    notes = []
    raw = " ".join(str(tile[3]) for tile in image.tile) if hasattr(image, "tile") else ""
    deep = image.info.get("bit_depth", 8)  # pillow-heif's
    if ";16" in raw or image.mode[0] in "IF" or deep > 8:
        notes.append("reduced to 8 bits a channel")
    if image.mode in ("CMYK", "LAB"):
        notes.append(f"{image.mode} became RGB")
    if getattr(image, "is_animated", False):
        notes.append(f"the first of {getattr(image, 'n_frames', 2)} frames")
    return tuple(notes)


def _alpha(image: Image.Image) -> Image.Image | None:
    if not image.has_transparency_data:
        return None
    image.load()
    try:
        upright = ImageOps.exif_transpose(image)
    except Exception:  # damaged EXIF data turn nothing
        upright = image
    return upright.convert("RGBA").getchannel("A")


def _exif(image: Image.Image, notes: tuple[str, ...]) -> dict[str, Any]:
    try:
        exif = image.getexif()
        exif.pop(ORIENTATION, None)
        if image.format == "TIFF":
            _keep(exif, DESCRIPTIVE)
        return {"exif": exif.tobytes() if len(exif) else b"", "notes": notes}
    except Exception:  # Pillow raises nearly anything for damaged data
        return {"notes": (*notes, "its EXIF data can't be read")}


def _keep(exif: Image.Exif, tags: set[int]) -> None:
    for tag in set(exif) - tags:
        del exif[tag]


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    if DENSITY not in getattr(image, "tag_v2", (DENSITY,)):
        return None  # Pillow makes 1 of it
    try:
        across, down = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return (across, down) if 0 < across < 65536 and 0 < down < 65536 else None


def _xmp(image: Image.Image) -> bytes:
    return _STALE.sub(b"", _bytes(image.info.get("xmp") or image.info.get(XMP_TEXT)))


def _bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else value or b""


def _text(image: Image.Image) -> tuple[tuple[str, str], ...]:
    if image.format != "PNG":
        return ()
    text: dict[str, str] = getattr(image, "text", {})
    return tuple((key, value) for key, value in text.items() if not key.startswith(NOT_TEXT))
