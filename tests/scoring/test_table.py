import csv
import io
import json
import os
import string

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddriqa.errors import OutputError
from ddriqa.scoring.table import WRITERS, CsvWriter, JsonlWriter, Record, printable

COLUMNS = ["ddr", "ddr_blur"]
NAMES = st.text(
    alphabet=st.one_of(
        st.sampled_from(",\"'\r\n\t \\;="),
        st.characters(min_codepoint=1, max_codepoint=0xD7FF),
    ),
    min_size=1,
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def records(draw):
    path = draw(NAMES)
    if draw(st.booleans()):
        return Record(path, error=draw(NAMES))
    scores = {name: draw(FLOATS) for name in COLUMNS}
    return Record(path, draw(st.integers(1, 9999)), draw(st.integers(1, 9999)), scores)


def written(kind, rows):
    stream = io.BytesIO()
    writer = WRITERS[kind](stream, COLUMNS)
    writer.begin()
    for row in rows:
        writer.write(row)
    writer.flush()
    return stream.getvalue().decode("utf-8")


def as_text(row):
    return {key: "" if value is None else str(value) for key, value in row.items()}


@given(st.lists(records()))
def test_csv_gives_back_what_was_written(rows):
    read = list(csv.DictReader(io.StringIO(written("csv", rows), newline="")))
    assert read == [as_text(row.as_row(COLUMNS)) for row in rows]
    for row, text in zip(rows, read, strict=True):
        assert all(float(text[name]) == score for name, score in row.scores.items())


@given(st.lists(records(), min_size=1))
def test_pandas_reads_the_csv(rows):
    frame = pd.read_csv(
        io.StringIO(written("csv", rows), newline=""),
        keep_default_na=False,
        dtype=str,
        lineterminator=None,
    )
    assert frame["path"].tolist() == [row.path for row in rows]


@given(st.lists(records()))
def test_jsonl_gives_back_what_was_written(rows):
    lines = written("jsonl", rows).split("\n")[:-1]
    assert [json.loads(line) for line in lines] == [row.as_row(COLUMNS) for row in rows]


def test_the_columns():
    header = written("csv", []).rstrip("\n")
    assert header == "path,width,height,ddr,ddr_blur,status,error"
    line = json.loads(written("jsonl", [Record("a.jpg", error="no such file")]))
    assert list(line.values()) == ["a.jpg", None, None, None, None, "failed", "no such file"]
    assert list(line) == header.split(",")


def test_undecodable_names_are_written_as_readable_utf8():
    path = os.fsdecode(b"caf\xc3\xa9 \xff.jpg")
    assert printable(path) == "café \\xff.jpg"
    for kind in WRITERS:
        assert "café" in written(kind, [Record(path, error="x")])


@given(st.text(alphabet=string.printable + "éß漢🙂"))
def test_text_stays_as_it_is(text):
    assert printable(text) == text


def test_rows_reach_the_stream_in_time(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("ddriqa.scoring.table.time.monotonic", lambda: now[0])
    flushed = []

    class Stream(io.BytesIO):
        def flush(self):
            flushed.append(now[0])

    writer = CsvWriter(Stream(), COLUMNS)
    writer.begin()
    for tick in range(20):
        now[0] = tick / 10
        writer.write(Record("a"))
    assert max(b - a for a, b in zip(flushed, flushed[1:], strict=False)) < 0.75


class FullDisk(io.BytesIO):
    def write(self, data):
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("kind", [CsvWriter, JsonlWriter])
def test_a_full_disk_is_one_line(kind):
    with pytest.raises(OutputError, match=r"scores.csv: no space left.*rows written before"):
        kind(FullDisk(), COLUMNS, "scores.csv").write(Record("a"))
