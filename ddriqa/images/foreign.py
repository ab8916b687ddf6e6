"""What to say of a file that isn't a readable picture, from its first bytes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ddriqa.images.find import RAW_EXTENSIONS, extension

if TYPE_CHECKING:
    from collections.abc import Collection

HEAD = 64
"""How many bytes the functions here look at."""

RAW = "camera raw: develop it to JPEG or TIFF first"
_HEIC = 'HEIC: needs one more package, pip install "ddriqa[heif]"'
_AVIF = "AVIF: needs a newer Pillow, pip install -U pillow"
_JXL = "JPEG XL can't be read yet: convert it to PNG or JPEG first"

_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"hevm", b"mif1", b"msf1")
_AVIF_BRANDS = (b"avif", b"avis")
_CANON_RAW_BRAND = b"crx "
_JXL_STARTS = (b"\xff\x0a", b"\0\0\0\x0cJXL ")
_PLAIN_STARTS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF", b"BM")
_STARTS = (*_PLAIN_STARTS, b"\0\0\0\x0cjP  ")
_BEGINNING = "damaged: the beginning of the picture can't be read"
_RAW_STARTS = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"\0MRM")
_TIFF = "TIFF: damaged, or of a variant that can't be read (floats in colour, for one)"
_OTHER_STARTS = (
    *((start, _TIFF) for start in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    (b"%PDF", "a PDF document, not a picture"),
    (b"%!PS", "a PostScript drawing, not a picture"),
    (b"8BPS", "a Photoshop document: export it as PNG or TIFF first"),
    (b"PK\x03\x04", "a zip archive, not a picture"),
    (b"\x1aE\xdf\xa3", "a video, not a picture"),
    (b"version https://git-lfs", "a Git LFS pointer: the picture itself wasn't fetched"),
)
_MARKUP = ((b"<svg", "a vector drawing (SVG)"), (b"html", "a web page, not a picture"))


def refusal(head: bytes, path: str) -> str | None:
    """Why a file shouldn't even be tried, or None.

    Camera raw files often pass for TIFF and would give their tiny preview.
    """
    if not head:
        return "empty file (0 bytes)"
    if not head.strip(b"\0"):
        return "damaged: the file begins with nothing but zeros"
    if head.startswith(_RAW_STARTS) or head[8:10] == b"CR" or _brand(head) == _CANON_RAW_BRAND:
        return RAW
    if extension(path) in RAW_EXTENSIONS and not head.startswith(_PLAIN_STARTS):
        return RAW
    return _JXL if head.startswith(_JXL_STARTS) else None


def unknown(head: bytes, readable: Collection[str]) -> str:
    """What a file is that no decoder recognised; ``readable`` names the formats that were tried."""
    if is_heif(head):
        return _BEGINNING if "HEIF" in readable else _HEIC
    if _brand(head) in _AVIF_BRANDS:
        return _BEGINNING if "AVIF" in readable else _AVIF
    if _brand(head):
        return "a video, not a picture"
    for start, reason in _OTHER_STARTS:
        if head.startswith(start):
            return reason
    text = head.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if text.startswith(b"<"):
        return next((reason for mark, reason in _MARKUP if mark in text), "a text (XML or HTML)")
    if head.startswith(_STARTS):
        return _BEGINNING
    return "not a picture in a format that can be read"


def _brand(head: bytes) -> bytes:
    """The main brand of the MP4 family (HEIC, AVIF, videos), or nothing."""
    return head[8:12] if head[4:8] == b"ftyp" else b""


def is_heif(head: bytes) -> bool:
    """Whether the bytes begin a HEIC or HEIF picture (and not an AVIF one)."""
    return _brand(head) in _HEIF_BRANDS and not any(brand in head for brand in _AVIF_BRANDS)


def damage(fault: BaseException) -> str:
    """A decoder's exception in words for people."""
    text = str(fault).lower()
    if "truncated" in text or "not enough image data" in text or isinstance(fault, EOFError):
        return "cut short: the end of the picture is missing"
    if isinstance(fault, OSError) and fault.errno:
        return f"can't be read: {os.strerror(fault.errno).lower()}"
    if "unsupported" in text or "not available" in text or isinstance(fault, NotImplementedError):
        return "a variant of its format that can't be read"
    return "damaged: the picture can't be decoded"
