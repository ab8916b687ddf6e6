"""``--fail-under``: an exit code of its own for pictures that aren't good enough."""

import csv
import io
import os

import pytest

from ddriqa.cli.threshold import Threshold
from ddriqa.errors import UsageError
from ddriqa.metrics.percentiles import Percentiles

TOY = ["--encoder", "toy"]


@pytest.mark.parametrize(
    ("text", "value", "is_percentile", "shown"),
    [
        (".25", 0.25, False, "0.25"),
        ("0", 0, False, "0"),
        ("1", 1, False, "1"),
        ("-1", -1, False, "-1"),
        (" 25% ", 25, True, "25%"),
        ("2.5%", 2.5, True, "2.5%"),
        ("100%", 100, True, "100%"),
    ],
)
def test_what_it_reads(text, value, is_percentile, shown):
    threshold = Threshold.read(text)
    assert (threshold.value, threshold.is_percentile) == (value, is_percentile)
    assert str(threshold) == shown


@pytest.mark.parametrize("text", ["", "good", "%", "nan", "inf", "nan%", ".2.5", "25 %%"])
def test_what_is_no_number(text):
    with pytest.raises(UsageError, match="isn't a number.*Give a score .* or a percentile"):
        Threshold.read(text)


@pytest.mark.parametrize("text", ["101%", "-1%"])
def test_what_is_no_percentile(text):
    with pytest.raises(UsageError, match="They go from 0% to 100%"):
        Threshold.read(text)


def test_a_score_that_none_reaches_must_be_a_percentile():
    with pytest.raises(UsageError, match="25 is above every score. For a percentile say .* 25%"):
        Threshold.read("25")
    assert Threshold.read("25", bounded=False).value == 25


@pytest.fixture
def scored(run, folder):
    """The scores of the nine good photographs."""
    os.remove("photos/img3.png")
    out = run("score", "photos", *TOY)[1]
    return sorted(float(row["ddr"]) for row in csv.DictReader(io.StringIO(out)))


def test_below_at_and_above(run, scored):
    middle = scored[4]
    code, out, err = run("score", "photos", "--fail-under", repr(middle), *TOY)
    assert code == 3
    assert out.count("\n") == 10  # every picture has its row nevertheless
    assert err == f"ddriqa: 4 scored below {middle:g}\nddriqa: 9 images scored\n"
    code, _, err = run("score", "photos", "--fail-under", repr(scored[0]), *TOY)
    assert (code, err) == (0, "ddriqa: 9 images scored\n")
    assert run("score", "photos", "--fail-under", "1", "-q", *TOY)[::2] == (3, "")


def test_it_wins_over_failed_pictures(run, folder):
    assert run("score", "photos", "--fail-under", "1", *TOY)[0] == 3
    assert run("score", "photos", "--fail-under", "0", *TOY)[0] == 1


def test_a_percentile_without_a_reference_is_refused_before_anything_is_written(run, folder):
    code, out, err = run("score", "photos", "-o", "s.csv", "--fail-under", "25%", *TOY)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--fail-under 25%: no percentiles are known" in err
    assert os.listdir() == ["photos"]


def test_a_percentile(run, scored, monkeypatch):
    reference = Percentiles((scored[0], scored[8]), {})
    monkeypatch.setattr("ddriqa.metrics.percentiles.table_for", lambda *given: reference)
    out = run("score", "photos", *TOY)[1]
    below = [float(row["percentile"]) < 30 for row in csv.DictReader(io.StringIO(out))].count(True)
    assert 0 < below < 9
    code, _, err = run("score", "photos", "--fail-under", "30%", *TOY)
    assert (code, f"{below} scored below 30%" in err) == (3, True)
    assert run("score", "photos", "--fail-under", "0%", *TOY)[0] == 0


def test_scores_without_a_bound(run, folder):
    code, _, err = run("score", "photos", "--fail-under", "9999", "--disparity", "l2", *TOY)
    assert (code, "9 scored below 9999" in err) == (3, True)


@pytest.mark.parametrize("value", ["", "25", "good", "200%"])
def test_a_wrong_value_is_one_line(run, folder, value):
    code, out, err = run("score", "photos", "--fail-under", value, *TOY)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--fail-under" in err
