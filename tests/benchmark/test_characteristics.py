"""Correlations with characteristics: scipy's numbers, gaps, and Table 2 beside them."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from ddriqa.benchmark.characteristics import TABLE_2, correlations, table_2

ROWS = ["ddr_color", "ddr_blur"]


@pytest.fixture
def table():
    random = np.random.default_rng(0)
    hidden = random.normal(size=120)
    return pd.DataFrame(
        {
            "ddr_color": hidden + random.normal(size=120),
            "ddr_blur": np.round(hidden, 1),  # ties
            "colourfulness": hidden + 2 * random.normal(size=120),
            "edge_density": -hidden,
            "cpbd": random.integers(0, 5, 120) / 4,
            "dmos": -hidden + random.normal(size=120),
        }
    )


def test_figures_are_scipys(table):
    found = correlations(table, ROWS, ["colourfulness", "cpbd"], rounds=200)
    for row in ROWS:
        for column in ("colourfulness", "cpbd"):
            cell = found[row][column]
            expected = spearmanr(table[row], table[column]).statistic
            assert cell["srcc"] == pytest.approx(expected, abs=1e-12)
            assert cell["low"] < cell["srcc"] < cell["high"]
            assert cell["n"] == 120
    json.dumps(found)


def test_intervals_repeat_by_seed_and_cover(table):
    cell = correlations(table, ["ddr_color"], ["colourfulness"])["ddr_color"]["colourfulness"]
    again = correlations(table, ROWS, ["colourfulness"])["ddr_color"]["colourfulness"]
    assert again == cell
    other = correlations(table, ROWS, ["colourfulness"], seed=1)["ddr_color"]["colourfulness"]
    assert (other["low"], other["high"]) != (cell["low"], cell["high"])
    width = 2 * 1.96 * (1 - cell["srcc"] ** 2) / 120**0.5  # of a normal approximation
    assert cell["high"] - cell["low"] == pytest.approx(width, rel=0.3)


def test_a_gap_costs_its_own_column_only(table):
    table.loc[:9, "cpbd"] = np.nan
    found = correlations(table, ROWS, ["colourfulness", "cpbd"], rounds=50)
    assert found["ddr_blur"]["colourfulness"]["n"] == 120
    assert found["ddr_blur"]["cpbd"]["n"] == 110
    expected = spearmanr(table["ddr_blur"][10:], table["cpbd"][10:]).statistic
    assert found["ddr_blur"]["cpbd"]["srcc"] == pytest.approx(expected, abs=1e-12)


def test_what_does_not_exist_is_none(table):
    table["cpbd"] = 0.0
    nothing = {"srcc": None, "low": None, "high": None}
    found = correlations(table, ROWS, ["cpbd"], rounds=20)
    assert found["ddr_color"]["cpbd"] == nothing | {"n": 120}
    found = correlations(table[:1], ROWS, ["colourfulness"], rounds=20)
    assert found["ddr_color"]["colourfulness"] == nothing | {"n": 1}


def test_an_unknown_column_is_an_error(table):
    with pytest.raises(KeyError, match="sharpness"):
        correlations(table, ROWS, ["sharpness"])


def test_table_2_has_the_papers_numbers_beside_ours(table):
    rows = table_2(
        table,
        {"color": "ddr_color", "blur": "ddr_blur"},
        ["edge_density", "colourfulness", "cpbd"],
        "dmos",
        labels_higher_is_better=False,
        rounds=100,
    )
    assert len(rows) == 8
    by_name = {(row["type"], row["column"]): row for row in rows}
    assert by_name["color", "colourfulness"]["published"] == 0.757
    assert by_name["blur", "cpbd"]["characteristic"] == "sharpness"
    assert by_name["blur", "cpbd"]["published"] == 0.732
    quality = by_name["blur", "dmos"]
    assert quality["characteristic"] == "quality"
    assert quality["published"] == 0.756
    assert quality["srcc"] == pytest.approx(-spearmanr(table["ddr_blur"], table["dmos"]).statistic)
    substitute = by_name["color", "edge_density"]
    assert substitute["published"] is None
    assert "substitute" in substitute["note"]
    assert "dmos" in table
    json.dumps(rows)


def test_a_type_that_the_paper_lacks_has_no_published_number(table):
    rows = table_2(
        table, {"haze": "ddr_blur"}, ["cpbd"], "dmos", labels_higher_is_better=True, rounds=20
    )
    assert [row["published"] for row in rows] == [None, None]


def test_quality_column_is_table_8s():
    """The sheet's check: single-type rows of DDR's Table 8 on CSIQ, to three digits."""
    table_8 = {"color": 0.7896, "noise": 0.6937, "blur": 0.7555, "exposure": 0.7695}
    for kind, value in table_8.items():
        assert TABLE_2[kind]["quality"] == pytest.approx(value, abs=6e-4)
