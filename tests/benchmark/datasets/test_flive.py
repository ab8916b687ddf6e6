"""FLIVE: pictures of four origins, parts in tables of their own."""

import pytest
from miniature import files, groups, labels, pictures, text

from ddriqa.benchmark.datasets import dataset
from ddriqa.errors import DatasetError

SCORES = {
    "voc_emotic_ava/AVA__927384.jpg": 58.07374186,
    "voc_emotic_ava/EMOTIC__COCO_train2014_000000440339.jpg": 72.5,
    "voc_emotic_ava/JPEGImages__2008_001456.jpg": 73.0,
    "blur_dataset/out_of_focus0027.JPG": 33.0,
    "EE371R/cj23478+019.jpg": 0.0,
}


@pytest.fixture
def root(tmp_path):
    pictures(tmp_path, *SCORES)
    lines = (f"{name},{score}" for name, score in SCORES.items())
    text(tmp_path / "labels_image.csv", "name,mos", *lines)
    return tmp_path


def splits(root):
    """The owners' further tables."""
    voc, blur, emotic = (list(SCORES)[index] for index in (2, 3, 1))
    text(
        root / "labels=640_padded.csv",
        "name_image,mos_image,is_valid",
        f"{voc},73,True",
        f"{blur},33,False",
        f"{emotic},72.5,False",
    )
    text(
        root / "labels640.csv",
        "mos_patch_1,name_patch,mos_image,name_image,width_image",
        "77,patches/AVA__927384.jpg,58.07374186,voc_emotic_ava/AVA__927384.jpg,800",
    )


def test_names_are_paired_with_scores(root):
    loaded = dataset("flive").load(root)
    assert labels(loaded) == SCORES
    assert groups(loaded) == ["AVA", "EMOTIC", "VOC", "blur_dataset", "EE371R"]
    assert {picture.split for picture in loaded.pictures} == {None}
    assert loaded.dataset.higher_is_better
    assert any("labels 5 instead of 39810" in warning for warning in loaded.warnings)


def test_parts_come_from_the_owners_further_tables(root):
    splits(root)
    loaded = dataset("flive").load(root)
    assert [picture.split for picture in loaded.pictures] == [
        *("test", "train", "val", "train"),
        None,
    ]
    assert list(labels(dataset("flive").load(root, split="test"))) == [list(SCORES)[0]]
    assert list(labels(dataset("flive").load(root, split="val"))) == [list(SCORES)[2]]


def test_a_part_without_its_table_is_an_error(root):
    with pytest.raises(DatasetError, match="which pictures are the part 'test'") as failure:
        dataset("flive").load(root, split="test")
    assert "labels640.csv (for the test part)" in str(failure.value)


def test_copies_that_renamed_the_endings(root):
    path = root / "blur_dataset/out_of_focus0027.JPG"
    path.rename(path.with_suffix(".jpg"))
    loaded = dataset("flive").load(root)
    assert loaded.pictures[3].path.name == "out_of_focus0027.jpg"
    assert loaded.pictures[3].label == 33.0


def test_patches_are_no_strays_but_others_are(root):
    patches = "voc_emotic_ava/AVA__927384.jpg_patch_1.jpg", "blur_dataset/motion1_patch_3.jpg"
    files(root, *patches, "patches/AVA__927384.jpg")
    assert dataset("flive").load(root).unlabelled == 0
    files(root, "voc_emotic_ava/AVA__1.jpg")
    assert dataset("flive").load(root).unlabelled == 1


def test_missing_labels_and_pictures(root):
    (root / "EE371R/cj23478+019.jpg").unlink()
    with pytest.raises(DatasetError, match=r"1 of the 5 .*EE371R/cj23478\+019.jpg"):
        dataset("flive").load(root)
    (root / "labels_image.csv").unlink()
    with pytest.raises(DatasetError, match=r"holds no labels_image.csv"):
        dataset("flive").load(root)


def test_a_validity_that_is_neither(root):
    text(root / "labels=640_padded.csv", "name_image,is_valid", f"{next(iter(SCORES))},maybe")
    with pytest.raises(DatasetError, match="'maybe' is neither True nor False"):
        dataset("flive").load(root)
