"""Read-outs against closed forms, and on statistics whose answer is known."""

import numpy as np
import pytest

from ddriqa.encoder_training.damage import DAMAGE, DETAIL, TYPES, Variant, draw_variants
from ddriqa.encoder_training.readout import (
    Linear,
    calibrate,
    fit_content,
    fit_facets,
    on_statistics,
    prepare,
    ridge,
)
from ddriqa.encoder_training.statistics import Statistics

FEATURES = 40


@pytest.fixture(scope="module")
def statistics():
    """Photographs are random vectors; each kind of damage moves along a direction of its own."""
    rng = np.random.default_rng(0)
    direction = {name: rng.normal(size=FEATURES) for name in TYPES}
    values, photo, variants = [], [], []
    for number in range(60):
        content = rng.normal(size=FEATURES)
        for variant in draw_variants(number, seed=0):
            moved = sum((2 * level * direction[name] for name, level in variant.steps), np.zeros(1))
            values.append(content + moved)
            photo.append(number)
            variants.append(variant)
    return Statistics(np.array(values, dtype=np.float32), np.array(photo), variants)


def test_ridge_solves_its_normal_equations():
    rng = np.random.default_rng(1)
    z, target = rng.normal(size=(200, 7)), rng.normal(size=200)
    fitted = ridge(z, target, strength=0.3)
    centred = z - z.mean(0)
    residual = centred.T @ (target - target.mean() - centred @ fitted.weight)
    np.testing.assert_allclose(residual, 0.3 * 200 * fitted.weight, atol=1e-8)
    assert fitted(z).mean() == pytest.approx(target.mean())


def test_ridge_without_penalty_is_least_squares():
    rng = np.random.default_rng(2)
    z, target = rng.normal(size=(50, 4)), rng.normal(size=50)
    expected = np.linalg.lstsq(np.c_[z, np.ones(50)], target, rcond=None)[0]
    fitted = ridge(z, target, strength=0.0)
    np.testing.assert_allclose([*fitted.weight, fitted.bias], expected, atol=1e-10)


def test_steps_within_photographs_are_further_rows_without_a_bias():
    rng = np.random.default_rng(3)
    z, moved = rng.normal(size=(30, 3)), rng.normal(size=(20, 3))
    target, steps = rng.normal(size=30), rng.normal(size=20)
    fitted = ridge(z, target, 0.0, moved, steps)
    design = np.r_[z - z.mean(0), moved]
    expected = np.linalg.lstsq(design, np.r_[target - target.mean(), steps], rcond=None)[0]
    np.testing.assert_allclose(fitted.weight, expected, atol=1e-10)
    assert fitted(z).mean() == pytest.approx(target.mean())


def test_severity_is_none_for_the_untouched_and_grows_with_the_distance(statistics):
    data = prepare(statistics)
    untouched = np.array([not names for names in data.names])
    np.testing.assert_allclose(data.severity[untouched], np.log(0.1), atol=1e-6)
    distance = np.abs(data.moved).mean(1)
    assert (np.argsort(distance) == np.argsort(data.severity)).mean() > 0.99


def test_facets_react_to_their_own_damage(statistics):
    data = prepare(statistics)
    facets, counts = fit_facets(data, ["quality", "blur", "exposure", "color"])
    assert counts == [1, 1, 2, 5]
    values = facets(data.z)
    np.testing.assert_allclose(values.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(values.std(0), 1, atol=1e-4)
    for column, kinds in ((1, DAMAGE["blur"][0]), (2, DAMAGE["exposure"][0])):
        own = np.array([bool(names & frozenset(kinds)) for names in data.names])
        assert values[own, column].mean() > values[~own, column].mean() + 0.5


def test_quality_falls_with_damage_to_detail(statistics):
    data = prepare(statistics)
    facets, _ = fit_facets(data, ["quality"])
    rows = np.array([names <= frozenset(DETAIL) for names in data.names])
    correlation = np.corrcoef(facets(data.z)[rows, 0], data.severity[rows])[0, 1]
    assert correlation > 0.5


def test_readouts_of_plain_statistics_agree(statistics):
    data = prepare(statistics)
    facets, _ = fit_facets(data, ["quality", "blur"])
    plain = on_statistics(facets, data)
    np.testing.assert_allclose(plain(statistics.values), facets(data.z), atol=1e-3)


def test_content_tells_photographs_apart(statistics):
    data = prepare(statistics)
    content = fit_content(data, 8)(data.z)
    means = np.stack([content[data.photo == p].mean(0) for p in range(60)])
    within = np.stack([content[data.photo == p].std(0) for p in range(60)]).mean(0)
    assert (means.std(0) > within).all()


def test_calibrate_keeps_the_order():
    z = np.random.default_rng(4).normal(size=(100, 3))
    linear = Linear(np.array([[2.0], [0.0], [-1.0]]), np.array([5.0]))
    calibrated = calibrate(linear, z)(z)[:, 0]
    assert (np.argsort(calibrated) == np.argsort(linear(z)[:, 0])).all()


def test_variants_follow_from_seed_and_photograph():
    assert draw_variants(3, seed=1) == draw_variants(3, seed=1) != draw_variants(4, seed=1)
    drawn = draw_variants(3, seed=1)
    assert drawn[0] == Variant(())
    assert all(0 < level <= 1 for variant in drawn for _, level in variant.steps)
