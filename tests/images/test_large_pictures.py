"""Large pictures, and files that claim to be: limits, and memory that stays bounded."""

import threading

import numpy as np
import pytest
from pictures import bad, bomb, encoded, good, scene
from PIL import Image, ImageCms

from ddriqa.images.decode import decode

pytestmark = pytest.mark.filterwarnings("ignore:::PIL")


def test_too_many_pixels_are_refused_before_decoding():
    data = encoded(Image.fromarray(scene(300, 200)), "PNG")
    result = decode(data, max_pixels=59_999, admit=lambda pixels: pytest.fail("was decoded"))
    assert "--max-pixels" in result.error
    assert (result.width, result.height) == (300, 200)
    admitted = []
    good(data, max_pixels=60_000, admit=admitted.append)
    assert admitted == [60_000]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "JPEG2000"])
def test_what_is_refused_is_not_decoded_to_find_its_orientation(form, monkeypatch):
    data = encoded(Image.fromarray(scene()), form)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda image: pytest.fail("was decoded"))
    result = decode(data, max_pixels=1000)
    assert "--max-pixels" in result.error
    assert (result.width, result.height) == (48, 32)


@pytest.mark.parametrize("side", [10_000, 15_000, 50_000])
def test_bombs_are_refused_whatever_pillow_s_own_limit(side):
    limit = Image.MAX_IMAGE_PIXELS
    data = bomb(side) + encoded(Image.fromarray(scene()), "PNG")[33:]
    reason = bad(data, max_pixels=1000)
    assert f"{side * side / 1e6:.0f} megapixels" in reason
    assert limit == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize(
    "form", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "TIFF tiff_lzw", "WEBP", "AVIF", "JPEG2000"]
)
def test_pillow_s_own_limit_does_not_count(form, monkeypatch):
    form, *compression = form.split()
    options = {"compression": compression[0]} if compression else {}
    data = encoded(Image.fromarray(scene()), form, **options)
    expected = good(data)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    np.testing.assert_array_equal(good(data), expected)
    assert Image.MAX_IMAGE_PIXELS == 100


@pytest.mark.parametrize(
    "mode", ["RGB", "L", "1", "P", "RGBA", "LA", "CMYK", "LAB", "YCbCr", "HSV", "I", "I;16", "F"]
)
@pytest.mark.parametrize("profile", [None, "sRGB"])
def test_strips_do_not_show(mode, profile, monkeypatch):
    """Whatever is converted strip by strip comes out as if it were done at once."""
    image = Image.fromarray(scene(101, 67))
    if mode == "LAB":
        image = Image.merge("LAB", image.split())
    elif mode in ("I", "I;16", "F"):
        grey = np.asarray(image.convert("L"))
        kinds = {"I": np.int32, "I;16": np.uint16, "F": np.float32}
        image = Image.fromarray((grey.astype(np.int32) * 200).astype(kinds[mode]))
    else:
        image = image.convert(mode)
    if mode == "P":
        image.info["transparency"] = 7
    if profile:
        image.info["icc_profile"] = ImageCms.ImageCmsProfile(
            ImageCms.createProfile("sRGB")
        ).tobytes()
    monkeypatch.setattr("ddriqa.images.decode.STRIP_PIXELS", 1 << 20)
    expected = good(image)
    monkeypatch.setattr("ddriqa.images.decode.STRIP_PIXELS", 300)
    pixels = good(image)
    np.testing.assert_array_equal(pixels, expected)
    assert len(np.unique(pixels)) > 1


def test_large_pictures_stay_the_same():
    noise = np.random.default_rng(0).integers(0, 255, (1501, 1003, 3), dtype=np.uint8)
    pixels = good(Image.fromarray(noise))
    np.testing.assert_array_equal(pixels, noise)
    assert pixels.flags.writeable  # torch warns of others


def test_pillow_is_left_as_it_was():
    before = Image.MAX_IMAGE_PIXELS
    threads = [threading.Thread(target=decode, args=(bomb(20_000),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert before == Image.MAX_IMAGE_PIXELS
