"""``restore`` with a network that never trained."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

pytest.importorskip("lightning_fabric")

from ddriqa.restoration import checkpoint
from ddriqa.restoration.networks.catalogue import build
from ddriqa.restoration.run_folder import RunFolder
from ddriqa.restoration.settings import from_table

OPTIONS = {"width": 4, "encoder_blocks": [1], "middle_blocks": 1, "decoder_blocks": [1]}


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """The current folder: ``run`` with its first checkpoint, ``photos`` with a few pictures."""
    monkeypatch.chdir(tmp_path)
    folder = RunFolder(tmp_path / "run")
    network = {"name": "nafnet", "preset": "small", "options": OPTIONS}
    folder.create(from_table({"network": network, "method": {"name": "baseline"}}))
    fresh = build("nafnet", "small", **OPTIONS)
    checkpoint.save(folder.checkpoints, 0, {"network": fresh}, {}, {})
    pixels = np.random.default_rng(0).integers(0, 256, (21, 33, 3), dtype=np.uint8)
    (tmp_path / "photos").mkdir()
    for name in ("a.bmp", "a.png", "a.jpg"):
        Image.fromarray(pixels).save(tmp_path / "photos" / name)
    Image.fromarray(pixels[..., 0].astype(np.uint16) * 257).save(tmp_path / "photos" / "deep.png")
    return tmp_path


COMMAND = ("restore", "photos", "--run", "run", "--device", "cpu")


def test_names_that_meet_refuse_nothing_and_notes_are_told(begun, run):
    code, _, err = run(*COMMAND, "photos/a.png", "-o", "out", "--compare", "pairs", "-q")
    assert code == 0, err
    assert "run: is untrained" in err
    assert {p.name for p in (begun / "out").iterdir()} == {
        *("a.bmp.png", "a.png", "a.jpg", "deep.png", "restored.csv")
    }
    assert {p.name for p in (begun / "pairs").iterdir()} == {
        *("a.bmp.png", "a.png", "a.jpg.png", "deep.png")
    }
    table = pd.read_csv(begun / "out" / "restored.csv").set_index("path")
    assert list(table.columns) == ["output", "note", "error"]
    assert table.loc["photos/deep.png", "note"] == "reduced to 8 bits a channel"
    assert table["note"].notna().sum() == 1
    checkpoint.save(
        begun / "run" / "checkpoints", 1, {"network": build("nafnet", "small", **OPTIONS)}, {}, {}
    )
    code, _, err = run(*COMMAND, "-o", "out", "--force", "-q")
    assert (code, err) == (0, "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-o", "out", "--compare", "./out"), "--compare: names the same folder as -o"),
        (("-o", "x.jpg"), "-o x.jpg: is the name of a picture. Name a folder"),
        (("-o", "out", "--compare", "x.PNG"), "--compare x.PNG: is the name of a picture"),
        (("-o", "out", "--encoder", "toy"), "--encoder: has nothing to score. Add --score"),
    ],
)
def test_usage(begun, run, words, told):
    code, _, err = run(*COMMAND, *words)
    assert code == 2
    assert told in err
    assert not (begun / "out").exists()


def test_an_encoder_of_the_settings_file_is_no_fault(begun, run):
    (begun / "ddriqa.toml").write_text('encoder = "toy"\n')
    code, _, err = run(*COMMAND, "-o", "out", "-q")
    assert code == 0, err


def test_a_folder_may_be_called_as_a_picture(begun, run):
    (begun / "x.jpg").mkdir()
    assert run(*COMMAND, "-o", "x.jpg", "-q")[0] == 0
