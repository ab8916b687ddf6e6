"""Label tables of text, workbooks and MATLAB files: what is tolerated, what is refused and how."""

import sys

import numpy as np
import openpyxl
import pytest
from scipy.io import savemat

from ddriqa.benchmark.datasets.matlab import read_mat
from ddriqa.benchmark.datasets.tables import read_csv
from ddriqa.benchmark.datasets.workbook import read_workbook
from ddriqa.errors import DatasetError


@pytest.fixture
def csv(tmp_path):
    def write(content):
        path = tmp_path / "table.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_csv(path)

    return write


@pytest.fixture
def xlsx(tmp_path):
    def write(rows, title="Sheet"):
        book = openpyxl.Workbook()
        book.active.title = title
        for row in rows:
            book.active.append(row)
        book.save(tmp_path / "book.xlsx")
        return tmp_path / "book.xlsx"

    return write


@pytest.mark.parametrize(
    "content",
    [
        "name,MOS\na.png,1.5\nb c.png,2\n",
        "\ufeffname,MOS\r\na.png,1.5\r\n\r\nb c.png,2",
        "name;MOS\na.png;1.5\nb c.png;2\n",
        "name\tMOS\na.png\t1.5\nb c.png\t2\n",
        "\n\nname , MOS,,\n a.png, 1.5 ,,\n,,,\n'b c.png',2\n".replace("'", '"'),
    ],
    ids=["plain", "bom_crlf", "semicolon", "tab", "blanks"],
)
def test_tables_of_many_programs_read_alike(csv, content):
    table = csv(content)
    name, mos = table.need("name"), table.need("mos")
    assert [(line.text(name), line.value(mos)) for line in table.lines] == [
        ("a.png", 1.5),
        ("b c.png", 2.0),
    ]


def test_quotes_hold_commas_and_line_breaks(csv):
    table = csv('name,prompt,mos\na.png,"a red, ""big""\nhat",1\n')
    assert table.lines[0].text("prompt") == 'a red, "big"\nhat'
    assert table.lines[0].value("mos") == 1.0


def test_columns_are_found_in_any_case_and_by_the_order_asked(csv):
    table = csv("Image  Name,mos,MOS\na,1,2\n")
    assert table.column("image name") == "Image Name"
    assert (table.column("MOS"), table.column("Mos"), table.column("x")) == ("MOS", "mos", None)
    assert table.column("score", "mos", "image name") == "mos"
    with pytest.raises(DatasetError, match=r"has no column score\. Its columns: Image Name, mos"):
        table.need("score")


@pytest.mark.parametrize("cell", ["good", "nan", "inf", "1,5"])
def test_a_cell_that_is_no_number_is_named(csv, cell):
    table = csv(f'name,mos\na,1\nb,"{cell}"\n')
    with pytest.raises(DatasetError, match=f"row 3, column 'mos': '{cell}' is not a number"):
        table.lines[1].value("mos")


def test_an_empty_cell_is_named(csv):
    table = csv("name,mos\na,1\n\nb\n")
    with pytest.raises(DatasetError, match="row 4, column 'mos': is empty"):
        table.lines[1].value("mos")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("name,mos\na,b.png,1\n", "row 2 has 3 fields, the header 2"),
        ("n\xe4me,mos\n".encode("latin-1"), "is not text in UTF-8"),
        ("name,mos\n".encode("utf-16"), "is not text in UTF-8"),
    ],
)
def test_what_is_no_table_says_why(csv, content, reason):
    with pytest.raises(DatasetError, match=reason):
        csv(content)


def test_a_file_that_isnt_there(tmp_path):
    with pytest.raises(DatasetError, match=r"none\.csv: No such file or directory"):
        read_csv(tmp_path / "none.csv")


def test_a_sheets_header_is_found_below_a_title(xlsx):
    path = xlsx([["Title"], [], [None, "Image  name", "MOS", "x"], [None, 1600, 2, 5], [None, 7.0]])
    table = read_workbook(path, "image name", "mos")
    assert [(line.number, line.text("Image name")) for line in table.lines] == [
        (4, "1600"),
        (5, "7"),
    ]
    assert table.lines[0].value("MOS") == 2.0


def test_rows_without_the_needed_cells_are_padding(xlsx):
    table = read_workbook(xlsx([["name", "mos", "note"], ["a", 1], [None, None, "end"]]), "name")
    assert len(table.lines) == 1


def test_a_workbook_without_the_sheet_or_the_columns(xlsx, tmp_path):
    path = xlsx([["name", "mos"], ["a", 1]], title="all")
    with pytest.raises(DatasetError, match=r"has no sheet 'some'\. Its sheets: all"):
        read_workbook(path, "name", sheet="some")
    with pytest.raises(DatasetError, match="sheet 'all' has no row with the columns name, dmos"):
        read_workbook(path, "name", "dmos", sheet="all")
    (tmp_path / "book.xlsx").write_bytes(b"broken")
    with pytest.raises(DatasetError, match="can't be read as a workbook"):
        read_workbook(path, "name")


def test_without_openpyxl_the_message_says_what_to_install(xlsx, monkeypatch):
    path = xlsx([["name"], ["a"]])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(DatasetError) as failure:
        read_workbook(path, "name")
    assert failure.value.reason == "reading a workbook needs openpyxl"
    assert failure.value.next_step == 'pip install "ddriqa[datasets]"'


def test_matlab_rows_columns_and_cells_read_alike(tmp_path):
    path = tmp_path / "file.mat"
    cells = np.array([["a.bmp"], ["b.bmp"]], dtype=object)
    nested = np.array([[np.array(["a.bmp"], dtype=object), "b.bmp"]], dtype=object)
    savemat(path, {"row": [[1.5, 2]], "column": [[1.5], [2]], "cells": cells, "nested": nested})
    names = ("row", "column", "cells", "nested")
    numbers, words = [1.5, 2.0], ["a.bmp", "b.bmp"]
    assert read_mat(path, *names, length=2) == [numbers, numbers, words, words]


def test_a_matlab_file_that_isnt_the_one_meant(tmp_path):
    path = tmp_path / "file.mat"
    savemat(path, {"dmos": [[1, 2, 3]]})
    with pytest.raises(DatasetError, match=r"has no variable dmos_new\. Its variables: dmos"):
        read_mat(path, "dmos_new", length=3)
    with pytest.raises(DatasetError, match="dmos has 3 entries instead of 982"):
        read_mat(path, "dmos", length=982)
    path.write_bytes(b"\x89HDF broken" * 40)
    with pytest.raises(DatasetError, match=r"can't be read as a file of MATLAB 5"):
        read_mat(path, "dmos", length=3)


def test_two_columns_of_one_name_matter_only_where_they_are_needed(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("name,mos,mos,std,std\na,1,2,3,4\n")
    table = read_csv(path)
    assert table.need("name") == "name"
    with pytest.raises(DatasetError, match="two columns are called 'mos'"):
        table.need("mos")
