"""Small copies of data sets: real tables, tiny pictures."""

from openpyxl import Workbook
from PIL import Image


def pictures(root, *names):
    """8 x 8 pictures under a folder."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), "grey").save(path)


def files(root, *names):
    """Empty files: nothing opens a picture before it is scored."""
    for folder in {(root / name).parent for name in names}:
        folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (root / name).touch()


def text(path, *lines, end="\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(end.join([*lines, ""]).encode())


def workbook(path, **sheets):
    """An xlsx file; a sheet is a list of rows, ``_`` in its name a blank."""
    path.parent.mkdir(parents=True, exist_ok=True)
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        page = book.create_sheet(name.replace("_", " "))
        for row in rows:
            page.append(row)
    book.save(path)


def labels(loaded):
    """Path below the root -> label."""
    return {p.path.relative_to(loaded.root).as_posix(): p.label for p in loaded.pictures}


def groups(loaded):
    return [picture.group for picture in loaded.pictures]
