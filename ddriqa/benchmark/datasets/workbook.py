"""Label tables in Excel workbooks, through openpyxl."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from ddriqa.benchmark.datasets.tables import Table, make_table
from ddriqa.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path


def read_workbook(path: Path, *needed: str, sheet: str | None = None) -> Table:
    """A sheet's table. Its header is the first row that has all the needed columns.

    Args:
        path: an xlsx file.
        needed: names of columns, in any case; rows that are empty in all of them are left out.
        sheet: its name; None for the first one.

    Raises:
        DatasetError: openpyxl isn't installed, or the file isn't a workbook with such a sheet.
    """
    rows = enumerate(_cells(path, sheet), 1)
    wanted = {name.lower() for name in needed}
    for _, header in rows:
        names = [" ".join(cell.lower().split()) for cell in header]
        if wanted <= set(names):
            break
    else:
        where = f"sheet {sheet!r}" if sheet else "the first sheet"
        raise DatasetError(str(path), f"{where} has no row with the columns {', '.join(needed)}")
    used = [column for column, name in enumerate(names) if name in wanted]
    filled = ((number, row) for number, row in rows if any(row[column] for column in used))
    return make_table(path, header, filled)


def _cells(path: Path, sheet: str | None) -> list[list[str]]:
    try:
        from openpyxl import load_workbook
        from openpyxl.utils.exceptions import InvalidFileException
    except ImportError:
        reason = "reading a workbook needs openpyxl"
        raise DatasetError(str(path), reason, 'pip install "ddriqa[datasets]"') from None
    try:
        book = load_workbook(path, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as error:
        raise DatasetError(str(path), f"can't be read as a workbook ({error})") from None
    if sheet is not None and sheet not in book.sheetnames:
        sheets = ", ".join(book.sheetnames)
        raise DatasetError(str(path), f"has no sheet {sheet!r}", f"Its sheets: {sheets}")
    page = book.worksheets[0] if sheet is None else book[sheet]
    return [[_text(cell) for cell in row] for row in page.iter_rows(values_only=True)]


def _text(cell: Any) -> str:
    """A number that is whole loses its ``.0``: some pictures are named by numbers."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
