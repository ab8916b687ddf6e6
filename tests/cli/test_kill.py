"""A process that is killed, or that meets a full disk: what it leaves is gone on with."""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from processes import size, wait_until

unix = pytest.mark.skipif(sys.platform == "win32", reason="kills in the Unix way")
pytestmark = unix
FORMS = ("csv", "jsonl", "parquet")
SETTINGS = ["--encoder", "toy", "--batch-size", "8", "--workers", "2"]
SECONDS = 0.01  # that each picture takes longer
PICTURES = 250


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """The current folder: small pictures in ``photos``, every seventh of them broken."""
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(3)
    os.mkdir("photos")
    for number in range(PICTURES):
        path = Path(f'photos/{number} "ü",\n.png')
        if number % 7 == 6:
            path.write_bytes(b"broken")
        else:
            pixels = generator.integers(0, 256, (20, 30, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(path)


@pytest.fixture
def whole(run, pictures):
    """The table that an uninterrupted run makes, in a form."""

    def whole(form):
        assert run("score", "photos", "-o", f"whole.{form}", *SETTINGS)[0] == 1
        return Path(f"whole.{form}").read_bytes()

    return whole


def kill_within_work(process, output, delay):
    """SIGKILL so long after the process came to its output; whether it was still alive."""
    sidecar = f"{output}.json"
    begun = os.stat(sidecar).st_ino if os.path.exists(sidecar) else None
    wait_until(
        lambda: (
            process.poll() is not None
            or (os.path.exists(sidecar) and os.stat(sidecar).st_ino != begun)
        )
    )
    time.sleep(delay)
    process.kill()
    process.communicate()
    return process.returncode == -signal.SIGKILL


def killed_and_gone_on_with(slow, run, form, kills, seed):
    """Kill a run again and again, and let another one go on; where it gets done, begin anew.

    Returns:
        How many bytes of rows were there after each kill.
    """
    chance, output, found = random.Random(seed), f"scores.{form}", []
    rows = f"{output}.journal" if form == "parquet" else output
    while len(found) < kills:
        process = slow(SECONDS, "score", "photos", "-o", output, "--resume", *SETTINGS)
        if kill_within_work(process, output, chance.uniform(0, 0.6)):
            found.append(size(rows))
        if json.loads(Path(f"{output}.json").read_text())["finished"]:
            for name in os.listdir():
                if name.startswith(output):
                    os.rename(name, f"{len(found)}-{name}")
    assert run("score", "photos", "-o", output, "--resume", *SETTINGS)[0] == 1
    return found


@pytest.mark.parametrize("form", FORMS)
def test_killed_twice_and_gone_on_with(slow, run, whole, form):
    expected = whole(form)
    found = killed_and_gone_on_with(slow, run, form, 2, seed=0)
    assert max(found) > 0
    assert Path(f"scores.{form}").read_bytes() == expected
    assert not [name for name in os.listdir() if name.endswith((".tmp", ".journal"))]


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_killed_at_twenty_random_moments(slow, run, whole, form):
    expected = whole(form)
    found = killed_and_gone_on_with(slow, run, form, 20, seed=1)
    print(f"\n{form}: bytes of rows after each kill: {found}")
    assert len(set(found)) > 5
    tables = [name for name in os.listdir() if name.endswith(f"scores.{form}")]
    assert len(tables) > 1
    for name in tables:  # also those that got done between two kills
        assert Path(name).read_bytes() == expected, name


def room_for(limit):
    """What a child process calls first: no file may grow beyond so many bytes."""

    def limited():
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return limited


@pytest.mark.parametrize("form", FORMS)
def test_no_more_room(slow, run, whole, form):
    expected = whole(form)
    output, rows = f"scores.{form}", f"scores.{form}{'.journal' if form == 'parquet' else ''}"
    limit = 20_000 if form == "jsonl" else 12_000
    process = slow(0, "score", "photos", "-o", output, *SETTINGS, preexec_fn=room_for(limit))
    _, err = process.communicate()
    assert process.returncode == 4
    assert err.decode() == (
        f"ddriqa: {output}: file too large. The rows written before are safe; --resume goes on "
        "after them\n"
    )
    kept = Path(rows).read_bytes()
    assert limit - 1000 < len(kept) <= limit
    last = kept.rindex(b"\n")
    code, _, err = run("score", "photos", "-o", output, "--resume", *SETTINGS)
    assert (code, "going on after that" in err) == (1, True)
    if form != "parquet":
        assert Path(output).read_bytes().startswith(kept[: kept.rindex(b"\n", 0, last) + 1])
    assert Path(output).read_bytes() == expected


def test_no_more_room_where_parquet_is_made_of_its_journal(run, slow, whole):
    expected = whole("parquet")
    limit = size("whole.parquet") - 100
    run("score", "photos", "-o", "lines.jsonl", *SETTINGS)
    run("score", "photos", "-o", "scores.parquet", *SETTINGS)
    os.remove("scores.parquet")
    os.rename("lines.jsonl", "scores.parquet.journal")
    process = slow(
        0,
        "score",
        "photos",
        "-o",
        "scores.parquet",
        "--resume",
        *SETTINGS,
        preexec_fn=room_for(limit),
    )
    _, err = process.communicate()
    assert process.returncode == 4
    assert b"scores.parquet: file too large. The rows written before are safe; --resume" in err
    assert not os.path.exists("scores.parquet")
    assert size("scores.parquet.journal") > limit
    assert not os.path.exists(".scores.parquet.tmp")
    assert run("score", "photos", "-o", "scores.parquet", "--resume", *SETTINGS)[0] == 1
    assert Path("scores.parquet").read_bytes() == expected


@pytest.mark.parametrize("option", [[], ["--force"], ["--resume"]])
def test_no_room_for_the_sidecar(slow, pictures, option):
    process = slow(0, "score", "photos", "-o", "s.csv", *option, *SETTINGS, preexec_fn=room_for(10))
    _, err = process.communicate()
    assert (process.returncode, err) == (4, b"ddriqa: s.csv.json: file too large\n")
    assert os.listdir() == ["photos"]
