"""Settings: the tree and TOML say the same, and everything wrong is told at once."""

import sys

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as some
from training_toys import settings

from ddriqa.errors import UsageError
from ddriqa.restoration.settings import differences, from_table, problems
from ddriqa.restoration.toml_file import to_toml

tomllib = pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")

PLAIN = some.one_of(
    some.booleans(),
    some.integers(-(2**53), 2**53),
    some.floats(allow_nan=False),
    some.text(some.characters(exclude_categories=["Cs"])),
)
VALUES = some.recursive(
    PLAIN, lambda inner: some.lists(inner) | some.dictionaries(some.text("aB_-. \"'é"), inner)
)


@limits(max_examples=60, deadline=None)
@given(some.dictionaries(some.text("abc_-. \"'é\n"), VALUES))
def test_toml_reads_back_what_was_written(table):
    assert tomllib.loads(to_toml(table)) == table


def test_settings_read_back_from_their_toml():
    found = settings(lr=1e-7, ema=0.999)
    assert from_table(tomllib.loads(to_toml(found))) == found


def test_every_fault_is_named_at_once():
    table = {
        "network": {"name": "nafnet", "colour": 1},
        "seed": "one",
        "optimiser": {"name": "lion", "lr": -1},
    }
    with pytest.raises(UsageError) as caught:
        from_table(table)
    for phrase in ("method is missing", "network.colour is unknown", "seed is 'one'"):
        assert phrase in str(caught.value)
    table |= {"seed": 1, "method": {"name": "ddr"}, "network": {"name": "nafnet"}}
    with pytest.raises(UsageError) as caught:
        from_table(table | {"training": {"steps": 0, "ema": 1.5, "batch_size": 3, "devices": 2}})
    for phrase in (
        "optimiser.name is 'lion', not one of adam, adamw, sgd",
        "optimiser.lr is -1",
        "training.steps is 0, 1 is the least",
        "training.ema is 1.5",
        "training.batch_size is 3, not a multiple",
    ):
        assert phrase in str(caught.value)


def test_true_is_no_number():
    table = {"network": {"name": "a"}, "method": {"name": "b"}, "training": {"steps": True}}
    with pytest.raises(UsageError, match="steps is True, not a whole number"):
        from_table(table)


def test_sound_settings_have_no_problem():
    assert problems(settings()) == []


def test_differences_that_reach_no_result_are_none():
    assert differences(settings(), settings(workers=3, keep=9, save_every=1)) == []
    assert differences(settings(), settings(batch_size=8, lr=0.5)) == [
        "optimiser.lr: 0.01 there, 0.5 here",
        "training.batch_size: 4 there, 8 here",
    ]
