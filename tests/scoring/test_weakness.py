from hypothesis import given
from hypothesis import strategies as st

from ddriqa.scoring.weakness import FEW, Weakness, type_columns

NOISE, BLUR = "ddr_noise", "ddr_blur"


def responses(*pairs):
    noise, blur = zip(*pairs, strict=True)
    return {NOISE: list(noise), BLUR: list(blur)}


def scores(noise, blur):
    return {"ddr": (noise + blur) / 2, NOISE: noise, BLUR: blur}


def test_the_columns_of_types_are_named_after_the_score():
    assert type_columns(["ddr", NOISE, BLUR, "percentile", "niqe"]) == [NOISE, BLUR]
    assert type_columns(["niqe"]) == []


def test_among_few_pictures_the_lowest_response_is_the_weakest():
    weakness = Weakness(responses((0.2, 0.3), (0.4, 0.3)), {})
    assert weakness.of(scores(0.2, 0.3)) == NOISE
    assert weakness.of(scores(0.4, 0.3)) == BLUR


def test_among_many_the_median_of_the_run_is_the_scale():
    weakness = Weakness(responses(*[(0.2, 0.3)] * FEW), {})
    assert weakness.of(scores(0.2, 0.25)) == BLUR
    assert weakness.of(scores(0.15, 0.25)) == NOISE


def test_what_is_usual_for_clean_photographs_counts_before_the_run():
    usual = {NOISE: (0.30, 0.01), BLUR: (0.30, 0.10)}
    weakness = Weakness(responses(*[(0.1, 0.9)] * FEW), usual)
    assert weakness.of(scores(0.25, 0.22)) == NOISE
    assert weakness.of(scores(0.295, 0.09)) == BLUR
    assert weakness.of(scores(0.295, 0.25)) is None


def test_a_usual_that_does_not_know_every_type_is_left_aside():
    weakness = Weakness(responses((0.2, 0.3)), {NOISE: (0.1, 0.01)})
    assert weakness.of(scores(0.2, 0.3)) == NOISE


def test_without_types_nothing_is_weak():
    assert Weakness({}, {}).of({"niqe": 0.4}) is None


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1))
def test_any_responses_name_one_type(pairs):
    """Zero medians included: a folder of black frames is no reason to stop."""
    weakness = Weakness(responses(*pairs), {})
    assert {weakness.of(scores(*pair)) for pair in pairs} <= {NOISE, BLUR}
