"""Broken files without end: the same bytes for the same seed and the same version of Pillow.

Small valid pictures of every format that Pillow writes are damaged in the ways that disks,
networks and attackers do; a few dozen files, among them the bombs, are made by hand.
"""

import io
import random
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms

ENDINGS = {
    "JPEG": "jpg",
    "PNG": "png",
    "GIF": "gif",
    "BMP": "bmp",
    "TIFF": "tif",
    "WEBP": "webp",
    "AVIF": "avif",
    "JPEG2000": "jp2",
    "PPM": "jpg",  # no folder is searched for PPM
}
WRONG_ENDINGS = ("jpg", "png", "gif", "tiff", "webp", "heic", "avif", "jxl", "nef", "dng", "jpe")


def mutants(count=500, seed=0):
    """Yield ``count`` files as ``(name, bytes)``; names are distinct and begin with a number."""
    chance = random.Random(seed)
    valid = list(originals(seed).items())
    handmade = list(handmade_files().items())
    for index in range(count):
        if index < len(handmade):
            name, data = handmade[index]
        else:
            (label, original), (_, other) = chance.choice(valid), chance.choice(valid)
            kind = chance.choice(list(DAMAGES))
            data = DAMAGES[kind](bytearray(original), chance, other)
            ending = ENDINGS[label.split("-")[0]]
            ending = chance.choice(WRONG_ENDINGS) if chance.random() < 0.1 else ending
            name = f"{label}-{kind}.{ending}"
        yield f"{index:03}-{name}", bytes(data)


# --- small valid pictures


def originals(seed=0):
    """A label that begins with Pillow's name of the format -> the bytes of a picture."""
    noise = np.random.default_rng(seed).integers(0, 60, (36, 48, 3))
    y, x = np.mgrid[0:36, 0:48]
    ramp = np.stack([x * 4, y * 5, 190 - x * 3], -1)
    image = Image.fromarray((ramp + noise).astype(np.uint8))
    frames = [image.rotate(90 * turn) for turn in (1, 2)]
    deep = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    floats = Image.fromarray(np.asarray(image.convert("L")).astype(np.float32) / 255)
    animation = {"save_all": True, "append_images": frames}
    kinds = {
        "JPEG": (image, {}),
        "JPEG-progressive": (image, {"progressive": True}),
        "JPEG-cmyk": (image.convert("CMYK"), {}),
        "JPEG-grey": (image.convert("L"), {}),
        "JPEG-camera": (image, {"exif": _exif(), "icc_profile": _profile()}),
        "PNG": (image, {}),
        "PNG-alpha": (image.convert("RGBA"), {"icc_profile": _profile()}),
        "PNG-deep": (deep, {}),
        "PNG-palette": (image.quantize(16), {"transparency": 3}),
        "PNG-animated": (image, animation),
        "GIF": (image, {"interlace": True}),
        "GIF-animated": (image.quantize(32), {**animation, "disposal": 2}),
        "BMP": (image, {}),
        "BMP-palette": (image.quantize(16), {}),
        "TIFF": (image, {"exif": _exif()}),
        "TIFF-float": (floats, {}),
        "TIFF-deep": (deep, {"compression": "tiff_adobe_deflate"}),
        **{
            f"TIFF-{name}": (image, {"compression": name})
            for name in ("tiff_lzw", "packbits", "jpeg", "tiff_deflate")
        },
        "TIFF-fax": (image.convert("1"), {"compression": "group4"}),
        "TIFF-pages": (image, animation),
        "WEBP": (image, {"quality": 60}),
        "WEBP-lossless": (image.convert("RGBA"), {"lossless": True}),
        "WEBP-animated": (image, animation),
        "AVIF": (image, {"exif": _exif()}),
        "JPEG2000": (image, {}),
        "PPM": (image, {}),
        "PPM-grey": (image.convert("L"), {}),
    }
    return {label: _saved(label, *kind) for label, kind in kinds.items()} | {
        "PNG-interlaced": _interlaced_png(image)
    }


def _saved(label, image, options):
    stream = io.BytesIO()
    image.save(stream, label.split("-")[0], **options)
    return stream.getvalue()


def _exif():
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0comment"
    return exif


def _profile():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile[:24] + bytes(12) + profile[36:]  # without the time at which it was made


def _interlaced_png(image):
    """Adam7, which Pillow reads but doesn't write."""
    pixels, rows = np.asarray(image), b""
    steps = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4))
    for top, left, down, along in (*steps, (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)):
        rows += b"".join(b"\0" + row.tobytes() for row in pixels[top::down, left::along])
    return _png(image.width, image.height, rows, interlace=1)


# --- damage


def _place(data, chance):
    return chance.randrange(max(1, len(data)))


def _block(data, chance):
    start = _place(data, chance)
    return slice(start, start + chance.randint(1, max(1, len(data) // 4)))


def _truncated(data, chance, other):
    return data[: _place(data, chance)]


def _flipped(data, chance, other):
    for _ in range(chance.choice((1, 3, 30))):
        data[_place(data, chance)] ^= 1 << chance.randrange(8)
    return data


def _randomised(data, chance, other):
    block = _block(data, chance)
    data[block] = chance.randbytes(len(data[block]))
    return data


def _zeroed(data, chance, other):
    block = _block(data, chance)
    data[block] = bytes(len(data[block]))
    return data


def _doubled(data, chance, other):
    block = _block(data, chance)
    data[block] = data[block] * chance.choice((2, 2, 50))
    return data


def _cut_out(data, chance, other):
    del data[_block(data, chance)]
    return data


def _spliced(data, chance, other):
    return data[: _place(data, chance)] + other[_place(other, chance) :]


def _followed(data, chance, other):
    return data + chance.randbytes(50) + other


def _huge_field(data, chance, other):
    """A number near the beginning, where sizes, counts and offsets stand, becomes large."""
    place, size = chance.randrange(8, min(120, len(data))), chance.choice((2, 4))
    data[place : place + size] = chance.choice((b"\xff", b"\x7f", b"\xea\x60"))[:1] * size
    return data


def _broken_beginning(data, chance, other):
    data[: chance.randint(1, 12)] = chance.randbytes(chance.randint(0, 12))
    return data


DAMAGES = {
    "truncated": _truncated,
    "flipped": _flipped,
    "randomised": _randomised,
    "zeroed": _zeroed,
    "doubled": _doubled,
    "cut-out": _cut_out,
    "spliced": _spliced,
    "followed": _followed,
    "huge-field": _huge_field,
    "broken-beginning": _broken_beginning,
}


# --- made by hand


def _chunk(kind, body):
    size, check = struct.pack(">I", len(body)), struct.pack(">I", zlib.crc32(kind + body))
    return size + kind + body + check


def _png(width, height, rows, *, depth=8, colour=2, interlace=0, between=b""):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    picture = _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + between + picture


def _tiff(*entries, after=b"", following=0):
    """A little-endian TIFF file of one directory at byte 8, of ``(tag, kind, count, value)``."""
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    count = struct.pack("<H", len(entries))
    return b"II*\0\x08\0\0\0" + count + body + struct.pack("<I", following) + after


def _tiff_picture(**changes):
    """Entries of an 8 x 8 grey picture, some changed: ``{name: (count, value)}``."""
    tags = {"width": 256, "height": 257, "bits": 258, "compression": 259, "photometric": 262}
    tags |= {"offsets": 273, "samples": 277, "rows": 278, "counts": 279, "exif": 34665}
    values = {"width": (1, 8), "height": (1, 8), "bits": (1, 8), "compression": (1, 1)}
    values |= {"photometric": (1, 1), "offsets": (1, 8), "samples": (1, 1), "rows": (1, 8)}
    values |= {"counts": (1, 64), **changes}
    return sorted((tags[name], 4, *value) for name, value in values.items())


def _jpeg_of_size(width, height, **options):
    """A little JPEG whose header tells of another size."""
    data = bytearray(_saved("JPEG", Image.new("RGB", (64, 64), "teal"), options))
    start = data.index(b"\xff\xc2" if options.get("progressive") else b"\xff\xc0")
    data[start + 5 : start + 9] = struct.pack(">HH", height, width)
    return data


def _gif(width, height, left, top):
    """A GIF whose only frame of 2 x 2 pixels lies at an offset."""
    screen = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    frame = b"," + struct.pack("<HHHHB", left, top, 2, 2, 0) + b"\x02\x03\x84\x51\x00\x00;"
    return screen + frame


def _bmp(width, height):
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + info + bytes(100)


def _own_exif():
    """EXIF data whose sub-directories are the directory itself."""
    loops = [(tag, 4, 1, 8) for tag in (0x8769, 0x8825, 0xA005)]
    return b"Exif\0\0" + _tiff((0x0112, 3, 1, 6), *loops, following=8)


def handmade_files():
    """Bombs, and what no chance would find: name -> bytes."""
    small = Image.new("RGB", (8, 8), "teal")
    megabytes = zlib.compress(bytes(100_000_000), 9)
    bits = bytes(1251) * 10_000  # a line of 10,000 bits, ten thousand times
    deep = b"\0\0\0\x0cjP  \r\n\x87\n" + struct.pack(">I4s", 8, b"jp2h") * 5000
    return {
        "empty.jpg": b"",
        "one-byte.png": b"\x89",
        "zeros.jpg": bytes(5000),
        "text.jpg": b"not a picture at all\n" * 30,
        "start-only.jpg": b"\xff\xd8\xff",
        "png-bomb.png": _png(60_000, 60_000, bytes(1000)),
        "png-greatest.png": _png(2**31 - 1, 2**31 - 1, bytes(1000)),
        "png-beyond.png": _png(2**32 - 1, 1, bytes(1000)),
        "png-flat.png": _png(0, 0, b""),
        "png-zlib-bomb.png": _png(10_000, 10_000, bits, depth=1, colour=0),
        "png-more-than-said.png": _png(8, 8, bytes(20_000_000)),
        "png-text-bomb.png": _png(8, 8, bytes(200), between=_chunk(b"zTXt", b"a\0\0" + megabytes)),
        "png-profile-bomb.png": _png(
            8, 8, bytes(200), between=_chunk(b"iCCP", b"a\0\0" + megabytes)
        ),
        "png-long-chunk.png": _png(8, 8, bytes(200), between=b"\x7f\xff\xff\xfftEXtshort"),
        "png-many-texts.png": _png(8, 8, bytes(200), between=_chunk(b"tEXt", b"a\0b") * 20_000),
        "png-no-palette.png": _png(8, 8, bytes(200), colour=3),
        "png-bad-depth.png": _png(8, 8, bytes(200), depth=77),
        "gif-bomb.gif": _gif(65_535, 65_535, 0, 0),
        "gif-far-frame.gif": _gif(2, 2, 65_000, 65_000),
        "gif-flat.gif": _gif(0, 0, 0, 0),
        "gif-many-frames.gif": _gif(2, 2, 0, 0)[:-1] + _gif(2, 2, 0, 0)[19:-1] * 20_000,
        "jpeg-bomb.jpg": _jpeg_of_size(65_500, 65_500),
        "jpeg-long.jpg": _jpeg_of_size(65_500, 800),
        "jpeg-long-progressive.jpg": _jpeg_of_size(65_500, 800, progressive=True),
        "jpeg-flat.jpg": _jpeg_of_size(64, 0),
        "jpeg-own-exif.jpg": _saved("JPEG", small, {"exif": _own_exif()}),
        "jpeg-segments.jpg": b"\xff\xd8" + b"\xff\xe1\xff\xff" + b"\xff\xe1\0\2" * 50_000,
        "bmp-bomb.bmp": _bmp(2**31 - 1, 2**31 - 1),
        "bmp-upside-down.bmp": _bmp(8, -(2**31)),
        "bmp-negative.bmp": _bmp(-8, 8),
        "tiff-bomb.tif": _tiff(*_tiff_picture(width=(1, 2**31), height=(1, 2**31))),
        "tiff-many-strips.tif": _tiff(*_tiff_picture(offsets=(2**31, 8), counts=(2**31, 8))),
        "tiff-tiny-strips.tif": _tiff(
            *_tiff_picture(height=(1, 10**7), rows=(1, 1), counts=(1, 2**32 - 1))
        ),
        "tiff-far-strip.tif": _tiff(*_tiff_picture(offsets=(1, 2**32 - 1))),
        "tiff-loop.tif": _tiff(*_tiff_picture(), following=8, after=bytes(64)),
        "tiff-own-exif.tif": _tiff(*_tiff_picture(exif=(1, 8)), after=bytes(64)),
        "tiff-many-samples.tif": _tiff(*_tiff_picture(samples=(1, 65_535)), after=bytes(64)),
        "tiff-odd-compression.tif": _tiff(*_tiff_picture(compression=(1, 34_712))),
        "tiff-no-tags.tif": _tiff(),
        "webp-bomb.webp": b"RIFF\x16\0\0\0WEBPVP8X\n\0\0\0\x10\0\0\0" + b"\xff" * 6,
        "jp2-deep.jp2": deep,
        "ppm-bomb.jpg": b"P6 99999999 99999999 255\n" + bytes(100),
        "ppm-long-number.jpg": b"P6 " + b"9" * 100_000,
        "avif-header.avif": b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + bytes(100),
        "heic-header.heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100),
        "jxl-header.jxl": b"\xff\x0a" + bytes(100),
    }
