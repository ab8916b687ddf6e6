"""Label tables in MATLAB files (version 5), through scipy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ddriqa.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path


def read_mat(path: Path, *names: str, length: int) -> list[list[Any]]:
    """Variables of a file as plain lists, whether they are rows, columns or cells.

    Args:
        path: a mat file.
        names: the variables.
        length: how many entries each of them must have.

    Raises:
        DatasetError: it isn't such a file, lacks a variable, or has one of another length.
    """
    from scipy.io import loadmat

    try:
        variables = loadmat(path)
    except Exception as error:  # the reader of damaged files fails in many ways
        reason = f"can't be read as a file of MATLAB 5 ({error})"
        raise DatasetError(str(path), reason) from None
    present = ", ".join(name for name in variables if not name.startswith("__"))
    lists = []
    for name in names:
        if name not in variables:
            raise DatasetError(str(path), f"has no variable {name}", f"Its variables: {present}")
        values = [_plain(value) for value in variables[name].ravel()]
        if len(values) != length:
            raise DatasetError(str(path), f"{name} has {len(values)} entries instead of {length}")
        lists.append(values)
    return lists


def _plain(value: Any) -> Any:
    """An entry of a cell arrives as an array of one, at times in another one."""
    while hasattr(value, "item") and value.size == 1:
        value = value.item()
    return value
