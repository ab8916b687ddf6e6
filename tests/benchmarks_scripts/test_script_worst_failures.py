"""What worst_failures.py takes, and how it ranks."""

from pathlib import Path

import pytest
import worst_failures
from worst_failures import Case


def case(photo, damage, level, score, before=0.5):
    return Case(Path(f"{photo}.jpg"), damage, level, score, before)


def test_takes_free_photographs_alone(tmp_path):
    for name in ("a", "b", "c", "d"):
        (tmp_path / f"{name}.jpg").touch()
    index = tmp_path / "index.csv"
    licences = {"a": "CC0 1.0", "b": "not stated", "c": "GPL-2 and CC BY 4.0", "d": "CC BY-NC 4.0"}
    rows = "".join(f"x/{name}.jpg,{licence}\n" for name, licence in licences.items())
    index.write_text("file,licence_as_stated\n" + rows, encoding="utf-8")
    found = worst_failures.free_photographs(tmp_path, index)
    assert [path.name for path in found] == ["a.jpg", "c.jpg"]
    index.write_text("file,licence_as_stated\na.jpg,not stated\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="no photograph"):
        worst_failures.free_photographs(tmp_path, index)


def test_the_worst_of_each_failure_comes_first():
    found = [
        case("a", None, 0, 0.5),
        case("b", None, 0, 0.2, 0.2),
        case("a", "jpeg", 0.6, 0.6),
        case("a", "haze", 0.6, 0.9),
        case("b", "haze", 0.6, 0.5, 0.2),
        case("b", "jpeg", 0.6, 0.1, 0.2),
        case("a", "jpeg", 1.0, 0.3),
        case("b", "webp", 1.0, 0.4),
    ]
    above, undamaged, severe = worst_failures.worst(found).values()
    assert [(c.photo.stem, c.damage) for c in above] == [("a", "haze"), ("b", "jpeg")]
    assert [c.photo.stem for c in undamaged] == ["b", "a"]
    assert [c.damage for c in severe] == ["webp", "jpeg"]


def test_the_sheet_has_a_row_a_failure(photograph):
    cases = [Case(Path(photograph), damage, 0.6, 0.4, 0.3) for damage in (None, "gaussian_blur")]
    page = worst_failures.sheet({"one": cases, "two": cases})
    one_row = worst_failures.sheet({"one": cases})
    assert page.width == one_row.width > worst_failures.COUNT * worst_failures.TILE[0]
    assert page.height > 1.8 * one_row.height
    assert cases[0].words() == "undamaged: 0.400"
    assert cases[1].words() == "gaussian blur 0.6: 0.400"
