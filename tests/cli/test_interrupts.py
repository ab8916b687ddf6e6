"""Ctrl-C once: what is in hand is finished, and how to go on is said. Twice: the end."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from processes import size, wait_until

from ddriqa.cli.again import how_to_go_on
from ddriqa.cli.interrupts import Interruptible

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
TOY = ["--encoder", "toy", "--batch-size", "4", "--workers", "2"]
PICTURES = 120


@pytest.fixture
def many(folder):
    """The current folder, with many small pictures in ``many``."""
    os.mkdir("many")
    for number in range(PICTURES):
        os.symlink(f"../photos/img{number % 10 + 1}.png", f"many/{number}.png")
    return folder


def unfinished(table):
    return json.loads(Path(f"{table}.json").read_text())["finished"] is None


@pytest.mark.parametrize(
    ("form", "number", "times", "code"),
    [
        ("csv", signal.SIGINT, 1, 130),
        ("csv", signal.SIGTERM, 1, 143),
        ("csv", signal.SIGINT, 2, 130),
        ("parquet", signal.SIGINT, 1, 130),
        ("parquet", signal.SIGTERM, 2, 143),
    ],
)
def test_whole_rows_are_kept_and_gone_on_with(run, slow, many, form, number, times, code):
    run("score", "many", "-o", f"whole.{form}", *TOY)
    output = f"s.{form}"
    rows = f"{output}.journal" if form == "parquet" else output
    process = slow(0.03, "score", "many", "-o", output, *TOY)
    wait_until(lambda: size(rows) > 500)
    process.send_signal(number)
    first = process.stderr.readline().decode()
    assert first == "ddriqa: finishing the pictures in hand; Ctrl-C again stops at once\n"
    if times == 2:
        process.send_signal(number)
    (last,) = process.communicate()[1].decode().splitlines()
    assert process.returncode == code
    count = int(re.match(r"ddriqa: interrupted: (\d+) images? scored(, \d+ failed)?, ", last)[1])
    assert f"the rows for {output} are safe. To go on: ddriqa score --resume many -o" in last
    assert 0 < count < PICTURES
    content = Path(rows).read_bytes()
    if times == 1:
        assert content.endswith(b"\n")
    assert unfinished(output)
    program, *command = shlex.split(last.partition("To go on: ")[2])
    assert program == "ddriqa"
    assert run(*command)[:2] == (1, "")
    assert Path(output).read_bytes() == Path(f"whole.{form}").read_bytes()


LEAVE = """
import sys, time
from ddriqa.cli.interrupts import leave_quietly
class Slow:
    def __del__(self):
        print("the interpreter ends", flush=True)
        time.sleep(0.3)
if sys.argv[1] == "before":
    import atexit
    atexit.register(Slow().__del__)
else:
    sys.slow = Slow()
leave_quietly(130)
sys.exit(130)
"""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_late_one_finds_nothing_to_say(when, number):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", LEAVE, when], **pipes) as process:
        process.stdout.readline()
        process.send_signal(number)
        assert process.communicate()[1] == b""
    assert process.returncode == 130


def test_the_second_does_not_wait_for_a_picture_that_hangs(slow, many):
    process = slow(600, "score", "many", "-o", "s.csv", *TOY)
    wait_until(lambda: os.path.exists("s.csv"))
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(2.5)  # the first one waits
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert time.monotonic() - begun < 10


def test_a_list_that_waits_for_more_ends(slow, run, many):
    process = slow(0, "score", "-", "-o", "s.csv", *TOY, stdin=subprocess.PIPE)
    process.stdin.write(b"photos/img1.png\nphotos/img2.png\n")
    process.stdin.flush()
    wait_until(lambda: os.path.exists("s.csv"))
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert Path("s.csv").read_text().count("photos/img") == 2
    paths = b"photos/img1.png\nphotos/img2.png\nphotos/img4.png\n"
    assert run("score", "-", "-o", "s.csv", "--resume", *TOY, stdin=paths)[0] == 0
    run("score", "-", "-o", "whole.csv", *TOY, stdin=paths)
    assert Path("s.csv").read_bytes() == Path("whole.csv").read_bytes()


def test_while_the_first_name_is_awaited(slow, many):
    process = slow(0, "score", "-", "-o", "s.csv", *TOY, stdin=subprocess.PIPE)
    process.stdin.write(b"\n" * 100_000)  # it is taken from the pipe once it is read
    process.stdin.flush()
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=30)[1]
    assert (process.returncode, err) == (130, b"ddriqa: interrupted\n")
    assert not os.path.exists("s.csv.json")


@pytest.mark.parametrize("option", [[], ["--force"]])
def test_while_the_model_is_loaded(run, folder, monkeypatch, option):
    Path("s.csv").write_text("precious")
    if not option:
        os.remove("s.csv")

    def load(*arguments):
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("ddriqa.encoders.load_encoder", load)
    assert run("score", "photos", "-o", "s.csv", *option, *TOY)[::2] == (
        130,
        "ddriqa: interrupted\n",
    )
    assert os.listdir() == (["s.csv", "photos"] if option else ["photos"]) or option
    assert not option or Path("s.csv").read_text() == "precious"


def test_while_a_table_is_read_to_go_on_with_it(run, folder, monkeypatch):
    run("score", "photos", "-o", "s.csv", *TOY)
    before = Path("s.csv").read_bytes()

    def read(*arguments):
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr("ddriqa.scoring.output.read_rows", read)
        code, _, err = run("score", "photos", "-o", "s.csv", "--resume", *TOY)
    assert (code, err) == (130, "ddriqa: interrupted\n")
    assert Path("s.csv").read_bytes() == before
    assert run("score", "photos", "-o", "s.csv", "--resume", *TOY)[0] == 1
    assert Path("s.csv").read_bytes() == before


@pytest.mark.parametrize("where", ["ddriqa.scoring.parquet.write_parquet", "os.replace"])
def test_while_parquet_is_made(run, folder, monkeypatch, where):
    run("score", "photos", "-o", "whole.parquet", *TOY)
    replace, calls = os.replace, []

    def make(*arguments):
        calls.append(arguments)
        if where != "os.replace" or len(calls) == 2:
            signal.raise_signal(signal.SIGINT)
        replace(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(where, make)
        code, _, err = run("score", "photos", "-o", "s.parquet", *TOY)
    assert code == 130
    assert (
        "interrupted: 9 images scored, 1 failed, the rows for s.parquet are safe. To go on" in err
    )
    assert sorted(os.listdir()) == [
        *("photos", "s.parquet.journal", "s.parquet.json", "whole.parquet", "whole.parquet.json")
    ]
    assert run("score", "photos", "-o", "s.parquet", "--resume", *TOY)[0] == 1
    assert Path("s.parquet").read_bytes() == Path("whole.parquet").read_bytes()


def test_while_the_page_is_made(run, folder, monkeypatch):
    def write(*arguments, **options):
        signal.raise_signal(signal.SIGINT)

    arguments = ["score", "photos", "-o", "s.csv", "--report", "page", *TOY]
    with monkeypatch.context() as patch:
        patch.setattr("ddriqa.scoring.report.write_report", write)
        code, _, err = run(*arguments)
    assert code == 130
    assert "To go on: ddriqa score --resume photos -o s.csv --report page" in err
    assert not unfinished("s.csv")
    assert run(*arguments, "--resume")[0] == 1
    assert "img1.png" in Path("page/index.html").read_text(encoding="utf-8")


def test_rows_that_go_to_a_pipe_are_whole(slow, many):
    process = slow(0.03, "score", "many", *TOY, stdout=subprocess.PIPE)
    out = b""
    while b"many/" not in out:
        out += os.read(process.stdout.fileno(), 500)
    process.send_signal(signal.SIGINT)
    rest, err = process.communicate()
    assert process.returncode == 130
    lines = (out + rest).decode().splitlines()
    assert 1 < len(lines) < PICTURES
    assert all(line.count(",") == 10 for line in lines)
    scored, failed = map(
        int, re.search(r"interrupted: (\d+) images scored, (\d+) failed", err.decode()).groups()
    )
    assert scored + failed == len(lines) - 1
    assert b"To go on" not in err  # there is nothing to go on with


def test_what_was_asked_for_before_is_restored():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Interruptible() as interrupt:
        assert signal.getsignal(signal.SIGINT) == interrupt._handle
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_second_signal_that_ends_the_work_does_not_end_the_process_later(monkeypatch):
    ended = []
    monkeypatch.setattr("ddriqa.cli.interrupts.GRACE_SECONDS", 0.05)
    monkeypatch.setattr("os._exit", ended.append)
    with Interruptible() as interrupt:
        signal.raise_signal(signal.SIGTERM)
        assert (interrupt.asked, interrupt.exit_code) == (True, 143)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    time.sleep(0.2)
    assert ended == []
    assert interrupt.exit_code == 143


def test_the_input_ends_with_the_first_signal():
    with Interruptible() as interrupt:
        found = []
        for number in interrupt.until_asked(range(10)):
            found.append(number)
            if number == 3:
                signal.raise_signal(signal.SIGINT)
    assert found == [0, 1, 2, 3]


def test_faults_of_the_input_are_passed_on():
    def broken():
        yield 1
        raise ValueError("broken")

    with Interruptible() as interrupt:
        items = interrupt.until_asked(broken())
        assert next(items) == 1
        with pytest.raises(ValueError, match="broken"):
            next(items)
        signal.raise_signal(signal.SIGINT)  # nothing waits any more, so nothing is raised
        assert interrupt.asked


def test_in_a_thread_it_leaves_signals_alone():
    seen = []

    def work():
        with Interruptible() as interrupt:
            seen.extend(interrupt.until_asked("ab"))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == ["a", "b"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["score", "a b", "-o", "s.csv"], "To go on: ddriqa score --resume 'a b' -o s.csv"),
        (["score", "--resume", "-", "-o", "s.csv"], "To go on: ddriqa score --resume - -o s.csv"),
        (["score", "--force", "--", "-odd.png"], "To go on: ddriqa score --resume -- -odd.png"),
        (["score", "a\nb"], "To go on give the same command with --resume"),
        (
            ["score", "--force", "x" * 900],
            "To go on give the same command with --resume instead of --force",
        ),
    ],
)
def test_how_to_go_on(arguments, said):
    assert how_to_go_on(arguments) == said
