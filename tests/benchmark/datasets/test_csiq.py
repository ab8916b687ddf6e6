"""CSIQ on a small copy of its layout: a workbook as the owners', pictures by folder."""

import openpyxl
import pytest

from ddriqa.benchmark.datasets import dataset
from ddriqa.errors import DatasetError

HEADER = ["image", "dst_idx", "dst_type", "dst_lev", "dmos_std", "dmos"]
SHEET = [
    [1600, 1, "noise", 1, 0.02, 0.061989],
    [1600, 3, "jpeg 2000", 5, 0.03, 0.8],
    ["elk", 2, "jpeg", 2, 0.04, 0.3],
    ["elk", 4, "fnoise", 3, 0.05, 0.4],
    ["butter_flower", 5, "blur", 4, 0.06, 0.5],
    ["woman", 6, "contrast", 1, 0.07, 0],
]
FILES = [
    "awgn/1600.AWGN.1.png",
    "jpeg2000/1600.jpeg2000.5.png",
    "jpeg/elk.JPEG.2.png",
    "fnoise/elk.fnoise.3.png",
    "blur/butter_flower.BLUR.4.png",
    "contrast/woman.contrast.1.png",
]
EXPECTED = [
    ("1600.AWGN.1.png", 0.061989, "noise", "1600.png"),
    ("1600.jpeg2000.5.png", 0.8, "jpeg2000", "1600.png"),
    ("elk.JPEG.2.png", 0.3, "jpeg", "elk.png"),
    ("elk.fnoise.3.png", 0.4, "fnoise", "elk.png"),
    ("butter_flower.BLUR.4.png", 0.5, "blur", "butter_flower.png"),
    ("woman.contrast.1.png", 0.0, "contrast", "woman.png"),
]


def write_workbook(path, sheet, name="all_by_image"):
    """The header stands in row 4, in columns D to I; the other sheet has broken cells."""
    book = openpyxl.Workbook()
    book.active.title = "all_by_distortion"
    book.active.append(["#REF!"] * 4)
    page = book.create_sheet(name)
    for row, values in enumerate([HEADER, *sheet], 4):
        for column, value in enumerate(values, 4):
            page.cell(row, column, value)
    page.cell(4 + len(sheet) + 5, 12, "padding")
    book.save(path)


@pytest.fixture
def root(tmp_path):
    for name in FILES:
        place(tmp_path, f"dst_imgs/{name}")
    for name in ("1600", "elk", "butter_flower", "woman"):
        place(tmp_path, f"src_imgs/{name}.png")
    write_workbook(tmp_path / "csiq.DMOS.xlsx", SHEET)
    return tmp_path


def place(root, name):
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).touch()


def seen(loaded):
    return [(p.path.name, p.label, p.group, p.reference) for p in loaded.pictures]


def test_names_are_built_from_columns(root):
    loaded = dataset("csiq").load(root)
    assert seen(loaded) == EXPECTED
    assert [picture.std for picture in loaded.pictures] == [0.02, 0.03, 0.04, 0.05, 0.06, 0.07]
    assert loaded.unlabelled == 0
    assert not dataset("csiq").higher_is_better
    assert any("labels 6 instead of 866" in warning for warning in loaded.warnings)


def test_ddr_takes_the_same_pictures(root):
    assert seen(dataset("csiq").load(root, "ddr")) == EXPECTED


def test_folders_may_be_in_capitals(root):
    for folder in ("awgn", "blur", "jpeg"):
        (root / "dst_imgs" / folder).rename(root / "dst_imgs" / folder.upper())
    assert seen(dataset("csiq").load(root)) == EXPECTED


def test_folders_may_be_one(tmp_path, root):
    flat = tmp_path / "flat"
    for name in FILES:
        place(flat, f"dst_imgs_all/{name.rpartition('/')[2].lower()}")
    write_workbook(flat / "CSIQ.dmos.xlsx", SHEET)
    names = [picture.path.name for picture in dataset("csiq").load(flat).pictures]
    assert names == [name.lower() for name, *_ in EXPECTED]


def test_contrast_pictures_beyond_the_sheet_are_no_fault_others_are(root):
    place(root, "dst_imgs/contrast/elk.contrast.4.png")
    assert dataset("csiq").load(root).unlabelled == 0
    place(root, "dst_imgs/blur/elk.BLUR.4.png")
    loaded = dataset("csiq").load(root)
    assert loaded.unlabelled == 1
    assert "dst_imgs/blur/elk.BLUR.4.png" in loaded.warnings[-1]


def test_the_text_form_reads_alike(root):
    (root / "csiq.DMOS.xlsx").unlink()
    lines = [f"{name} {label:.6f}\r\n" for name, label, *_ in EXPECTED]
    (root / "csiq_label.txt").write_text("".join(lines), newline="")
    loaded = dataset("csiq").load(root)
    assert seen(loaded) == EXPECTED
    assert {picture.std for picture in loaded.pictures} == {None}


@pytest.mark.parametrize("line", ["1600.AWGN.1.png", "1600.AWGN.1.png x", "1600.fog.1.png 0.5"])
def test_a_broken_line_of_the_text_form_is_named(root, line):
    (root / "csiq.DMOS.xlsx").unlink()
    (root / "csiq_label.txt").write_text(f"elk.JPEG.2.png 0.3\n{line}\n")
    with pytest.raises(DatasetError, match="line 2 isn't a name and a DMOS"):
        dataset("csiq").load(root)


def test_no_label_file(root):
    (root / "csiq.DMOS.xlsx").unlink()
    with pytest.raises(DatasetError, match=r"holds no csiq\.DMOS\.xlsx of CSIQ") as failure:
        dataset("csiq").load(root)
    assert "csiq_label.txt" in failure.value.next_step


def test_a_missing_picture_is_named(root):
    (root / "dst_imgs" / FILES[2]).unlink()
    with pytest.raises(DatasetError, match=r"1 of the 6 pictures .* \(elk\.JPEG\.2\.png\)"):
        dataset("csiq").load(root)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (["elk", 7, "fog", 1, 0.1, 0.1], "row 11, column 'dst_type': 'fog' is none of noise, jpeg"),
        (["elk", 5, "blur", 1, 0.1, None], "row 11, column 'dmos': is empty"),
        (["elk", 5, "blur", 9, 0.1, 0.1], "isn't a name of CSIQ"),
    ],
)
def test_a_broken_row_of_the_workbook_is_named(root, row, reason):
    write_workbook(root / "csiq.DMOS.xlsx", [*SHEET, row])
    with pytest.raises(DatasetError, match=reason):
        dataset("csiq").load(root)


def test_a_workbook_without_its_sheet(root):
    write_workbook(root / "csiq.DMOS.xlsx", SHEET, name="other")
    with pytest.raises(DatasetError, match="has no sheet 'all_by_image'"):
        dataset("csiq").load(root)
