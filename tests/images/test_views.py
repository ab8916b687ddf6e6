"""Views: crops cover what they should, resizes equal the libraries', sizes stay few."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.utils._python_dispatch import TorchDispatchMode

from ddriqa.encoders.clip import import_open_clip
from ddriqa.images.views import (
    CentreCrop,
    NativeSize,
    SquareCrops,
    WholePicture,
    Windows,
    resize_antialiased,
    resize_cubic,
    square_crops,
)


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


# The research sheet's table of crops (section 1.2): height x width -> side, offsets.
@pytest.mark.parametrize(
    ("size", "side", "offsets"),
    [
        ((500, 500), 500, [0, 0]),
        ((384, 512), 384, [0, 128]),
        ((512, 768), 512, [0, 256]),
        ((1200, 1600), 1200, [0, 400]),
        ((1080, 1920), 1080, [0, 840]),
        ((300, 1000), 300, [0, 233, 466, 699]),
    ],
)
def test_crop_table(size, side, offsets):
    assert square_crops(*size) == [(0, offset, side) for offset in offsets]
    assert square_crops(size[1], size[0]) == [(offset, 0, side) for offset in offsets]


@given(st.integers(1, 4000), st.integers(1, 4000))
def test_crops_lie_inside_and_reach_the_far_end(height, width):
    crops = square_crops(height, width)
    assert len(crops) >= 2
    for top, left, side in crops:
        assert side == min(height, width)
        assert top >= 0
        assert left >= 0
        assert top + side <= height
        assert left + side <= width
    top, left, side = crops[-1]
    assert max(height, width) - (max(top, left) + side) < max(1, len(crops) - 1)


def cubic_weight(t):
    """The kernel of Keys (1981) with a = -0.75."""
    t = abs(t)
    if t <= 1:
        return (1.25 * t - 2.25) * t * t + 1
    return ((-0.75 * t + 3.75) * t - 6) * t + 3 if t < 2 else 0.0


@pytest.mark.parametrize("length", [5, 37, 100])
def test_cubic_is_the_sum_over_four_taps_with_repeated_edges(length):
    row = picture(1, length)[0, :, 0] / 255
    image = torch.from_numpy(np.tile(row, (length, 1)))[None, None].expand(1, 3, -1, -1)
    ours = resize_cubic(image, 16)[0, 0, 7]
    for i in range(16):
        centre = (i + 0.5) * length / 16 - 0.5
        taps = range(int(np.floor(centre)) - 1, int(np.floor(centre)) + 3)
        expected = sum(cubic_weight(centre - k) * row[min(max(k, 0), length - 1)] for k in taps)
        assert float(ours[i]) == pytest.approx(expected, abs=1e-9)


ROUNDS_ALIKE = torch.backends.cpu.get_cpu_capability() != "DEFAULT"
"""Without a fused multiply-add torch's own positions differ in their last digit."""


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 1200), st.integers(1, 1200), st.sampled_from([1, 7, 32, 101, 224]))
@example(900, 900, 224)
@example(897, 1201, 224)
@example(896, 896, 224)
@example(1333, 1999, 224)
@example(223, 225, 224)
@example(1, 1, 224)
def test_cubic_equals_torch_at_every_size(height, width, side):
    image = torch.from_numpy(picture(height, width)).permute(2, 0, 1)[None]
    kinds = {torch.float32: 2e-6 if ROUNDS_ALIKE else 1e-3, torch.float64: 1e-9}
    for kind, tolerance in kinds.items():
        pixels = image.to(kind) / 255
        expected = F.interpolate(pixels, size=(side, side), mode="bicubic", align_corners=False)
        close = partial(torch.testing.assert_close, rtol=0, atol=tolerance)
        close(resize_cubic(pixels, side), expected)
        if kind == torch.float32:
            close(resize_cubic(image, side), expected)


@pytest.mark.parametrize("size", [13, 21])
def test_cubic_is_differentiable(size):
    image = torch.rand(1, 3, size, size, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: resize_cubic(x, 5), (image,))


class LargestFloats(TorchDispatchMode):
    """The largest tensor of floats that was made meanwhile, in elements."""

    elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and result.is_floating_point():
            self.elements = max(self.elements, result.numel())
        return result


@pytest.mark.parametrize("size", [(1200, 1600), (1200, 1200), (5000, 400), (100, 5000)])
def test_crops_make_no_floats_of_the_picture_s_size(size):
    pixels = picture(*size)
    with LargestFloats() as largest:
        count = len(SquareCrops(32)(pixels))
    assert largest.elements <= max(16, count) * 32 * 32 * 3


@pytest.mark.parametrize("view", [SquareCrops(224), SquareCrops(32), CentreCrop(32), Windows(32)])
def test_views_do_not_depend_on_torch_s_threads(view):
    pictures = [picture(1301, 997), picture(300, 400), picture(100, 130)]
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        expected = [view(pixels) for pixels in pictures]
        torch.set_num_threads(3)
        assert all(map(torch.equal, expected, map(view, pictures)))
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("size", [(60, 60), (300, 300), (1, 1), (1, 40), (40, 1)])
def test_the_same_square_is_given_out_once(size):
    pixels = picture(*size)
    assert len(set(square_crops(*size))) == 1
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None]
    assert SquareCrops(16)(pixels).shape == (1, 3, 16, 16)
    assert SquareCrops(16).of_tensor(image.expand(5, -1, -1, -1)).shape == (5, 1, 3, 16, 16)
    top, left, side = square_crops(*size)[-1]
    expected = resize_cubic(image[..., top : top + side, left : left + side], 16)
    torch.testing.assert_close(SquareCrops(16)(pixels), expected, rtol=0, atol=0)


def test_antialiased_equals_pillow():
    pixels = picture(301, 203)
    ours = resize_antialiased(pixels, (96, 64))[0].permute(1, 2, 0).numpy()
    pillow = np.asarray(Image.fromarray(pixels).resize((64, 96), Image.Resampling.BICUBIC))
    assert np.abs(ours.astype(int) - pillow.astype(int)).max() <= 1


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300))
def test_every_view_takes_every_size(height, width):
    pixels = picture(height, width)
    assert CentreCrop(32)(pixels).shape == (1, 3, 32, 32)
    if max(height, width) / min(height, width) < 20:
        assert SquareCrops(32)(pixels).shape[1:] == (3, 32, 32)
        assert Windows(32)(pixels).shape[1:] == (3, 32, 32)
    assert NativeSize(64)(pixels).shape == (1, 3, max(64, height), max(64, width))
    shape = WholePicture(64, 16)(pixels).shape
    assert shape == (1, 3, *WholePicture(64, 16).size(height, width))


@pytest.mark.parametrize("size", [(563, 1000), (683, 1024), (480, 720), (301, 203), (99, 64)])
def test_centre_crop_equals_open_clip(size):
    """CLIP's own preprocessing: torchvision's Resize and CenterCrop on a Pillow image."""
    transform = import_open_clip().image_transform(
        64, is_train=False, mean=(0, 0, 0), std=(1, 1, 1), interpolation="bicubic"
    )
    pixels = picture(*size)
    expected = (transform(Image.fromarray(pixels)) * 255).round().int()
    ours = CentreCrop(64)(pixels)[0].int()
    assert (ours - expected).abs().max() <= 1


def test_whole_picture_has_few_shapes_of_one_area():
    view = WholePicture(384)
    shapes = {view.size(round(1000 * a), 1000) for a in np.geomspace(0.1, 10, 500)}
    assert len(shapes) < 20
    for height, width in shapes:
        assert height % 32 == width % 32 == 0
        assert 0.85 < height * width / 384**2 < 1.15
    assert view.size(512, 512) == (384, 384)


@given(st.floats(1 / 3, 3))
def test_whole_picture_squeezes_by_18_percent_at_worst(aspect):
    height, width = WholePicture(384).size(round(6000 * aspect), 6000)
    assert 1 / 1.18 < height / width / aspect < 1.18


def test_whole_picture_of_usual_photographs():
    assert WholePicture(384).size(2000, 3000) == (320, 480)
    assert WholePicture(384).size(3000, 4000) == (320, 448)


def test_equal_views_are_equal():
    assert SquareCrops(224) == SquareCrops(224) != SquareCrops(288)
    assert SquareCrops(224).describe() == {"geometry": "crops", "side": 224}
    assert CentreCrop(224) != SquareCrops(224)


def mirrored(index, length):
    """The pixel that a reflection with the border repeated shows at an index of any sign."""
    index %= 2 * length
    return min(index, 2 * length - 1 - index)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 80))
@example(1, 1, 64)
@example(63, 64, 64)
def test_native_size_is_the_picture_with_short_sides_reflected(height, width, least):
    pixels = picture(height, width)
    view = NativeSize(least)(pixels)
    assert view.dtype == torch.uint8
    before = [max(0, least - length) // 2 for length in (height, width)]
    rows = [mirrored(i - before[0], height) for i in range(max(height, least))]
    columns = [mirrored(i - before[1], width) for i in range(max(width, least))]
    assert np.array_equal(view[0].permute(1, 2, 0).numpy(), pixels[rows][:, columns])


def test_native_size_copies_nothing_of_a_picture_that_is_large_enough():
    pixels = picture(64, 200)
    assert NativeSize(64)(pixels).data_ptr() == pixels.ctypes.data


def test_only_views_of_any_size_go_alone():
    assert NativeSize().batch == 1
    others = [SquareCrops(), CentreCrop(), WholePicture(), Windows()]
    assert [view.batch for view in others] == [None] * 4


@given(st.integers(1, 9000), st.integers(1, 9000), st.integers(32, 400), st.integers(1, 20))
@example(3000, 4000, 224, 12)
@example(448, 448, 224, 12)
@example(225, 225, 224, 12)
@example(225, 9000, 224, 12)
def test_windows_lie_inside_evenly_and_at_most_so_many(height, width, side, most):
    view = Windows(side, most)
    corners = view.corners(height, width)
    assert bool(corners) == (min(height, width) > side)
    assert len(set(corners)) == len(corners) <= most
    for starts, length in zip(zip(*corners, strict=True), (height, width), strict=False):
        starts = sorted(set(starts))
        steps = set(np.diff(starts).tolist())
        assert max(steps, default=0) - min(steps, default=0) <= 1
        assert starts[0] + starts[-1] == pytest.approx(length - side, abs=1)  # centred
        assert len(starts) == 1 or starts[0] == 0
        assert len(starts) <= -(-length // side)
    if corners and -(-height // side) * -(-width // side) <= most:
        rows, columns = view.grid(height, width)
        assert rows * side >= height
        assert columns * side >= width


@given(st.integers(225, 9000), st.integers(225, 9000), st.integers(1, 20))
def test_no_other_grid_of_windows_has_shorter_steps(height, width, most):
    rows, columns = Windows(224, most).grid(height, width)
    longest = max(height / rows, width / columns)
    for other in range(1, most + 1):
        across = most // other
        if other * 224 < height + 224 and across * 224 < width + 224:
            assert longest <= max(height / other, width / across)


@pytest.mark.parametrize(
    ("size", "grid"),
    [
        ((3000, 4000), (3, 4)),
        ((4000, 3000), (4, 3)),
        ((3000, 3000), (3, 3)),
        ((1080, 1920), (3, 4)),
        ((300, 2000), (1, 7)),
        ((500, 500), (3, 3)),
        ((384, 512), (2, 3)),
    ],
)
def test_grids_of_windows_of_usual_pictures(size, grid):
    assert Windows(224).grid(*size) == grid


@pytest.mark.parametrize("size", [(100, 130), (33, 200), (65, 64)])
def test_windows_are_the_picture_s_own_pixels_after_the_crops(size):
    pixels, view = picture(*size), Windows(32)
    crops, both = SquareCrops(32)(pixels), view(pixels)
    assert both.dtype == torch.float32
    assert torch.equal(both[: len(crops)], crops)
    corners = view.corners(*size)
    assert len(both) == len(crops) + len(corners)
    for (top, left), window in zip(corners, both[len(crops) :], strict=True):
        expected = pixels[top : top + 32, left : left + 32].transpose(2, 0, 1)
        assert np.array_equal((window * 255).round().numpy(), expected)


@pytest.mark.parametrize("size", [(32, 32), (32, 90), (20, 90)])
def test_a_picture_no_larger_than_a_window_has_crops_only(size):
    pixels = picture(*size)
    assert torch.equal(Windows(32)(pixels), SquareCrops(32)(pixels))


def test_views_of_any_size_tell_their_settings():
    assert NativeSize().describe() == {"geometry": "native", "least": 64}
    assert Windows(384).describe() == {"geometry": "windows", "side": 384, "most": 12}
