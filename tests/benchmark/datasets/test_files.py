"""Copies of a data set differ in case and depth; the index finds the files all the same."""

import os

import pytest

from ddriqa.benchmark.datasets.files import FileIndex


@pytest.fixture
def index(tmp_path):
    for name in (
        "Data/jpeg/IMG1.bmp",
        "Data/wn/img1.bmp",
        "both/A.png",
        "both/a.png",
        "deep/er/b.png",
        "deep/b.png",
        "left/c.png",
        "right/c.png",
        ".cache/hidden.png",
        "Data/._img2.bmp",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return FileIndex(tmp_path)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("jpeg/img1.bmp", "Data/jpeg/IMG1.bmp"),
        ("WN/IMG1.BMP", "Data/wn/img1.bmp"),
        ("img1.bmp", "Data/wn/img1.bmp"),  # fits in case
        ("A.png", "both/A.png"),
        ("a.png", "both/a.png"),
        ("b.png", "deep/b.png"),  # lies highest
        ("g1.bmp", None),  # a part of a name isn't the name
        ("peg/img1.bmp", None),
        ("hidden.png", None),
        ("._img2.bmp", None),
    ],
)
def test_a_name_finds_its_file(index, name, found):
    path = index.find(name)
    assert (path and path.relative_to(index.root).as_posix()) == found


def test_the_first_name_that_is_there_wins(index):
    assert index.find("none.png", "deep/b.png", "a.png").name == "b.png"


def test_a_path_out_of_the_folder_is_taken_as_it_is(index, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "x.png"
    other.touch()
    assert index.find(str(other)) == other
    assert index.find(os.path.relpath(other, index.root)).samefile(other)


def test_equally_good_files_are_all_named(index):
    assert [path.parent.name for path in index.fitting("c.png")] == ["left", "right"]
    assert len(index.fitting("left/c.png")) == len(index.fitting("b.png")) == 1
    assert index.fitting("none.png") == []


def test_links_are_followed_but_not_round_and_round(index, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "linked.png").touch()
    (index.root / "link").symlink_to(other)
    (index.root / "deep" / "up").symlink_to(index.root)
    assert index.find("link/linked.png") == index.root / "link" / "linked.png"
    assert len([path for path in index.pictures((".png",)) if path.name == "b.png"]) == 2


def test_pictures_are_sorted_and_chosen_by_ending(index):
    names = [path.relative_to(index.root).as_posix() for path in index.pictures((".bmp",))]
    assert names == ["Data/jpeg/IMG1.bmp", "Data/wn/img1.bmp"]
