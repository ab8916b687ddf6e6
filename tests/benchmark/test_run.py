"""Rated sets go through metrics once; what is known isn't computed again."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from ddriqa import Scorer
from ddriqa.benchmark.cache import ScoreCache, keys_of
from ddriqa.benchmark.datasets.csv_file import CsvFile
from ddriqa.benchmark.run import score_set


@pytest.fixture
def cache(tmp_path):
    return ScoreCache(tmp_path / "kept")


def outcome(scored, column):
    return next(o for o in scored.outcomes if o.column == column)


def test_scores_stand_in_the_order_of_the_pictures(rated, cache):
    scored = score_set(rated, Scorer("laplacian_variance"), cache)
    found = outcome(scored, "laplacian_variance").scores
    alone = Scorer("laplacian_variance")
    for picture, value in zip(rated.pictures, found, strict=True):
        assert alone.score(picture.path).scores.get("laplacian_variance", np.nan) == pytest.approx(
            value, nan_ok=True
        )
    assert scored.computed == 40
    assert scored.labels.tolist() == [picture.label for picture in rated.pictures]


def test_a_broken_picture_is_named(rated, cache):
    scored = score_set(rated, Scorer(["laplacian_variance", "ddr"], encoder="toy"), cache)
    assert list(scored.errors) == ["p7.png"]
    assert all(np.isnan(o.scores).sum() == 1 for o in scored.outcomes)


def test_a_repeat_computes_nothing_and_one_metric_more_only_that(rated, cache):
    first = score_set(rated, Scorer("ddr", encoder="toy"), cache)
    again = score_set(rated, Scorer("ddr", encoder="toy"), cache)
    assert (first.computed, again.computed) == (40, 1)  # what failed is tried again
    for one, two in zip(first.outcomes, again.outcomes, strict=True):
        np.testing.assert_array_equal(one.scores, two.scores)
    assert again.errors == first.errors
    more = score_set(rated, Scorer(["ddr", "laplacian_variance"], encoder="toy"), cache)
    assert more.computed == 41  # the new metric's forty, and once more what failed
    assert ScoreCache(cache.folder).read(Scorer("ddr+unadapted", encoder="toy"), rated.pictures)[
        "ddr+unadapted"
    ].missing(rated.pictures) == tuple(rated.pictures)


@pytest.mark.parametrize("sidecar", [b"\x00", b"[]", b'{"metric_keys": 1, "columns": []}'])
def test_a_damaged_sidecar_counts_as_not_there(rated, cache, sidecar):
    score_set(rated, Scorer("laplacian_variance"), cache)
    for path in cache.folder.glob("*.json"):
        path.write_bytes(sidecar)
    assert score_set(rated, Scorer("laplacian_variance"), cache).computed == 40


@pytest.mark.parametrize(
    "other",
    [
        {"encoder": "toy", "types": "blur"},
        {"encoder": "toy", "precision": "bf16"},
        {"encoder": "toy", "short_side": 32},
        {"encoder": "builtin"},
    ],
)
def test_other_settings_are_other_scores(other):
    mine = keys_of(Scorer("ddr", encoder="toy"))
    assert keys_of(Scorer("ddr", **other)) != mine
    assert keys_of(Scorer("ddr", encoder="toy", workers=1)) == mine


def test_metrics_of_pixels_dont_depend_on_the_encoder():
    with_toy = keys_of(Scorer(["laplacian_variance", "ddr"], encoder="toy"))
    alone = keys_of(Scorer("laplacian_variance"))
    assert with_toy["laplacian_variance"] == alone["laplacian_variance"]


def test_a_picture_that_has_changed_is_scored_anew(rated, cache):
    score_set(rated, Scorer("laplacian_variance"), cache)
    path, old = rated.pictures[3].path, rated.pictures[3].path.stat().st_mtime
    for when in (old + 100, old - 100):  # an archive unpacked later has older times
        os.utime(path, (when, when))
        assert score_set(rated, Scorer("laplacian_variance"), cache).computed == 2


def test_another_folder_s_pictures_of_the_same_names_are_others(own_set, cache, tmp_path):
    other = tmp_path / "elsewhere" / "holiday"
    shutil.copytree(own_set.parent, other)  # with the old times
    random = np.random.default_rng(5)
    for path in sorted((other / "images").iterdir()):
        pixels = random.integers(0, 256, (40, 48, 3), dtype=np.uint8)
        times = path.stat()
        Image.fromarray(pixels).save(path)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    scorer = Scorer("laplacian_variance")
    first = score_set(CsvFile(own_set).load(), scorer, cache)
    second = score_set(CsvFile(other / "scores.csv").load(), scorer, cache)
    assert second.computed == 40
    assert not np.array_equal(first.outcomes[0].scores, second.outcomes[0].scores)


def test_a_failure_that_is_mended_is_scored(rated, cache):
    scorer = Scorer("laplacian_variance")
    assert list(score_set(rated, scorer, cache).errors) == ["p7.png"]
    shutil.copy(rated.pictures[0].path, rated.pictures[7].path)
    mended = score_set(rated, scorer, cache)
    assert (mended.errors, mended.computed) == ({}, 1)


def test_each_metric_has_its_own_reason(rated, cache):
    scored = score_set(rated, Scorer(["cpbd", "laplacian_variance", "ddr"], encoder="toy"), cache)
    small = scored.errors["p0.png"]  # 40 x 48
    assert small.startswith("cpbd: ")
    assert "laplacian" not in small
    assert np.isfinite(outcome(scored, "laplacian_variance").scores).sum() == 39


def test_an_interrupted_run_is_gone_on_with(rated, cache):
    def first_ten(paths):
        yield from list(paths)[:10]

    cut = score_set(rated, Scorer("laplacian_variance"), cache, until=first_ten)
    assert np.isfinite(cut.outcomes[0].scores).sum() == 9  # one of the ten is broken
    rest = score_set(rated, Scorer("laplacian_variance"), cache)
    assert rest.computed == 31  # and once more the broken one
    assert np.isfinite(rest.outcomes[0].scores).sum() == 39


def test_fresh_forgets(rated, cache):
    score_set(rated, Scorer("laplacian_variance"), cache)
    fresh = ScoreCache(cache.folder, fresh=True)
    assert score_set(rated, Scorer("laplacian_variance"), fresh).computed == 40


def test_a_damaged_table_counts_as_not_there(rated, cache):
    score_set(rated, Scorer("laplacian_variance"), cache)
    for path in cache.folder.iterdir():
        path.write_bytes(b"\x00\x01")
    assert score_set(rated, Scorer("laplacian_variance"), cache).computed == 40


def test_progress_counts_what_is_computed(rated, cache):
    seen = []
    score_set(rated, Scorer("laplacian_variance"), cache, progress=lambda *a: seen.append(a))
    assert seen == [(done, 40) for done in range(41)]
