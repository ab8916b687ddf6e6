import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddriqa.errors import OutputError
from ddriqa.scoring.reading import LONGEST_ROW, read_rows, without_row
from ddriqa.scoring.table import WRITERS, Record, printable

COLUMNS = ["ddr", "ddr_blur", "percentile"]
TEXT = st.text(
    alphabet=st.one_of(
        st.sampled_from(",\"'\r\n\t \\"),
        st.characters(min_codepoint=1, max_codepoint=0xD7FF),
    ),
    min_size=1,
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
NAMES = st.sampled_from(["a", "b", "c", "d"])


@st.composite
def records(draw):
    path = draw(TEXT)
    if draw(st.booleans()):
        return Record(path, error=draw(TEXT))
    names = COLUMNS if draw(st.booleans()) else COLUMNS[:2]  # percentile may be missing
    scores = {name: draw(FLOATS) for name in names}
    return Record(path, draw(st.integers(1, 9999)), draw(st.integers(1, 9999)), scores)


def write(path, form, rows):
    with open(path, "wb") as stream:
        writer = WRITERS[form](stream, COLUMNS)
        writer.begin()
        for row in rows:
            writer.write(row)
    return path.read_bytes()


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return tmp_path_factory.mktemp("tables") / "table"


@pytest.mark.parametrize("form", WRITERS)
@given(st.lists(records()))
def test_what_was_written_comes_back(table, form, rows):
    content = write(table, form, rows)
    found = list(read_rows(table, form, COLUMNS))
    assert [row.record for row in found] == rows
    assert not found or found[-1].end == len(content)


@pytest.mark.parametrize("form", WRITERS)
@given(rows=st.lists(records(), min_size=1, max_size=4), data=st.data())
def test_of_a_table_that_was_cut_off_the_whole_rows_come_back(table, form, rows, data):
    content = write(table, form, rows)
    ends = [row.end for row in read_rows(table, form, COLUMNS)]
    cut = data.draw(st.integers(0, len(content)))
    table.write_bytes(content[:cut])
    found = list(read_rows(table, form, COLUMNS))
    assert [row.record for row in found] == rows[: len([end for end in ends if end <= cut])]


@pytest.mark.parametrize("form", WRITERS)
def test_a_row_in_the_midst_that_is_none(table, form):
    rows = [Record(name, 1, 1, dict.fromkeys(COLUMNS, 0.5)) for name in "abc"]
    content = write(table, form, rows)
    for wrong in (b"\n", b"x\n", b"1,2,3\n", b"{}\n", b"[]\n", b"\xff\n"):
        table.write_bytes(content + wrong + content[-40:])
        with pytest.raises(OutputError, match=f"{table}: the row from byte {len(content)} to "):
            list(read_rows(table, form, COLUMNS))
        table.write_bytes(content + wrong)  # the last one may be torn
        assert len(list(read_rows(table, form, COLUMNS))) == 3


@pytest.mark.parametrize("change", [("a,1,1", "a,1,x"), (",ok,", ",failed,"), ("0.5", "high")])
def test_a_row_whose_values_do_not_fit(table, change):
    rows = [Record(name, 1, 1, dict.fromkeys(COLUMNS, 0.5)) for name in "ab"]
    content = write(table, "csv", rows).decode()
    table.write_text(content.replace(*change, 1))
    with pytest.raises(OutputError, match="isn't one of ddriqa's"):
        list(read_rows(table, "csv", COLUMNS))


def test_a_stray_quotation_mark_does_not_swallow_the_whole_file(table):
    rows = [Record(f"{number:09}", error="no such file") for number in range(20_000)]
    content = write(table, "csv", rows)
    table.write_bytes(content.replace(b"000000003", b'"00000003', 1))
    with pytest.raises(OutputError) as fault:
        list(read_rows(table, "csv", COLUMNS))
    end = int(str(fault.value).split("byte ")[1].split()[0])
    assert end < LONGEST_ROW + 1000 < len(content)


def test_tables_that_cannot_be_read(tmp_path):
    with pytest.raises(OutputError, match="gone: no such file or directory"):
        list(read_rows(tmp_path / "gone", "csv", COLUMNS))
    with pytest.raises(OutputError, match="is a directory"):
        list(read_rows(tmp_path, "csv", COLUMNS))


def test_rows_are_read_as_they_are_asked_for(tmp_path):
    """So that a table of any length needs no memory."""
    path = tmp_path / "table.csv"
    write(path, "csv", [Record(f"{i}.jpg", error="no such file") for i in range(5000)])
    rows = read_rows(path, "csv", COLUMNS)
    assert next(rows).record.path == "0.jpg"
    with open(path, "r+b") as stream:
        stream.truncate(100_000)
    assert 1 < sum(1 for _ in rows) < 4999


@given(st.lists(NAMES), st.lists(NAMES))
def test_every_path_gets_as_many_rows_as_it_is_found(found, done):
    left = list(without_row(found, [Record(name, error="x") for name in done]))
    for name in set(found):
        assert left.count(name) == max(0, found.count(name) - done.count(name))
    rest = iter(found)
    assert all(name in rest for name in left)  # in the order in which they were found


@given(st.lists(NAMES), st.integers(0, 9))
def test_a_beginning_is_gone_on_with(found, count):
    done = [Record(name, error="x") for name in found[:count]]
    assert list(without_row(found, done)) == found[count:]


def test_spellings_and_bytes_that_are_no_text():
    odd = os.fsdecode(b"photos/\xff.png")
    done = [Record("b.png"), Record(printable(odd)), Record(os.path.abspath("c.png"))]
    found = ["new.png", "./photos//" + odd.removeprefix("photos/"), "./b.png", "c.png"]
    assert list(without_row(found, done)) == ["new.png"]
