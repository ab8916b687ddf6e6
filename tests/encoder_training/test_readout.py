"""Read-outs against closed forms, and on statistics whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ddriqa.encoder_training import readout
from ddriqa.encoder_training import statistics as collecting
from ddriqa.encoder_training.damage import (
    CLIPPING,
    DAMAGE,
    DETAIL,
    Variant,
    draw_detail,
    draw_variants,
    kinds,
)
from ddriqa.encoder_training.readout import (
    Gram,
    Linear,
    calibrate,
    fit_facets,
    fit_like,
    on_standardised,
    prepare,
    ridge,
)
from ddriqa.encoder_training.sentences import RESPONSES
from ddriqa.encoder_training.statistics import Statistics

FEATURES, OF_TOWER = 60, 45


@pytest.fixture(scope="module", autouse=True)
def small_tower():
    """The first 45 statistics are the tower's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readout, "POOLED", OF_TOWER)
        yield


@pytest.fixture(scope="module")
def statistics():
    """Photographs are random vectors; each kind of damage moves along a direction of its own."""
    rng = np.random.default_rng(0)
    names = [name for members in kinds().values() for name in members]
    direction = {name: rng.normal(size=FEATURES) for name in names}
    values, photo, variants = [], [], []
    for number in range(60):
        content = rng.normal(size=FEATURES)
        for variant in draw_variants(np.random.default_rng(number)):
            moved = sum((2 * level * direction[name] for name, level in variant.steps), np.zeros(1))
            values.append(content + moved)
            photo.append(number)
            variants.append(variant)
    return Statistics(np.array(values, dtype=np.float32), np.array(photo), variants)


def prepared(statistics, values=None):
    """With all rows graded; with other values of the same variants where they are given."""
    values = statistics.values if values is None else values
    every = np.ones(len(values), dtype=bool)
    return prepare(Statistics(values, statistics.photo, statistics.variants), every)


def everything(data):
    return np.ones(len(data.z), dtype=bool)


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


def test_one_gram_at_several_strengths_is_several_ridges():
    rng = np.random.default_rng(5)
    z, target = rng.normal(size=(40, 6)), rng.normal(size=(40, 2))
    gram = Gram(z, target)
    for strength in (0.1, 2.0):
        together = gram.solve(strength)
        for column in range(2):
            alone = ridge(z, target[:, column], strength)
            np.testing.assert_allclose(together.weight[:, column], alone.weight, atol=1e-12)


def test_severity_is_none_for_the_untouched_and_grows_with_the_towers_distance(statistics):
    data = prepared(statistics)
    untouched = np.array([not variant.steps for variant in data.variants])
    np.testing.assert_allclose(data.severity[untouched], np.log(0.1), atol=1e-6)
    distance = np.abs(data.moved[:, :OF_TOWER]).mean(1)
    assert (np.argsort(distance) == np.argsort(data.severity)).mean() > 0.99


def test_plain_photographs_are_the_measure(statistics):
    some = statistics.photo < 30
    data = prepare(statistics, some)
    untouched = np.array([not variant.steps for variant in data.variants])
    plain = statistics.values[some & untouched]
    np.testing.assert_allclose(data.mean, plain.mean(0), rtol=1e-5)
    np.testing.assert_allclose(data.deviation, plain.std(0) + 1e-3, rtol=1e-5)
    expected = ((statistics.values - data.mean) / data.deviation).clip(-8, 8)
    np.testing.assert_allclose(data.z, expected, atol=1e-5)


def test_statistics_far_out_are_held(statistics):
    values = statistics.values.copy()
    values[1] += 1e6
    data = prepared(statistics, values)
    assert np.abs(data.z).max() == readout.LIMIT


def test_facets_react_to_their_own_damage(statistics):
    data = prepared(statistics)
    linear, counts = fit_facets(data, everything(data))
    assert counts == [1, *(len(DAMAGE[name]) for name in RESPONSES[1:])]
    values = linear(data.z)
    np.testing.assert_allclose(values.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(values.std(0), 1, atol=1e-4)
    facets = [facet for name in RESPONSES[1:] for facet in DAMAGE[name]]
    for column, facet in enumerate(facets, start=1):
        own = np.array([variant.level(facet) > 0.4 for variant in data.variants])
        clean = np.array([not variant.steps for variant in data.variants])
        assert values[own, column].mean() > values[clean, column].mean() + 1


def test_quality_falls_with_damage_to_detail(statistics):
    data = prepared(statistics)
    quality = fit_facets(data, everything(data))[0](data.z)[:, 0]
    rows = np.array([variant.names <= frozenset(DETAIL) for variant in data.variants])
    assert np.corrcoef(quality[rows], data.severity[rows])[0, 1] > 0.5


def test_only_graded_rows_teach_quality(statistics):
    data = prepared(statistics)
    some = statistics.photo < 30
    values = statistics.values.copy()
    values[~some] += np.random.default_rng(8).normal(size=(values[~some].shape)) * 0.1
    other = prepared(statistics, values)
    held = replace(other, z=np.where(some[:, None], data.z, other.z), moved=data.moved)
    held = replace(held, severity=data.severity)
    one, two = (readout.fit_quality(given, some) for given in (data, held))
    np.testing.assert_allclose(one / np.linalg.norm(one), two / np.linalg.norm(two), atol=0.02)
    assert not np.allclose(one, readout.fit_quality(data, everything(data)))


def quality_of(data):
    """Its direction, whatever its length."""
    weight = readout.fit_quality(data, everything(data))
    return weight / np.linalg.norm(weight)


def clipped_rows(data):
    return np.array([variant.names == {CLIPPING} for variant in data.variants])


def test_clipping_teaches_quality_within_photographs_alone(statistics):
    """Where such a row lies is nothing to it; how it differs from its photograph is."""
    data = prepared(statistics)
    clipped = clipped_rows(data)
    elsewhere, moved = data.z.copy(), data.moved.copy()
    elsewhere[clipped] = elsewhere[clipped][::-1]
    moved[clipped] *= -1
    np.testing.assert_allclose(quality_of(replace(data, z=elsewhere)), quality_of(data), atol=2e-3)
    assert np.abs(quality_of(replace(data, moved=moved)) - quality_of(data)).max() > 0.02


def test_clipping_has_half_a_rows_weight(statistics, monkeypatch):
    data = prepared(statistics)
    rows = np.concatenate([np.arange(len(data.z)), np.flatnonzero(clipped_rows(data))])
    twice = replace(
        data,
        **{name: getattr(data, name)[rows] for name in ("z", "moved", "severity")},
        variants=[data.variants[row] for row in rows],
    )
    halved = quality_of(twice)
    monkeypatch.setattr(readout, "CLIPPING_WEIGHT", 1.0)
    np.testing.assert_allclose(halved, quality_of(data), atol=2e-3)
    assert np.abs(halved - quality_of(twice)).max() > 5e-3


def test_what_has_a_vote_adds_to_quality(statistics, monkeypatch):
    data = prepared(statistics)

    def answers(name):
        quality = fit_facets(data, everything(data))[0](data.z)[:, 0]
        hit = np.array([bool(v.names & set(kinds()[name])) for v in data.variants])
        return quality[hit].mean() - quality[~hit].mean()

    with_votes = {name: answers(name) for name in readout.VOTES}
    monkeypatch.setattr(readout, "VOTE", 0.0)
    assert all(with_votes[name] > answers(name) for name in readout.VOTES)


def test_other_statistics_say_the_same(statistics):
    """Statistics of the fast view that are a rotation of the default's give the same outputs."""
    data = prepared(statistics)
    outputs = fit_facets(data, everything(data))[0](data.z)
    rotation = np.linalg.qr(np.random.default_rng(6).normal(size=(FEATURES, FEATURES)))[0]
    turned = (statistics.values @ rotation).astype(np.float32)
    fast = prepared(statistics, turned)
    like = fit_like(fast, outputs)(fast.z)
    for column in range(outputs.shape[1]):
        assert np.corrcoef(like[:, column], outputs[:, column])[0, 1] > 0.95


def test_readouts_of_plain_statistics_agree(statistics):
    data = prepared(statistics)
    columns = slice(10, 20)
    rng = np.random.default_rng(7)
    plain = Linear(rng.normal(size=(10, 3)), rng.normal(size=3))
    values = data.z * data.deviation + data.mean
    expected = plain(values[:, columns])
    np.testing.assert_allclose(
        on_standardised(plain, data, columns)(data.z), expected, rtol=1e-4, atol=1e-3
    )


def test_calibrate_keeps_the_order():
    z = np.random.default_rng(4).normal(size=(100, 3))
    linear = Linear(np.array([[2.0], [0.0], [-1.0]]), np.array([5.0]))
    calibrated = calibrate(linear, z)(z)[:, 0]
    assert (np.argsort(calibrated) == np.argsort(linear(z)[:, 0])).all()


def test_variants_follow_from_the_generator():
    one, again, other = (draw_variants(np.random.default_rng(n)) for n in (1, 1, 2))
    assert one == again != other
    assert one[0] == Variant(())
    assert all(0 < level <= 1 for variant in one for _, level in variant.steps)


def rise(drawn):
    """Two levels of one kind at a time, the weaker first."""
    for weak, strong in zip(drawn[::2], drawn[1::2], strict=True):
        assert weak.names == strong.names
        assert weak.steps[0][1] < strong.steps[0][1]


def test_further_damage_is_of_every_kind_of_detail_and_clipping():
    drawn = draw_detail(np.random.default_rng(4))
    rise(drawn)
    assert [min(variant.names) for variant in drawn[::2]] == [*DETAIL, CLIPPING]
    assert drawn == draw_detail(np.random.default_rng(4)) != draw_detail(np.random.default_rng(5))


def test_two_levels_of_one_kind_share_their_chance(monkeypatch, tmp_path):
    """Grain and streaks of the weaker are those of the stronger, also in the further damage."""
    seeds = {}
    monkeypatch.setattr(collecting, "read_photo", lambda path: None)
    monkeypatch.setattr(collecting, "pool", lambda tower, pictures: torch.zeros(len(pictures), 1))
    monkeypatch.setattr(
        collecting, "apply_variant", lambda image, variant, seed: seeds.update({variant: seed})
    )
    rng = np.random.default_rng(0)
    drawn = draw_variants(rng) + draw_detail(rng)
    view = [lambda picture: picture]
    collecting._of_photo(None, view, tmp_path, drawn, [7], tmp_path / "kept.npy")
    singles = [variant for variant in drawn if len(variant.steps) == 1]
    for weak, strong in zip(singles[::2], singles[1::2], strict=True):
        assert seeds[weak] == seeds[strong]
    assert len({tuple(seed) for seed in seeds.values()}) == 1 + len(singles) // 2 + 3


def test_ladders_go_upwards_and_mixtures_mix():
    drawn = draw_variants(np.random.default_rng(3))
    rise(drawn[1:29])
    members = kinds()
    for mixture in drawn[29:]:
        groups = [g for g, names in members.items() if mixture.names & set(names)]
        assert len(groups) == len(mixture.steps) > 1
