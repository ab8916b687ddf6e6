"""On one machine the table is the same, byte for byte, however it came about."""

import csv
import io
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

TOY = ["--encoder", "toy"]
FORMS = ("csv", "jsonl", "parquet")


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """The current folder: forty pictures of many shapes in ``photos``, some of them broken."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(2)
    os.mkdir("photos")
    for number in range(40):
        path = f"photos/{number}.{('png', 'jpg')[number % 2]}"
        if number % 13 == 5:
            Path(path).write_bytes(b"broken")
            continue
        height, width = random.integers(1, 90, 2)
        Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(path)
    return sorted(str(path) for path in Path("photos").iterdir())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("workers", ["1", "4"])
@pytest.mark.parametrize("batch", ["1", "3", "64", "auto"])
def test_whatever_the_batch_size_and_the_workers(run, pictures, batch, workers, form):
    run("score", "photos", "-o", f"a.{form}", *TOY)
    options = ["--batch-size", batch, "--workers", workers]
    assert run("score", "photos", "-o", f"b.{form}", *options, *TOY)[0] == 1
    assert Path(f"b.{form}").read_bytes() == Path(f"a.{form}").read_bytes()


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_whatever_the_order(run, pictures, form):
    """Rows come in the order of the input; each is the same."""
    run("score", *pictures, "-o", f"a.{form}", *TOY)
    run("score", *reversed(pictures), "-o", f"b.{form}", *TOY, "--batch-size", "7")
    first = Path(f"a.{form}").read_bytes().splitlines(keepends=True)
    second = Path(f"b.{form}").read_bytes().splitlines(keepends=True)
    assert sorted(first) == sorted(second)
    header = form == "csv"
    assert first[header:] == second[header:][::-1]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("count", [2, 5])
def test_whatever_the_shards(run, pictures, form, count):
    run("score", "photos", "-o", f"a.{form}", *TOY)
    for number in range(1, count + 1):
        options = ["--shard", f"{number}/{count}", "--batch-size", str(number)]
        run("score", "photos", "-o", f"{number}.{form}", *options, *TOY)
    run("merge", *(f"{number}.{form}" for number in range(1, count + 1)), "-o", f"b.{form}")
    assert Path(f"b.{form}").read_bytes() == Path(f"a.{form}").read_bytes()


def test_whoever_else_is_there(run, pictures):
    run("score", "photos", "-o", "a.csv", *TOY)
    lines = Path("a.csv").read_text().splitlines()
    for place in (1, 7, 40):
        path = lines[place].partition(",")[0]
        assert run("score", path, *TOY)[1].splitlines()[1] == lines[place]


def test_wherever_it_was_interrupted(run, pictures):
    run("score", "photos", "-o", "a.csv", *TOY)
    whole = Path("a.csv").read_bytes()
    shutil.copy("a.csv.json", "b.csv.json")
    for end in range(60, len(whole), len(whole) // 7):
        Path("b.csv").write_bytes(whole[:end])
        run("score", "photos", "-o", "b.csv", "--resume", "--batch-size", "3", *TOY)
        assert Path("b.csv").read_bytes() == whole


def test_with_another_number_of_threads_nearly(run_process, pictures, environment):
    tables = []
    for threads in ("1", "2"):
        environment["OMP_NUM_THREADS"] = threads
        out = run_process("score", "photos", *TOY)[1]
        tables.append(list(csv.DictReader(io.StringIO(out))))
    for first, second in zip(*tables, strict=True):
        assert first["path"] == second["path"]
        for name in ("ddr", "ddr_color", "ddr_noise", "ddr_blur", "ddr_exposure"):
            one, two = float(first[name] or 0), float(second[name] or 0)
            assert one == pytest.approx(two, abs=1e-6)
