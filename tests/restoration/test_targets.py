"""Names of restored pictures stay where they can, and never meet."""

from pathlib import Path

import pytest

from ddriqa.errors import OutputError
from ddriqa.restoration.targets import targets

OUT, PAIRS = Path("out"), Path("pairs")


def placed(found, folders=(), **options):
    """Each picture's place below ``out``, and its comparison's below ``pairs``."""
    places = targets([*map(Path, found)], [*map(Path, folders)], OUT, **options)
    pictures = [place.picture.relative_to(OUT).as_posix() for place in places]
    if "compare" not in options:
        return pictures
    return pictures, [place.pair.relative_to(options["compare"]).as_posix() for place in places]


def test_endings_that_are_written_stay_and_others_become_png():
    found = [f"photos/{name}" for name in ("a.TIFF", "b/c.jpeg", "d.heic", "e.bmp")]
    assert placed(found, ["photos"]) == ["a.TIFF", "b/c.jpeg", "d.png", "e.png"]


@pytest.mark.parametrize(
    ("found", "names"),
    [
        (["p/a.bmp", "p/a.png"], ["a.bmp.png", "a.png"]),
        (["p/a.bmp", "p/a.gif"], ["a.bmp.png", "a.gif.png"]),
        (["p/a.bmp", "p/a.bmp.png", "p/a.png"], ["a.bmp-2.png", "a.bmp.png", "a.png"]),
    ],
)
def test_a_new_ending_that_meets_another_picture_stands_behind_the_own_one(found, names):
    assert placed(found, ["p"]) == names


def test_comparisons_that_meet_have_both_endings():
    pictures, pairs = placed(["p/a.jpg", "p/a.png", "p/b.jpg"], ["p"], compare=PAIRS)
    assert pictures == ["a.jpg", "a.png", "b.jpg"]
    assert pairs == ["a.jpg.png", "a.png", "b.png"]


def test_comparisons_below_the_pictures_dont_meet_them():
    pictures, pairs = placed(["p/x/a.png", "p/a.png"], ["p"], compare=OUT / "x")
    assert pictures == ["x/a.png", "a.png"]
    assert pairs == ["x/a.png", "a-2.png"]


def test_equal_names_of_two_folders_keep_their_folder():
    found = ["one/a.jpg", "one/b.jpg", "two/a.jpg"]
    assert placed(found, ["one", "two"]) == ["one/a.jpg", "b.jpg", "two/a.jpg"]
    assert placed(["x/p/a.jpg", "y/p/a.jpg"]) == ["x/p/a.jpg", "y/p/a.jpg"]


def test_what_is_named_twice_counts_once(tmp_path):
    assert placed(["one/a.jpg", "./one/a.jpg", "two/../one/a.jpg"]) == ["a.jpg"]
    assert placed(["one/a.jpg", "one/../one/a.jpg"], ["one"]) == ["a.jpg"]


def test_nothing_leaves_the_folder():
    assert placed(["a.jpg", "../x/b.jpg"], [".", "../x"]) == ["a.jpg", "b.jpg"]


def test_inputs_are_never_overwritten_and_outputs_only_by_force(tmp_path):
    (tmp_path / "a.jpg").touch()
    source = tmp_path / "a.jpg"
    with pytest.raises(OutputError, match="is one of the pictures"):
        targets([source], [], tmp_path, force=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.jpg").touch()
    with pytest.raises(OutputError, match="exists already"):
        targets([source], [], tmp_path / "out")
    assert targets([source], [], tmp_path / "out", force=True)[0].source == source
