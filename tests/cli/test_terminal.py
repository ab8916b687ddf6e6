"""What a person sees: the same command with a terminal on its streams."""

import os
import re
import subprocess
import sys

import pytest
from processes import SLOW

from ddriqa.cli.progress import ScoreProgress

pty = pytest.importorskip("pty", reason="needs a terminal of the Unix kind")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a Unix terminal")


@pytest.fixture
def on_terminal(command, environment):
    """Run on a terminal of 100 columns; the exit code and everything that was drawn."""

    def run(*arguments, **variables):
        return in_terminal([*command, *arguments], environment | variables)

    return run


def in_terminal(command, variables, typed=()):
    """Run a command; once ``typed[0][0]`` is drawn, type ``typed[0][1]``, and so on."""
    process, terminal = pty.fork()
    if process == 0:  # pragma: no cover  the child
        os.environ.update(variables | {"COLUMNS": "100"})
        os.execv(command[0], command)
    drawn, typed = b"", list(typed)
    while True:
        try:
            chunk = os.read(terminal, 1 << 16)
        except OSError:  # Linux' way to say that the other side is closed
            break
        if not chunk:
            break
        drawn += chunk
        if typed and typed[0][0] in drawn:
            os.write(terminal, typed.pop(0)[1])
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status), drawn.decode()


def plain(drawn):
    """What stays on the screen in the end, without colours."""
    text = drawn.rpartition("\x1b[2K")[2]
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r\n", "\n")


def test_a_summary_and_no_flood(on_terminal, folder):
    code, drawn = on_terminal("score", "photos", "--encoder", "toy")
    assert code == 1
    assert "images/s" in drawn
    text = plain(drawn)
    assert text.startswith("9 images scored, 1 failed in ")
    assert "higher is better" in text
    assert "█" in text
    assert "photos/img3.png: empty file (0 bytes)" in text
    assert re.search(r"0\.\d{3}  weakest: (color|noise|blur|exposure) +photos/img\d+\.png", text)
    assert "add -o scores.csv" in text
    assert "path,width,height" not in drawn


def test_with_an_output_it_says_where_the_table_is(on_terminal, folder):
    _, drawn = on_terminal("score", "photos", "--encoder", "toy", "-o", "scores.csv")
    assert "The table is in scores.csv, its settings in scores.csv.json" in plain(drawn)
    assert (folder / "scores.csv").exists()


def test_gone_on_with_it_tells_of_all_pictures(on_terminal, folder):
    on_terminal("score", "photos/img1.png", "--encoder", "toy", "-o", "scores.csv", "-q")
    _, drawn = on_terminal("score", "photos", "--encoder", "toy", "-o", "scores.csv", "--resume")
    assert "scores.csv has 1 row already, going on after that" in drawn
    assert "9 images scored, 1 failed in " in plain(drawn)


def test_a_dash_forces_the_table(on_terminal, folder):
    _, drawn = on_terminal("score", "photos", "--encoder", "toy", "-o", "-")
    assert "path,width,height,ddr" in drawn
    assert "9 images scored, 1 failed" in drawn


def test_quiet_is_quiet(on_terminal, folder):
    code, drawn = on_terminal("score", "photos", "--encoder", "toy", "-q")
    assert (code, drawn) == (1, "")


def test_no_colour_where_none_is_wanted(on_terminal, folder):
    colours = re.compile(r"\x1b\[(?:\d+;)*3[0-9]m")
    assert colours.search(on_terminal("score", "photos", "--encoder", "toy")[1])
    assert not colours.search(on_terminal("score", "photos", "--encoder", "toy", NO_COLOR="1")[1])
    drawn = on_terminal("score", "photos", "--encoder", "toy", TERM="dumb")[1]
    assert "\x1b" not in drawn
    assert "9 images scored" in drawn


def test_control_characters_in_names_do_not_reach_the_terminal(on_terminal, folder):
    os.rename("photos/img3.png", "photos/evil\x1b]0;title\x07\n[red].png")
    _, drawn = on_terminal("score", "photos", "--encoder", "toy")
    assert r"photos/evil\x1b]0;title\x07\n[red].png: empty file" in plain(drawn)


CTRL_C = b"\x03"
SHOWN, HIDDEN = "\x1b[?25h", "\x1b[?25l"


def test_ctrl_c_leaves_the_terminal_as_it_was(folder, environment):
    command = [sys.executable, "-c", SLOW, "0.3", "score", "photos", "--encoder", "toy"]
    command += ["--batch-size", "1", "--workers", "1", "-o", "s.csv"]
    typed = [(b"Scoring", CTRL_C)]
    code, drawn = in_terminal(command, environment, typed)
    assert code == 130
    assert "finishing the pictures in hand; Ctrl-C again stops at once" in drawn
    assert drawn.rindex(SHOWN) > drawn.rindex(HIDDEN)
    assert "To go on: ddriqa score --resume photos --encoder toy" in plain(drawn)


def test_ctrl_c_twice_leaves_it_so_at_once(folder, environment):
    command = [sys.executable, "-c", SLOW, "600", "score", "photos", "--encoder", "toy"]
    typed = [(b"Scoring", CTRL_C), (b"again stops at once", CTRL_C)]
    code, drawn = in_terminal(command, environment, typed)
    assert code == 130
    assert drawn.rindex(SHOWN) > drawn.rindex(HIDDEN)


def test_a_reader_that_leaves_does_not_stop_what_else_was_asked_for(folder, command, environment):
    """``| head`` ends the rows; the report, and the exit code of ``--fail-under``, still come."""
    asked = ["--report", "page", "--fail-under", "1"]
    with subprocess.Popen(
        [*command, "score", "photos", "--encoder", "toy", *asked],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        cwd=folder,
    ) as process:
        process.stdout.close()
        err = process.stderr.read().decode()
    assert process.returncode == 3, err
    assert (folder / "page" / "index.html").exists()


def test_a_bar_whose_end_is_cut_off_gives_the_cursor_back(monkeypatch):
    """A second Ctrl-C may come while the bar is being taken away."""
    shown = []
    monkeypatch.setattr("ddriqa.cli.progress.show_cursor", lambda: shown.append(True))
    progress = ScoreProgress("toy", None)
    progress._drawn = True

    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(progress._bar, "stop", interrupted)
    with pytest.raises(KeyboardInterrupt):
        progress.__exit__(None, None, None)
    assert shown == [True]
