"""Correlations equal scipy's and their definitions, with ties, sign and faults."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ddriqa.benchmark.correlation import (
    STATISTICS,
    krcc,
    mean_within,
    orientation,
    plcc,
    srcc,
)

SCIPY = {"srcc": stats.spearmanr, "krcc": stats.kendalltau, "plcc": stats.pearsonr}


@st.composite
def pairs(draw, distinct):
    """Two lists of the same length; few distinct values mean many ties."""
    count = draw(st.integers(3, 40))
    values = st.integers(0, distinct)
    return [draw(st.lists(values, min_size=count, max_size=count)) for _ in range(2)]


def scipy_statistic(name, scores, labels):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy warns of constant input before it gives NaN
        return SCIPY[name](scores, labels).statistic


@pytest.mark.parametrize("name", STATISTICS)
@settings(max_examples=150, deadline=None)
@given(data=st.one_of(pairs(2), pairs(8), pairs(10**6)))
def test_equal_to_scipy_on_tied_and_untied_data(name, data):
    ours, theirs = STATISTICS[name](*data), scipy_statistic(name, *data)
    assert ours == pytest.approx(theirs, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("name", STATISTICS)
def test_equal_to_scipy_on_many_images(name):
    generator = np.random.default_rng(3)
    labels = generator.integers(0, 500, 20_000) / 100
    scores = 0.28 + 0.01 * (labels + generator.normal(size=labels.size))
    assert STATISTICS[name](scores, labels) == pytest.approx(
        scipy_statistic(name, scores, labels), abs=1e-12
    )


def tau_b(scores, labels):
    """Kendall's definition, pair by pair."""
    above = np.triu_indices(len(scores), 1)
    first = np.sign(np.subtract.outer(scores, scores))[above]
    second = np.sign(np.subtract.outer(labels, labels))[above]
    return (first * second).sum() / np.sqrt((first**2).sum() * (second**2).sum())


@settings(max_examples=100, deadline=None)
@given(data=pairs(5))
def test_krcc_is_concordant_less_discordant_pairs(data):
    if min(len(set(values)) for values in data) > 1:
        assert krcc(*data) == pytest.approx(tau_b(*data), abs=1e-12)


def test_known_values():
    """Worked by hand: 1 of 3 pairs is discordant; ranks differ by (0, 1, 1)."""
    assert krcc([1, 2, 3], [1, 3, 2]) == pytest.approx(1 / 3)
    assert srcc([1, 2, 3], [1, 3, 2]) == pytest.approx(1 - 6 * 2 / (3 * 8))
    assert plcc([0, 1, 2], [0, 0, 3]) == pytest.approx(np.sqrt(3) / 2)


@pytest.mark.parametrize("name", STATISTICS)
def test_the_sign_is_kept(name):
    scores, labels = [0.1, 0.5, 0.2, 0.9], [1.0, 3.0, 2.0, 4.0]
    assert STATISTICS[name](scores, labels) > 0.9
    assert STATISTICS[name](scores, [-label for label in labels]) < -0.9


@pytest.mark.parametrize("name", STATISTICS)
def test_two_images_are_enough(name):
    assert STATISTICS[name]([1, 2], [5, 3]) == pytest.approx(-1)


@pytest.mark.parametrize("name", STATISTICS)
@pytest.mark.parametrize("constant", [0.1, 0.3, 1e9 + 0.1, 0.0])
def test_a_constant_has_no_correlation_and_no_warning(name, constant):
    varying, flat = [1.0, 2.0, 4.0, 3.0, 7.0, 6.0], [constant] * 6
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(STATISTICS[name](flat, varying))
        assert np.isnan(STATISTICS[name](varying, flat))


def test_a_narrow_range_far_from_zero_loses_nothing():
    labels = np.arange(50.0) ** 2
    assert plcc(2.0**40 + labels * 2.0**-10, labels) == pytest.approx(1, abs=1e-14)
    assert plcc(labels * 1e-200, labels * 1e200) == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize("name", STATISTICS)
@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        ([1, 2, 3], [1, 2], "3 scores but 2 labels"),
        ([1], [2], "at least 2 images, not 1"),
        ([], [], "at least 2 images, not 0"),
        ([1, np.nan, 3], [1, 2, 3], "scores must be finite, 1 of them"),
        ([1, 2, 3], [1, np.inf, -np.inf], "labels must be finite, 2 of them"),
        ([[1, 2], [3, 4]], [1, 2], r"scores must be one-dimensional, not of shape \(2, 2\)"),
    ],
)
def test_what_cannot_be_correlated_is_refused(name, scores, labels, message):
    with pytest.raises(ValueError, match=message):
        STATISTICS[name](scores, labels)


def test_mean_within_averages_the_groups_that_count():
    """The order inside a is right, inside b reversed; c is too small, all labels of d are equal."""
    groups = ["a", "b", "a", "b", "a", "b", "c", "c", "d", "d", "d"]
    scores = [1, 9, 2, 5, 3, 1, 7, 8, 1, 2, 3]
    labels = [1, 1, 2, 2, 3, 3, 1, 2, 4, 4, 4]
    assert mean_within(scores, labels, groups) == (pytest.approx(0), 2)
    assert mean_within(scores[::2], labels[::2], groups[::2]) == (pytest.approx(1), 1)


def test_mean_within_takes_the_statistic():
    groups, scores, labels = [0] * 3 + [1] * 3, [1, 2, 3, 1, 2, 3], [1, 3, 2, 1, 2, 9]
    expected = (krcc(scores[:3], labels[:3]) + krcc(scores[3:], labels[3:])) / 2
    assert mean_within(scores, labels, groups, krcc) == (pytest.approx(expected), 2)


def test_mean_within_is_undefined_without_groups_or_for_a_scorer_that_cannot_decide():
    mean, groups = mean_within([1, 2, 3], [1, 2, 3], ["a", "b", "c"])
    assert np.isnan(mean)
    assert groups == 0
    mean, groups = mean_within([5, 5, 5, 1, 2, 3], [1, 2, 3, 1, 2, 3], "aaabbb")
    assert np.isnan(mean)
    assert groups == 2


def test_mean_within_needs_a_group_for_each_image():
    with pytest.raises(ValueError, match="3 images but 2 group names"):
        mean_within([1, 2, 3], [1, 2, 3], ["a", "b"])


@pytest.mark.parametrize(("scores", "labels"), [(True, True), (False, False)])
def test_orientation_of_the_same_direction(scores, labels):
    assert orientation(scores_higher_is_better=scores, labels_higher_is_better=labels) == 1
    assert orientation(scores_higher_is_better=scores, labels_higher_is_better=not labels) == -1
