"""BIQ2021: two tables, names with blanks, one .JPG."""

import pytest
from miniature import files, groups, labels, pictures, text

from ddriqa.benchmark.datasets import dataset
from ddriqa.errors import DatasetError

TRAIN, TEST = "Train (Images and MOS).csv", "Test (Images and MOS).csv"


@pytest.fixture
def root(tmp_path):
    pictures(tmp_path, *(f"Images/ss0{n} ({n}).jpg" for n in (1, 2, 3)), "Images/ss02 (1014).JPG")
    header = "Image Name,MOS,,"
    text(tmp_path / TRAIN, header, "ss03 (3).jpg,0.7321,,", "ss02 (1014).jpg,0.5,,")
    text(tmp_path / TEST, header, "ss01 (1).jpg,0,,", "ss02 (2).jpg,1,,", end="\r\n")
    return tmp_path


def test_names_are_paired_with_scores(root):
    loaded = dataset("biq2021").load(root)
    assert labels(loaded) == {
        "Images/ss03 (3).jpg": 0.7321,
        "Images/ss02 (1014).JPG": 0.5,  # its table says .jpg
        "Images/ss01 (1).jpg": 0.0,
        "Images/ss02 (2).jpg": 1.0,
    }
    assert [picture.split for picture in loaded.pictures] == ["train", "train", "test", "test"]
    assert groups(loaded) == ["ss03", "ss02", "ss01", "ss02"]
    assert loaded.dataset.higher_is_better
    assert loaded.unlabelled == 0
    assert any("labels 4 instead of 12000" in warning for warning in loaded.warnings)


def test_the_owners_parts(root):
    assert list(labels(dataset("biq2021").load(root, split="test")).values()) == [0.0, 1.0]
    loaded = dataset("biq2021").load(root, split="train")
    assert list(labels(loaded).values()) == [0.7321, 0.5]
    assert loaded.unlabelled == 0  # those of the other part have labels


@pytest.mark.parametrize("table", [TRAIN, TEST])
def test_both_tables_are_needed(root, table):
    (root / table).unlink()
    with pytest.raises(DatasetError, match="holds no '" + table.split()[0]):
        dataset("biq2021").load(root)


def test_missing_and_extra_pictures(root):
    (root / "Images/ss01 (1).jpg").rename(root / "Images/ss01 (7).jpg")
    with pytest.raises(DatasetError, match=r"1 of the 4 .*Images/ss01 \(1\).jpg"):
        dataset("biq2021").load(root)
    loaded = dataset("biq2021").load(root, incomplete=True)
    assert loaded.unlabelled == 1
    assert any("ss01 (7).jpg" in warning for warning in loaded.warnings)


def test_pictures_beside_the_tables(root):
    for path in (root / "Images").iterdir():
        path.rename(root / path.name)
    assert len(dataset("biq2021").load(root).pictures) == 4


def test_a_name_of_another_form_is_refused(root):
    text(root / TEST, "Image Name,MOS,,", "ss04 (1).jpg,0.5,,")
    with pytest.raises(DatasetError, match=r"row 2, column 'Image Name': 'ss04 \(1\).jpg' isn't"):
        dataset("biq2021").load(root)


def test_a_table_without_the_column(root):
    text(root / TEST, "Image Name,Score", "ss01 (1).jpg,0.5")
    files(root, "other.txt")
    with pytest.raises(DatasetError, match="has no column MOS"):
        dataset("biq2021").load(root)
