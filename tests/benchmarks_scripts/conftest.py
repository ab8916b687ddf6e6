"""The scripts of benchmarks/ are no package: they import each other from their folder."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

PHOTOS = Path(__file__).parents[1] / "photos"


@pytest.fixture
def photograph():
    """The path of a clean photograph, as text."""
    return str(PHOTOS / "lake.jpg")
