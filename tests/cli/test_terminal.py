"""What a person sees: the same command with a terminal on its streams."""

import os
import re
import sys

import pytest

pty = pytest.importorskip("pty", reason="needs a terminal of the Unix kind")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a Unix terminal")


@pytest.fixture
def on_terminal(command, environment):
    """Run on a terminal of 100 columns; the exit code and everything that was drawn."""

    def run(*arguments, **variables):
        process, terminal = pty.fork()
        if process == 0:  # pragma: no cover  the child
            os.environ.update(environment | {"COLUMNS": "100"} | variables)
            os.execv(command[0], [*command, *arguments])
        drawn = b""
        while True:
            try:
                chunk = os.read(terminal, 1 << 16)
            except OSError:  # Linux' way to say that the other side is closed
                break
            if not chunk:
                break
            drawn += chunk
        os.close(terminal)
        _, status = os.waitpid(process, 0)
        return os.waitstatus_to_exitcode(status), drawn.decode()

    return run


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
