"""Agreement against speed: figures, the drawing, and the log of looks."""

import csv
import re
from xml.etree import ElementTree

import looks
import machine
import numpy as np
import pareto
import pareto_plot
import pytest
from pareto_plot import Point
from scipy.stats import spearmanr

SVG = "{http://www.w3.org/2000/svg}"
FIGURE = {
    "dataset": "biq2021-dev",
    "development_set": True,
    "fingerprint": "builtin:abc",
    "metric": "ddr",
    "column": "ddr",
    "higher_is_better": True,
    "group": None,
    "n": 459,
    "srcc": 0.71234,
    "srcc_low": 0.6,
    "srcc_high": 0.8,
    "srcc_within": 0.65,
}


def test_a_look_is_logged_once_with_the_overall_score(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "RESULTS", tmp_path)
    others = [
        {**FIGURE, "group": "ss01"},
        {**FIGURE, "column": "ddr_blur"},
        {**FIGURE, "column": "clip_iqa", "metric": "clip_iqa"},
    ]
    assert looks.log_look("a trial, with a comma", [*others, FIGURE]) == 1
    assert looks.log_look("another", [FIGURE]) == 1
    with (tmp_path / looks.LOG).open(newline="") as stream:
        header, *rows = csv.reader(stream)
    assert tuple(header) == looks.HEADER
    assert [row[1:] for row in rows] == [
        ["a trial, with a comma", "builtin:abc", "0.7123"],
        ["another", "builtin:abc", "0.7123"],
    ]


def test_other_data_sets_are_no_look(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "RESULTS", tmp_path)
    assert looks.log_look("mine", [{**FIGURE, "development_set": False}]) == 0
    assert not (tmp_path / looks.LOG).exists()


def test_the_committed_log_has_the_header_and_dates():
    with (machine.RESULTS / looks.LOG).open(newline="") as stream:
        header, *rows = csv.reader(stream)
    assert tuple(header) == looks.HEADER
    assert rows
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", row[0]) and row[1] for row in rows)


def test_lower_is_better_is_turned_with_its_interval():
    down = {"higher_is_better": False, "srcc": -0.4, "srcc_low": -0.5, "srcc_high": -0.3}
    found = pareto.oriented({**FIGURE, **down, "srcc_within": -0.2})
    assert (found["srcc"], found["low"], found["high"]) == (0.4, 0.3, 0.5)
    assert found["mean_within_groups"] == 0.2


def test_rate_with_and_after_start():
    found = pareto.rate(110, {"all": [7.0, 99.0, 6.0], "start": [2.0, 1.0, 2.0]})
    assert found["images_per_s"] == pytest.approx(110 / 7, abs=1e-3)
    assert found["images_per_s_after_start"] == 20
    with pytest.raises(SystemExit, match="too few"):
        pareto.rate(110, {"all": [2.0], "start": [2.0]})


def test_pictures_are_cut_to_512(tmp_path, photograph):
    from PIL import Image

    folder = pareto.make_pictures([photograph], tmp_path / "cuts", 3)
    assert [Image.open(path).size for path in sorted(folder.iterdir())] == [(512, 512)] * 3


def test_paired_difference_of_two_tables(tmp_path, photograph):
    from PIL import Image

    drawn = np.random.default_rng(0)
    lines = ["image,mos"]
    for number in range(12):
        pixels = drawn.integers(0, 1 + 20 * number, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        lines.append(f"{number}.png,{number}")
    table = tmp_path / "scores.csv"
    table.write_text("\n".join(lines))
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    told = pareto.bench(table, first, "toy", ["laplacian_variance"])
    pareto.bench(table, second, "toy", [])
    rows = {row["column"]: row for row in told["figures"] if row["group"] is None}
    found = pareto.difference((second, "ddr"), (first, "laplacian_variance"))
    expected = rows["ddr"]["srcc"] - rows["laplacian_variance"]["srcc"]
    assert found["difference"] == pytest.approx(expected)
    assert found["low"] <= found["difference"] <= found["high"]
    with first.open(newline="") as stream:
        kept = list(csv.DictReader(stream))
    sharpness = [float(row["laplacian_variance"]) for row in kept]
    labels = [float(row["label"]) for row in kept]
    scipys = spearmanr(sharpness, labels).statistic
    assert rows["laplacian_variance"]["srcc"] == pytest.approx(scipys)


def test_the_front_is_what_nothing_beats_in_both():
    points = [
        Point("slow and good", 10, 0.8, 0.7, 0.9),
        Point("beaten", 9, 0.7, 0.6, 0.8),
        Point("fast", 100, 0.5, 0.4, 0.6),
        Point("as fast, worse", 100, 0.4, 0.3, 0.5),
    ]
    assert [point.name for point in pareto_plot.front(points)] == ["slow and good", "fast"]


def test_the_drawing_is_logarithmic_across_and_linear_up():
    points = [
        Point("a & b", 10, 0.2, 0.1, 0.3),
        Point("second", 100, 0.4, 0.3, 0.5),
        Point("third", 1000, 0.6, 0.5, 0.7),
    ]
    tree = ElementTree.fromstring(
        pareto_plot.pareto_svg("set (development set)", points, {"ViT": 50.0, "6 x ViT": 300.0})
    )
    circles = [[float(c.get(k)) for k in ("cx", "cy")] for c in tree.iter(f"{SVG}circle")]
    (x0, y0), (x1, y1), (x2, y2) = circles
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    assert x2 > x1
    assert y0 - y1 == pytest.approx(y1 - y2, abs=0.2)
    assert y1 < y0
    texts = [text.text for text in tree.iter(f"{SVG}text")]
    assert {"a & b", "second", "third", "ViT", "6 x ViT", "set (development set)"} <= set(texts)
    bars = {
        (float(line.get("x1")), float(line.get("y1")), float(line.get("y2")))
        for line in tree.iter(f"{SVG}line")
        if line.get("stroke") == pareto_plot.POINT
    }
    half = (y0 - y1) / 2  # a tenth
    assert len(bars) == 3
    for x, top, bottom in bars:
        centre = next(y for place, y in circles if place == x)
        assert (top, bottom) == pytest.approx((centre - half, centre + half), abs=0.2)


def test_names_of_equal_points_do_not_overlap():
    points = [Point(f"builtin@{n}", 30 + n, 0.7, 0.6, 0.8) for n in range(3)]
    tree = ElementTree.fromstring(pareto_plot.pareto_svg("set", points, {"ViT": 15.0}))
    heights = sorted(
        float(t.get("y")) for t in tree.iter(f"{SVG}text") if (t.text or "").startswith("builtin@")
    )
    assert np.diff(heights).min() >= pareto_plot.LABEL_HEIGHT - 0.2


def test_an_encoder_may_bring_its_precision():
    assert pareto.options_of("builtin") == ["--encoder", "builtin"]
    assert pareto.options_of("builtin:my file") == ["--encoder", "builtin:my file"]
    named = ["--encoder", "builtin:my file", "--precision", "bf16"]
    assert pareto.options_of("builtin:my file bf16") == named
