"""Which pictures a command is given, and which part of them it takes."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddriqa.cli.inputs import Shard, Source
from ddriqa.errors import UsageError

TOY = ["--encoder", "toy"]


@given(st.integers(1, 12), st.lists(st.integers()))
def test_shards_are_every_nth_and_together_the_whole(count, items):
    parts = [
        list(Source(["x"], None, False, Shard(number, count)).part(items))
        for number in range(1, count + 1)
    ]
    in_turn = [part[place] for place in range(len(items)) for part in parts if place < len(part)]
    assert in_turn == items
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_shard_is_read_and_shown():
    assert Shard.read("2/5") == Shard.read(" 2 / 5 ") == Shard(2, 5)
    assert str(Shard.read("02/5")) == "2/5"
    assert Shard.read("1/1") == Shard(1, 1)


@pytest.mark.parametrize(
    "text", ["", "1", "/", "1/", "/3", "0/3", "4/3", "1/0", "-1/3", "a/b", "1/2/3", "1.5/3"]
)
def test_what_is_no_shard(run, folder, text):
    code, out, err = run("score", "photos", "--shard", text, *TOY)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("ddriqa: --shard: ")
    assert "1/N" in err or "1/4" in err


@pytest.mark.parametrize("value", ["0", "-3", "many", "1.5", ""])
def test_what_is_no_batch_size(run, folder, value):
    code, out, err = run("score", "photos", "--batch-size", value, *TOY)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--batch-size" in err


def test_pictures_must_be_given():
    with pytest.raises(UsageError, match="no pictures given. Try ddriqa score photos/"):
        Source([], None, False)


@pytest.mark.parametrize(("paths", "list_"), [(["-", "-"], None), (["-"], "-")])
def test_stdin_is_read_once(paths, list_):
    with pytest.raises(UsageError, match="stdin can be read only once"):
        Source(paths, list_, False)


def test_only_what_can_be_read_twice_is_counted():
    assert Source(["photos"], "list.txt", False).countable
    assert not Source(["photos", "-"], None, False).countable
    assert not Source(["photos"], "-", False).countable


def test_a_list_on_stdin_is_read_as_it_comes(folder, monkeypatch):
    """So that a program that finds pictures needs not be done before the first is scored."""
    read = []

    class Slowly(io.RawIOBase):
        lines = [b"photos/img1.png\n", b"photos/img2.png\n"]

        def readable(self):
            return True

        def readinto(self, buffer):
            line = self.lines[len(read)] if len(read) < 2 else b""
            read.append(line)
            buffer[: len(line)] = line
            return len(line)

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(Slowly())))
    found = Source(["-"], None, False).find()
    assert next(found) == "photos/img1.png"
    assert len(read) == 1


def test_the_sidecar_tells_what_was_asked_for():
    source = Source([f"{number}.jpg" for number in range(5000)], "list.txt", True)
    about = source.describe()
    assert about["paths"] == [f"{number}.jpg" for number in range(100)]
    assert about["paths_given"] == 5000
    assert (about["files_from"], about["null_separated"]) == ("list.txt", True)
