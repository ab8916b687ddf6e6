"""``ddriqa encoders`` and the table behind it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import subprocess
import sys
from dataclasses import replace

import pytest
import typer
from typer.testing import CliRunner

from ddriqa.cli.encoders import encoders
from ddriqa.encoders.catalogue import BUILT_IN, list_encoders, model_names
from ddriqa.encoders.clip_files import OPENAI

# Embedding and image size as the DDR authors used them
PUBLISHED_SIZES = {
    "ViT-B-32": (512, 224),
    "ViT-B-16": (512, 224),
    "RN50x16": (768, 384),
    "RN50x64": (1024, 448),
}


def run(*options: str) -> str:
    app = typer.Typer()
    app.command()(encoders)
    result = CliRunner().invoke(app, options)
    assert result.exit_code == 0, result.output
    return result.stdout


def rows() -> dict[str, dict[str, str]]:
    return {row["name"]: row for row in csv.DictReader(io.StringIO(run()))}


@pytest.mark.parametrize("name", OPENAI)
def test_the_table_agrees_with_open_clip(name, open_clip):
    known, config = OPENAI[name], open_clip.get_model_config(name)
    record = open_clip.pretrained.get_pretrained_cfg(name, "openai")
    assert (known.dim, known.side) == (config["embed_dim"], config["vision_cfg"]["image_size"])
    assert known.url == record["url"]
    assert f"{known.hub}/" == record["hf_hub"]


@pytest.mark.parametrize("name", PUBLISHED_SIZES)
def test_the_table_agrees_with_the_paper(name):
    assert (OPENAI[name].dim, OPENAI[name].side) == PUBLISHED_SIZES[name]


def test_csv_lists_every_encoder_with_what_a_download_would_bring(offline):
    listed = rows()
    assert set(listed) == {*BUILT_IN, *OPENAI}
    vit = listed["ViT-B-32"]
    assert vit["state"] == "to download"
    assert vit["licence"] == "MIT"
    assert vit["size"] == "353976522"
    assert vit["sha256"].startswith("40d36571")
    assert listed["builtin"]["licence"] == "Apache-2.0"


def test_a_file_that_is_here_is_told_whole_or_damaged(offline, monkeypatch):
    monkeypatch.setenv("DDRIQA_WEIGHTS", str(offline))
    (offline / "RN50.pt").write_bytes(b"whole")
    digest = hashlib.sha256(b"whole").hexdigest()
    assert rows()["RN50"]["state"] == "damaged"
    monkeypatch.setitem(OPENAI, "RN50", replace(OPENAI["RN50"], sha256=digest))
    row = rows()["RN50"]
    assert (row["state"], row["size"], row["sha256"]) == ("present", "5", digest)
    assert row["path"] == str(offline / "RN50.pt")


def test_json_has_the_same_rows(offline):
    listed = json.loads(run("--json"))
    assert [row["name"] for row in listed] == [row.name for row in list_encoders()]
    assert next(row for row in listed if row["name"] == "toy")["size"] is None


def test_a_terminal_gets_a_table_that_fits(offline, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    encoders()
    printed = re.sub(r"\x1b\[\d*m", "", capsys.readouterr().out)
    assert max(map(len, printed.splitlines())) <= 100
    assert "354.0 MB" in printed
    assert "hf-hub:ORG/NAME" in printed


def test_listing_and_refusing_a_name_do_not_import_open_clip():
    program = (
        "import sys\n"
        "from ddriqa.encoders.catalogue import list_encoders, load_encoder\n"
        "from ddriqa.errors import UsageError\n"
        "list_encoders()\n"
        "try: load_encoder('ViT-B-33')\n"
        "except UsageError: print('refused', 'open_clip' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "refused False\n", done.stderr


def test_names_found_without_importing_are_open_clips(open_clip, monkeypatch):
    known = {name for name in open_clip.list_models() if not name.startswith("tiny-")}
    monkeypatch.delitem(sys.modules, "open_clip")
    assert set(model_names()) == known
