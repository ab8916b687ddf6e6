"""Paired folders: what belongs together stays together, and every sample is a function of n."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from ddriqa.errors import DatasetError, UsageError
from ddriqa.restoration.data import PairedFolder
from ddriqa.restoration.layouts import pairs
from ddriqa.restoration.pictures import Pictures

SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "paired"
NUMBERS = [0, 5, 3, 17, 4, 1000, 9, 2]


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.ascontiguousarray(pixels)).save(path)


def make_pairs(root, scale=1, count=5, shape=(40, 56)):
    """Noise; every pixel of lq is the top left one of its block in gt."""
    rng = np.random.default_rng(0)
    for n in range(count):
        gt = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
        save(root / f"gt/{n}.png", gt)
        save(root / f"lq/{n}.png", gt[::scale, ::scale])
    return root


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_patches_are_of_the_same_place_turned_alike(tmp_path, scale):
    make_pairs(tmp_path, scale)
    data = PairedFolder(tmp_path, scale=scale, crop=16, flips=True, rotations=True)
    seen = set()
    for number in range(40):
        sample = data[number]
        assert sample["gt"].shape == (3, 16, 16)
        assert sample["lq"].shape == (3, 16 // scale, 16 // scale)
        blocks = sample["gt"].reshape(3, 16 // scale, scale, 16 // scale, scale)
        # The marked pixel of a block is in one of its corners, the same one for all blocks.
        corners = {
            (y, x)
            for y in (0, scale - 1)
            for x in (0, scale - 1)
            if torch.equal(blocks[:, :, y, :, x], sample["lq"])
        }
        assert len(corners) == 1
        seen |= corners
    assert len(seen) == (4 if scale > 1 else 1)


def test_small_pictures_are_continued_by_their_mirror_image(tmp_path):
    ramp = np.arange(6, dtype=np.uint8)[None, :, None].repeat(6, 0).repeat(3, 2)
    save(tmp_path / "gt/a.png", ramp.repeat(2, 0).repeat(2, 1))
    save(tmp_path / "lq/a.png", ramp)
    sample = PairedFolder(tmp_path, scale=2, crop=20)[0]
    row = (sample["lq"][0, 0] * 255).round().int().tolist()
    assert row == [0, 1, 2, 3, 4, 5, 5, 4, 3, 2]
    enlarged = sample["lq"].repeat_interleave(2, 1).repeat_interleave(2, 2)
    assert torch.equal(enlarged, sample["gt"])  # the mirror lies at the same place


def test_channels_are_red_green_blue_and_values_are_8_bit_over_255(tmp_path):
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[...] = (255, 51, 0)
    for side in ("lq", "gt"):
        save(tmp_path / f"{side}/a.png", pixels)
    sample = PairedFolder(tmp_path)[0]
    assert sample["lq"].dtype == torch.float32
    assert sample["lq"][:, 2, 2].tolist() == pytest.approx([1, 0.2, 0])
    assert sample["name"] == "a"


def test_whole_pictures_keep_their_size_and_order(tmp_path):
    make_pairs(tmp_path, count=12)
    data = PairedFolder(tmp_path)
    assert [sample["name"] for sample in data] == [str(n) for n in range(12)]
    assert data[3]["gt"].shape == (3, 40, 56)


def collected(data, workers):
    loader = DataLoader(
        data, batch_sampler=[NUMBERS[:4], NUMBERS[4:]], num_workers=workers, timeout=60 * workers
    )
    return [(batch["lq"], batch["gt"], batch["name"]) for batch in loader]


def test_workers_and_order_do_not_change_a_sample(tmp_path):
    make_pairs(tmp_path)
    data = PairedFolder(tmp_path, crop=16, flips=True, rotations=True, seed=7, cache=10_000)
    alone, shared = collected(data, 0), collected(data, 2)
    for ours, theirs in zip(alone, shared, strict=True):
        assert torch.equal(ours[0], theirs[0])
        assert torch.equal(ours[1], theirs[1])
        assert ours[2] == theirs[2]
    fresh = PairedFolder(tmp_path, crop=16, flips=True, rotations=True, seed=7)
    assert torch.equal(fresh[NUMBERS[5]]["lq"], alone[1][0][1])


def test_passes_and_seeds_differ(tmp_path):
    make_pairs(tmp_path, count=1)
    data = PairedFolder(tmp_path, crop=16, seed=0)
    patches = {data[number]["gt"].numpy().tobytes() for number in range(30)}
    assert len(patches) > 25  # of 25 x 41 places
    assert data[4]["name"] == data[5]["name"]
    other = PairedFolder(tmp_path, crop=16, seed=1)
    assert not torch.equal(data[3]["gt"], other[3]["gt"])


def test_every_place_can_be_cut_out_the_last_one_too(tmp_path):
    row = np.arange(4, dtype=np.uint8)[None, :, None].repeat(3, 0).repeat(3, 2)
    for side in ("lq", "gt"):
        save(tmp_path / f"{side}/a.png", row)
    data = PairedFolder(tmp_path, crop=3)
    first_columns = {round(float(data[n]["gt"][0, 0, 0]) * 255) for n in range(40)}
    assert first_columns == {0, 1}


def test_eight_symmetries_come_equally_often(tmp_path):
    marked = np.zeros((2, 2, 3), np.uint8)
    marked[0, 0], marked[0, 1] = 255, 128
    for side in ("lq", "gt"):
        save(tmp_path / f"{side}/a.png", marked)
    data = PairedFolder(tmp_path, flips=True, rotations=True)
    seen = [data[number]["gt"][0].numpy().tobytes() for number in range(800)]
    counts = [seen.count(kind) for kind in set(seen)]
    assert len(counts) == 8
    assert min(counts) > 60
    only_flips = PairedFolder(tmp_path, flips=True)
    assert len({only_flips[n]["gt"][0].numpy().tobytes() for n in range(60)}) == 2


def test_a_table_of_pairs(tmp_path):
    make_pairs(tmp_path / "somewhere")
    (tmp_path / "pairs.csv").write_text(
        "name,lq,gt\nfirst,somewhere/lq/0.png,somewhere/gt/0.png\n"
        ",somewhere/lq/1.png,somewhere/gt/1.png\n"
    )
    data = PairedFolder(tmp_path / "pairs.csv")
    assert [sample["name"] for sample in data] == ["first", "somewhere/lq/1"]
    assert torch.equal(data[0]["lq"], data[0]["gt"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a,b\n1,2\n", "lacks the columns"),
        ("lq,gt\nx.png,y.png\n", "line 2: there is no"),
        ("lq,gt\nx.png\n", "line 2 names no pair"),
        ("lq,gt\n", "holds no pairs"),
        (None, "can't be read"),
    ],
)
def test_wrong_tables(tmp_path, text, reason):
    table = tmp_path / "pairs.csv"
    if text is not None:
        table.write_text(text)
    with pytest.raises(DatasetError, match=reason):
        PairedFolder(table)


def test_endings_may_differ_but_nothing_may_be_alone(tmp_path):
    make_pairs(tmp_path, count=2)
    (tmp_path / "gt/0.png").rename(tmp_path / "gt/0.bmp")
    assert len(PairedFolder(tmp_path)) == 2
    (tmp_path / "gt/1.png").unlink()
    with pytest.raises(DatasetError, match="1 of 2 pictures have no partner in gt/: 1"):
        PairedFolder(tmp_path)


def test_two_pictures_of_one_name_are_refused(tmp_path):
    make_pairs(tmp_path, count=1)
    save(tmp_path / "lq/0.bmp", np.zeros((40, 56, 3), np.uint8))
    with pytest.raises(DatasetError, match="share a name"):
        PairedFolder(tmp_path)


def test_folders_without_pairs(tmp_path):
    with pytest.raises(DatasetError, match="has no folder lq/"):
        PairedFolder(tmp_path)
    (tmp_path / "lq").mkdir()
    (tmp_path / "gt").mkdir()
    with pytest.raises(DatasetError, match="holds no pairs"):
        PairedFolder(tmp_path)


def test_pictures_that_do_not_fit_or_cannot_be_read_are_named(tmp_path):
    make_pairs(tmp_path, scale=2, count=2)
    with pytest.raises(DatasetError, match=r"0\.png: .*28x20 and 56x40, which isn't of equal"):
        PairedFolder(tmp_path)[0]
    (tmp_path / "lq/1.png").write_bytes(b"nonsense")
    with pytest.raises(DatasetError, match=r"1\.png: can't be read"):
        PairedFolder(tmp_path, scale=2)[1]


@pytest.mark.parametrize("size", [10, 2, 0])
def test_patches_that_the_scale_does_not_divide_are_refused(tmp_path, size):
    make_pairs(tmp_path, scale=4, count=1)
    with pytest.raises(UsageError, match="multiple of the scale 4"):
        PairedFolder(tmp_path, scale=4, crop=size)


def test_the_cache_keeps_what_fits_and_no_more(tmp_path):
    make_pairs(tmp_path, count=3)
    paths = sorted((tmp_path / "gt").iterdir())
    pictures = Pictures(budget=2 * 40 * 56 * 3 + 5)
    before = [pictures.read(path) for path in paths]
    assert pictures.held == 2 * 40 * 56 * 3
    os.truncate(paths[0], 0)
    os.truncate(paths[2], 0)
    np.testing.assert_array_equal(pictures.read(paths[0]), before[0])
    with pytest.raises(DatasetError):
        pictures.read(paths[2])


def test_what_a_sample_gives_out_is_nobody_elses(tmp_path):
    make_pairs(tmp_path, count=1)
    data = PairedFolder(tmp_path, cache=100_000)
    first = data[0]
    expected = first["gt"].clone()
    first["gt"].zero_()
    first["lq"].zero_()
    assert torch.equal(data[0]["gt"], expected)


@pytest.mark.parametrize(
    ("name", "split", "folder", "expected"),
    [
        # PSNR of the degraded picture in dB, measured when the samples were collected.
        ("gopro", "test", "gopro-layout", [23.85, 21.51]),
        ("lol", "test", "lol-layout", [7.22, 12.38]),
        ("raindrop", "test-a", "raindrop-layout", [21.55, 20.59]),
        ("rain100l", "train", "ndr-layout/rain", [26.78, 26.31, 26.08, 32.16]),
        ("reside-sots", "outdoor", "ndr-layout/haze", [16.13, 20.37, 17.41]),
    ],
)
def test_real_samples_have_their_measured_psnr(name, split, folder, expected):
    if not SAMPLES.is_dir():
        pytest.skip("the samples aren't there")
    data = PairedFolder(pairs(name, split, SAMPLES / folder, complete=False))
    errors = [float(((sample["lq"] - sample["gt"]).double() ** 2).mean()) for sample in data]
    assert [-10 * np.log10(error) for error in errors] == pytest.approx(expected, abs=0.01)
