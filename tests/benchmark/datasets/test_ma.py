"""Ma's set: one picture's name in 54 folders."""

import pytest
from miniature import files, groups, labels, pictures, text

from ddriqa.benchmark.datasets import dataset
from ddriqa.errors import DatasetError

LIST = "MaScoreDataset_all_pair.txt"
SCORES = {
    "Bicubic/sf2/sigma0.8/187058.png": 7.65,
    "Bicubic/sf3/sigma1.0/187058.png": 6.9,
    "SRCNN/sf2/sigma0.8/187058.png": 8.8485,
    "Timofte13/sf8/sigma2.0/49024.png": 3.0,
}


@pytest.fixture
def root(tmp_path):
    pictures(tmp_path, *SCORES, "GroundTruth/187058.png")
    text(tmp_path / LIST, *(f"/{name},{score}" for name, score in SCORES.items()))
    return tmp_path


@pytest.mark.parametrize("protocol", ["official", "sfd"])
def test_the_folder_tells_pictures_of_one_name_apart(root, protocol):
    loaded = dataset("ma").load(root, protocol)
    assert labels(loaded) == SCORES
    assert groups(loaded) == ["Bicubic", "Bicubic", "SRCNN", "Timofte13"]
    references = [picture.reference for picture in loaded.pictures]
    assert references == ["187058.png"] * 3 + ["49024.png"]
    assert loaded.dataset.higher_is_better
    assert loaded.unlabelled == 0  # the undamaged picture needs no label
    assert any("labels 4 instead of 1620" in warning for warning in loaded.warnings)


def test_a_table_with_a_header(root):
    (root / LIST).unlink()
    lines = (f"{name},{score}" for name, score in SCORES.items())
    text(root / "scores.csv", "name,score", *lines, end="\r\n")
    assert labels(dataset("ma").load(root)) == SCORES


def test_pictures_lie_deeper_and_in_other_case(root):
    (root / "Bicubic").rename(root / "bicubic")
    for name in ("bicubic", "SRCNN", "Timofte13"):
        (root / name).rename(root / "GroundTruth" / name)
    loaded = dataset("ma").load(root)
    assert [picture.label for picture in loaded.pictures] == list(SCORES.values())
    assert loaded.unlabelled == 0


def test_a_picture_of_a_method_without_label_is_told(root):
    files(root, "Yang10/sf2/sigma0.8/187058.png")
    assert dataset("ma").load(root).unlabelled == 1


def test_missing_labels_and_pictures(root):
    (root / "SRCNN/sf2/sigma0.8/187058.png").unlink()
    with pytest.raises(DatasetError, match=r"1 of the 4 .*SRCNN/sf2/sigma0.8/187058.png"):
        dataset("ma").load(root)
    (root / LIST).unlink()
    with pytest.raises(DatasetError, match=r"holds no MaScoreDataset_all_pair.txt or scores.csv"):
        dataset("ma").load(root)


@pytest.mark.parametrize("name", ["187058.png", "Lanczos/sf2/sigma0.8/187058.png"])
def test_a_name_of_another_form_is_refused(root, name):
    text(root / LIST, f"{name},5")
    with pytest.raises(DatasetError, match=f"{name}' isn't one as Bicubic/sf2"):
        dataset("ma").load(root)
