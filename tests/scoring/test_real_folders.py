"""A folder as people have them: every format, every fault and every odd name, side by side.

Each file gives a score or a row with its reason; none is skipped, none stops the run, and none
moves the score of a neighbour. Read through the library, and through the command as CSV and JSONL.
"""

import contextlib
import csv
import ctypes
import importlib.util
import io
import json
import os
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageCms

from ddriqa import Scorer
from ddriqa.images.find import find
from ddriqa.scoring.table import printable

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="names of bytes, pipes and links")

RANDOM = np.random.default_rng(7)
PIXELS = (RANDOM.integers(0, 120, (48, 64, 3)) + np.mgrid[0:48, 0:64][1][..., None]).astype("u1")
PLAIN = Image.fromarray(PIXELS)
GREY = PLAIN.convert("L")
HAS_HEIF = importlib.util.find_spec("pillow_heif") is not None


def encoded(image, form="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def turned():
    """A picture that lies on its side, and says so."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(PLAIN.transpose(Image.Transpose.ROTATE_90), exif=exif)


def see_through():
    """A picture whose left half is transparent, and what it is on white."""
    image = PLAIN.convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 32, 48))
    on_white = PLAIN.copy()
    on_white.paste("white", (0, 0, 32, 48))
    return encoded(image), encoded(on_white)


def animation(form, **options):
    return encoded(
        PLAIN, form, save_all=True, append_images=[Image.new("RGB", (64, 48))], **options
    )


def bomb():
    size = struct.pack(">II", 60_000, 60_000) + b"\x08\x02\0\0\0"
    data = bytearray(encoded(PLAIN))
    data[16:29], data[29:33] = size, struct.pack(">I", zlib.crc32(b"IHDR" + size))
    return bytes(data)


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
NOISY_JPEG = encoded(
    Image.fromarray(RANDOM.integers(0, 256, (300, 400, 3), dtype=np.uint8)), "JPEG"
)
PALETTE = PLAIN.quantize(32)

SAME = {
    "apng.png": animation("PNG"),
    "bitmap.bmp": encoded(PLAIN, "BMP"),
    "page.tif": encoded(PLAIN, "TIFF"),
    "page-lzw.tiff": encoded(PLAIN, "TIFF", compression="tiff_lzw"),
    "profile.png": encoded(PLAIN, icc_profile=SRGB),
    "really-a-png.jpg": encoded(PLAIN),
    "turned.png": turned(),
    "animated.webp": animation("WEBP", lossless=True),
    "lossless.webp": encoded(PLAIN, "WEBP", lossless=True),
    'comma, and "quotes".png': encoded(PLAIN),
    "line\nbreak.png": encoded(PLAIN),
    "carriage\rreturn\r\n.png": encoded(PLAIN),
    " spaces .png": encoded(PLAIN),
    "-o.png": encoded(PLAIN),
    "=1+1.png": encoded(PLAIN),
    "naïve 漢字 🙂.png": encoded(PLAIN),
    os.fsdecode(b"no text \xff\xfe.png"): encoded(PLAIN),
    "folder.jpg/inside.png": encoded(PLAIN),
}
"""Files that hold the plain picture: their scores equal its score to the bit."""

EQUAL = {
    "palette.png": encoded(PALETTE.convert("RGB")),
    "palette.gif": encoded(PALETTE.convert("RGB")),
    "animated.gif": encoded(PALETTE.convert("RGB")),
    "grey.png": encoded(GREY.convert("RGB")),
    "sixteen-bit.png": encoded(GREY.convert("RGB")),
    "floats.tif": encoded(GREY.convert("RGB")),
    "alpha.png": see_through()[1],
    "two-eyes.jpg": encoded(PLAIN, "JPEG"),
}
"""Files that hold other pictures -> a plain file of the same pixels."""

FINE = {
    "palette.png": encoded(PALETTE),
    "palette.gif": encoded(PALETTE, "GIF"),
    "animated.gif": encoded(
        PALETTE, "GIF", save_all=True, append_images=[Image.new("P", (64, 48))]
    ),
    "grey.png": encoded(GREY),
    "sixteen-bit.png": encoded(Image.fromarray(np.asarray(GREY).astype(np.uint16) * 257)),
    "floats.tif": encoded(Image.fromarray(np.asarray(GREY) / np.float32(255)), "TIFF"),
    "alpha.png": see_through()[0],
    "two-eyes.jpg": animation("MPO"),
    "camera.jpg": encoded(PLAIN, "JPEG"),
    "progressive.jpeg": encoded(PLAIN, "JPEG", progressive=True),
    "cmyk.jpg": encoded(PLAIN.convert("CMYK"), "JPEG"),
    "cmyk.tif": encoded(PLAIN.convert("CMYK"), "TIFF"),
    "lossy.webp": encoded(PLAIN, "WEBP"),
    "phone.avif": encoded(PLAIN, "AVIF"),
    "film.jp2": encoded(PLAIN, "JPEG2000"),
    "one-pixel.png": encoded(PLAIN.crop((0, 0, 1, 1))),
    "long.png": encoded(Image.new("RGB", (20_000, 500), "teal")),
}

FAULTY = {
    "truncated.jpg": (NOISY_JPEG[: len(NOISY_JPEG) // 2], "cut short"),
    "truncated.png": (encoded(PLAIN)[:3000], "cut short"),
    "empty.jpg": (b"", "empty file (0 bytes)"),
    "zeros.jpg": (bytes(1000), "nothing but zeros"),
    "words.jpg": (b"some words\n" * 9, "not a picture"),
    "page.png": (b"<!DOCTYPE html><html></html>", "a web page"),
    "film.gif": (b"\0\0\0\x18ftypisom\0\0\0\0isom", "a video"),
    "camera.nef": (b"MM\0*\0\0\0\x08" + bytes(90), "camera raw"),
    "camera.cr2": (b"II*\0\x10\0\0\0CR\x02\0", "camera raw"),
    "new.jxl": (b"\xff\x0a\xfa\x7f", "JPEG XL"),
    "phone.heic": (
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        "damaged" if HAS_HEIF else 'pip install "ddriqa[heif]"',
    ),
    "bomb.png": (bomb(), "--max-pixels"),
    "thread.png": (encoded(Image.new("RGB", (20_000, 3))), "too long and narrow: 6667 to 1"),
}

ODD = {
    "broken-link.jpg": "broken link",
    "self-link.jpg": "a link that leads to itself",
    "pipe.jpg": "not a regular file",
    "secret.jpg": "no permission to read it",
}
"""Things that aren't files with bytes -> their reasons."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All of them, with a plain picture before, between and after."""
    folder = tmp_path_factory.mktemp("real")
    (folder / "folder.jpg").mkdir()
    files = {**SAME, **FINE, **{name: data for name, (data, _) in FAULTY.items()}}
    files |= dict.fromkeys(("0.png", "m.png", "zz.png"), encoded(PLAIN))
    for name, data in files.items():
        (folder / name).write_bytes(data)
    os.symlink("nowhere.jpg", folder / "broken-link.jpg")
    os.symlink("self-link.jpg", folder / "self-link.jpg")
    os.symlink(".", folder / "around")
    os.mkfifo(folder / "pipe.jpg")
    (folder / "secret.jpg").write_bytes(encoded(PLAIN))
    (folder / "secret.jpg").chmod(0)
    return folder


@pytest.fixture(scope="module")
def plain():
    """The scores of the plain picture alone."""
    return Scorer(encoder="toy").score(encoded(PLAIN)).scores


def test_the_library(folder, plain, monkeypatch):
    monkeypatch.setattr("builtins.open", as_anybody(open))
    paths = list(find([str(folder)]))
    records = Scorer(encoder="toy").score(paths)
    assert [record.path for record in records] == paths
    assert len({*paths}) == len(SAME) + len(FINE) + len(FAULTY) + len(ODD) + 3
    errors = {os.path.relpath(record.path, folder): record.error for record in records}
    check_reasons(errors)
    scores = {os.path.relpath(record.path, folder): record.scores for record in records}
    for name in (*SAME, "0.png", "m.png", "zz.png"):
        assert scores[name] == plain, name
    for name, data in EQUAL.items():
        assert scores[name] == Scorer(encoder="toy").score(data).scores, name


def check_reasons(errors):
    """The reason of every file, or None, against what it should be."""
    expected = {name: words for name, (_, words) in FAULTY.items()} | ODD
    for name, error in errors.items():
        words = expected.get(name)
        assert (error is None) if words is None else words in (error or ""), (name, error)


def as_anybody(opened):
    """``open`` for somebody who isn't root."""

    def open_if_allowed(path, *arguments, **options):
        if str(path).endswith("secret.jpg"):
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments, **options)

    return open_if_allowed


def without_privileges():
    """For root: give up, in a child, the right to read everything; see capabilities(7)."""
    with contextlib.suppress(AttributeError):
        for override in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            ctypes.CDLL(None).prctl(24, override)  # PR_CAPBSET_DROP


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "ddriqa", "score", *arguments, "--encoder", "toy", "-q"],
        capture_output=True,
        timeout=120,
        preexec_fn=without_privileges,
    )


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_the_command(folder, plain, form):
    done = command(str(folder), "--format", form)
    assert (done.returncode, done.stderr) == (1, b"")
    text = done.stdout.decode("utf-8")
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        frame = pd.read_csv(io.BytesIO(done.stdout), keep_default_na=False, dtype=str)
        assert frame["path"].tolist() == [row["path"] for row in rows]
    else:
        rows = [json.loads(line) for line in text.split("\n")[:-1]]
    paths = list(find([str(folder)]))
    assert [row["path"] for row in rows] == [printable(path) for path in paths]
    names = [os.path.relpath(path, folder) for path in paths]
    check_reasons({n: row["error"] or None for n, row in zip(names, rows, strict=True)})
    for name, row in zip(names, rows, strict=True):
        if name in SAME:
            assert {column: float(row[column]) for column in plain} == plain


@pytest.mark.skipif(not HAS_HEIF, reason="needs pillow-heif")
def test_heic(tmp_path, plain):
    from pillow_heif import from_pillow

    from_pillow(PLAIN).save(tmp_path / "phone.heic", quality=-1, chroma=444)
    record = Scorer(encoder="toy").score(tmp_path / "phone.heic")
    assert (record.error, record.width, record.height) == (None, 64, 48)
    assert record.scores["ddr"] == pytest.approx(plain["ddr"], abs=0.01)


def test_files_and_folders_that_vanish_meanwhile(tmp_path, plain):
    """Listed, and gone before they are read."""
    for name in ("a.png", "b.png", "sub/c.png", "sub/d.png", "z/e.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(encoded(PLAIN))

    def listed():
        for path in find([str(tmp_path)]):
            if path.endswith("b.png"):
                os.remove(path)
            if path.endswith("c.png"):
                shutil.rmtree(tmp_path / "sub")
                shutil.rmtree(tmp_path / "z")
            yield path

    records = list(Scorer(encoder="toy").iter(listed()))
    names = [Path(record.path).name for record in records]
    assert names == ["a.png", "b.png", "c.png", "d.png", "z"]
    assert [record.error for record in records] == [None] + ["no such file"] * 4
    assert records[0].scores == plain


MANY_CROPS = """
import io, numpy, torch
from PIL import Image
from ddriqa.encoders import load_encoder
from ddriqa.images.views import SquareCrops
from ddriqa.metrics.ddr import DDR
from ddriqa.scoring.pipeline import Pipeline
encoder = load_encoder("toy")
encoder.view = SquareCrops(224)
encoder.encode_image = lambda pixels: pixels.mean((2, 3)).repeat(1, 8)
long = numpy.random.default_rng(0).integers(0, 256, (60, 3000, 3), dtype=numpy.uint8)
assert len(encoder.view(long)) == 51  # 31 MB of floats
stream = io.BytesIO()
Image.fromarray(long).save(stream, "PNG")
pipeline = Pipeline(encoder, [DDR(encoder)], torch.device("cpu"))
records = list(pipeline.run([stream.getvalue()] * 60))
print(sum(record.error is None for record in records))
print(next(int(l.split()[1]) // 1024 for l in open("/proc/self/status") if l.startswith("VmHWM")))
"""


def test_long_pictures_of_many_crops_stay_in_bounded_memory():
    """Sixty pictures of 31 MB of crops each would be 1.9 GB at once."""
    done = subprocess.run(
        [sys.executable, "-c", MANY_CROPS], capture_output=True, check=True, timeout=120
    )
    scored, megabytes = map(int, done.stdout.split())
    assert scored == 60
    assert megabytes < 1500


def test_a_folder_that_holds_nothing_good_is_all_rows(tmp_path):
    for name, (data, _) in FAULTY.items():
        (tmp_path / name).write_bytes(data)
    done = command(str(tmp_path), "--format", "jsonl")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert len(rows) == len(FAULTY)
    assert all(row["status"] == "failed" and row["ddr"] is None for row in rows)
