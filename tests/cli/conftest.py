"""Two ways to run the command: in this process, which is quick, and in one of its own."""

import io
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from processes import start_slow

from ddriqa.cli.main import main


@pytest.fixture
def command():
    """The command line of ``ddriqa`` in a process of its own."""
    return [sys.executable, "-m", "ddriqa"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder: ten pictures in ``photos``, one of them no picture at all."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for index in range(1, 11):
        pixels = random.integers(0, 256, (32 + index, 48, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"img{index}.png")
    (tmp_path / "photos" / "img3.png").write_bytes(b"")
    return tmp_path


@pytest.fixture
def odd(tmp_path, monkeypatch):
    """The current folder: four small files in ``odd`` with awkward names; one is no picture."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(1)
    folder = tmp_path / "odd"
    folder.mkdir()
    names = ["a.png", 'b,"c"\nd.png', " f .png", os.fsdecode(b"\xff.png")]
    for name in names if sys.platform == "linux" else ["a.png", "b,c.png", "d e.png", " f .png"]:
        pixels = random.integers(0, 256, (24, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)
    (folder / "a.png").write_bytes(b"no picture")
    return tmp_path


@pytest.fixture
def environment(tmp_path):
    return {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), "TERM": "xterm"}


@pytest.fixture
def run(monkeypatch, tmp_path, capfd):
    """Run ``ddriqa`` here; its exit code, and all that reached descriptors 1 and 2."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def run(*arguments, stdin=b""):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main(list(arguments))
        return end.value.code, *capfd.readouterr()

    return run


@pytest.fixture
def run_process(command, environment):
    """Run ``ddriqa`` in a process of its own; exit code, standard output and error."""

    def run(*arguments, stdin=b""):
        done = subprocess.run(
            [*command, *arguments],
            input=stdin,
            capture_output=True,
            env=environment,
            timeout=120,
        )
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    return run


@pytest.fixture
def slow(environment):
    """Start ``ddriqa`` slowly (see ``start_slow``); what still runs at the end is killed."""
    started = []

    def start(seconds, *arguments, **options):
        started.append(start_slow(seconds, *arguments, **({"env": environment} | options)))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()
