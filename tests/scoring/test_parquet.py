import io
import sys

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddriqa.errors import OutputError, UsageError
from ddriqa.scoring import parquet
from ddriqa.scoring.table import Record

pq = pytest.importorskip("pyarrow.parquet", reason='needs pip install "ddriqa[parquet]"')
COLUMNS = ["ddr", "percentile"]
ABOUT = {"ddriqa": "1", "metrics": [], "finished": "2030-01-01", "arguments": ["score", "secret"]}
ROWS = [
    Record('a\n,"ü.png', 640, 480, {"ddr": 0.1, "percentile": 99.5}),
    Record("b.png", 1, 1, {"ddr": 1 / 3}),
    Record("c.png", error="no such file"),
]


def written(rows, about=ABOUT):
    stream = io.BytesIO()
    parquet.write_parquet(stream, rows, COLUMNS, about)
    return stream.getvalue()


@given(st.lists(st.sampled_from(ROWS)))
def test_what_was_written_comes_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("tables") / "a.parquet"
    path.write_bytes(written(rows))
    assert list(parquet.read_parquet(path, COLUMNS)) == rows


def test_the_columns_as_pandas_sees_them():
    frame = pd.read_parquet(io.BytesIO(written(ROWS)))
    assert list(frame) == ["path", "width", "height", "ddr", "percentile", "status", "error"]
    assert frame["ddr"].tolist()[:2] == [0.1, 1 / 3]
    assert frame["ddr"].isna().tolist() == [False, False, True]
    assert frame["status"].tolist() == ["ok", "ok", "failed"]
    schema = pq.read_schema(io.BytesIO(written([])))
    assert [str(kind) for kind in schema.types] == [
        *("string", "int32", "int32", "double", "double", "string", "string")
    ]


def test_equal_rows_made_in_one_way_are_equal_files():
    later = ABOUT | {"finished": "2031", "arguments": [], "threads": 3}
    assert written(ROWS) == written(ROWS, later)
    assert written(ROWS) != written(ROWS, ABOUT | {"torch": "3"})
    note = pq.read_schema(io.BytesIO(written(ROWS))).metadata[b"ddriqa"]
    assert b'"metrics": []' in note
    assert b"secret" not in note


def test_many_rows_are_written_in_groups(monkeypatch, tmp_path):
    monkeypatch.setattr(parquet, "ROW_GROUP", 10)
    path = tmp_path / "a.parquet"
    path.write_bytes(written(ROWS * 7))
    assert pq.ParquetFile(path).num_row_groups == 3
    assert list(parquet.read_parquet(path, COLUMNS)) == ROWS * 7


@pytest.mark.parametrize("content", [b"", b"mine", b"PAR1mine", None])
def test_what_is_no_table(tmp_path, content):
    path = tmp_path / "a.parquet"
    if content is None:
        pd.DataFrame({"mine": [1]}).to_parquet(path)
    else:
        path.write_bytes(content)
    with pytest.raises(OutputError, match="isn't a table of ddriqa's"):
        list(parquet.read_parquet(path, COLUMNS))


def test_a_half_file_is_no_table(tmp_path):
    path = tmp_path / "a.parquet"
    content = written(ROWS * 1000)
    for end in range(0, len(content), 97):
        path.write_bytes(content[:end])
        with pytest.raises(OutputError, match="isn't a table of ddriqa's"):
            list(parquet.read_parquet(path, COLUMNS))


def test_without_pyarrow_it_says_what_to_install(monkeypatch):
    parquet.require_pyarrow()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "pyarrow.parquet")
    with pytest.raises(UsageError, match=r'pip install "ddriqa\[parquet\]"'):
        parquet.require_pyarrow()
