import io
import os
import random
import shutil
import string
import sys
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ddriqa.errors import UsageError
from ddriqa.images.find import PICTURE_EXTENSIONS, Listed, find, natural, read_list


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("b/img10.jpg", "b/img2.JPG", "b/sub/x.png", "a.webp", "b/notes.txt", "raw.NEF"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def test_folders_are_searched_in_natural_order_files_before_folders(tree):
    assert list(find(["."])) == ["./a.webp", "./raw.NEF", "./b/img2.JPG", "./b/img10.jpg"] + [
        "./b/sub/x.png"
    ]


def test_sub_folders_can_be_left_out(tree):
    assert list(find(["b"], recursive=False)) == ["b/img2.JPG", "b/img10.jpg"]


def test_a_named_file_is_tried_whatever_its_ending(tree):
    assert list(find(["b/notes.txt", "gone.jpg"])) == ["b/notes.txt", "gone.jpg"]


def test_input_order_is_kept_and_each_path_comes_once(tree):
    given = ["b/img10.jpg", "b", "./b/img10.jpg", str(tree / "b" / "img2.JPG"), "a.webp", "a.webp"]
    assert list(find(given)) == ["b/img10.jpg", "b/img2.JPG", "b/sub/x.png", "a.webp"]


def test_dots_in_a_path_through_a_link_are_not_taken_for_the_same_file(tree):
    os.symlink(tree / "b" / "sub", tree / "link")
    (tree / "b" / "a.webp").touch()  # what link/../a.webp means to the system
    assert list(find(["a.webp", "link/../a.webp"])) == ["a.webp", "link/../a.webp"]


def test_what_a_list_names_is_given_out_every_time_and_counts_for_nothing_else(tree):
    listed = [Listed("a.webp"), Listed("a.webp"), Listed("b/sub"), Listed("b/sub")]
    each_time = ["a.webp", "a.webp", "b/sub/x.png", "b/sub/x.png"]
    assert list(find(listed)) == each_time
    assert list(find([*listed, "a.webp"])) == [*each_time, "a.webp"]
    assert list(find(["a.webp", *listed, "./a.webp"])) == ["a.webp", *each_time]


def test_patterns_that_overlap_give_each_path_once(tree):
    assert list(find(["**"])) == ["a.webp", "b/img2.JPG", "b/img10.jpg", "b/sub/x.png"] + [
        "b/notes.txt",
        "raw.NEF",
    ]


def test_a_list_is_followed_line_by_line():
    """Each name is given out before the next one is asked for: a pipe may be slow."""
    asked = []

    def slow():
        for index in range(5):
            asked.append(index)
            yield Listed(f"{index}.jpg")

    for index, path in enumerate(find(slow())):
        assert path == f"{index}.jpg"
        assert asked[-1] == index


def growth(paths):
    """Bytes that were kept between the first path and the last."""
    next(paths)
    tracemalloc.start()
    try:
        count = sum(1 for _ in paths)
        return count, tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def test_a_long_list_does_not_pile_up():
    count, kept = growth(find(Listed(f"photos/no-such-picture-{i}.jpg") for i in range(50_000)))
    assert count == 49_999
    assert kept < 50_000


def test_a_large_folder_does_not_pile_up(tmp_path):
    for index in range(3000):
        (tmp_path / f"a-name-of-some-length-{index}.jpg").touch()
    count, kept = growth(find([str(tmp_path)]))
    assert count == 2999
    assert kept < 50_000


def test_a_folder_that_vanishes_meanwhile_is_given_out_for_a_row_of_its_own(tree):
    found = find(["b"])
    assert next(found) == "b/img2.JPG"
    shutil.rmtree(tree / "b")
    assert list(found) == ["b/img10.jpg", "b/sub"]


def test_patterns_that_the_shell_left_alone(tree):
    assert list(find(["b/*.jpg"])) == ["b/img10.jpg"]
    assert list(find(["**/*.png"])) == ["b/sub/x.png"]
    assert list(find(["*.nothing"])) == ["*.nothing"]


def test_a_file_whose_name_looks_like_a_pattern(tree):
    (tree / "a[1].jpg").touch()
    assert list(find(["a[1].jpg"])) == ["a[1].jpg"]


def test_hidden_files_and_folders_are_passed_over(tree):
    (tree / "b" / "._img2.jpg").touch()
    (tree / "b" / ".thumbnails").mkdir()
    (tree / "b" / ".thumbnails" / "t.jpg").touch()
    assert len(list(find(["b"]))) == 3


def test_link_loops_end_and_linked_folders_are_entered(tree):
    os.symlink(tree, tree / "b" / "loop")
    os.symlink(tree / "b" / "selfish", tree / "b" / "selfish")
    outside = tree / "outside"
    outside.mkdir()
    (outside / "o.jpg").touch()
    os.symlink(outside, tree / "b" / "sub" / "out")
    found = list(find(["b"]))
    assert "b/sub/out/o.jpg" in found
    assert len(found) == len({os.path.realpath(path) for path in found})


def test_a_broken_link_with_a_picture_s_name_is_found(tree):
    os.symlink("nowhere", tree / "b" / "broken.jpg")
    assert "b/broken.jpg" in list(find(["b"]))


def test_a_folder_named_like_a_picture_is_a_folder(tree):
    (tree / "b" / "folder.jpg").mkdir()
    (tree / "b" / "folder.jpg" / "in.png").touch()
    assert [p for p in find(["b"]) if "folder" in p] == ["b/folder.jpg/in.png"]


def test_a_folder_that_cannot_be_read_is_given_out_for_a_row_of_its_own(tree, monkeypatch):
    scandir = os.scandir

    def forbidden(path):
        if os.fspath(path).endswith("sub"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", forbidden)
    assert list(find(["b"])) == ["b/img2.JPG", "b/img10.jpg", "b/sub"]


def test_nothing_found_is_an_error_that_says_where(tree):
    (tree / "empty").mkdir()
    with pytest.raises(UsageError, match=r"empty: no pictures found.*Looked for jpg"):
        list(find(["empty"]))
    with pytest.raises(UsageError, match="sub-folders weren't searched"):
        list(find(["empty"], recursive=False))
    with pytest.raises(UsageError, match="names no pictures"):
        list(find([]))


def test_an_empty_folder_among_others_is_a_warning(tree):
    (tree / "empty").mkdir()
    said = []
    assert list(find(["empty", "a.webp"], warn=said.append)) == ["a.webp"]
    assert said == ["empty: holds no pictures"]


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file system of bytes")
def test_names_that_are_not_text_survive(tree):
    name = b"b/\xff\xfe.jpg"
    with open(name, "wb"):
        pass
    assert os.fsdecode(name) in list(find(["b"]))


def test_lists(tree):
    text = b"\xef\xbb\xbfone.jpg\r\n\n sp ace.jpg \nlast \xff.jpg"
    assert list(read_list(io.BytesIO(text))) == [
        "one.jpg",
        " sp ace.jpg ",
        os.fsdecode(b"last \xff.jpg"),
    ]


@given(st.lists(st.binary(min_size=1).filter(lambda b: b"\0" not in b and b[:1] != b"\xef")))
def test_nul_separated_lists_give_back_any_names(names):
    stream = io.BytesIO(b"".join(name + b"\0" for name in names))
    assert [os.fsencode(name) for name in read_list(stream, nul=True)] == names


def test_nul_separated_lists_across_chunks():
    names = ["x" * 40_000 + str(i) for i in range(5)]
    stream = io.BytesIO("\0".join(names).encode())
    assert list(read_list(stream, nul=True)) == names


@given(st.lists(st.text(alphabet=string.ascii_letters + string.digits + "²٣._-"), unique=True))
def test_natural_order_is_a_total_order(names):
    shuffled = random.Random(0).sample(names, len(names))
    assert sorted(names, key=natural) == sorted(shuffled, key=natural)


def test_natural_order():
    assert sorted(["img10", "img2", "IMG1"], key=natural) == ["IMG1", "img2", "img10"]


def test_every_ending_is_lower_case_without_a_dot():
    assert all(e == e.lower() and "." not in e for e in PICTURE_EXTENSIONS)


def test_the_thumbnails_of_a_report_are_no_pictures_to_score(tmp_path):
    from ddriqa.scoring import Record
    from ddriqa.scoring.report import write_report

    photo = tmp_path / "photo.png"
    Image.new("RGB", (8, 8)).save(photo)
    write_report(
        tmp_path / "page",
        [Record(str(photo), 8, 8, {"ddr": 0.3})],
        columns=["ddr"],
        facts={},
        usual={},
    )
    assert list((tmp_path / "page" / "thumbnails").iterdir())
    assert list(find([tmp_path])) == [str(photo)]
