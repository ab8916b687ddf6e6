import json
import os
from pathlib import Path

import pytest

from ddriqa.errors import OutputError, UsageError
from ddriqa.scoring.sidecar import (
    check_same,
    differences,
    other_versions,
    read_sidecar,
    sidecar_path,
    write_sidecar,
)

ABOUT = {
    "ddriqa": "0.1.0",
    "torch": "2.2",
    "pillow": "11.0",
    "encoder": {"fingerprint": "toy:" + 64 * "a", "side": 32},
    "metrics": [
        {
            "name": "ddr",
            "types": {"blur": ["A sharp photo.", "A blurry photo."]},
            "view": {"geometry": "view", "side": 32},
            "adaptation": True,
            "eps": 0.001,
        }
    ],
    "columns": ["ddr", "ddr_blur", "percentile"],
    "device": "cpu",
    "precision": "fp32",
    "draft": False,
    "threads": 2,
    "max_pixels": 1000,
    "format": "csv",
    "shard": None,
    "finished": None,
}


def metric(**changes):
    return {"metrics": [ABOUT["metrics"][0] | changes]}


def test_it_appears_whole_beside_the_output(tmp_path):
    output = tmp_path / "scores.csv"
    assert write_sidecar(output, {"a": Path("b")}) == sidecar_path(output)
    assert json.loads((tmp_path / "scores.csv.json").read_text()) == {"a": "b"}
    assert os.listdir(tmp_path) == ["scores.csv.json"]


def test_it_comes_back_as_it_was(tmp_path):
    write_sidecar(tmp_path / "scores.csv", ABOUT)
    assert read_sidecar(tmp_path / "scores.csv") == ABOUT


def test_one_that_cannot_be_written(tmp_path):
    with pytest.raises(OutputError, match="scores.csv.json: no such file or directory"):
        write_sidecar(tmp_path / "gone" / "scores.csv", ABOUT)


def test_a_failed_write_leaves_the_old_one_and_nothing_else(tmp_path, monkeypatch):
    write_sidecar(tmp_path / "scores.csv", ABOUT)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputError, match="no space left"):
        write_sidecar(tmp_path / "scores.csv", {})
    assert read_sidecar(tmp_path / "scores.csv") == ABOUT
    assert os.listdir(tmp_path) == ["scores.csv.json"]


def test_what_a_killed_process_left_is_no_hindrance(tmp_path):
    (tmp_path / ".scores.csv.json.tmp").write_text('{"half')
    write_sidecar(tmp_path / "scores.csv", ABOUT)
    assert os.listdir(tmp_path) == ["scores.csv.json"]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"torch": "2.13", "device": "cuda:0", "threads": 64},
        {"finished": "2030-01-01", "counts": {"images": 3}, "input": {"paths": ["x"]}},
    ],
)
def test_the_same_settings_are_the_same(changes):
    assert differences(ABOUT, ABOUT | changes) == []
    check_same(Path("scores.csv"), ABOUT, ABOUT | changes, "--resume")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (
            {"encoder": {"fingerprint": "toy:" + 64 * "b"}},
            ["encoder: toy:aaaaaaaaaaaa there, toy:bbbbbbbbbbbb here"],
        ),
        (
            metric(types={"noise": ["a", "b"]}) | {"columns": ["ddr", "ddr_noise"]},
            ["types: blur there, noise here"],
        ),
        (metric(types={"blur": ["A sharp photo.", "Blur."]}), ["prompts: other sentences"]),
        (metric(view={"geometry": "crops", "side": 8}), ["geometry: view there, crops here"]),
        (metric(eps=0), ["eps: 0.001 there, 0 here"]),
        (metric(gamma=[1, 2]), ["gamma: none there, 1, 2 here"]),
        (metric(name="sfd"), ["metric: ddr there, sfd here"]),
        ({"columns": ["ddr"]}, ["columns: ddr, ddr_blur, percentile there, ddr here"]),
        (
            {"draft": True, "shard": "1/2"},
            ["draft: off there, on here", "shard: none there, 1/2 here"],
        ),
    ],
)
def test_differences_are_named_by_the_options_own_words(changes, named):
    assert differences(ABOUT, ABOUT | changes) == named


def test_of_several_metrics_the_one_that_differs_is_named():
    first, second = ABOUT["metrics"][0], ABOUT["metrics"][0] | {"name": "other"}
    old = ABOUT | {"metrics": [first, second]}
    new = ABOUT | {"metrics": [first, second | {"adaptation": False}]}
    assert differences(old, new) == ["other adaptation: on there, off here"]


def test_an_old_value_is_compared_as_json_has_it():
    new = ABOUT | {"columns": tuple(ABOUT["columns"]), "metrics": tuple(ABOUT["metrics"])}
    assert differences(ABOUT, new) == []


def test_other_versions_are_told():
    assert other_versions(ABOUT, ABOUT | {"threads": 8}) == []
    new = ABOUT | {"torch": "2.13", "device": "cuda"}
    assert other_versions(ABOUT, new) == [
        "torch: 2.2 there, 2.13 here",
        "device: cpu there, cuda here",
    ]


def test_the_refusal_stays_readable():
    long = {"types": {f"a_rather_long_name_{i}": ["x", "y"] for i in range(50)}}
    new = ABOUT | metric(**long) | {"precision": "bf16", "draft": True, "max_pixels": 2}
    new |= {"format": "jsonl", "shard": "1/9"}
    with pytest.raises(UsageError) as fault:
        check_same(Path("scores.csv"), ABOUT, new, "--resume")
    text = str(fault.value)
    assert "max-pixels: 1000 there, 2 here; and 2 more). Use the same settings" in text
    assert len(text) < 320
