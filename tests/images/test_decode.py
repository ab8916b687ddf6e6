"""Pictures of every kind that Pillow can write, and files that are no pictures."""

import io
import os
import struct
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pictures import assert_for_people, bad, bomb, encoded, good, near, scene
from PIL import Image, ImageCms, ImageOps

from ddriqa.images.decode import Decoded, decode

pytestmark = pytest.mark.filterwarnings("ignore:::PIL")  # pytest undoes the filter of decode.py


# --- what an ordinary file gives


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_files_give_their_pixels(form):
    np.testing.assert_array_equal(good(encoded(Image.fromarray(scene()), form)), scene())


@pytest.mark.parametrize(
    ("form", "options"),
    [("JPEG", {}), ("JPEG", {"progressive": True}), ("WEBP", {}), ("JPEG2000", {}), ("AVIF", {})],
)
@pytest.mark.parametrize("size", [(48, 32), (1, 1), (700, 900)])
def test_compressed_files_give_what_pillow_gives(form, options, size):
    data = encoded(Image.fromarray(scene(*size)), form, **options)
    np.testing.assert_array_equal(good(data), np.asarray(Image.open(io.BytesIO(data))))


def test_a_path_a_string_and_bytes_agree(tmp_path):
    path = tmp_path / 'naïve, "quoted"\nname.jpg'
    path.write_bytes(encoded(Image.fromarray(scene()), "JPEG"))
    from_path = decode(path)
    assert from_path.path == str(path)
    for source in (str(path), path.read_bytes(), Image.open(path)):
        np.testing.assert_array_equal(good(source), from_path.pixels)
    assert decode(path.read_bytes()).path == "<bytes>"
    assert decode(Image.open(path)).path == str(path)


def test_the_ending_of_the_name_does_not_matter(tmp_path):
    path = tmp_path / "really.png"
    path.write_bytes(encoded(Image.fromarray(scene()), "JPEG"))
    assert good(path).shape == (32, 48, 3)
    os.rename(path, tmp_path / "photo.nef")
    assert good(tmp_path / "photo.nef").shape == (32, 48, 3)


# --- orientation


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_stand_upright(form, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(scene()), form, exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    for source in (data, Image.open(io.BytesIO(data))):
        result = decode(source)
        np.testing.assert_array_equal(result.pixels, expected)
        assert (result.height, result.width) == expected.shape[:2]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF"])
def test_a_failure_knows_the_upright_size(form):
    exif = Image.Exif()
    exif[0x0112] = 6
    noise = np.random.default_rng(0).integers(0, 255, (400, 600, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), form, exif=exif)
    result = decode(data[: len(data) // 2])
    assert result.error == "cut short: the end of the picture is missing"
    assert (result.width, result.height) == (400, 600)


def test_an_orientation_behind_the_pixels_of_a_png():
    exif = Image.Exif()
    exif[0x0112] = 6
    body = b"eXIf" + exif.tobytes()[6:]
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    data = encoded(Image.fromarray(scene()), "PNG")
    result = decode(data[:-12] + chunk + data[-12:])
    assert (result.width, result.height) == (32, 48)
    np.testing.assert_array_equal(result.pixels, np.rot90(scene(), -1))


def test_damaged_exif_data_do_not_hurt(recwarn):
    data = encoded(Image.fromarray(scene()), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert good(data).shape == (32, 48, 3)


# --- modes


def test_grey_becomes_three_equal_channels():
    grey = Image.fromarray(scene()).convert("L")
    np.testing.assert_array_equal(
        good(encoded(grey, "PNG")), np.repeat(np.asarray(grey)[..., None], 3, 2)
    )


def test_one_bit():
    bits = Image.fromarray(scene()).convert("1")
    np.testing.assert_array_equal(good(encoded(bits, "PNG")), np.asarray(bits.convert("RGB")))


@pytest.mark.parametrize("big_endian", [False, True])
def test_sixteen_bit_grey_is_rounded_to_eight(big_endian):
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    if big_endian:
        header = b"II*\0\x08\0\0\0" if sys.byteorder == "big" else b"MM\0*\0\0\0\x08"
        tags = [(256, 4, 256), (257, 4, 256), (258, 3, 16 << 16), (259, 3, 1 << 16)]
        tags += [(262, 3, 1 << 16), (273, 4, 8 + 2 + 9 * 12 + 4), (277, 3, 1 << 16)]
        tags += [(278, 4, 256), (279, 4, 131072)]
        entries = b"".join(struct.pack(">HHII", tag, kind, 1, value) for tag, kind, value in tags)
        data = header + struct.pack(">H", 9) + entries + bytes(4) + values.astype(">u2").tobytes()
    else:
        data = encoded(Image.fromarray(values), "PNG")
    expected = np.rint(values / 257).astype(np.uint8)
    np.testing.assert_array_equal(good(data)[..., 0], expected)


def test_sixteen_bit_colour_png():
    raw = b"".join(b"\0" + struct.pack(">3H", 65535, 32768, 0) * 4 for _ in range(4))

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw))
    near(good(data + chunk(b"IEND", b""))[0, 0], [255, 128, 0], 1)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([0.0, 100.0, 255.0], [0, 100, 255]),
        ([0.0, 32896.0, 65535.0], [0, 128, 255]),
        ([-1.0, 0.0, 1.0], [0, 128, 255]),
        ([0.0, float("nan"), 1.0], [0, 0, 255]),
        ([7e4, 7e4, 7e4], [0, 0, 0]),
    ],
)
def test_float_tiff_is_scaled_by_its_range(values, expected):
    data = encoded(Image.fromarray(np.array([values], np.float32)), "TIFF")
    near(good(data)[0, :, 0], expected, 1)


def test_wide_integers():
    data = encoded(Image.fromarray(np.array([[0, 32896, 65535]], np.int32)), "TIFF")
    near(good(data)[0, :, 0], [0, 128, 255], 1)
    data = encoded(Image.fromarray(np.array([[-100, 0, 100]], np.int32)), "TIFF")
    near(good(data)[0, :, 0], [0, 128, 255], 1)


def test_cmyk_as_pillow_converts_it():
    cmyk = Image.fromarray(scene()).convert("CMYK")
    for form in ("TIFF", "JPEG"):
        data = encoded(cmyk, form)
        expected = Image.open(io.BytesIO(data)).convert("RGB")
        np.testing.assert_array_equal(good(data), np.asarray(expected))


def test_palette():
    image = Image.fromarray(scene()).quantize(16)
    np.testing.assert_array_equal(good(encoded(image, "PNG")), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("alpha", [0, 128, 255])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_laid_on_white(mode, alpha):
    image = Image.fromarray(scene()).convert(mode)
    image.putalpha(alpha)
    colour = np.asarray(image.convert("RGB")).astype(float)
    near(good(encoded(image, "PNG")), colour * alpha / 255 + 255 * (1 - alpha / 255), 1)


def test_a_transparent_palette_colour_becomes_white():
    image = Image.new("P", (4, 4), 0)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((0, 0), 1)
    pixels = good(encoded(image, "GIF", transparency=0))
    assert pixels[0, 0].tolist() == [200, 100, 50]
    assert pixels[1, 1].tolist() == [255, 255, 255]


def test_a_transparent_colour_of_an_rgb_png():
    image = Image.new("RGB", (4, 4), (10, 20, 30))
    image.putpixel((0, 0), (1, 2, 3))
    pixels = good(encoded(image, "PNG", transparency=(10, 20, 30)))
    assert pixels[0, 0].tolist() == [1, 2, 3]
    assert pixels[1, 1].tolist() == [255, 255, 255]


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_of_an_animation(form):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    options = {"lossless": True} if form == "WEBP" else {}
    data = encoded(frames[0], form, save_all=True, append_images=frames[1:], **options)
    near(good(data), np.asarray(frames[0]), 0)


# --- colour profiles


def profile(mode="RGB"):
    if mode == "LAB":
        return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped_profile():
    """An sRGB profile whose red and blue are exchanged: easy to see the effect of."""
    data = bytearray(profile())
    count = struct.unpack(">I", data[128:132])[0]
    for index in range(count):
        place = 132 + 12 * index
        if data[place : place + 4] == b"rXYZ":
            data[place : place + 4] = b"bXYZ"
        elif data[place : place + 4] == b"bXYZ":
            data[place : place + 4] = b"rXYZ"
    return bytes(data)


def test_a_profile_is_applied():
    data = encoded(Image.fromarray(scene()), "PNG", icc_profile=swapped_profile())
    near(good(data), scene()[..., ::-1], 3)


def test_an_srgb_profile_changes_nothing():
    data = encoded(Image.fromarray(scene()), "PNG", icc_profile=profile())
    np.testing.assert_array_equal(good(data), scene())


@pytest.mark.parametrize("junk", [b"junk", b"\0" * 200])
def test_a_damaged_profile_is_ignored(junk):
    data = encoded(Image.fromarray(scene()), "PNG", icc_profile=junk)
    np.testing.assert_array_equal(good(data), scene())


def test_a_profile_for_another_mode_is_ignored():
    grey = Image.fromarray(scene()).convert("L")
    data = encoded(grey, "PNG", icc_profile=profile())
    np.testing.assert_array_equal(good(data)[..., 0], np.asarray(grey))


def test_lab_tiff():
    to_lab = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
    )
    pale = scene() // 4 + 96  # where eight bits of Lab are fine enough
    lab = ImageCms.applyTransform(Image.fromarray(pale), to_lab)
    near(good(encoded(lab, "TIFF")), pale, 4)


def test_profiles_in_many_threads_give_what_one_thread_gives():
    pictures = [
        encoded(
            Image.fromarray(np.roll(scene(200, 150), i, 0)), "PNG", icc_profile=swapped_profile()
        )
        for i in range(16)
    ]
    alone = [good(data) for data in pictures]
    with ThreadPoolExecutor(8) as pool:
        for one, other in zip(alone, pool.map(good, pictures), strict=True):
            np.testing.assert_array_equal(one, other)


# --- arrays and tensors


def test_arrays_are_passed_on():
    assert good(scene()) is not None
    np.testing.assert_array_equal(good(scene()[::-1, ::2]), scene()[::-1, ::2])
    grey = scene()[..., 0]
    for array in (grey, grey[..., None]):
        np.testing.assert_array_equal(good(array), np.repeat(grey[..., None], 3, 2))


def test_tensors_are_turned():
    tensor = torch.from_numpy(scene()).permute(2, 0, 1)
    np.testing.assert_array_equal(good(tensor), scene())
    floats = good((tensor.float() / 255).requires_grad_())
    assert floats.dtype == np.float32
    np.testing.assert_array_equal(floats, scene() / np.float32(255))


@pytest.mark.parametrize(
    ("source", "word"),
    [
        (np.zeros((2, 2, 4), np.uint8), "height"),
        (np.zeros((0, 5, 3), np.uint8), "without pixels"),
        (np.zeros((2, 2, 3), np.int64), "uint8"),
        (scene().astype(float), "[0, 1]"),
        (np.full((2, 2, 3), np.nan), "[0, 1]"),
        (torch.zeros(2, 3, 4, 4), "(3, height, width)"),
        (None, "not a picture"),
        (3, "not a picture"),
    ],
)
def test_unfit_values_are_failures(source, word):
    assert word in bad(source)


def test_one_lazy_picture_in_many_threads():
    image = Image.open(io.BytesIO(encoded(Image.fromarray(scene(400, 300)), "JPEG")))
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(good, [image] * 16))
    assert all((result == results[0]).all() for result in results)


# --- faults


def test_files_that_are_not_there(tmp_path):
    assert bad(tmp_path / "gone.jpg") == "no such file"
    (tmp_path / "file").touch()
    assert bad(tmp_path / "file" / "below.jpg") == "no such file"
    os.symlink("nowhere", tmp_path / "broken.jpg")
    assert bad(tmp_path / "broken.jpg") == "broken link"
    os.symlink("loop.jpg", tmp_path / "loop.jpg")
    assert bad(tmp_path / "loop.jpg") == "a link that leads to itself"
    assert bad(tmp_path) == "a folder, not a picture"
    assert "too long" in bad(tmp_path / ("x" * 300))
    assert bad("with\0nul.jpg")


def test_no_permission(tmp_path, monkeypatch):
    path = tmp_path / "secret.jpg"
    path.write_bytes(b"x")

    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    assert bad(path) == "no permission to read it"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    assert bad(tmp_path / "pipe.jpg") == "not a regular file"


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.jpg", b"", "empty file"),
        ("a.jpg", bytes(1000), "nothing but zeros"),
        ("a.jpg", b"hello world", "not a picture"),
        ("a.jpg", b"\xff\xd8\xff\xe0", "damaged"),
        ("a.jpg", b"<!DOCTYPE html><html><body>404</body></html>", "web page"),
        ("a.svg", b'<svg xmlns="x"/>', "SVG"),
        ("a.pdf", b"%PDF-1.7 ...", "PDF"),
        ("a.eps", b"%!PS-Adobe-3.0 EPSF-3.0", "PostScript"),
        ("a.mp4", b"\0\0\0\x18ftypisom\0\0\0\0isom", "video"),
        ("a.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", 'pip install "ddriqa[heif]"'),
        ("a.avif", b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", "-U pillow"),
        ("a.jxl", b"\xff\x0a\xfa\x7f", "JPEG XL"),
        ("a.jxl", b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        ("a.cr3", b"\0\0\0\x18ftypcrx \0\0\0\0", "camera raw"),
        ("a.raf", b"FUJIFILMCCD-RAW 0201", "camera raw"),
        ("a.nef", b"MM\0*\0\0\0\x08", "camera raw"),
        ("a.tif", b"MM\0*\0\0\0\x08", "damaged, or of a variant"),
        ("a.jpg", b"II*\0\x10\0\0\0CR\x02\0", "camera raw"),
        ("a.jpg", b"version https://git-lfs.github.com/spec/v1", "Git LFS"),
    ],
)
def test_what_a_file_is_instead(tmp_path, monkeypatch, name, data, words):
    monkeypatch.setattr("ddriqa.images.decode._heif_plugin", lambda: False)
    monkeypatch.setattr("ddriqa.images.decode._avif_plugin", lambda: False)
    (tmp_path / name).write_bytes(data)
    assert words in bad(tmp_path / name)


def test_a_raw_preview_is_not_taken_for_the_picture(tmp_path):
    path = tmp_path / "photo.dng"
    Image.fromarray(scene()).save(path, "TIFF")
    assert "camera raw" in bad(path)
    tags = {0xC612: b"\x01\x04\0\0"}
    data = encoded(Image.fromarray(scene()), "TIFF", tiffinfo=tags)
    assert "camera raw" in bad(data)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"])
def test_truncated_files(form):
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), form)
    for share in (0.3, 0.6, 0.9):
        bad(data[: int(len(data) * share)])


@pytest.mark.parametrize(
    ("form", "options"), [("PNG", {}), ("TIFF", {"compression": "tiff_deflate"})]
)
def test_a_hole_in_data_with_checksums_is_damage(form, options):
    """Half a picture isn't passed off as a whole one."""
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    data = bytearray(encoded(Image.fromarray(noise), form, **options))
    middle = len(data) // 2
    data[middle : middle + 500] = bytes(500)
    bad(bytes(data))


FORMS = {
    form: encoded(Image.fromarray(scene()), form, **({"save_all": True} if form == "GIF" else {}))
    for form in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF")
}
FORMS["TIFF compressed"] = encoded(Image.fromarray(scene()), "TIFF", compression="tiff_lzw")
FORMS["TIFF jpeg"] = encoded(Image.fromarray(scene()), "TIFF", compression="jpeg")


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_mutated_files_give_pixels_or_a_reason(data):
    mutated = bytearray(FORMS[data.draw(st.sampled_from(sorted(FORMS)))])
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(mutated) - 1))
        mutated[place] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(len(mutated) // 2, len(mutated)))
    result = decode(bytes(mutated[:end]), max_pixels=1_000_000)
    assert isinstance(result, Decoded)
    if result.error is None:
        assert result.pixels.shape == (result.height, result.width, 3)
        assert result.pixels.dtype == np.uint8
    else:
        assert_for_people(result.error)


def test_nothing_is_ever_printed(tmp_path):
    """In a fresh process, since warnings are given once a process. (libtiff's own words about
    damaged TIFF files come from C: the command line keeps them away.)"""
    for index, data in enumerate(data for form, data in FORMS.items() if form[:4] != "TIFF"):
        (tmp_path / f"{index}-short").write_bytes(data[: len(data) * 2 // 3])
        (tmp_path / f"{index}-spliced").write_bytes(data[: len(data) // 2] + data[40:])
    (tmp_path / "big").write_bytes(bomb(10_000))
    samples = struct.pack("<HHII", 277, 4, 1, 65_535)  # Pillow logs an error
    sizes = struct.pack("<HHIIHHII", 256, 4, 1, 8, 257, 4, 1, 8)
    (tmp_path / "samples").write_bytes(b"II*\0\x08\0\0\0\3\0" + sizes + samples + bytes(4))
    program = (
        "import sys, pathlib; from ddriqa.images.decode import decode\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).iterdir()): decode(path)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == (b"", b"")


def test_a_name_with_nul_says_how_such_lists_are_read():
    assert (
        decode("a.png\0b.png").error == "its name holds a NUL byte: a list of find -print0 needs -0"
    )
