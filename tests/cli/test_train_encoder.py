"""The command ``train-encoder``: its defaults work, and its faults are one line."""

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
    assert options["work"] == tmp_path / "mine.work"
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
