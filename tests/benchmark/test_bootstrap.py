"""Resampled correlations equal the plain ones on the drawn images; intervals cover; pairs pair."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ddriqa.benchmark.bootstrap import bootstrap, compare, interval

SCIPY = {"srcc": stats.spearmanr, "krcc": stats.kendalltau, "plcc": stats.pearsonr}


def drawn_images(rounds, count, seed):
    """The documented draws: integers of PCG64, round after round."""
    generator = np.random.Generator(np.random.PCG64(seed))
    return [generator.integers(count, size=count) for _ in range(rounds)]


@st.composite
def tables(draw):
    """Scores (2, n) and labels (n,) with ties."""
    count = draw(st.integers(2, 25))
    values = st.lists(st.integers(0, draw(st.sampled_from([2, 6, 1000]))), min_size=count)
    rows = [draw(values)[:count] for _ in range(3)]
    return np.array(rows[:2]) / 7, np.array(rows[2])


@settings(max_examples=100, deadline=None)
@given(table=tables(), seed=st.integers(0, 1000))
def test_equal_to_scipy_on_the_drawn_images(table, seed):
    scores, labels = table
    resampled = bootstrap(scores, labels, rounds=8, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy warns of constant input before it gives NaN
        for row, drawn in enumerate(drawn_images(8, len(labels), seed)):
            for name, statistic in SCIPY.items():
                expected = [statistic(values[drawn], labels[drawn]).statistic for values in scores]
                np.testing.assert_allclose(resampled[name][row], expected, atol=1e-12)


def test_the_draws_of_a_seed_are_fixed():
    """Regression lock: PCG64(0), ten of ten images, written down from numpy 2.4."""
    assert drawn_images(1, 10, 0)[0].tolist() == [8, 6, 5, 2, 3, 0, 0, 0, 1, 8]


def example(count=200, noise=1.0, seed=1):
    generator = np.random.default_rng(seed)
    labels = generator.normal(size=count)
    return labels + noise * generator.normal(size=count), labels


def test_a_seed_gives_the_same_resamples_whatever_else_is_asked():
    scores, labels = example()
    both = bootstrap(np.stack([scores, -scores]), labels, rounds=20, seed=4)
    alone = bootstrap(scores, labels, rounds=20, seed=4, statistics=("krcc",))
    assert list(alone) == ["krcc"]
    assert alone["krcc"].shape == (20, 1)
    assert both["plcc"].shape == (20, 2)
    assert np.array_equal(alone["krcc"][:, 0], both["krcc"][:, 0])
    np.testing.assert_allclose(both["krcc"][:, 1], -both["krcc"][:, 0], atol=1e-15)
    other = bootstrap(scores, labels, rounds=20, seed=5, statistics=("krcc",))
    assert not np.array_equal(alone["krcc"], other["krcc"])


def test_the_interval_is_as_wide_as_theory_says():
    """For a bivariate normal the standard error of PLCC is about (1 - r²) / √n."""
    scores, labels = example(count=2000)
    low, high = interval(bootstrap(scores, labels, statistics=("plcc",))["plcc"][:, 0])
    error = (1 - 0.5) / np.sqrt(2000)
    assert (high - low) / (2 * 1.96) == pytest.approx(error, rel=0.15)
    assert low < np.corrcoef(scores, labels)[0, 1] < high


def test_interval_is_the_percentiles():
    values = np.arange(1001.0)
    assert interval(values) == pytest.approx([25, 975])
    assert interval(values, level=0.5) == pytest.approx([250, 750])
    columns = interval(np.stack([values, values + 5], axis=1))
    assert columns.tolist() == [[pytest.approx(25), pytest.approx(30)], [975, 980]]


def test_interval_leaves_undefined_resamples_out():
    assert interval([np.nan, 1.0, np.nan, 3.0], level=0.5) == pytest.approx([1.5, 2.5])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(interval([np.nan, np.nan])).all()


@pytest.mark.parametrize("level", [0, 1, 95])
def test_an_impossible_level_is_refused(level):
    with pytest.raises(ValueError, match="level must lie between 0 and 1"):
        interval([1, 2], level=level)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"statistics": ("srcc", "rmse")}, "no statistic rmse: srcc, krcc, plcc"),
        ({"rounds": 0}, "rounds must be at least 1"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        bootstrap([1, 2, 3], [1, 2, 3], **options)


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        ([[1, 2, 3], [1, np.nan, 3]], [1, 2, 3], "scores must be finite"),
        ([[1, 2, 3]], [1, 2], "3 scores but 2 labels"),
        (np.empty((0, 3)), [1, 2, 3], r"not of shape \(0, 3\)"),
        (np.zeros((1, 2, 3)), [1, 2, 3], r"not of shape \(1, 2, 3\)"),
    ],
)
def test_scores_that_cannot_be_correlated_are_refused(scores, labels, message):
    with pytest.raises(ValueError, match=message):
        bootstrap(scores, labels)


def test_the_better_scorer_wins():
    generator = np.random.default_rng(8)
    labels = generator.normal(size=300)
    good, bad = (labels + noise * generator.normal(size=300) for noise in (0.5, 2.0))
    for name, comparison in compare(good, bad, labels, rounds=200).items():
        assert comparison.statistic == name
        assert comparison.a == pytest.approx(SCIPY[name](good, labels).statistic)
        assert comparison.b == pytest.approx(SCIPY[name](bad, labels).statistic)
        assert comparison.difference == pytest.approx(comparison.a - comparison.b)
        assert 0 < comparison.low < comparison.difference < comparison.high
        assert comparison.share_a_better == 1
    for comparison in compare(bad, good, labels, rounds=200).values():
        assert comparison.low < comparison.high < 0
        assert comparison.share_a_better == 0


def test_a_difference_on_the_same_images_is_narrower_than_either_interval():
    scores, labels = example(noise=2.0)
    nearly = scores + 0.1 * np.random.default_rng(0).normal(size=len(scores))
    comparison = compare(scores, nearly, labels, rounds=300)["srcc"]
    low, high = interval(bootstrap(scores, labels, rounds=300)["srcc"][:, 0])
    assert comparison.high - comparison.low < (high - low) / 3


def test_directions_are_taken_into_account():
    """The same scorers against MOS or DMOS, one of them turned round: the same comparison."""
    generator = np.random.default_rng(8)
    mos = generator.normal(size=80)
    first, second = (mos + noise * generator.normal(size=80) for noise in (0.5, 2.0))
    plain = compare(first, second, mos, rounds=50)
    turned = compare(
        -first,
        second,
        -mos,
        a_higher_is_better=False,
        labels_higher_is_better=False,
        rounds=50,
    )
    for name, comparison in plain.items():
        for figure in ("a", "b", "difference", "low", "high", "share_a_better"):
            assert getattr(turned[name], figure) == pytest.approx(getattr(comparison, figure))


def test_a_scorer_that_is_upside_down_loses():
    scores, labels = example()
    comparison = compare(-scores, scores, labels, rounds=50)["srcc"]
    assert comparison.a == -comparison.b < 0
    assert comparison.share_a_better == 0


def test_a_scorer_ties_with_itself():
    scores, labels = example(count=40)
    for comparison in compare(scores, np.exp(scores), labels, rounds=50).values():
        if comparison.statistic != "plcc":
            assert (comparison.difference, comparison.low, comparison.high) == (0, 0, 0)
            assert comparison.share_a_better == 0.5


def test_a_constant_scorer_has_no_comparison():
    scores, labels = example(count=40)
    comparison = compare(np.full(40, 0.3), scores, labels, rounds=20)["krcc"]
    assert np.isnan([comparison.a, comparison.difference, comparison.low]).all()
    assert np.isnan(comparison.share_a_better)
