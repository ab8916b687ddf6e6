"""Two processes on a CPU train as one does."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch
from training_toys import Dimmed, baseline, opposed, settings, trainer

from ddriqa.restoration.metrics_table import read_rows
from ddriqa.restoration.run_folder import RunFolder

KINDS = {"baseline": baseline, "opposed": opposed}

ALL = """
import os, resource, sys
from pathlib import Path
from training_toys import Dimmed, baseline, opposed, settings, trainer
from ddriqa.errors import OutputError

def run(kind, folder, stop_after, resume):
    method = kind(found)
    if os.environ["RANK"] == "1":  # other weights than process 0, whose weights count
        method.modules["network"][0].weight.data += 1
    calls = iter(range(1000))
    options = {"validation": Dimmed(3, seed=4), "method": method, "resume": resume}
    outcome = trainer(folder, found, **options).run(lambda: next(calls) + 1 == stop_after)
    print(folder.name, outcome.step, outcome.finished)

found, folder = settings(devices=2, ema=0.5), Path(sys.argv[1])
for kind in (baseline, opposed):
    # They agree when losses are told, every second step; asked for the second time, both stop.
    run(kind, folder / kind.__name__, 2, False)
    run(kind, folder / kind.__name__, -1, True)
resource.setrlimit(resource.RLIMIT_FSIZE, (900, -1))
try:
    run(baseline, folder / "full", -1, False)
except OutputError as fault:
    print(fault)
"""

LAUNCHED = """
import sys
from training_toys import settings, trainer

print(trainer(sys.argv[1], settings(devices=2)).run().finished)
"""


def begin(script, folder, **environment):
    here = str(Path(__file__).parent)
    environment |= {"PYTHONPATH": os.pathsep.join([here, *sys.path]), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, str(script), str(folder)],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Both processes of one pair, started as torchrun does; their folder and what they said."""
    folder = tmp_path_factory.mktemp("pair")
    (folder / "train.py").write_text(ALL)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    common = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "GROUP_RANK": "0"}
    common |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "TORCHELASTIC_RUN_ID": "1"}
    processes = [
        begin(folder / "train.py", folder, RANK=rank, LOCAL_RANK=rank, **common) for rank in "01"
    ]
    said = [process.communicate(timeout=180) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said[0][1] + said[1][1]
    return folder, [output.splitlines() for output, _ in said]


@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_give_the_weights_of_one(tmp_path, pair, kind):
    """The run of the two was stopped once, after which it went on."""
    folder, said = pair
    for lines in said:
        assert [line for line in lines if line.startswith(kind)] == [
            f"{kind} 4 False",
            f"{kind} 12 True",
        ]
    found = settings(ema=0.5)
    method = KINDS[kind](found)
    trainer(tmp_path, found, method=method, validation=Dimmed(3, seed=4)).run()
    one, two = RunFolder(tmp_path), RunFolder(folder / kind)
    for name in {path.name for path in one.latest().iterdir()} - {"state.pt"}:
        left, right = (safetensors.torch.load_file(run.latest() / name) for run in (one, two))
        for weight in left:
            torch.testing.assert_close(left[weight], right[weight], rtol=1e-4, atol=1e-5)
    rows = [read_rows(run.metrics_file) for run in (one, two)]
    assert len(rows[0]) == len(rows[1])
    for left, right in zip(*rows, strict=True):
        for column in ("loss_network", "psnr"):
            assert bool(left[column]) == bool(right[column])
            if left[column]:
                assert float(left[column]) == pytest.approx(float(right[column]), rel=1e-4)


def test_a_failure_of_one_process_ends_both(pair):
    """Process 0 can't write: process 1 doesn't wait for it, and says the same."""
    folder, said = pair
    assert said[0][-1] == said[1][-1]
    assert str(folder / "full") in said[0][-1]
    assert "file too large" in said[0][-1]


def test_the_second_process_is_started_by_the_first(tmp_path):
    (tmp_path / "train.py").write_text(LAUNCHED)
    process = begin(tmp_path / "train.py", tmp_path / "run")
    output, errors = process.communicate(timeout=180)
    assert process.returncode == 0, errors
    assert output.count("True") == 2  # both write to one stream
