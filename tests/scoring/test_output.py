"""A table on disk: killed at every step it can be gone on with, and nothing is lost or doubled."""

import contextlib
import json
import os
import sys

import pytest

from ddriqa.errors import OutputError, UsageError
from ddriqa.scoring import output
from ddriqa.scoring.output import TableFile, read_table
from ddriqa.scoring.reading import without_row
from ddriqa.scoring.sidecar import read_sidecar, sidecar_path
from ddriqa.scoring.table import Record, RowWriter

COLUMNS = ["ddr", "percentile"]
SETTINGS = {
    "ddriqa": "0.1.0",
    "encoder": {"fingerprint": "toy:00"},
    "metrics": [{"name": "ddr"}],
    "columns": COLUMNS,
    "shard": None,
}
NAMES = [f'photos/{i}\n"ü".png' for i in range(8)]
FORMS = ("csv", "jsonl", "parquet")


def record(name):
    if name == NAMES[3]:
        return Record(name, error="empty file (0 bytes)")
    return Record(name, 640, 480, {"ddr": len(name) / 7})


def table_in(folder, form, **settings):
    return TableFile(folder / f"scores.{form}", form, COLUMNS, SETTINGS | settings)


def work(table, *, resume=False, overwrite=False, names=NAMES):
    """What ``ddriqa score`` does with a table."""
    with contextlib.closing(table):
        table.resume() if resume else table.begin(overwrite=overwrite)
        for name in without_row(names, table.rows()):
            table.write(record(name))
        table.complete({"images": len(names), "failed": 1, "ok": len(names) - 1})


def whole(tmp_path, form):
    folder = tmp_path / "whole"
    folder.mkdir(exist_ok=True)
    table = table_in(folder, form)
    work(table, overwrite=True)
    return table.path.read_bytes()


def killed_at(step, task):
    """Do a task in a child process that is killed before its step-th change of a file.

    Returns:
        Whether it came to that step.
    """
    child = os.fork()
    if child:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code in (0, 9), "the task failed"
        return code == 9
    count = 0

    def before(event, arguments):
        nonlocal count
        opened_to_read = event == "open" and arguments[1] in ("r", "rb", None)
        if event in ("open", "os.rename", "os.remove", "os.truncate") and not opened_to_read:
            count += 1
            if count == step:
                os._exit(9)

    write, fsync = RowWriter.write, os.fsync

    def writing(writer, row):
        write(writer, row)
        before("os.truncate", ())
        writer.flush()

    def syncing(descriptor):
        before("os.truncate", ())
        fsync(descriptor)

    with contextlib.suppress(BaseException):
        RowWriter.write, os.fsync = writing, syncing
        sys.addaudithook(before)
        task()
        os._exit(0)
    os._exit(1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("start", ["new", "half", "finished", "overwrite"])
def test_killed_at_every_step_and_gone_on_with(tmp_path, form, start):
    expected = whole(tmp_path, form)
    steps = 0
    for step in range(1, 100):
        folder = tmp_path / str(step)
        folder.mkdir()
        if start != "new":
            prepare(folder, form, start)
        options = {"resume": start in ("half", "finished"), "overwrite": start == "overwrite"}
        if not killed_at(step, lambda: work(table_in(folder, form), **options)):  # noqa: B023
            break
        steps += 1
        killed_at(step // 2 + 1, lambda: work(table_in(folder, form), resume=True))  # noqa: B023
        table = table_in(folder, form)
        work(table, resume=True)
        assert start in ("new", "overwrite") or table.rows_before >= 5, "a row was made twice"
        assert (folder / f"scores.{form}").read_bytes() == expected, f"killed at step {step}"
        assert read_sidecar(folder / f"scores.{form}")["finished"]
        assert sorted(os.listdir(folder)) == [f"scores.{form}", f"scores.{form}.json"]
    assert steps > 10
    assert (folder / f"scores.{form}").read_bytes() == expected


def prepare(folder, form, start):
    """A table that is half made, or one of half the pictures that is finished."""
    table = table_in(folder, form)
    if start == "half":
        with contextlib.closing(table):
            table.begin()
            for name in NAMES[:5]:
                table.write(record(name))
    else:
        work(table, names=NAMES[:5])


@pytest.mark.parametrize("form", FORMS)
def test_until_it_is_complete_it_says_so(tmp_path, form):
    table = table_in(tmp_path, form)
    with contextlib.closing(table):
        table.begin()
        about = read_sidecar(table.path)
        assert (about["finished"], about["format"]) == (None, form)
        assert about["started"]
        table.write(record(NAMES[0]))
    assert read_sidecar(table.path)["finished"] is None
    assert table.path.exists() == (form != "parquet")  # which is never there by half
    work(table_in(tmp_path, form), resume=True)
    assert read_sidecar(table.path)["finished"] >= about["started"]
    assert read_sidecar(table.path)["counts"]["images"] == 8
    assert [r.path for r in read_table(table.path, read_sidecar(table.path))] == NAMES


@pytest.mark.parametrize("form", FORMS)
def test_a_table_is_never_begun_over_another(tmp_path, form):
    work(table_in(tmp_path, form))
    path = tmp_path / f"scores.{form}"
    before = path.read_bytes()
    if form == "parquet":
        journal = tmp_path / "scores.parquet.journal"
        journal.touch()
    with pytest.raises(OutputError, match="exists already"):
        table_in(tmp_path, form).begin()
    assert path.read_bytes() == before


def test_only_one_process_writes(tmp_path):
    pytest.importorskip("fcntl", reason="needs the locks of Unix")
    first = table_in(tmp_path, "csv")
    first.begin()
    first.write(record(NAMES[0]))
    with pytest.raises(OutputError, match="another process is writing it"):
        table_in(tmp_path, "csv").resume()
    first.close()
    work(table_in(tmp_path, "csv"), resume=True)
    assert (tmp_path / "scores.csv").read_bytes() == whole(tmp_path, "csv")


def test_a_file_system_without_locks_is_no_hindrance(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl", reason="needs the locks of Unix")

    def unsupported(*arguments):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    work(table_in(tmp_path, "csv"))
    assert (tmp_path / "scores.csv").read_bytes() == whole(tmp_path, "csv")


def test_other_settings_are_refused_before_anything_changes(tmp_path):
    work(table_in(tmp_path, "csv"))
    before = (
        (tmp_path / "scores.csv").read_bytes(),
        sidecar_path(tmp_path / "scores.csv").read_bytes(),
    )
    with pytest.raises(UsageError, match="encoder: toy:00 there, toy:11 here"):
        table_in(tmp_path, "csv", encoder={"fingerprint": "toy:11"}).resume()
    after = (
        (tmp_path / "scores.csv").read_bytes(),
        sidecar_path(tmp_path / "scores.csv").read_bytes(),
    )
    assert after == before


def test_the_sidecar_keeps_what_was_known(tmp_path):
    work(table_in(tmp_path, "csv"))
    path = sidecar_path(tmp_path / "scores.csv")
    about = json.loads(path.read_text()) | {"started": "2020", "merged": ["1.csv", "2.csv"]}
    path.write_text(json.dumps(about))
    for times in (1, 2):
        table = table_in(tmp_path, "csv", ddriqa="0.2.0")
        work(table, resume=True)
        found = json.loads(path.read_text())
        assert (found["started"], found["merged"]) == ("2020", ["1.csv", "2.csv"])
        assert len(found["resumed"]) == times
        assert found["ddriqa"] == "0.2.0"
        assert len(table.warnings) == 2 - times


@pytest.mark.parametrize("form", FORMS)
def test_rows_reach_the_disk_in_time(tmp_path, monkeypatch, form):
    """For a power cut."""
    now, synced = [0.0], []
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    table = table_in(tmp_path, form)
    with contextlib.closing(table):
        table.begin()
        monkeypatch.setattr("os.fsync", lambda descriptor: synced.append(now[0]))
        for now[0] in range(30):
            table.write(record(NAMES[0]))
    gaps = [b - a for a, b in zip([0, *synced], synced, strict=False)]
    assert max(gaps) <= output.SYNC_SECONDS + 1


class FullDisk:
    """From the n-th call on there is no room."""

    def __init__(self, real, after):
        self.real, self.left = real, after

    def __call__(self, *arguments):
        if self.left == 0:
            raise OSError(28, "No space left on device")
        self.left -= 1
        return self.real(*arguments)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("after", range(1, 6))
def test_the_disk_is_full_when_rows_are_to_reach_it(tmp_path, monkeypatch, form, after):
    """Some file systems say so only then."""
    monkeypatch.setattr(output, "SYNC_SECONDS", -1)
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", FullDisk(os.fsync, after))
        with pytest.raises(OutputError) as fault:
            work(table_in(tmp_path, form))
    assert f"scores.{form}: no space left on device" in str(fault.value)
    assert "--resume" in str(fault.value)
    table = table_in(tmp_path, form)
    work(table, resume=True)
    assert table.rows_before >= after - 2
    assert table.path.read_bytes() == whole(tmp_path, form)


def test_the_disk_is_full_when_parquet_is_made(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow", reason='needs pip install "ddriqa[parquet]"')
    from pyarrow import parquet

    class Broken(parquet.ParquetWriter):
        def write_table(self, table):
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(parquet, "ParquetWriter", Broken)
        with pytest.raises(OutputError, match="no space left on device.*--resume goes on"):
            work(table_in(tmp_path, "parquet"))
    assert sorted(os.listdir(tmp_path)) == ["scores.parquet.journal", "scores.parquet.json"]
    table = table_in(tmp_path, "parquet")
    work(table, resume=True)
    assert table.rows_before == len(NAMES)
    assert table.path.read_bytes() == whole(tmp_path, "parquet")


def test_a_folder_that_takes_no_files(tmp_path):
    table = TableFile(tmp_path / "gone" / "scores.csv", "csv", COLUMNS, SETTINGS)
    with pytest.raises(OutputError, match="scores.csv: no such file or directory"):
        table.begin()
    table.close()
