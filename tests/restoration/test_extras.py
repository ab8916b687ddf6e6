"""What the file of a picture holds beside its colours is in the restored one."""

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import nn

from ddriqa.restoration.extras import extras_of
from ddriqa.restoration.restorer import restore_file, save

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
XMP = (
    b'<r xmlns:tiff="t" xmlns:exif="e" tiff:Orientation="6" exif:PixelXDimension="60" keep="1">'
    b"<tiff:Orientation>6</tiff:Orientation></r>"
)
KEPT = b'<r xmlns:tiff="t" xmlns:exif="e" keep="1"></r>'


class Twice(nn.Module):
    def forward(self, picture):
        return picture.repeat_interleave(2, -1).repeat_interleave(2, -2)


def exif(**others):
    found = Image.Exif()
    found[271], found[274] = "maker", 6
    found[34665] = {40962: 60, 40963: 40, 33434: 0.5}
    found.update(others)
    return found.tobytes()


def through(source, target=None, network=None):
    """The file that restoring ``source`` gives, and the notes."""
    found = restore_file(network or nn.Identity(), source)
    target = source.with_name("out-" + (target or source.name))
    notes = save(found.pixels, target, found.extras)
    with Image.open(target) as image:
        image.load()
    return image, notes


@pytest.mark.parametrize("name", ["a.jpg", "a.tif", "a.png", "a.webp"])
def test_exif_sides_are_those_of_the_output(tmp_path, name):
    Image.fromarray(PIXELS).save(tmp_path / name, exif=exif())
    _, notes = through(tmp_path / name, network=Twice())
    with Image.open(tmp_path / f"out-{name}") as image:
        assert image.size == (80, 120)  # upright
        assert image.getexif()[271] == "maker"
        assert image.getexif().get(274, 1) == 1
        inner = dict(image.getexif().get_ifd(34665))
    assert notes == ()
    assert (inner[40962], inner[40963], float(inner[33434])) == (80, 120, 0.5)


@pytest.mark.parametrize("name", ["a.jpg", "a.tif", "a.png"])
def test_resolution_stays(tmp_path, name):
    Image.fromarray(PIXELS).save(tmp_path / name, dpi=(300, 240))
    image, _ = through(tmp_path / name)
    assert tuple(map(float, image.info["dpi"])) == pytest.approx((300, 240), abs=0.02)


@pytest.mark.parametrize("name", ["a.jpg", "a.tif", "a.png"])
def test_without_a_resolution_there_is_none(tmp_path, name):
    Image.fromarray(PIXELS).save(tmp_path / name)
    image, _ = through(tmp_path / name)
    assert 282 not in image.getexif()
    assert name == "a.tif" or "dpi" not in image.info


@pytest.mark.parametrize("name", ["a.jpg", "a.tif", "a.png", "a.webp"])
def test_xmp_stays_without_orientation_and_sizes(tmp_path, name):
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    block = Image.Exif()
    block[700] = XMP
    options = {"tif": {"exif": block.tobytes()}, "png": {"pnginfo": info}}
    Image.fromarray(PIXELS).save(tmp_path / name, **options.get(name[2:], {"xmp": XMP}))
    image, _ = through(tmp_path / name)
    assert image.size == (40, 60)
    assert (image.info.get("xmp") or image.info["XML:com.adobe.xmp"].encode()) == KEPT


def test_comments_and_text_stay(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg", comment=b"of a JPEG")
    assert through(tmp_path / "a.jpg")[0].info["comment"] == b"of a JPEG"
    assert through(tmp_path / "a.jpg", "a.png")[0].text == {"Comment": "of a JPEG"}
    info = PngInfo()
    info.add_text("Title", "Prag")
    info.add_itxt("Author", "Němec")
    Image.fromarray(PIXELS).save(tmp_path / "b.png", pnginfo=info)
    assert through(tmp_path / "b.png")[0].text == {"Title": "Prag", "Author": "Němec"}


@pytest.mark.parametrize("name", ["a.jpg", "a.tif", "a.png"])
def test_grey_comes_back_grey(tmp_path, name):
    Image.fromarray(PIXELS[..., 0]).save(tmp_path / name)
    image, notes = through(tmp_path / name)
    assert image.mode == "L"
    assert notes == ()
    if not name.endswith("jpg"):
        assert np.array_equal(np.asarray(image), PIXELS[..., 0])


@pytest.mark.parametrize(
    ("name", "mode"), [("a.png", "RGBA"), ("b.png", "LA"), ("c.tif", "RGBA"), ("d.tif", "LA")]
)
def test_alpha_stays_and_colours_below_it(tmp_path, name, mode):
    source = Image.fromarray(PIXELS).convert(mode[:-1])
    source.putalpha(Image.linear_gradient("L").resize((60, 40)))
    source.save(tmp_path / name)
    image, notes = through(tmp_path / name)
    assert (image.mode, notes) == (mode, ())
    assert np.array_equal(np.asarray(image), np.asarray(source))
    larger, _ = through(tmp_path / name, network=Twice())
    near = np.asarray(source.getchannel("A").resize((120, 80), Image.Resampling.NEAREST), int)
    assert abs(np.asarray(larger.getchannel("A")) - near).max() <= 8


@pytest.mark.parametrize("name", ["a.webp", "a.png", "a.tif"])
def test_alpha_turns_with_its_picture_and_is_enlarged(tmp_path, name):
    source = Image.fromarray(PIXELS)
    source.putalpha(Image.linear_gradient("L").resize((60, 40)))
    exact = {"lossless": True, "exact": True} if name == "a.webp" else {}
    source.save(tmp_path / name, exif=exif(), **exact)
    found = restore_file(Twice(), tmp_path / name)
    turned = source.transpose(Image.Transpose.ROTATE_270)
    assert found.extras.alpha.tobytes() == turned.getchannel("A").tobytes()
    assert found.pixels.shape == (120, 80, 3)
    white = Image.new("RGB", turned.size, "white")
    white.paste(turned.convert("RGB"), mask=turned.getchannel("A"))
    assert np.array_equal(found.before, np.asarray(white))
    assert found.after.shape == (120, 80, 3)
    colours = np.asarray(turned.convert("RGB"))
    assert np.array_equal(found.pixels, colours.repeat(2, 0).repeat(2, 1))


def test_what_changes_is_told(tmp_path):
    picture = Image.fromarray(PIXELS)
    Image.fromarray(PIXELS[..., 0].astype(np.uint16) * 257).save(tmp_path / "deep.png")
    assert through(tmp_path / "deep.png")[1] == ("reduced to 8 bits a channel",)
    frames = [picture.rotate(90), picture.rotate(180)]
    picture.save(tmp_path / "moving.gif", save_all=True, append_images=frames)
    assert through(tmp_path / "moving.gif", "moving.png")[1] == ("the first of 3 frames",)
    picture.convert("CMYK").save(tmp_path / "print.jpg")
    assert through(tmp_path / "print.jpg")[1] == ("CMYK became RGB",)
    picture.putalpha(200)
    picture.save(tmp_path / "misnamed.jpg", "PNG")
    image, notes = through(tmp_path / "misnamed.jpg")
    assert image.mode == "RGB"
    assert notes == ("laid on white, since a JPEG has no alpha",)


def test_sixteen_bit_colour_is_told(tmp_path):
    """Pillow opens it as RGB of 8 bit and can't write it: two pixels by hand."""
    import struct
    import zlib

    def chunk(name, data):
        crc = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + crc

    head = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    row = zlib.compress(b"\0" + struct.pack(">6H", *range(0, 60000, 10000)))
    file = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", row) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(file)
    assert extras_of(tmp_path / "a.png").notes == ("reduced to 8 bits a channel",)


def test_metadata_that_cant_be_written_are_left_out_and_told(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg", "PNG", exif=exif() + bytes(70_000))
    image, notes = through(tmp_path / "a.jpg")
    assert image.format == "JPEG"
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", "x" * 70_000)
    Image.fromarray(PIXELS).save(tmp_path / "b.jpg", "PNG", pnginfo=info)
    image, notes = through(tmp_path / "b.jpg")
    assert image.format == "JPEG"
    assert notes == ("its metadata didn't fit",)
