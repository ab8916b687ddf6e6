"""Percentiles against numpy and scipy, and the shipped table against the shipped weights."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import percentileofscore

from ddriqa import Scorer, load_encoder
from ddriqa.metrics.percentiles import POINTS, TABLES, Percentiles, quantiles, table_for

PHOTOS = Path(__file__).parents[1] / "photos"
DAMAGED = {
    "colosseum": "colosseum_noisy",
    "lake": "lake_blurred",
    "osprey": "osprey_out_of_focus",
    "otters": "otters_compressed",
    "tea_gardens": "tea_gardens_dark",
}
SCORES = st.integers(-1000, 1000).map(lambda number: number / 1000)
COLUMNS = st.lists(SCORES, min_size=2, max_size=30).map(sorted)


@pytest.fixture(scope="module")
def builtin():
    described = Scorer().describe()
    return described["encoder"]["fingerprint"], described["metrics"][0]


@given(st.sets(SCORES, min_size=2, max_size=30).map(sorted), SCORES)
def test_interpolates_between_the_quantiles(stored, score):
    expected = np.interp(score, stored, np.linspace(0, 100, len(stored)))
    assert Percentiles(tuple(stored), {}).of(score) == pytest.approx(expected, abs=1e-9)


@given(COLUMNS, SCORES, SCORES)
def test_never_falls_and_stays_within_0_and_100(stored, one, other):
    low, high = sorted([one, other])
    table = Percentiles(tuple(stored), {})
    assert 0 <= table.of(low) <= table.of(high) <= 100


@given(COLUMNS)
def test_ends(stored):
    table = Percentiles(tuple(stored), {})
    assert table.of(stored[0] - 1e-9) == 0
    assert table.of(stored[-1] + 1e-9) == 100


@pytest.mark.parametrize(
    ("stored", "percentile"),
    [((1, 2, 2, 2, 3), 50), ((2, 2, 2, 3, 4), 25), ((0, 1, 2, 2, 2), 75), ((2, 2, 2), 50)],
)
def test_ties_take_the_middle_rank(stored, percentile):
    assert Percentiles(stored, {}).of(2) == percentile


def test_no_score_has_no_percentile():
    assert math.isnan(Percentiles((0.1, 0.2), {}).of(math.nan))


@given(st.lists(SCORES, min_size=2, max_size=60))
def test_quantiles_of_equal_weights_are_those_of_numpy(scores):
    expected = np.quantile(scores, np.linspace(0, 1, POINTS), method="hazen")
    assert quantiles(scores, [3.0] * len(scores)) == pytest.approx(expected, rel=1e-5, abs=1e-12)


@given(st.lists(st.tuples(SCORES, st.floats(0.1, 10)), min_size=2, max_size=60))
def test_weighted_quantiles_part_the_weight(pictures):
    scores, weights = np.array(pictures).T
    share = weights / weights.sum()
    rounding = 1e-5
    for rank, value in zip(np.linspace(0, 1, POINTS), quantiles(scores, weights), strict=True):
        below = share[scores < value - rounding].sum()
        upto = share[scores <= value + rounding].sum()
        assert below - share.max() <= rank <= upto + share.max()


def test_a_table_gives_the_mean_rank_in_its_population():
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.normal(0.3, 0.05, 2000), [0.3] * 200])
    table = Percentiles(quantiles(scores, np.ones(len(scores))), {})
    for score in (0.2, 0.26, 0.3, 0.33, 0.41):
        expected = percentileofscore(scores, score, kind="mean")
        assert table.of(score) == pytest.approx(expected, abs=0.25)


def test_the_shipped_table_is_that_of_the_shipped_weights_and_default_settings(builtin):
    table = table_for(*builtin)
    again = "new weights or settings: run benchmarks/percentile_reference.py"
    assert table is not None, again
    assert len(table.quantiles) == POINTS
    assert all(a < b for a, b in zip(table.quantiles[:-1], table.quantiles[1:], strict=True))
    assert 0 < table.quantiles[0] < table.quantiles[-1] < 1


def test_every_table_belongs_to_weights_that_can_be_loaded():
    encoders = [table["encoder"] for table in json.loads(TABLES.read_text(encoding="utf-8"))]
    shipped = ("builtin", "builtin-fast", "builtin@1")
    assert sorted(encoders) == sorted(load_encoder(name).fingerprint for name in shipped)


def test_other_weights_have_no_table(builtin):
    fingerprint, metric = builtin
    assert table_for(fingerprint[:-1], metric) is None
    assert table_for("toy:0", metric) is None


def test_any_other_setting_has_no_table(builtin):
    fingerprint, metric = builtin
    others = {
        "name": "clip_iqa",
        "types": {"blur": metric["types"]["blur"]},
        "view": {**metric["view"], "side": 224},
        "adaptation": False,
        "disparity": "l1",
        "eps": 0.0,
    }
    assert others.keys() == metric.keys(), "a new setting needs a line here"
    for name, value in others.items():
        assert table_for(fingerprint, {**metric, name: value}) is None, name
    assert table_for(fingerprint, {**metric, "variant": "b"}) is None


def test_settings_compare_by_value(builtin):
    fingerprint, metric = builtin
    same = {name: metric[name] for name in reversed(metric)}
    same["types"] = {name: tuple(pair) for name, pair in metric["types"].items()}
    table = table_for(fingerprint, same)
    assert table is not None
    assert table == table_for(fingerprint, metric)


def test_a_damaged_photograph_ranks_below_its_original():
    scorer = Scorer()
    table = scorer.percentiles
    assert table is not None
    for clean, damaged in DAMAGED.items():
        records = scorer.score([PHOTOS / f"{name}.jpg" for name in (clean, damaged)])
        high, low = (table.of(record.scores["ddr"]) for record in records)
        assert high > low + 10, clean


def test_the_module_loads_neither_torch_nor_numpy():
    code = (
        "import sys; from ddriqa.metrics.percentiles import table_for; table_for('', {});"
        "print([name for name in ('torch', 'numpy', 'PIL') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
