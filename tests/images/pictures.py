"""What the tests of this room share: pictures, and what must hold of every result."""

import io
import struct
import zlib

import numpy as np

from ddriqa.images.decode import decode


def scene(width=48, height=32):
    """A smooth picture whose four corners differ."""
    y, x = np.mgrid[0:height, 0:width]
    red, green = x * 255 / max(width - 1, 1), y * 255 / max(height - 1, 1)
    return np.stack([red, green, 255 - red], -1).astype(np.uint8)


def encoded(image, form, **options):
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def good(source, **options):
    result = decode(source, **options)
    assert result.error is None, result.error
    pixels = result.pixels
    assert pixels.shape == (result.height, result.width, 3)
    assert pixels.flags.c_contiguous
    return pixels


def bad(source, **options):
    result = decode(source, **options)
    assert result.pixels is None
    assert_for_people(result.error)
    return result.error


def assert_for_people(reason):
    assert reason
    assert not any(mark in reason for mark in ("Error", "Exception", "<", "object", "Traceback"))
    assert "\n" not in reason
    assert len(reason) < 120


def near(pixels, expected, tolerance=2):
    difference = np.abs(pixels.astype(int) - np.asarray(expected).astype(int))
    assert difference.max() <= tolerance, difference.max()


def bomb(side):
    """A PNG header that promises side x side pixels."""
    body = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    crc = struct.pack(">I", zlib.crc32(b"IHDR" + body))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + body + crc
