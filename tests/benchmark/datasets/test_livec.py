"""LIVE in the Wild on a copy of its layout with all 1169 (empty) files."""

import numpy as np
import pytest
from scipy.io import savemat

from ddriqa.benchmark.datasets import dataset
from ddriqa.errors import DatasetError

NAMES = [f"t{k}.bmp" for k in range(1, 8)]
NAMES += [f"{k}.bmp" if k <= 537 else f"{k}.JPG" for k in range(3, 1165)]


@pytest.fixture
def labels():
    names = np.empty((len(NAMES), 1), dtype=object)
    names[:, 0] = NAMES
    return {
        "AllImages_release": names,
        "AllMOS_release": np.arange(len(NAMES), dtype=float)[None] / 20,
        "AllStdDev_release": np.arange(len(NAMES), dtype=float)[None] / 50 + 6,
    }


@pytest.fixture
def root(tmp_path, labels):
    base = tmp_path / "ChallengeDB_release"
    (base / "Images" / "trainingImages").mkdir(parents=True)
    (base / "Data").mkdir()
    for name in NAMES:
        folder = base / "Images" / ("trainingImages" if name.startswith("t") else "")
        (folder / name).touch()
    for name, values in labels.items():
        savemat(base / "Data" / f"{name}.mat", {name: values})
    return tmp_path


def data(root):
    return root / "ChallengeDB_release" / "Data"


@pytest.mark.parametrize("protocol", ["official", "ddr"])
def test_the_training_pictures_are_dropped(root, protocol):
    livec = dataset("livec")
    loaded = livec.load(root, protocol)
    assert len(loaded.pictures) == livec.count == 1162
    assert loaded.pictures[0].name == "Images/3.bmp"
    assert loaded.unlabelled == 0
    assert livec.higher_is_better


def test_sfd_keeps_them_in_their_own_folder(root):
    loaded = dataset("clive").load(root, "sfd")
    assert len(loaded.pictures) == 1169
    first = loaded.pictures[0]
    assert (first.path.name, first.path.parent.name, first.label) == ("t1.bmp", "trainingImages", 0)


def test_names_and_scores_keep_the_tables_order(root):
    loaded = dataset("livec").load(root)
    for index, picture in enumerate(loaded.pictures, 7):
        assert picture.path.name == NAMES[index]
        assert picture.label == pytest.approx(index / 20)
        assert picture.std == pytest.approx(index / 50 + 6)
    assert {picture.path.suffix for picture in loaded.pictures} == {".bmp", ".JPG"}


def test_figures_that_differ_are_reported_but_the_count_is_right(root):
    for protocol in ("official", "sfd"):
        warnings = dataset("livec").load(root, protocol).warnings
        assert any("mean" in warning for warning in warnings)
        assert not any("labels" in warning for warning in warnings)


def test_a_table_whose_training_pictures_are_gone_is_refused(root, labels):
    names = labels["AllImages_release"][7:]
    savemat(data(root) / "AllImages_release.mat", {"AllImages_release": names})
    with pytest.raises(DatasetError, match="AllImages_release has 1162 entries instead of 1169"):
        dataset("livec").load(root)
    names = np.roll(labels["AllImages_release"], 1)
    savemat(data(root) / "AllImages_release.mat", {"AllImages_release": names})
    with pytest.raises(DatasetError, match=r"doesn't begin with t1\.bmp .* but with 1164\.JPG, t1"):
        dataset("livec").load(root)


@pytest.mark.parametrize("name", ["AllImages_release.mat", "AllMOS_release.mat"])
def test_a_missing_label_file_is_named(root, name):
    (data(root) / name).unlink()
    with pytest.raises(DatasetError, match=f"holds no {name} of LIVE in the Wild"):
        dataset("livec").load(root)


def test_deviations_are_unknown_without_their_file(root):
    (data(root) / "AllStdDev_release.mat").unlink()
    assert {picture.std for picture in dataset("livec").load(root).pictures} == {None}


def test_a_missing_picture_is_named(root):
    (root / "ChallengeDB_release" / "Images" / "100.bmp").unlink()
    with pytest.raises(DatasetError, match=r"1 of the 1162 pictures .* \(Images/100\.bmp\)"):
        dataset("livec").load(root)


def test_a_picture_that_isnt_in_the_table_has_no_label(root):
    (root / "ChallengeDB_release" / "Images" / "1165.JPG").touch()
    assert dataset("livec").load(root).unlabelled == 1
