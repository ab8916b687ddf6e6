"""Five hundred broken files through the real command: a row for each of them, and nothing else."""

import csv
import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

mutants = runpy.run_path(str(Path(__file__).parents[1] / "images" / "mutations.py"))["mutants"]

COUNT = 500
SECONDS_A_FILE = 10
MEGABYTES = 1500

TIMED = """
import json, sys, time, warnings
from pathlib import Path
from ddriqa.images.decode import decode
warnings.simplefilter("ignore")
times = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    begun = time.monotonic()
    decode(path)
    times[path.name] = time.monotonic() - begun
print(json.dumps(times))
"""

MEASURED = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], timeout=240).returncode
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("broken")
    for name, data in mutants(COUNT):
        (folder / name).write_bytes(data)
    return folder


def test_the_files_are_the_same_every_time():
    files = dict(mutants(COUNT))
    assert len(files) == COUNT
    assert dict(mutants(COUNT)) == files
    assert dict(mutants(COUNT, seed=1)) != files
    assert len(set(files.values())) > 0.95 * COUNT


def test_no_file_takes_long(folder):
    done = subprocess.run(
        [sys.executable, "-c", TIMED, str(folder)], capture_output=True, timeout=240, check=True
    )
    times = json.loads(done.stdout)
    assert len(times) == COUNT
    assert max(times.values()) < SECONDS_A_FILE, max(times, key=times.get)


@pytest.mark.skipif(sys.platform != "linux", reason="measures memory in Linux's unit")
def test_every_file_gives_a_row_in_bounded_memory(folder, tmp_path):
    table = tmp_path / "x.csv"
    command = [sys.executable, "-m", "ddriqa", "score", str(folder), "--encoder", "toy"]
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *command, "-o", str(table), "-q"],
        capture_output=True,
        timeout=300,
        text=True,
    )
    assert done.stderr == ""
    code, megabytes = map(int, done.stdout.split())
    assert code == 1
    assert megabytes < MEGABYTES
    with open(table, newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [Path(row["path"]).name for row in rows] == sorted(p.name for p in folder.iterdir())
    for row in rows:
        scored = [row[name] != "" for name in row if name == "ddr" or name.startswith("ddr_")]
        assert row["status"] == ("failed" if row["error"] else "ok")
        assert all(scored) if row["status"] == "ok" else not any(scored), row
    assert 50 < sum(row["status"] == "ok" for row in rows) < COUNT - 50
