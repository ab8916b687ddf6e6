"""What ladders.py counts: pairs in the right order, and AUCs of responses."""

import itertools

import ladders
import numpy as np
import pytest

from ddriqa import Scorer
from ddriqa.degradations import names


def ladder_scores(photographs=6, seed=0):
    """Every response falls with the level of its own damage, and by a tenth with the others."""
    noise = np.random.default_rng(seed)
    scores = {}
    for group, members in ladders.GROUPS.items():
        own = [1 if ladders.OWN.get(column, group) == group else 0.1 for column in ladders.COLUMNS]
        for name in members:
            fall = -np.array(ladders.LEVELS)[None, :, None] * np.array(own)
            scores[name] = 1 + fall + 1e-3 * noise.random((photographs, 1, len(own)))
    clean = scores["jpeg"][:, :1].copy()
    for values in scores.values():
        values[:, :1] = clean
    return scores


def test_every_damage_is_in_the_catalogue_once():
    listed = [name for group in ladders.GROUPS.values() for name in group]
    assert len(set(listed)) == len(listed)
    assert set(listed) <= set(names())
    assert {*ladders.JUDGED, *ladders.OWN.values()} <= set(ladders.GROUPS)


def test_adjacent_order_counts_equal_scores_as_wrong():
    found = ladders.adjacent_order(np.array([[3.0, 2.0, 1.0], [3.0, 3.0, 2.0]]))
    assert found == {"all": 0.75, "by_step": [0.5, 1.0]}


@pytest.mark.parametrize("seed", range(5))
def test_auc_is_the_share_of_pairs(seed):
    drawn = np.random.default_rng(seed)
    worse, better = drawn.integers(0, 6, 7) * 1.0, drawn.integers(2, 8, 11) * 1.0
    pairs = [
        1.0 if low < high else 0.5 if low == high else 0.0
        for low, high in itertools.product(worse, better)
    ]
    assert ladders.auc(worse, better) == pytest.approx(np.mean(pairs), abs=1e-12)


def test_auc_of_everything_below_is_one():
    assert ladders.auc(np.array([0.0, 1.0]), np.array([2.0, 3.0, 4.0])) == 1


def test_a_column_is_compared_with_its_own_clean_responses():
    scores = ladder_scores()
    scores["gaussian_blur"][:, 3, ladders.COLUMNS.index("ddr_blur")] = 9  # better than clean
    matrix = ladders.auc_matrix(scores, 0.6)
    assert matrix["ddr_blur"]["blur"] == pytest.approx(2 / 3)
    assert matrix["ddr"]["blur"] == 1


def test_orders_of_groups_leave_out_what_is_only_reported():
    scores = ladder_scores()
    scores["desaturate"][:] = scores["desaturate"][:, ::-1]
    found = ladders.orders(scores)
    assert found["judged"]["all"] == 1
    assert found["damages"]["desaturate"]["all"] == 0
    assert found["groups"]["colour"]["all"] == pytest.approx(0.8)


def test_own_type_must_be_above_foreign_damage_and_other_responses():
    values = {
        "ddr_blur": {"blur": 0.99, "noise": 0.7, "colour": 0.6, "exposure": 0.5, "smear": 0.995},
        "ddr_noise": {"blur": 0.8, "noise": 0.97, "colour": 0.6, "exposure": 0.98, "smear": 0.5},
        "ddr_color": {"blur": 0.5, "noise": 0.5, "colour": 0.94, "exposure": 0.5, "smear": 0.5},
        "ddr_exposure": {"blur": 0.5, "noise": 0.5, "colour": 0.5, "exposure": 0.96, "smear": 0.5},
    }
    found = ladders.own_types(values)
    assert found["ddr_blur"]["foreign_type"] == ("noise", 0.7)
    assert found["ddr_blur"]["foreign_any"] == ("smear", 0.995)
    assert found["ddr_blur"]["other_response"] == ("ddr_noise", 0.8)
    assert found["ddr_exposure"]["other_response"] == ("ddr_noise", 0.98)
    reached = {column: row["reached"] for column, row in found.items()}
    # noise: reacts more to exposure; colour: below .95; exposure: another response is above it
    assert reached == {
        "ddr_blur": True,
        "ddr_noise": False,
        "ddr_color": False,
        "ddr_exposure": False,
    }


def test_together_are_the_photographs_of_all_folders():
    parts = [ladder_scores(2, 1), ladder_scores(3, 2)]
    whole = ladders.together(parts)
    assert whole["haze"].shape == (5, len(ladders.LEVELS), len(ladders.COLUMNS))
    np.testing.assert_array_equal(whole["haze"][2:], parts[1]["haze"])


def test_ladders_start_with_the_untouched_photograph(photograph, monkeypatch):
    monkeypatch.setattr(ladders, "GROUPS", {"jpeg": ("jpeg",), "haze": ("haze",)})
    scorer = Scorer(encoder="toy")
    scores = ladders.score_ladders(scorer, [photograph])
    expected = [scorer.score(photograph).scores[column] for column in ladders.COLUMNS]
    for values in scores.values():
        assert values.shape == (1, len(ladders.LEVELS), len(ladders.COLUMNS))
        assert values[0, 0].tolist() == expected
        assert len({tuple(row) for row in values[0]}) == len(ladders.LEVELS)
