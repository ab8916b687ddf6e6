"""From a level to a parameter."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddriqa.degradations import DEGRADATIONS, get
from ddriqa.degradations.levels import Levels, linear, log, log_throughout

KNOTS = (0, 0.2, 0.4, 0.6, 0.8, 1)
CONSTRUCTORS = (linear, log, log_throughout)

positive = st.floats(0.01, 300)
six_positive = st.lists(positive, min_size=6, max_size=6)
level = st.floats(0, 1)


@given(six_positive, st.sampled_from(CONSTRUCTORS))
def test_every_scale_passes_through_its_knots(values, scale):
    parameter = scale(*values)
    assert [parameter.at(knot) for knot in KNOTS] == pytest.approx(values)


@given(six_positive, st.sampled_from(CONSTRUCTORS), level, level)
def test_rising_knots_give_a_rising_parameter(values, scale, first, second):
    parameter = scale(*sorted(values))
    low, high = sorted((first, second))
    assert parameter.at(low) <= parameter.at(high) * (1 + 1e-12)


@given(six_positive, st.sampled_from(CONSTRUCTORS), level)
def test_values_stay_between_the_neighbouring_knots(values, scale, at):
    segment = min(int(at * 5), 4)
    low, high = sorted(values[segment : segment + 2])
    assert low * (1 - 1e-9) <= scale(*values).at(at) <= high * (1 + 1e-9)


@given(six_positive, st.integers(0, 4))
def test_halfway_lies_the_arithmetic_or_the_geometric_mean(values, segment):
    halfway = (segment + 0.5) / 5
    low, high = values[segment : segment + 2]
    arithmetic, geometric = (low + high) / 2, math.sqrt(low * high)
    assert linear(*values).at(halfway) == pytest.approx(arithmetic)
    assert log_throughout(*values).at(halfway) == pytest.approx(geometric)
    expected = arithmetic if segment == 0 else geometric
    assert log(*values).at(halfway) == pytest.approx(expected)


def test_a_row_of_five_is_refused():
    with pytest.raises(ValueError, match="6 knots"):
        Levels((1, 2, 3, 4, 5), geometric_from=5)


@pytest.mark.parametrize("name", list(DEGRADATIONS))
def test_parameters_of_the_table_move_one_way(name):
    for parameter in get(name).levels.values():
        later = parameter.knots[1:]
        assert list(later) in (sorted(later), sorted(later, reverse=True))


@pytest.mark.parametrize(
    ("name", "level", "expected"),
    [
        ("gaussian_noise", 0.4, {"sigma": 10}),
        ("gaussian_noise", 0.5, {"sigma": 15}),
        ("poisson_noise", 0.1, {"gain": 1 / 800}),
        ("poisson_noise", 0.9, {"gain": 1 / math.sqrt(250)}),
        ("posterise", 0.1, {"steps": math.sqrt(256 * 32)}),
        ("resize_bicubic", 0.1, {"factor": math.sqrt(1.5)}),
        ("gamma_dark", 0.1, {"gamma": 1.075}),
        ("low_light", 0.7, {"stops": 2.3, "noise": 0.0425}),
        ("jpeg", 0.2, {"quality": 70}),
        ("mosaic", 0.1, {"sigma": 0, "share": 0.5}),
    ],
)
def test_parameters_of_single_levels(name, level, expected):
    assert get(name).parameters(level) == pytest.approx(expected)
