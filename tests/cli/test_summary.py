import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ddriqa.cli.progress import duration, rate
from ddriqa.cli.streams import readable
from ddriqa.cli.summary import Summary, histogram, round_step
from ddriqa.scoring import Record

COLUMNS = ("ddr", "ddr_noise", "ddr_blur")


def record(name, noise, blur):
    scores = {"ddr": (noise + blur) / 2, "ddr_noise": noise, "ddr_blur": blur}
    return Record(name, 10, 10, scores)


def shown(records, columns=COLUMNS, usual=None):
    summary = Summary(columns, usual)
    for one in records:
        summary.add(one)
    stream = io.StringIO()
    summary.show(Console(file=stream, width=80), seconds=2.0)
    return stream.getvalue()


def test_among_few_pictures_the_lowest_response_is_the_weakest():
    text = shown([record("a", 0.2, 0.3), record("b", 0.4, 0.3)])
    assert "weakest: noise  a" in text
    assert "weakest: blur   b" in text
    assert text.index(" b\n") < text.index(" a\n")  # best first


def test_what_is_usual_for_clean_photographs_counts_first():
    usual = {"ddr_noise": (0.30, 0.01), "ddr_blur": (0.30, 0.10)}
    assert "weakest: noise  a" in shown([record("a", 0.25, 0.22)], usual=usual)
    assert "no weakness  b" in shown([record("b", 0.295, 0.25)], usual=usual)


def test_among_many_it_is_seen_against_the_median_of_its_type():
    """Noise responses lie low for everybody here: only the blurred one is out of line."""
    usual = [record(f"u{i}", 0.2, 0.3) for i in range(10)]
    text = shown([*usual, record("blurred", 0.2, 0.25)])
    assert "weakest: blur  blurred" in text


def test_the_best_and_the_worst_five():
    text = shown([record(f"p{i:02}", i / 100, i / 100) for i in range(1, 31)])
    best, worst = text.split("ddr, best")[1].split("ddr, worst")
    assert [line.split()[-1] for line in best.strip().splitlines()] == [
        *("p30", "p29", "p28", "p27", "p26")
    ]
    assert [line.split()[-1] for line in worst.strip().splitlines()] == [
        *("p01", "p02", "p03", "p04", "p05")
    ]


def test_percentiles_are_what_people_read():
    records = [record(f"p{i:02}", i / 100, i / 100) for i in range(1, 31)]
    for number, one in enumerate(records):
        one.scores["percentile"] = number * 3.0
    text = shown([*records, Record("broken", error="empty")], (*COLUMNS, "percentile"))
    assert "percentile 0 to 87, median 44  (100 is best" in text
    assert "80 to 100 ██" in text or "80 to 90 ██" in text  # the histogram
    assert "\n 87  0.300  no weakness" in text or "\n 87  0.300  weakest" in text
    assert "percentile and ddr, worst\n  0  0.010" in text


def test_the_rate_counts_what_this_run_scored():
    summary = Summary(COLUMNS)
    for number in range(10):
        summary.add(record(str(number), 0.2, 0.3))
    summary.from_before = 6
    stream = io.StringIO()
    summary.show(Console(file=stream, width=80), seconds=2.0)
    assert "10 images scored in 2.0 s (2.0 images/s)" in stream.getvalue()


def test_ten_failures_are_shown_and_the_others_counted():
    text = shown([Record(f"f{i}", error="no such file") for i in range(13)])
    assert text.startswith("0 images scored, 13 failed in 2.0 s (6.5 images/s)")
    assert text.count("no such file") == 10
    assert "and 3 more" in text


def test_a_metric_without_types():
    text = shown([Record("a", 1, 1, {"niqe": 0.5}), Record("b", 1, 1, {"niqe": 0.7})], ["niqe"])
    assert "weakest" not in text
    assert "0.700  b" in text


@given(st.lists(st.floats(0, 1), min_size=1))
def test_the_histogram_counts_every_value_once(values):
    table = histogram(values)
    counts = [int(cell) for cell in table.columns[2].cells]
    assert sum(counts) == len(values)
    assert len(counts) <= 10


@given(st.floats(1e-8, 1e8))
def test_steps_are_round_and_not_too_wide(width):
    step = round_step(width)
    assert width <= step <= 2.5 * width * (1 + 1e-9)
    assert f"{step:.0e}"[0] in "125"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (9.96, "10.0 s"), (59, "59 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations(seconds, words):
    assert duration(seconds) == words


def test_rates():
    assert (rate(0.25), rate(137.4)) == ("0.2 images/s", "137 images/s")


@given(st.text())
def test_readable_names_are_one_safe_line(text):
    try:
        line = readable(text)
    except UnicodeEncodeError:  # lone surrogates that no file system gives
        return
    assert line.isprintable()
