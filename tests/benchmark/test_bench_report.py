import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ddriqa
from ddriqa.benchmark.assess import assess, pairs_with_first
from ddriqa.benchmark.datasets.base import Dataset, Protocol, Rated, RatedSet
from ddriqa.benchmark.disagreements import disagreements
from ddriqa.benchmark.published import Published
from ddriqa.benchmark.report import Result, write_bench_report
from ddriqa.benchmark.run import Outcome, Scored
from ddriqa.benchmark.tables import protocol_of
from ddriqa.errors import OutputError

PARTS = Path(ddriqa.__file__).parent / "benchmark" / "report_page"
HOSTILE = '</script><script>alert(1)</script>"><img src=x onerror=alert(2)>{{ 7 * 7 }}'
SOURCE = "A paper (2024), Table 3"
FACTS = {"encoder": {"name": "toy", "fingerprint": "toy:0123"}, "percentile": None}


class Mini(Dataset):
    """A set whose facts a test may change."""

    name, title, count, label_range = "mini", "Mini (2026)", 40, (0.0, 1.0)
    groups = "camera"
    protocols = {"official": Protocol("all 40", "MOS")}
    layout, source = "", "its owners, for research only"

    def rows(self, files, protocol):
        return []


def rated(folder, n=40, dataset=None, names=None, groups=("wide", "tele")):
    generator = np.random.default_rng(0)
    pictures = []
    for index in range(n):
        path = folder / f"img{index:02d}.png"
        folder.mkdir(exist_ok=True, parents=True)
        Image.new("RGB", (30, 20), (5 * index, 90, 0)).save(path)
        name = names[index] if names else path.name
        group = groups[index % len(groups)] if groups else None
        pictures.append(Rated(name, path, round(float(generator.uniform()), 4), group))
    return RatedSet(dataset or Mini(), "official", None, folder, pictures)


def outcomes(chosen):
    """Two metrics, one of which is lower-is-better, and a part of the first.

    Labels are a logistic of scores, so that curves are found at once.
    """
    labels = np.array([picture.label for picture in chosen.pictures])
    generator = np.random.default_rng(1)
    exact = np.log((labels + 0.02) / (1.02 - labels))
    a, b, part = (exact + 0.7 * generator.normal(size=len(labels)) for _ in range(3))
    return [
        Outcome("alpha", "alpha", True, a),
        Outcome("alpha", "alpha_blur", True, part),
        Outcome("beta", "beta", False, 5 - b),
    ]


def result(folder, chosen=None, scores=None, published=None, errors=None, **more):
    chosen = chosen or rated(folder / "pictures", **more)
    scores = outcomes(chosen) if scores is None else scores
    scored = Scored(chosen, FACTS, scores, errors or {}, len(chosen.pictures))
    assessments = assess(scored, rounds=50)
    return Result(scored, assessments, list(pairs_with_first(scored, rounds=50)), published or {})


class Parsed(HTMLParser):
    """A page's elements, the texts of its scripts, its tables as rows of words."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.scripts, self.tables, self.words = [], [], [], []
        self.inside = ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.inside = tag
        if tag == "script":
            self.scripts.append("")
        elif tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        elif tag in ("small", "br", "b", "span", "sup") and self.tables and self.tables[-1]:
            self.tables[-1][-1][-1:] = [" ".join([*self.tables[-1][-1][-1:], ""])]

    def handle_data(self, data):
        if self.inside == "script":
            self.scripts[-1] += data
        elif self.inside != "style":
            self.words.append(data)
            if self.tables and self.tables[-1] and self.tables[-1][-1]:
                self.tables[-1][-1][-1] += data

    def handle_endtag(self, tag):
        if tag in ("script", "style"):
            self.inside = ""
        if tag == "table":
            self.tables[-1] = [[" ".join(c.split()) for c in row] for row in self.tables[-1]]
            self.tables.append([])

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def table(self, first):
        """The rows of the first table that has these words in its first cell."""
        return next(rows for rows in self.tables if rows and rows[0][0] == first)

    def row(self, table, first):
        return next(row for row in self.table(table) if row[0].startswith(first))


def written(folder, *results):
    page = write_bench_report(folder / "page", results)
    return Parsed(page.read_text(encoding="utf-8"))


def data(parsed):
    return json.loads(parsed.scripts[0])["sets"]


# --- the figures


def test_the_table_holds_the_assessments_figures(tmp_path):
    one = result(tmp_path)
    page = written(tmp_path, one)
    for name in ("alpha", "beta"):
        found, row = one.whole[name], page.row("metric", name)
        low, high = found.intervals["srcc"]
        assert row[1] == f"{found.figures['srcc']:.3f} {low:.3f} to {high:.3f}"
        assert row[2:4] == [f"{found.figures[key]:.3f}" for key in ("krcc", "plcc")]
        fits = [found.fits[key].plcc for key in ("logistic4", "logistic5", "cubic")]
        assert row[4:7] == [f"{value:.3f}" for value in fits]
        assert row[7] == f"{found.within.mean:.3f} 2 groups"
        assert row[-1] == "40"
    assert page.row("metric", "beta")[0] == "beta lower is better"


def test_the_difference_is_that_of_the_metric_from_the_first(tmp_path):
    one = result(tmp_path)
    found = one.pairs[0].statistics["srcc"]
    row = written(tmp_path, one).row("metric", "beta")
    change = one.whole["beta"].agreement - one.whole["alpha"].agreement
    assert row[8] == f"{change:+.3f} {-found.high:+.3f} to {-found.low:+.3f}"


def test_published_values_stand_beside_ours_with_their_source(tmp_path):
    row = Published("Beta", "mini", "all images", 0.5, None, None, True, "", SOURCE)
    without = Published("Beta", "mini", "all images", None, 0.7, None, True, "", "another")
    one = result(tmp_path, published={"alpha": [], "beta": [without, row]})
    page = written(tmp_path, one)
    difference = one.whole["beta"].agreement - 0.5
    assert page.row("metric", "beta")[9] == f"0.500 1 ours {difference:+.3f}"
    assert page.row("metric", "alpha")[9] == "–"
    assert f"Beta: {SOURCE}" in page.text
    assert "another" not in page.text


def test_a_bar_ends_at_the_agreement_and_its_whiskers_at_the_interval(tmp_path):
    one = result(tmp_path)
    page = (write_bench_report(tmp_path / "page", [one])).read_text(encoding="utf-8")
    found = one.whole["beta"]
    low, high = found.intervals["srcc"]
    assert f'class="fill" style="left: 0.0%; width: {round(100 * found.agreement, 2)}%"' in page
    start, width = round(-100 * high, 2), round(round(-100 * low, 2) - round(-100 * high, 2), 2)
    assert f'class="whisker" style="left: {start}%; width: {width}%"' in page


def test_bars_reach_below_zero_where_a_metric_does(tmp_path):
    chosen = rated(tmp_path / "pictures")
    scores = outcomes(chosen)
    scores[2].higher_is_better = True  # the wrong way round
    page = written(tmp_path, result(tmp_path, chosen, scores))
    assert "Bars show agreement from -1 to 1" in page.text
    assert "Bars show agreement from 0 to 1" in written(tmp_path, result(tmp_path, chosen)).text


def test_groups_stand_side_by_side(tmp_path):
    one = result(tmp_path)
    rows = written(tmp_path, one).table("camera")
    by = {(a.group, a.metric): a for a in one.assessments if a.group}
    assert [row[0] for row in rows[1:]] == ["tele", "wide"]
    for row in rows[1:]:
        expected = []
        for metric in ("alpha", "beta"):
            low, high = by[row[0], metric].intervals["srcc"]
            srcc = by[row[0], metric].figures["srcc"]
            expected.append(f"{srcc:.3f} {low:.2f} to {high:.2f}")
        assert row[1:] == ["20", *expected]


def test_parts_of_scores_have_a_table_of_their_own(tmp_path):
    one = result(tmp_path)
    page = written(tmp_path, one)
    srcc = one.whole["alpha_blur"].figures["srcc"]
    assert page.row("part", "alpha_blur")[1].startswith(f"{srcc:.3f} ")
    assert not any(row[0].startswith("alpha_blur") for row in page.table("metric"))


def test_a_curve_that_cant_be_fitted_says_why(tmp_path):
    chosen = rated(tmp_path / "pictures")
    labels = np.array([picture.label for picture in chosen.pictures])
    one = result(tmp_path, chosen, [Outcome("steps", "steps", True, np.round(labels))])
    page = written(tmp_path, one)
    reason = one.whole["steps"].fits["logistic5"]
    assert page.row("metric", "steps")[5] == f"not fitted: {reason}"
    assert "no curve could be fitted" in page.text
    assert data(page)[0]["metrics"][0]["curve"] is None


def test_a_single_metric_has_nothing_to_be_compared_with(tmp_path):
    chosen = rated(tmp_path / "pictures", groups=())
    page = written(tmp_path, result(tmp_path, chosen, outcomes(chosen)[:1]))
    assert page.row("metric", "alpha")[7:] == ["–", "40"]
    assert "less" not in page.text.split("Scores and labels")[0]
    assert not any(rows and rows[0][0] == "camera" for rows in page.tables)


def test_nothing_was_scored(tmp_path):
    chosen = rated(tmp_path / "pictures")
    nothing = [Outcome("alpha", "alpha", True, np.full(40, np.nan))]
    errors = {picture.name: "no decoder" for picture in chosen.pictures}
    scored = Scored(chosen, FACTS, nothing, errors, 40)
    page = written(tmp_path, Result(scored, assess(scored), [], {}))
    assert page.row("metric", "alpha")[1:4] == ["–"] * 3
    assert page.row("metric", "alpha")[-1] == "0 40 failed"
    assert "40 pictures · 40 failed ·" in page.text
    assert "no scores" in page.text
    assert page.text.count("with no picture") == 2


# --- the plots


def test_points_and_curve_are_those_of_the_set(tmp_path):
    one = result(tmp_path)
    found = data(written(tmp_path, one))[0]
    pictures, alpha = one.scored.rated.pictures, one.scores[0]
    assert found["labels"] == [picture.label for picture in pictures]
    assert [found["groups"][g] for g in found["group"]] == [p.group for p in pictures]
    assert found["metrics"][0]["scores"] == pytest.approx(alpha.scores, rel=1e-5)
    scores, labels = found["metrics"][0]["curve"]
    ends = (alpha.scores.min(), alpha.scores.max())
    assert (scores[0], scores[-1]) == pytest.approx(ends, rel=1e-5)
    expected = one.whole["alpha"].fits["logistic5"].predict(scores)
    assert labels == pytest.approx(expected, abs=1e-4)
    assert [found["base"] + link for link in found["links"]] == [
        f"../pictures/{picture.path.name}" for picture in pictures
    ]


def test_the_curve_follows_the_printed_label_where_lower_is_better(tmp_path):
    dataset = Mini()
    dataset.higher_is_better = False
    chosen = rated(tmp_path / "pictures", dataset=dataset)
    one = result(tmp_path, chosen, [outcomes(chosen)[2]])  # 5 - label: right for a DMOS
    page = written(tmp_path, one)
    scores, labels = data(page)[0]["metrics"][0]["curve"]
    assert labels[0] > labels[-1]
    assert min(labels) > -0.5
    assert "lower is better" in page.text.split("Metrics")[0]


# --- disagreements


def literal(scores, labels, count):
    """Places by counting, then sorted by how far they are apart."""

    def place(values, one):
        above = sum(value > one for value in values)
        return above + (1 + sum(value == one for value in values)) / 2

    known = [i for i, score in enumerate(scores) if score == score]
    s, p = [scores[i] for i in known], [labels[i] for i in known]
    apart = [(place(p, labels[i]) - place(s, scores[i]), i) for i in known]
    kind = [i for d, i in sorted(apart, key=lambda x: (-x[0], x[1])) if d > 0]
    harsh = [i for d, i in sorted(apart, key=lambda x: (x[0], x[1])) if d < 0]
    return kind[:count], harsh[:count]


@pytest.mark.parametrize("seed", range(20))
def test_disagreements_are_those_of_a_literal_count(seed):
    generator = np.random.default_rng(seed)
    scores = generator.integers(0, 12, 30).astype(float)
    labels = generator.integers(0, 6, 30).astype(float)
    scores[generator.integers(0, 30, 3)] = np.nan
    kind, harsh = disagreements(scores, labels)
    assert ([d.index for d in kind], [d.index for d in harsh]) == literal(scores, labels, 5)
    assert all(d.metric < d.people for d in kind)
    assert all(d.of == np.isfinite(scores).sum() for d in kind + harsh)


def test_where_there_is_no_disagreement_there_is_none():
    assert disagreements([1.0, 2.0, 3.0], [10.0, 20.0, 30.0]) == ([], [])
    assert disagreements([], []) == ([], [])


def test_cards_say_the_places_in_words_and_only_they_have_thumbnails(tmp_path):
    one = result(tmp_path)
    page = written(tmp_path, one)
    beta = np.asarray(one.scores[1].scores)
    labels = one.scored.labels
    kind = literal(list(-beta), list(labels), 5)[0][0]
    people, metric = 1 + (labels > labels[kind]).sum(), 1 + (beta < beta[kind]).sum()
    name = one.scored.rated.pictures[kind].name
    after = page.text.split("beta is too kind")[1]
    words = re.match(
        rf" {name} people: (\d+)\w\w of 40 from the top \(MOS \S+\) beta: (\d+)", after
    )
    assert [int(word) for word in words.groups()] == [people, metric]
    shown = {d.index for both in one.disagreements.values() for found in both for d in found}
    assert {int(index) for index in data(page)[0]["thumbnails"]} == shown
    files = {path.name for path in (tmp_path / "page" / "thumbnails").iterdir()}
    assert files == set(data(page)[0]["thumbnails"].values())
    assert len(shown) <= 20 < 40
    links = [
        made["href"]
        for tag, made in page.elements
        if tag == "a" and "frame" in made.get("class", "")
    ]
    assert len(links) == 20
    assert all((tmp_path / "page" / link).is_file() for link in links)


def test_what_has_no_direction_has_no_disagreements(tmp_path):
    chosen = rated(tmp_path / "pictures")
    scores = [Outcome("colour", "colour", None, outcomes(chosen)[0].scores)]
    page = written(tmp_path, result(tmp_path, chosen, scores))
    assert page.row("metric", "colour")[0] == "colour no direction"
    assert "disagreements" not in page.text
    assert not list((tmp_path / "page" / "thumbnails").iterdir())


# --- what stands around the figures


def test_the_headline_says_which_pictures_and_labels(tmp_path):
    chosen = rated(tmp_path / "pictures")
    chosen.missing = ["gone.png", "away.png"]
    chosen.warnings = ["Mini: least 0 instead of 1; an edited copy?"]
    page = written(tmp_path, result(tmp_path, chosen, errors={"img00.png": "truncated"}))
    assert "Mini (2026) 40 pictures · 1 failed · 2 missing · data set mini" in page.text
    assert "protocol official (all 40) · label MOS, higher is better" in page.text
    assert chosen.warnings[0] in page.text
    assert "Failed, 1 picture img00.png truncated" in page.text
    assert "gone.png away.png" in page.text
    assert "development" not in page.text.split("How these numbers were made")[0]


def test_a_development_set_has_a_badge(tmp_path):
    dataset = Mini()
    dataset.development = True
    page = written(tmp_path, result(tmp_path, rated(tmp_path / "pictures", dataset=dataset)))
    head = page.text.split("Metrics")[0]
    assert "development set: settings were chosen in view of it" in head


def test_how_the_numbers_were_made_is_there_whole(tmp_path):
    one = result(tmp_path)
    made = written(tmp_path, one).text.split("How these numbers were made")[1]
    for key in protocol_of(one.scored):
        assert key.replace("_", " ") in made
    assert "toy:0123" in made
    assert "None" not in made


def test_every_set_has_its_section(tmp_path):
    other = Mini()
    other.title = "Second (2027)"
    two = result(tmp_path / "b", rated(tmp_path / "b" / "pictures", dataset=other))
    page = written(tmp_path, result(tmp_path), two)
    sections = [made["id"] for tag, made in page.elements if tag == "section"]
    assert sections == ["set-1", "set-2"]
    assert {"#set-1", "#set-2"} <= {made.get("href") for tag, made in page.elements if tag == "a"}
    assert len(data(page)) == 2
    assert "check its terms before passing this folder on" in page.text
    assert "Second (2027) : its owners, for research only" in page.text


# --- nothing from outside, nothing breaks out


def test_hostile_words_are_only_text(tmp_path):
    names = [f"{index}{HOSTILE}.png" for index in range(40)]

    def page(folder, words, names):
        dataset = Mini()
        dataset.title = dataset.groups = dataset.source = words
        dataset.protocols = {"official": Protocol(words, words)}
        chosen = rated(folder / "pictures", dataset=dataset, names=names, groups=(words, "b"))
        scores = outcomes(chosen)
        scores[2].metric = scores[2].column = words
        published = {"alpha": [Published(words, "x", words, 0.5, None, None, True, "", words)]}
        errors = {names[0]: words}
        chosen.missing, chosen.warnings = [words], [words]
        return written(folder, result(folder, chosen, scores, published, errors))

    hostile = page(tmp_path / "a", HOSTILE, names)
    plain = page(tmp_path / "b", "words", [f"{index}.png" for index in range(40)])
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in plain.elements]
    assert len(hostile.scripts) == len(plain.scripts) == 3
    assert data(hostile)[0]["names"] == names
    assert data(hostile)[0]["metrics"][1]["name"] == HOSTILE


def test_it_loads_nothing_but_its_thumbnails(tmp_path):
    page = written(tmp_path, result(tmp_path))
    for tag, made in page.elements:
        assert tag not in ("link", "iframe", "object", "embed", "base")
        assert not {"srcset", "data"} & set(made)
        if "src" in made:
            assert (tag, made["src"][:11]) == ("img", "thumbnails/")
        assert not re.match(r"[a-z]+:", made.get("href", ""))
    policy = next(made["content"] for _, made in page.elements if "http-equiv" in made)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "http" not in policy


def test_its_scripts_never_turn_data_into_markup():
    banned = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    scripts = list(PARTS.glob("*.js"))
    assert scripts
    for path in scripts:
        assert not re.search(banned, path.read_text(encoding="utf-8")), path.name


# --- the folder


def test_git_ignores_the_folder_wherever_it_lies(tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    one = result(tmp_path)
    write_bench_report(tmp_path / "page", [one])
    told = subprocess.run(
        ["git", "-C", tmp_path, "status", "--porcelain", "-uall", "--", "page"],
        check=True,
        capture_output=True,
    )
    assert told.stdout == b""


def test_an_older_report_is_replaced(tmp_path):
    written(tmp_path, result(tmp_path))
    (tmp_path / "page" / ".gitignore").write_text("*\n!index.html\n")
    chosen = rated(tmp_path / "pictures")
    page = written(tmp_path, result(tmp_path, chosen, outcomes(chosen)[:1]))
    assert [metric["name"] for metric in data(page)[0]["metrics"]] == ["alpha"]
    assert (tmp_path / "page" / ".gitignore").read_text() == "*\n!index.html\n"
    files = {path.name for path in (tmp_path / "page" / "thumbnails").iterdir()}
    assert files == set(data(page)[0]["thumbnails"].values())


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.html").write_text("<title>My own page</title>")
    with pytest.raises(OutputError, match="no report of ddriqa's"):
        write_bench_report(tmp_path / "page", [result(tmp_path)])
    assert [path.name for path in (tmp_path / "page").iterdir()] == ["index.html"]


def test_progress_counts_thumbnails(tmp_path):
    told = []
    one = result(tmp_path)
    write_bench_report(tmp_path / "page", [one], progress=lambda *counts: told.append(counts))
    count = len(list((tmp_path / "page" / "thumbnails").iterdir()))
    assert told[0] == (0, count)
    assert told[-1] == (count, count)
