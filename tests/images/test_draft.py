"""``decode(…, draft=N)``: a JPEG file as small as N allows, and nothing else changes."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ddriqa.images.decode import decode


def smooth(width, height, mode="RGB"):
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    waves = [127 + 100 * np.sin(9 * x + 5 * y * k) for k in (1, 2, 3)]
    return Image.fromarray(np.stack(waves, -1).astype(np.uint8)).convert(mode)


def jpeg(image, **options):
    stream = io.BytesIO()
    image.save(stream, "JPEG", **{"quality": 90, **options})
    return stream.getvalue()


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 700), st.integers(1, 700), st.integers(1, 400))
def test_the_smallest_eighth_quarter_or_half_whose_sides_are_long_enough(width, height, draft):
    result = decode(jpeg(smooth(width, height)), draft=draft)
    fitting = [s for s in (8, 4, 2) if min(width, height) // s >= draft]
    step = fitting[0] if fitting else 1
    assert result.pixels.shape == (-(-height // step), -(-width // step), 3)
    assert (result.width, result.height) == (width, height)
    if step > 1:
        assert min(result.pixels.shape[:2]) >= draft


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_upright_draft_and_the_full_upright_size(orientation):
    data = jpeg(smooth(640, 400), exif=turned(orientation))
    full, draft = decode(data), decode(data, draft=100)
    assert (draft.width, draft.height) == (full.width, full.height)
    assert draft.pixels.shape == (full.height // 4, full.width // 4, 3)
    assert difference(draft, full) < 1


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_the_colours_stay(mode, options):
    data = jpeg(smooth(803, 601, mode), **options)
    full = decode(data)
    for draft in (75, 150, 300):
        assert difference(decode(data, draft=draft), full) < 1


def difference(draft, full):
    """Grey levels, on average, between a draft and the means of the full picture's blocks."""
    step = round(full.width / draft.pixels.shape[1])
    height, width = full.height // step, full.width // step
    blocks = full.pixels[: height * step, : width * step].reshape(height, step, width, step, 3)
    return np.abs(draft.pixels[:height, :width] - blocks.mean((1, 3))).mean()


def test_without_a_draft_or_with_a_great_one_it_is_what_pillow_gives():
    data = jpeg(smooth(640, 400))
    expected = np.asarray(Image.open(io.BytesIO(data)))
    for options in ({}, {"draft": None}, {"draft": 201}, {"draft": 5000}):
        np.testing.assert_array_equal(decode(data, **options).pixels, expected)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
def test_other_formats_are_not_drafted(form):
    stream = io.BytesIO()
    smooth(640, 400).save(stream, form)
    np.testing.assert_array_equal(
        decode(stream.getvalue(), draft=50).pixels, decode(stream.getvalue()).pixels
    )


def test_a_picture_of_the_caller_is_left_alone():
    image = Image.open(io.BytesIO(jpeg(smooth(640, 400))))
    assert decode(image, draft=50).pixels.shape == (400, 640, 3)


def test_the_limit_judges_the_full_picture_and_memory_is_asked_for_the_draft():
    data = jpeg(smooth(640, 400))
    admitted = []
    assert "--max-pixels" in decode(data, max_pixels=255_999, draft=50).error
    assert decode(data, max_pixels=256_000, draft=50, admit=admitted.append).error is None
    assert admitted == [80 * 50]


def test_a_truncated_file_is_no_picture_as_a_draft_either():
    random = np.random.default_rng(0)
    data = jpeg(Image.fromarray(random.integers(0, 256, (400, 640, 3), dtype=np.uint8)))
    result = decode(data[: len(data) // 2], draft=50)
    assert result.error == "cut short: the end of the picture is missing"
    assert (result.width, result.height) == (640, 400)
