import os
from io import BytesIO

import pytest
from PIL import Image

from ddriqa.errors import OutputError
from ddriqa.scoring.table import Record
from ddriqa.scoring.thumbnails import SIDE, make_thumbnails, remove_others


def picture(path, colour="red", size=(600, 400)):
    Image.new("RGB", size, colour).save(path, "PNG")
    return Record(str(path), *size, {"ddr": 0.3})


def made(folder, records, progress=lambda done, total: None):
    folder.mkdir(exist_ok=True)
    return make_thumbnails(records, folder, progress)


def colour(folder, name):
    red, green, blue = Image.open(folder / name).convert("RGB").getpixel((5, 5))
    return "red" if red > 200 else "lime" if green > 200 else "blue" if blue > 200 else None


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "thumbnails"


def test_each_picture_has_its_own(tmp_path, folder):
    colours = ["red", "lime", "blue"] * 5
    records = [picture(tmp_path / f"{i}.png", name) for i, name in enumerate(colours)]
    names = made(folder, records)
    assert [colour(folder, name) for name in names] == colours
    assert sorted(os.listdir(folder)) == sorted(names)


@pytest.mark.parametrize(
    ("size", "small"),
    [
        ((600, 400), (160, 107)),
        ((400, 600), (107, 160)),
        ((30, 20), (30, 20)),
        ((900, 9), (160, 2)),
    ],
)
def test_the_longer_side_is_short_and_the_shape_stays(tmp_path, folder, size, small):
    (name,) = made(folder, [picture(tmp_path / "a.png", size=size)])
    with Image.open(folder / name) as image:
        assert (image.format, image.size) == ("WEBP", small)
    assert SIDE == 160


def test_it_stands_upright(tmp_path, folder):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (600, 400)).save(tmp_path / "a.jpg", exif=exif)
    (name,) = made(folder, [Record(str(tmp_path / "a.jpg"), 400, 600, {"ddr": 0.3})])
    assert Image.open(folder / name).size == (107, 160)


def test_failures_and_what_is_no_picture_have_none(tmp_path, folder):
    good = picture(tmp_path / "a.png")
    (tmp_path / "changed.png").write_bytes(b"no longer a picture")
    records = [
        Record(good.path, error="failed all the same"),
        Record("<array>", 4, 4, {"ddr": 0.3}),
        Record("nul\0byte.png", 4, 4, {"ddr": 0.3}),
        Record(str(tmp_path / "gone.png"), 4, 4, {"ddr": 0.3}),
        Record(str(tmp_path / "changed.png"), 4, 4, {"ddr": 0.3}),
    ]
    assert made(folder, records) == [None] * 5
    assert os.listdir(folder) == []


def test_a_repeat_decodes_nothing(tmp_path, folder, monkeypatch):
    records = [picture(tmp_path / "a.png"), picture(tmp_path / "b.png")]
    names = made(folder, records)
    monkeypatch.setattr("ddriqa.images.decode.decode", None)
    assert made(folder, records) == names


def test_a_picture_that_changed_has_a_new_one(tmp_path, folder):
    before = made(folder, [picture(tmp_path / "a.png", "red")])
    os.utime(tmp_path / "a.png", ns=(0, 0))
    after = made(folder, [picture(tmp_path / "a.png", "blue")])
    assert colour(folder, after[0]) == "blue"
    assert before != after


def test_two_folders_with_the_same_names_do_not_mix(tmp_path, folder, monkeypatch):
    """The same relative path, time and size, but seen from elsewhere."""
    names = []
    for place, tint in (("x", "red"), ("y", "blue")):
        (tmp_path / place).mkdir()
        monkeypatch.chdir(tmp_path / place)
        picture(tmp_path / place / "a.png", tint)
        os.utime("a.png", ns=(10**18, 10**18))
        names += made(folder, [Record("a.png", 600, 400, {"ddr": 0.3})])
    assert [colour(folder, name) for name in names] == ["red", "blue"]


def test_a_picture_that_is_listed_twice_is_made_once(tmp_path, folder):
    record, steps = picture(tmp_path / "a.png"), []
    names = made(folder, [record, record], lambda done, total: steps.append((done, total)))
    assert names[0] == names[1]
    assert steps == [(0, 1), (1, 1)]


def test_progress_counts_those_that_were_there(tmp_path, folder):
    records = [picture(tmp_path / f"{i}.png") for i in range(4)]
    made(folder, records[:2])
    steps = []
    made(folder, records, lambda done, total: steps.append((done, total)))
    assert steps == [(2, 4), (3, 4), (4, 4)]


def test_those_of_other_pictures_are_removed_and_strangers_stay(tmp_path, folder):
    old, new = [made(folder, [picture(tmp_path / name)])[0] for name in ("a.png", "b.png")]
    (folder / "mine.webp").write_bytes(b"")
    (folder / f".{old}.tmp").write_bytes(b"")
    remove_others(folder, {new, None})
    assert sorted(os.listdir(folder)) == sorted([new, "mine.webp"])


def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(tmp_path, folder, monkeypatch):
    records = [picture(tmp_path / f"{i}.png") for i in range(20)]
    save = Image.Image.save

    def full(self, target, *arguments, **more):
        save(self, target, *arguments, **more)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OutputError, match=r"\.webp: no space left on device"):
        made(folder, records)
    assert os.listdir(folder) == []


def test_a_picture_beyond_the_usual_limit_that_was_scored_has_one(tmp_path, folder, monkeypatch):
    monkeypatch.setattr("ddriqa.images.decode.MAX_PIXELS", 1000)
    assert made(folder, [picture(tmp_path / "a.png")]) != [None]


def test_webp_is_small(tmp_path, folder):
    """What 10,000 pictures cost on the disk: noise is the worst case."""
    Image.effect_noise((600, 400), 60).save(tmp_path / "a.png")
    (name,) = made(folder, [Record(str(tmp_path / "a.png"), 600, 400, {"ddr": 0.1})])
    assert len(BytesIO((folder / name).read_bytes()).getvalue()) < 16_000
