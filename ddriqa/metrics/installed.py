"""Packages of other people that some metrics call, where the user has installed them."""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as _version
from typing import TYPE_CHECKING

from ddriqa.errors import UsageError

if TYPE_CHECKING:
    from types import ModuleType

METRICS_EXTRA = 'pip install "ddriqa[metrics]"'


def installed(module: str, metric: str, advice: str = METRICS_EXTRA) -> ModuleType:
    """The module of a package that ``metric`` needs.

    Raises:
        UsageError: it isn't installed, or its import fails (the package's own reason is given).
    """
    try:
        return importlib.import_module(module)
    except Exception as error:  # a package built for another torch fails with anything
        package = module.partition(".")[0]
        if isinstance(error, ModuleNotFoundError) and error.name == package:
            reason = f"the package {package} isn't installed"
        else:
            reason = f"the package {package} can't be imported: {first_line(error)}"
            if not isinstance(error, ImportError):  # it is there, and doesn't fit the others
                advice = "ddriqa doctor shows the versions that are here"
        raise UsageError(f"--metric {metric}", reason, advice) from error


def first_line(error: BaseException) -> str:
    """What an exception says, in one line and without the final full stop."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(". ") if lines else type(error).__name__


def version(distribution: str) -> str | None:
    """The installed version of a distribution, or None where it isn't installed as one."""
    try:
        return _version(distribution)
    except PackageNotFoundError:
        return None
