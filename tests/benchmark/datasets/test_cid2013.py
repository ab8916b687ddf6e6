"""CID2013: names become paths, and the label is the realigned one."""

import sys

import pytest
from miniature import files, groups, labels, pictures, workbook

from ddriqa.benchmark.datasets import dataset
from ddriqa.errors import DatasetError

WORKBOOK = "CID2013 data - version 12112014.xlsx"
HEADER = ["Source_ID", "Image set specific  MOS", "Number of observers", "Realigned  MOS", "Sharp"]
ROWS = [
    ["IS_I_C01_D01", 11.0, 30, 3.34364, 1.0],
    ["IS_I_C01_D02", 80.0, 30, 71.18189, 1.0],
    ["IS_II_C03_D10", 12.0, 30, -9.5491, 1.0],
    ["IS_IV_C02_D01", 13.0, 30, 40.0, 1.0],
    ["IS_V_C08_D12", 14.0, 30, 50, 1.0],
    ["IS_VI_C07_D14", 15.0, 30, 60.5, 1.0],
]
PATHS = {
    "IS1/co1/IS_I_C01_D01.jpg": 3.34364,
    "IS1/co1/IS_I_C01_D02.jpg": 71.18189,
    "IS2/co3/IS_II_C03_D10.jpg": -9.5491,
    "IS4/co2/IS_IV_C02_D01.jpg": 40.0,
    "IS5/co8/IS_V_C08_D12.jpg": 50.0,
    "IS6/co7/IS_VI_C07_D14.jpg": 60.5,
}


@pytest.fixture
def root(tmp_path):
    pictures(tmp_path, *PATHS)
    padding = [[None] * 5] * 3
    workbook(
        tmp_path / WORKBOOK,
        Read_me=[["about"]],
        CID2013_MOS=[["CID2013", None], HEADER, *ROWS, *padding],
    )
    return tmp_path


@pytest.mark.parametrize("protocol", ["official", "ddr"])
def test_names_are_paired_with_the_realigned_score(root, protocol):
    loaded = dataset("cid2013").load(root, protocol)
    assert labels(loaded) == PATHS
    assert groups(loaded) == ["IS1", "IS1", "IS2", "IS4", "IS5", "IS6"]
    assert loaded.dataset.higher_is_better
    assert not loaded.unlabelled


def test_pictures_in_one_flat_folder_are_found(tmp_path, root):
    flat = tmp_path / "flat"
    files(flat, *(name.rpartition("/")[2] for name in PATHS))
    (root / WORKBOOK).rename(flat / WORKBOOK)
    assert list(labels(dataset("cid2013").load(flat)).values()) == list(PATHS.values())


def test_a_table_of_another_size_is_told(root):
    warnings = dataset("cid2013").load(root).warnings
    assert any("labels 6 instead of 474" in warning for warning in warnings)


def test_there_are_no_splits(root):
    assert {picture.split for picture in dataset("cid2013").load(root).pictures} == {None}
    assert dataset("cid2013").splits == ()


def test_missing_workbook(root):
    (root / WORKBOOK).unlink()
    with pytest.raises(DatasetError, match=r"(?s)holds no 'CID2013 data.*zenodo") as failure:
        dataset("cid2013").load(root)
    assert "IS1/co1/IS_I_C01_D01.jpg" in str(failure.value)


def test_missing_pictures_are_named_and_may_be_left_out(root):
    (root / "IS6/co7/IS_VI_C07_D14.jpg").unlink()
    with pytest.raises(DatasetError, match=r"1 of the 6 .*IS_VI_C07_D14.jpg.*--incomplete"):
        dataset("cid2013").load(root)
    loaded = dataset("cid2013").load(root, incomplete=True)
    assert len(loaded.pictures) == 5
    assert loaded.missing == ["IS6/co7/IS_VI_C07_D14.jpg"]


def test_an_extra_picture_is_told(root):
    files(root, "IS1/co1/IS_I_C01_D99.jpg")
    loaded = dataset("cid2013").load(root)
    assert loaded.unlabelled == 1
    assert any("IS1/co1/IS_I_C01_D99.jpg" in warning for warning in loaded.warnings)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (["average", 1.0, 30, 2.0, 1.0], "'average' isn't a name"),
        (["IS_VII_C01_D01", 1.0, 30, 2.0, 1.0], "'IS_VII_C01_D01' isn't a name"),
        (["IS_I_C01_D03", 1.0, 30, "n/a", 1.0], "'n/a' is not a number"),
        (["IS_I_C01_D03", 1.0, 30, None, 1.0], "'Realigned MOS': is empty"),
    ],
)
def test_a_row_that_is_none_is_named(root, row, reason):
    workbook(root / WORKBOOK, CID2013_MOS=[HEADER, *ROWS, row])
    with pytest.raises(DatasetError, match=reason) as failure:
        dataset("cid2013").load(root)
    assert "row 8" in str(failure.value)


def test_a_workbook_without_the_sheet(root):
    workbook(root / WORKBOOK, Other=[HEADER, *ROWS])
    with pytest.raises(DatasetError, match="has no sheet 'CID2013 MOS'"):
        dataset("cid2013").load(root)


def test_without_openpyxl_the_message_says_what_to_install(root, monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(DatasetError, match=r'pip install "ddriqa\[datasets\]"'):
        dataset("cid2013").load(root)
