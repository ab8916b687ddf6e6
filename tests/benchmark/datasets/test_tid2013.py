"""TID2013 on a small copy of its layout, with names in either case."""

import pytest

from ddriqa.benchmark.datasets import dataset
from ddriqa.errors import DatasetError

LINES = [
    ("5.51429", "i01_01_1.bmp"),
    ("4.00000", "i01_08_2.bmp"),
    ("3.50000", "I02_24_5.bmp"),
    ("2.77140", "i25_10_5.bmp"),
]
FILES = ["I01_01_1.BMP", "i01_08_2.bmp", "i02_24_5.bmp", "i25_10_5.BMP"]


@pytest.fixture
def root(tmp_path):
    base = tmp_path / "tid2013"
    for folder, names in {
        "distorted_images": FILES,
        "reference_images": ["I01.BMP", "I02.BMP", "i25.bmp"],
    }.items():
        (base / folder).mkdir(parents=True)
        for name in names:
            (base / folder / name).touch()
    write(base, "".join(f"{mos} {name}\r\n" for mos, name in LINES))
    (base / "mos_std.txt").write_text("0.1\r\n0.2\r\n0.3\r\n0.4\r\n", newline="")
    return base


def write(root, text):
    (root / "mos_with_names.txt").write_text(text, newline="")


def test_names_find_files_in_either_case(root):
    loaded = dataset("tid2013").load(root.parent)
    assert [picture.path.name for picture in loaded.pictures] == FILES
    assert [picture.label for picture in loaded.pictures] == [5.51429, 4.0, 3.5, 2.7714]
    assert [picture.std for picture in loaded.pictures] == [0.1, 0.2, 0.3, 0.4]
    assert dataset("tid2013").higher_is_better


def test_the_first_number_is_the_reference_the_second_the_type(root):
    pictures = dataset("tid2013").load(root).pictures
    assert [(picture.reference, picture.group) for picture in pictures] == [
        ("I01.BMP", "additive Gaussian noise"),
        ("I01.BMP", "Gaussian blur"),
        ("I02.BMP", "sparse sampling and reconstruction"),
        ("i25.bmp", "JPEG"),
    ]
    files = {path.name for path in (root / "reference_images").iterdir()}
    assert {picture.reference for picture in pictures} == files


def test_ddr_takes_the_same_pictures_and_figures_are_checked(root):
    loaded = dataset("tid2013").load(root)
    assert dataset("tid2013").load(root, "ddr").pictures == loaded.pictures
    assert any("labels 4 instead of 3000" in warning for warning in loaded.warnings)


def test_references_need_no_label_other_pictures_do(root):
    assert dataset("tid2013").load(root).unlabelled == 0
    (root / "distorted_images" / "i03_01_1.bmp").touch()
    assert dataset("tid2013").load(root).unlabelled == 1


def test_no_label_file(root):
    (root / "mos_with_names.txt").unlink()
    with pytest.raises(DatasetError, match=r"holds no mos_with_names\.txt of TID2013"):
        dataset("tid2013").load(root)


def test_a_missing_picture_is_named(root):
    (root / "distorted_images" / "i01_08_2.bmp").unlink()
    with pytest.raises(
        DatasetError, match=r"1 of the 4 pictures .* \(distorted_images/i01_08_2\.bmp\)"
    ):
        dataset("tid2013").load(root)
    assert len(dataset("tid2013").load(root, incomplete=True).pictures) == 3


@pytest.mark.parametrize(
    "line", ["i01_01_1.bmp 5.5", "5.5", "x i01_01_1.bmp", "5 i01_25_1.bmp", "5 i01_00_1.bmp"]
)
def test_a_broken_line_is_refused(root, line):
    (root / "mos_std.txt").unlink()
    write(root, f"5.0 i01_08_2.bmp\n{line}\n")
    with pytest.raises(DatasetError, match="a line isn't a MOS and a name"):
        dataset("tid2013").load(root)


@pytest.mark.parametrize("text", ["0.1 0.2 0.3", "0.1 0.2 0.3 x", "0.1 0.2 0.3 0.4 0.5"])
def test_deviations_must_fit_the_names(root, text):
    (root / "mos_std.txt").write_text(text)
    with pytest.raises(DatasetError, match=r"for the 4 lines of mos_with_names\.txt"):
        dataset("tid2013").load(root)


def test_deviations_are_unknown_without_their_file(root):
    (root / "mos_std.txt").unlink()
    assert {picture.std for picture in dataset("tid2013").load(root).pictures} == {None}
