"""``ddriqa doctor``: what it tells, what it keeps to itself, and that nothing broken stops it."""

import json
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import PIL
import pytest
import torch

from ddriqa import Scorer, __version__
from ddriqa.cli import doctor, machine

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
GROUPS = [
    "versions",
    "picture formats",
    "machine",
    "devices",
    "encoders",
    "settings",
    "logs of faults",
    "self-test",
]


@pytest.fixture
def examined(run, tmp_path, monkeypatch):
    """What ``doctor --json`` says in an empty folder, and its exit code."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("DDRIQA_")]:
        monkeypatch.delenv(name)

    def examined():
        code, out, _ = run("doctor", "--json")
        return code, json.loads(out)

    return examined


@pytest.fixture
def in_process(environment, tmp_path):
    """Run ``doctor`` in a process of its own, with variables and modules of one's choice."""

    def in_process(*arguments, modules=None, **variables):
        (tmp_path / "modules").mkdir()
        for name, text in (modules or {}).items():
            (tmp_path / "modules" / f"{name}.py").write_text(text)
        path = os.pathsep.join([str(tmp_path / "modules"), str(ROOT)])
        done = subprocess.run(
            [sys.executable, "-m", "ddriqa", "doctor", *arguments],
            env={**environment, "PYTHONPATH": path, **variables},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.returncode, done.stdout, done.stderr

    return in_process


def test_plain_text_in_groups_with_a_verdict(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run("doctor")
    assert (code, err) == (0, "")
    assert "\x1b" not in out
    *groups, verdict = out.split("\n\n")
    assert [group.split("\n")[0] for group in groups] == GROUPS
    assert re.match(r"problems: (none\n$|\d+\n  1\. .)", verdict)
    for group in groups:
        lines = group.split("\n")[1:]
        matches = [re.match(r"  [^:]+(:\d+)?: +", line) for line in lines]
        assert len({match.end() for match in matches}) == 1, group  # the values stand in a column


def test_the_facts_are_true(examined):
    code, told = examined()
    assert code == 0
    assert told["works"]
    assert list(told) == [*GROUPS, "works", "problems"]
    assert told["versions"]["ddriqa"] == __version__
    assert told["versions"]["torch"] == metadata.version("torch")
    assert told["versions"]["pillow"] == PIL.__version__
    assert told["versions"]["numpy"] == np.__version__
    assert told["devices"]["CPU"] == torch.backends.cpu.get_cpu_capability()
    assert str(torch.get_num_threads()) in told["devices"]["threads"]
    assert ("cuda:0" in told["devices"]) == torch.cuda.is_available()
    assert told["settings"]["file"] == "none"
    assert told["encoders"]["builtin"].startswith("present, sha256 ")
    assert told["encoders"]["DDRIQA_WEIGHTS"] == "not set"


def test_the_self_test_is_a_real_score(examined):
    _, told = examined()
    score = Scorer(device="cpu").score(doctor._picture()).scores["ddr"]
    assert f"ok, ddr {score:.6f} in " in told["self-test"]["cpu"]


def test_packages_are_those_that_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    def names(requirements):
        return {re.split(r"[>=;\[ ]", line)[0] for line in requirements}

    assert set(machine.REQUIRED) == names(project["dependencies"]) - {"tomli"}
    extras = {
        name: extra
        for extra, requirements in project["optional-dependencies"].items()
        if extra not in ("dev", "test")
        for name in names(requirements)
    }
    assert {name: extra for name, (_, extra) in machine.EXTRAS.items()} == extras


def test_an_extra_that_is_absent_is_no_problem_and_names_what_brings_it(examined, monkeypatch):
    known = metadata.version

    def version(name):
        if name == "pyarrow":
            raise metadata.PackageNotFoundError(name)
        return known(name)

    monkeypatch.setattr(metadata, "version", version)
    code, told = examined()
    assert told["versions"]["pyarrow"] == 'not installed (pip install "ddriqa[parquet]")'
    assert code == 0
    assert not any("pyarrow" in problem for problem in told["problems"])


def test_a_broken_package_is_a_problem_with_advice_and_stops_nothing(in_process):
    broken = {"pandas": "raise ImportError('libfoo.so is missing')"}
    code, out, err = in_process(modules=broken)
    assert code == 0, err
    assert "but it can't be loaded (ImportError: libfoo.so is missing)" in out
    assert re.search(r"\d\. pandas .* Install it again: pip install --force-reinstall pandas", out)
    assert "self-test\n  cpu: ok" in out


def test_a_torchvision_that_cannot_be_loaded_is_no_problem_of_ours(in_process):
    broken = {"torchvision": "raise ImportError('made for another torch')"}
    told = json.loads(in_process("--json", modules=broken)[1])
    assert told["versions"]["torchvision"].endswith("ddriqa does without it")
    assert not [line for line in told["problems"] if line.startswith("torchvision")]


def test_without_a_score_the_exit_code_is_4(in_process):
    broken = {"torch": "raise OSError('libtorch.so: wrong ELF class')"}
    code, out, err = in_process(modules=broken)
    assert code == 4
    assert "Traceback" not in out + err
    assert "cpu: failed: OSError: libtorch.so: wrong ELF class" in out
    assert "a picture can't be scored on cpu: OSError: libtorch.so: wrong ELF class" in out
    assert "devices\n  unknown: OSError: libtorch.so" in out


def test_devices_that_disagree_fail(examined, monkeypatch):
    scores = {"cpu": 0.25, "cuda": 0.30}
    monkeypatch.setattr(doctor, "_devices", lambda: list(scores))
    monkeypatch.setattr(doctor, "_score_a_picture", scores.get)
    code, told = examined()
    assert code == 4
    assert "the devices give different scores. Say --device cpu" in told["problems"]


def test_name_and_home_folder_are_not_told(in_process, tmp_path):
    home = tmp_path / "home" / "alice"
    (home / "weights").mkdir(parents=True)
    (home / "weights" / "RN50.pt").write_bytes(b"x" * 250_000)
    identity = {"HOME": str(home), "USER": "alice", "LOGNAME": "alice", "USERPROFILE": str(home)}
    weights = str(home / "weights")
    _, out, _ = in_process(DDRIQA_WEIGHTS=weights, DDRIQA_PROMPTS="/data/alice/x", **identity)
    assert "alice" not in out
    assert f"{os.path.join('~', 'weights')}: RN50.pt (0.2 MB)" in out
    assert "DDRIQA_PROMPTS: /data/USER/x" in out
    assert "RN50:           damaged" in out
    assert "the weights of RN50 are damaged. Download it again" in out


def test_only_whole_names_are_hidden(monkeypatch):
    monkeypatch.setenv("LOGNAME", "ann")
    monkeypatch.setattr(Path, "home", lambda: Path("/people/ann"))
    assert doctor.private("/people/ann/a /people/annabel/b /mnt/ann /mnt/annual ann") == (
        "~/a /people/annabel/b /mnt/USER /mnt/annual ann"
    )
    assert doctor.private("two\nlines\x1b[1m") == r"two\nlines\x1b[1m"


def test_wrong_settings_are_told_and_do_not_stop_it(examined, monkeypatch):
    Path("ddriqa.toml").write_text('types = ["blur"]\n[train-encoder]\nseed = 3\n')
    assert examined()[1]["settings"]["file"] == (
        'ddriqa.toml: types = ["blur"], [train-encoder] seed = 3'
    )
    Path("ddriqa.toml").write_text("[train-encoder]\nsede = 3\n")
    monkeypatch.setenv("DDRIQA_BATCHSIZE", "3")
    monkeypatch.setenv("DDRIQA_WEIGHTS", "nowhere")
    code, told = examined()
    assert code == 0
    problems = "\n".join(told["problems"])
    assert "ddriqa.toml: unknown key 'sede' in [train-encoder]. Did you mean seed?" in problems
    assert "DDRIQA_BATCHSIZE sets no option. Did you mean DDRIQA_BATCH_SIZE?" in problems
    assert "DDRIQA_WEIGHTS names nowhere: no such file or directory" in problems
    assert told["settings"]["DDRIQA_BATCHSIZE"] == "3"


def test_a_gpu_that_torch_cannot_use_is_a_problem(tmp_path, monkeypatch):
    driver = tmp_path / "version"
    driver.touch()
    monkeypatch.setattr(machine, "_NVIDIA", driver)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    problems = []
    assert machine.devices(problems)["CUDA"].startswith("no (torch is built ")
    assert "an NVIDIA driver is here, but torch" in problems[0]
    assert "https://pytorch.org/get-started" in problems[0]


def test_each_gpu_is_told(monkeypatch):
    card = SimpleNamespace(name="NVIDIA H200", total_memory=150e9, major=9, minor=0)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: card)
    problems = []
    facts = machine.devices(problems)
    assert facts["cuda:0"].startswith("NVIDIA H200, 150.0 GB, compute 9.0, CUDA ")
    assert facts["cuda:1"] == facts["cuda:0"]
    assert problems == []
    assert doctor._devices()[:2] == ["cpu", "cuda"]


def test_the_limits_of_a_container_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    assert "container" not in "".join(machine.machine().values())
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    (tmp_path / "memory.max").write_text("2000000000\n")
    facts = machine.machine()
    assert facts["cores"].endswith("usable, limited to 1.5 by the container")
    if hasattr(os, "sysconf"):
        assert facts["memory"].endswith("limited to 2.0 GB by the container")
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert "container" not in machine.machine()["cores"]


def test_what_a_system_does_not_say_is_said_to_be_unknown(monkeypatch):
    monkeypatch.delattr(os, "sysconf")
    monkeypatch.setattr(machine, "_CPUINFO", Path("no/such/file"))
    facts = machine.machine()
    assert facts["memory"].startswith("unknown (AttributeError")
    assert facts["instructions"] == "unknown on this system"
    assert facts["processor"]
