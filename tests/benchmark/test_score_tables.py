"""Scores beside labels are read back as they were written."""

import json

import numpy as np
import pytest

from ddriqa import Scorer
from ddriqa.benchmark.cache import ScoreCache
from ddriqa.benchmark.run import score_set
from ddriqa.benchmark.tables import read_scores, write_scores
from ddriqa.errors import OutputError, UsageError


@pytest.fixture
def table(rated, tmp_path):
    scorer = Scorer(["ddr", "laplacian_variance"], encoder="toy")
    scored = score_set(rated, scorer, ScoreCache(tmp_path / "kept"))
    write_scores(tmp_path / "table.csv", scored)
    return tmp_path / "table.csv", scored


def test_what_is_written_is_read(table):
    path, scored = table
    for column in ("ddr", "ddr_blur", "laplacian_variance"):
        frame, outcome, higher = read_scores(path, column)
        expected = next(o for o in scored.outcomes if o.column == column)
        np.testing.assert_array_equal(outcome.scores, expected.scores)
        np.testing.assert_array_equal(frame["label"], scored.labels)
        assert list(frame.index) == [picture.name for picture in scored.rated.pictures]
        assert higher
    assert read_scores(path)[1].column == "ddr"


def test_the_sidecar_holds_the_protocol(table):
    about = json.loads((table[0].parent / "table.csv.json").read_text())
    assert about["dataset"] == "holiday"
    assert list(about["failed"]) == ["p7.png"]
    assert about["scorer"]["encoder"]["fingerprint"].startswith("toy:")
    assert about["columns"]["ddr_blur"] == {"metric": "ddr", "higher_is_better": True}


def test_what_isnt_such_a_table_is_refused(table, tmp_path):
    with pytest.raises(UsageError, match="has no column 'niqe'"):
        read_scores(table[0], "niqe")
    with pytest.raises(OutputError, match="no such file"):
        read_scores(tmp_path / "absent.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(OutputError, match="isn't a table"):
        read_scores(tmp_path / "other.csv")
