"""Figures equal scipy's, and directions are what they are said to be."""

import numpy as np
import pytest
from scipy import stats

from ddriqa.benchmark.assess import assess, oriented, paired_metrics, pairs_with_first
from ddriqa.benchmark.run import Outcome, Scored


@pytest.fixture
def scored(rated):
    """Scores of three metrics: one that agrees, one that agrees the other way round, one broken."""
    random = np.random.default_rng(1)
    labels = np.array([picture.label for picture in rated.pictures])
    good = labels + random.normal(0, 0.5, 40)
    good[7] = np.nan
    lower = -labels + random.normal(0, 2, 40)
    return Scored(
        rated,
        {"encoder": {"name": "toy", "fingerprint": "toy:0"}, "metrics": []},
        [
            Outcome("good", "good", True, good),
            Outcome("good", "good_part", True, random.normal(0, 1, 40)),
            Outcome("lower", "lower", False, lower),
            Outcome("constant", "constant", True, np.ones(40)),
            Outcome("colour", "colour", None, random.normal(0, 1, 40)),
        ],
        {"p7.png": "broken"},
        40,
    )


def found(assessments, column, group=None):
    return next(a for a in assessments if (a.column, a.group) == (column, group))


def test_figures_equal_scipys(scored):
    scores, labels = scored.outcomes[0].scores, scored.labels
    known = np.isfinite(scores)
    good = found(assess(scored, rounds=50), "good")
    assert (good.n, good.failed) == (39, 1)
    expected = {
        "srcc": stats.spearmanr(scores[known], labels[known]).statistic,
        "krcc": stats.kendalltau(scores[known], labels[known]).statistic,
        "plcc": stats.pearsonr(scores[known], labels[known]).statistic,
    }
    assert good.figures == pytest.approx(expected)
    for name, (low, high) in good.intervals.items():
        assert low < expected[name] < high
    assert good.fits["cubic"].plcc >= expected["plcc"] - 1e-9


def test_signs_are_those_of_raw_scores(scored):
    lower = found(assess(scored, rounds=0), "lower")
    assert lower.figures["srcc"] < 0 < lower.agreement
    assert lower.intervals == {}


def test_a_lower_is_better_label_is_turned(scored):
    scored.rated.dataset.higher_is_better = False
    np.testing.assert_array_equal(oriented(scored), -scored.labels)
    assert found(assess(scored, rounds=0), "good").figures["srcc"] < 0


def test_groups_and_the_mean_within_them(scored):
    assessments = assess(scored, rounds=20)
    odd, even = (found(assessments, "good", group) for group in ("odd", "even"))
    assert (odd.n, odd.failed, even.n) == (19, 1, 20)
    within = found(assessments, "good").within
    assert within.mean == pytest.approx((odd.figures["srcc"] + even.figures["srcc"]) / 2)
    assert within.groups == 2
    assert not any(a.group for a in assessments if a.column == "good_part")


def test_a_constant_has_no_figures_and_says_why_no_curve_fits(scored):
    constant = found(assess(scored, rounds=20), "constant")
    assert np.isnan(constant.figures["srcc"])
    assert all(isinstance(fit, str) for fit in constant.fits.values())
    row = constant.as_row()
    assert row["srcc"] is None
    assert row["plcc_cubic"] is None


def test_pairs_are_with_the_first_and_leave_characteristics_out(scored):
    pairs = list(pairs_with_first(scored, rounds=50))
    assert [(pair.a, pair.b) for pair in pairs] == [("good", "lower"), ("good", "constant")]
    assert pairs[0].n == 39
    difference = pairs[0].statistics["srcc"]
    known = np.isfinite(scored.outcomes[0].scores)
    labels = scored.labels[known]
    a = stats.spearmanr(scored.outcomes[0].scores[known], labels).statistic
    b = -stats.spearmanr(scored.outcomes[2].scores[known], labels).statistic
    assert difference.difference == pytest.approx(a - b)
    same = paired_metrics(scored.outcomes[0], scored.outcomes[0], scored.labels, rounds=20)
    assert same.statistics["srcc"].difference == 0
    assert same.statistics["srcc"].share_a_better == 0.5
