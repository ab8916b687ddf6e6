"""The command ``train-encoder``: its defaults work, and its faults are one line."""

import os
import signal

import numpy as np
import pytest
from PIL import Image

from ddriqa.cli import train_encoder
from ddriqa.encoder_training import train


@pytest.fixture
def calls(monkeypatch):
    """What the command passes on."""
    seen = []
    monkeypatch.setattr(train, "train_encoder_file", lambda *a, **k: seen.append((a, k)))
    return seen


def test_defaults_reach_the_training(calls, tmp_path):
    train_encoder.train_encoder(["photos"], tmp_path / "mine.safetensors")
    (photos, output), options = calls[0]
    assert photos == ["photos"]
    assert output == tmp_path / "mine.safetensors"
    assert options["work"] == tmp_path / "mine.safetensors.work"
    assert (options["device"], options["seed"], options["overwrite"]) == ("auto", 0, False)


def test_few_photographs_and_lost_folders_are_one_line(run, tmp_path):
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "a.png")
    code, out, err = run("train-encoder", str(tmp_path), "-o", str(tmp_path / "x.safetensors"))
    assert (code, out) == (2, "")
    assert "only 1 photographs" in err
    assert err.count("\n") == 1
    code, _, err = run("train-encoder", str(tmp_path), "-o", str(tmp_path / "no" / "x.safetensors"))
    assert code == 4
    assert "folder doesn't exist" in err


@pytest.fixture
def many(tmp_path):
    """Names of enough photographs, one picture each."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(70):
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / f"{number}.png")
    return folder


def test_unreadable_pictures_are_named_together_before_anything_slow(run, many, tmp_path):
    for number in (3, 5):
        (many / f"{number}.png").write_bytes(b"no picture")
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(b"none either")
    file = captions(tmp_path / "captions.csv", "a.png,hello")
    output = tmp_path / "x.safetensors"
    code, _, err = run("train-encoder", str(many), "--captions", str(file), "-o", str(output))
    assert code == 2
    assert all(name in err for name in ("3.png: ", "5.png: ", "a.png: "))
    assert err.count("\n") == 1
    assert not (tmp_path / "x.safetensors.work").exists()


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="needs a folder that takes no file")
def test_what_cant_be_written_is_said_before_anything_slow(run, many, tmp_path):
    code, _, err = run("train-encoder", str(many), "-o", "/proc/x.safetensors")
    assert code == 4
    assert "/proc: can't be written" in err
    code, _, err = run("train-encoder", str(many), "-o", str(tmp_path / "x"), "--work", "/proc/x")
    assert code == 4
    assert "/proc/x: can't be written" in err


def test_an_unknown_device_is_one_line(run, many, tmp_path):
    code, _, err = run("train-encoder", str(many), "-o", str(tmp_path / "x"), "--device", "foo")
    assert (code, err.count("\n")) == (2, 1)
    assert "--device: unknown name 'foo'" in err


def test_ctrl_c_says_how_to_go_on(run, many, tmp_path, monkeypatch):
    def stop(*arguments, work, **options):
        work.mkdir()
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(train, "train_encoder_file", stop)
    code, _, err = run("train-encoder", str(many), "-o", str(tmp_path / "x"))
    assert code == 130
    assert f"interrupted. The same command goes on with what is in {tmp_path / 'x'}.work" in err


def captions(path, rows, heads="image,caption"):
    path.write_bytes(f"{heads}\n{rows}\n".encode("latin-1"))
    return path


@pytest.mark.parametrize(
    ("rows", "heads", "words"),
    [
        ("a.png,hello", "picture,words", "columns image and caption"),
        ("absent.png,hello", "image,caption", "no such file"),
        ("a.png", "image,caption", "line 2 has no caption"),
        ("a.png,caf\xe9", "image,caption", "isn't UTF-8"),
    ],
)
def test_faulty_captions_are_said_before_anything_slow(run, many, tmp_path, rows, heads, words):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").touch()
    file = captions(tmp_path / "captions.csv", rows, heads)
    output = tmp_path / "x.safetensors"
    code, _, err = run("train-encoder", str(many), "--captions", str(file), "-o", str(output))
    assert code == 2
    assert words in err
    assert err.count("\n") == 1
    assert not (tmp_path / "x.safetensors.work").exists()


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["absent.jpg"], 2, "absent.jpg: no such file"),
        (["--more", "nowhere.jpg"], 2, "nowhere.jpg: no such file"),
        (["--prompt-tokens", "40"], 2, "At most 20"),
        (["-o", "{folder}", "--force"], 4, "is a folder"),
        (["--work", "{file}"], 4, "is a file"),
    ],
)
def test_faults_of_names_and_counts_are_said_before_anything_slow(
    run, many, tmp_path, options, code, words
):
    (tmp_path / "file").touch()
    given = [word.format(folder=tmp_path, file=tmp_path / "file") for word in options]
    output = [] if "-o" in given else ["-o", str(tmp_path / "x.safetensors")]
    found, _, err = run("train-encoder", str(many), *output, *given)
    assert found == code
    assert words in err
    assert err.count("\n") == 1
    assert not list(tmp_path.glob("*.work"))
