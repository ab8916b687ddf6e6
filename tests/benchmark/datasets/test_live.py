"""LIVE, release 2, on a copy of its layout with all 982 (empty) files."""

import numpy as np
import pytest
from scipy.io import savemat

from ddriqa.benchmark.datasets import dataset
from ddriqa.errors import DatasetError

FOLDERS = {"jp2k": 227, "jpeg": 233, "wn": 174, "gblur": 174, "fastfading": 174}
DAMAGED = {"jp2k": 169, "jpeg": 175, "wn": 145, "gblur": 145, "fastfading": 145}
TOTAL = 982


def position(folder, number):
    """Of a file in the label table, from 0, by the readme's numbers."""
    before = {"jp2k": 0, "jpeg": 227, "wn": 460, "gblur": 634, "fastfading": 808}
    return before[folder] + number - 1


@pytest.fixture
def labels():
    """Variables of the label files: the DMOS tells the position, copies of references are last
    but one in each folder."""
    originals = np.zeros((1, TOTAL))
    for folder, count in FOLDERS.items():
        for number in range(DAMAGED[folder], count):
            originals[0, position(folder, number)] = 1
    names = np.empty((1, TOTAL), dtype=object)
    names[0] = [f"ref{index % 29}.bmp" for index in range(TOTAL)]
    dmos = np.arange(TOTAL, dtype=float)[None] / 10 - 2.64
    return {"dmos_new": dmos, "dmos_std": dmos + 100, "orgs": originals}, names


@pytest.fixture
def root(tmp_path, labels):
    base = tmp_path / "databaserelease2"
    for folder, count in FOLDERS.items():
        (base / folder).mkdir(parents=True)
        for number in range(1, count + 1):
            (base / folder / f"img{number}.bmp").touch()
    (base / "refimgs").mkdir()
    (base / "refimgs" / "bikes.bmp").touch()
    realigned, names = labels
    savemat(base / "dmos_realigned.mat", realigned)
    savemat(base / "dmos.mat", {"dmos": np.zeros((1, TOTAL)), "orgs": realigned["orgs"]})
    savemat(base / "refnames_all.mat", {"refnames_all": names})
    return tmp_path


def test_positions_become_files_of_their_folders(root):
    loaded = dataset("live").load(root)
    rated = {picture.name: picture for picture in loaded.pictures}
    for folder, number in [("jp2k", 1), ("jpeg", 1), ("wn", 2), ("gblur", 144), ("fastfading", 3)]:
        picture = rated[f"{folder}/img{number}.bmp"]
        index = position(folder, number)
        assert picture.path == root / "databaserelease2" / folder / f"img{number}.bmp"
        assert picture.label == pytest.approx(index / 10 - 2.64)
        assert picture.std == pytest.approx(index / 10 - 2.64 + 100)
        assert (picture.group, picture.reference) == (folder, f"ref{index % 29}.bmp")


def test_copies_of_references_are_left_out(root):
    loaded = dataset("live").load(root)
    counts = dict.fromkeys(FOLDERS, 0)
    for picture in loaded.pictures:
        counts[picture.group] += 1
    assert counts == DAMAGED
    assert len(loaded.pictures) == dataset("live").count == 779
    assert loaded.unlabelled == 0  # neither the 203 copies nor the references
    assert "jpeg/img175.bmp" not in {picture.name for picture in loaded.pictures}
    assert "jpeg/img233.bmp" in {picture.name for picture in loaded.pictures}


def test_lower_is_better_and_ddr_takes_the_same_pictures(root):
    live = dataset("LIVE")
    assert not live.higher_is_better
    assert live.load(root, "ddr").pictures == live.load(root).pictures


def test_figures_that_differ_are_reported(root, labels):
    assert not any("labels" in warning for warning in dataset("live").load(root).warnings)
    realigned, _ = labels
    realigned["orgs"][:] = 0
    savemat(root / "databaserelease2" / "dmos_realigned.mat", realigned)
    loaded = dataset("live").load(root)
    assert any("labels 982 instead of 779" in warning for warning in loaded.warnings)


def test_the_blur_folder_may_be_called_blur(root):
    (root / "databaserelease2" / "gblur").rename(root / "databaserelease2" / "blur")
    loaded = dataset("live").load(root)
    assert loaded.pictures[-200].path.parent.name == "blur"
    assert (len(loaded.pictures), loaded.unlabelled) == (779, 0)


def test_a_missing_file_is_named(root):
    (root / "databaserelease2" / "fastfading" / "img174.bmp").unlink()
    with pytest.raises(DatasetError, match=r"1 of the 779 .* \(fastfading/img174\.bmp\)"):
        dataset("live").load(root)
    assert len(dataset("live").load(root, incomplete=True).pictures) == 778


def test_a_file_beyond_the_table_has_no_label(root):
    (root / "databaserelease2" / "wn" / "img175.bmp").touch()
    loaded = dataset("live").load(root)
    assert loaded.unlabelled == 1
    assert "wn/img175.bmp" in loaded.warnings[-1]


def test_dmos_mat_alone_wont_do(root):
    (root / "databaserelease2" / "dmos_realigned.mat").unlink()
    with pytest.raises(DatasetError, match=r"holds no dmos_realigned\.mat of LIVE release 2"):
        dataset("live").load(root)


def test_a_table_of_another_length_is_refused(root, labels):
    realigned, _ = labels
    realigned["dmos_new"] = realigned["dmos_new"][:, :779]
    savemat(root / "databaserelease2" / "dmos_realigned.mat", realigned)
    with pytest.raises(DatasetError, match="dmos_new has 779 entries instead of 982"):
        dataset("live").load(root)


def test_references_are_unknown_without_their_table(root):
    (root / "databaserelease2" / "refnames_all.mat").unlink()
    assert {picture.reference for picture in dataset("live").load(root).pictures} == {None}


def test_the_blur_protocol_takes_that_folder_alone(root):
    loaded = dataset("live").load(root, "blur")
    assert len(loaded.pictures) == 145
    assert {picture.group for picture in loaded.pictures} == {"gblur"}
