"""The README's commands run, on the committed photographs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))
COMMANDS = [line.partition("#")[0].strip() for line in SHELL.splitlines() if "ddriqa" in line]
OFFLINE = [c for c in COMMANDS if not c.startswith("python3") and "ViT-B-32" not in c]
OF_PAPERS = re.findall(r"^\| (?:DDR|SFD),.*?\| `(ddriqa [^`]*)`", README, re.MULTILINE)


@pytest.fixture
def folder(tmp_path):
    """A folder with photos/, a prompt file, and a command called ddriqa."""
    shutil.copytree(ROOT / "tests" / "photos", tmp_path / "photos")
    prompts = '[haze]\nclean = "A clear photo."\ndegraded = "A hazy photo."\n'
    (tmp_path / "mine.toml").write_text(prompts)
    _rate(tmp_path / "mine")
    command = tmp_path / "ddriqa"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m ddriqa "$@"\n')
    command.chmod(0o755)
    return tmp_path


def _rate(folder):
    """Pictures with scores of one's own."""
    folder.mkdir()
    names = sorted(path.name for path in (ROOT / "tests" / "photos").glob("*.jpg"))
    rows = [f"{name},{1 if '_' in name else 4}.{index}" for index, name in enumerate(names)]
    (folder / "scores.csv").write_text("\n".join(["name,score", *rows]) + "\n")
    (folder / "pictures").symlink_to(ROOT / "tests" / "photos")


@pytest.mark.parametrize("command", OFFLINE)
def test_command_runs(command, folder):
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("command", OF_PAPERS)
def test_command_of_a_paper_lacks_nothing_but_data(command, tmp_path, monkeypatch, capfd):
    """Its options, data sets, protocols and metrics exist: it goes as far as the data set."""
    from ddriqa.cli.main import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    for name in ("live", "csiq", "tid2013", "livec", "koniq10k", "pipal", "ma"):
        (tmp_path / "data" / name).mkdir()
    with pytest.raises(SystemExit) as end:
        main(command.split()[1:])
    said = capfd.readouterr().err
    assert end.value.code == (2 if " score " in command else 4), said
    there = "Layout" in said or "train-restore" in command
    assert there or " score " in command, said


def test_every_metric_is_documented():
    from ddriqa.metrics.catalogue import METRICS

    assert [name for name in METRICS if not re.search(rf"`{name}[`=,]", README)] == []


def test_commands_were_found():
    assert len(OF_PAPERS) == 16
    assert len(OFFLINE) >= 6
    assert sum(line.startswith("python3 -m venv") for line in README.splitlines()) == 2


def test_python_example_runs(folder):
    code = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[0]
    for name in ("photo.jpg", "a.jpg", "b.jpg"):
        (folder / name).symlink_to(ROOT / "tests" / "photos" / "lake.jpg")
    subprocess.run(
        [sys.executable, "-c", code + "\nassert table.status.eq('ok').all()"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        timeout=120,
    )


def test_columns_are_documented():
    from ddriqa import Scorer

    for column in Scorer(encoder="toy").columns:
        assert f"`{column}`" in README
