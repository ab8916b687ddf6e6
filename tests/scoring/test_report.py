import base64
import hashlib
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes, urljoin, urlparse

import pytest

import ddriqa
from ddriqa.errors import OutputError
from ddriqa.scoring.report import check_report_folder, write_report
from ddriqa.scoring.report_data import link
from ddriqa.scoring.table import Record, printable

COLUMNS = ["ddr", "ddr_noise", "ddr_blur", "percentile"]
ROW = ("path", "link", "thumbnail", "width", "height", "scores", "weakest", "error")
FACTS = {"ddriqa": "0.1.0", "metrics": [{"name": "ddr", "types": {"blur": ["A", "B"]}}]}
PARTS = Path(ddriqa.__file__).parent / "scoring" / "report_page"
ODD_NAMES = [
    "plain.jpg",
    'it\'s "50 %" & more?#1;=+.jpg',
    "a:b.jpg",
    "café 漢字 🙂.jpg",
    "two\nlines.jpg",
    "%41.jpg",
    "back\\slash.jpg",
    os.fsdecode(b"not text \xff.jpg"),
]
BREAKOUTS = [
    "</script><script>alert(1)</script>.jpg",
    '"<b>.jpg',
    "<!--<script>.jpg",
    "{{ 7 * 7 }}.jpg",
    os.fsdecode(b"\xff<b>.jpg"),
]


def record(path, score=0.3, **more):
    scores = {"ddr": score, "ddr_noise": score + 0.01, "ddr_blur": score - 0.01}
    return Record(str(path), 60, 40, {**scores, "percentile": 100 * score, **more})


def written(folder, records, **more):
    settings = {"columns": COLUMNS, "facts": FACTS, "usual": {}, **more}
    return write_report(folder, records, **settings).read_text(encoding="utf-8")


class Page(HTMLParser):
    """The elements of a page, and the texts of its scripts."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.scripts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.cdata_elem == "script":
            self.scripts[-1] += data


def content(page):
    return json.loads(Page(page).scripts[0])


def rows(page):
    return [dict(zip(ROW, row, strict=True)) for row in content(page)["rows"]]


def text(page):
    """What a person reads in the page's head, roughly."""
    head = page.split("<header")[1].split("</header>")[0]
    return " ".join(re.sub(r"<[^>]+>", "", head).split())


# --- the page


def test_the_rows_can_be_read_back(tmp_path):
    page = written(tmp_path, [record("a.jpg", 0.25), Record("gone.jpg", error="no such file")])
    absent = dict.fromkeys(("link", "thumbnail", "width", "height", "weakest", "error"))
    assert rows(page) == [
        {
            **absent,
            "path": "a.jpg",
            "width": 60,
            "height": 40,
            "scores": [0.25, 0.26, 0.24, 25.0],
            "weakest": "ddr_blur",
        },
        {**absent, "path": "gone.jpg", "scores": [None] * 4, "error": "no such file"},
    ]
    assert content(page)["columns"] == COLUMNS
    assert content(page)["types"] == ["ddr_noise", "ddr_blur"]


def test_the_head_says_how_it_went(tmp_path):
    records = [record("a", 0.2), record("b", 0.3), record("c", 0.5), Record("d", error="x")]
    many = text(written(tmp_path, records))
    assert "3 scored · ddr 0.200 to 0.500, median 0.300 · median percentile 30" in many
    assert "1 failed" in many
    one = text(written(tmp_path, records[:1], columns=COLUMNS))
    assert "1 scored · ddr 0.200 · percentile 20 (higher is better)" in one
    assert "failed" not in one
    assert "0 scored 1 failed" in text(written(tmp_path, records[3:]))


def test_it_is_named_after_the_folder_of_the_pictures(tmp_path):
    page = written(tmp_path, [record("photos/2020/a.jpg"), record("photos/2021/b.jpg")])
    assert "<title>photos · ddriqa</title>" in page
    assert "<title>Pictures · ddriqa</title>" in written(tmp_path, [record("a"), record("/b")])


def test_it_says_how_the_numbers_were_made(tmp_path):
    facts = {"encoder": {"fingerprint": "toy:0123", "stages": [1, 2]}, "data": "<b>&"}
    page = written(tmp_path, [record("a")], facts=facts)
    assert "toy:0123" in page
    assert "1 · 2" in page
    assert "&lt;b&gt;&amp;" in page


def test_what_is_usual_for_clean_photographs_decides_on_the_weakest(tmp_path):
    usual = {"ddr_noise": (0.3, 0.01), "ddr_blur": (0.3, 0.1)}
    page = written(tmp_path, [record("a", 0.25), record("b", 0.3)], usual=usual)
    assert [row["weakest"] for row in rows(page)] == ["ddr_noise", None]
    assert "in clean photographs" in page
    assert "among the pictures here" in written(tmp_path, [record("a")])


def test_without_a_reference_table_there_is_no_percentile(tmp_path):
    one, other = record("a"), record("b", percentile=None)
    del one.scores["percentile"]
    page = written(tmp_path, [one, other])
    assert content(page)["columns"] == COLUMNS[:3]
    assert [len(row["scores"]) for row in rows(page)] == [3, 3]
    assert "percentile <b>" not in text(page)
    assert "median 0.300 (higher is better)" in text(page)


def test_a_score_that_is_no_number_is_missing(tmp_path):
    page = written(tmp_path, [record("a", percentile=float("nan")), record("b")])
    assert [row["scores"][3] for row in rows(page)] == [None, 30.0]


# --- nothing from outside, nothing breaks out


def test_everything_is_inside(tmp_path):
    page = written(tmp_path, [record("a"), Record("b", error="x")])
    for tag, attributes in Page(page).elements:
        assert tag not in ("link", "iframe", "object", "embed", "base", "img")
        assert not {"src", "srcset", "href", "data"} & set(attributes), (tag, attributes)
    addresses = set(re.findall(r"https?://[^\s\"'<>),]+", page))
    assert addresses <= {"http://www.w3.org/2000/svg", "https://github.com/leeoniya/uPlot"}
    assert not re.search(r"@import|url\(", page.split("<style>")[1].split("</style>")[0])
    assert "sourceMappingURL" not in page


def test_the_policy_allows_our_scripts_and_nothing_else(tmp_path):
    parsed = Page(written(tmp_path, [record("a")]))
    policy = next(made["content"] for _, made in parsed.elements if "http-equiv" in made)
    digests = [hashlib.sha256(script.encode()).digest() for script in parsed.scripts[1:]]
    assert re.findall(r"'sha256-([^']+)'", policy) == [
        base64.b64encode(digest).decode() for digest in digests
    ]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "http" not in policy


@pytest.mark.parametrize("name", BREAKOUTS)
def test_no_name_breaks_out(tmp_path, name):
    facts = {name: name, "list": [name]}
    page = written(tmp_path, [record(name), Record(name, error=printable(name))], facts=facts)
    plain = written(tmp_path, [record("a"), Record("b", error="c")], facts={"a": "b", "list": [1]})
    tags, plain_tags = ([tag for tag, _ in Page(text).elements] for text in (page, plain))
    assert tags == plain_tags
    assert [row["path"] for row in rows(page)] == [printable(name)] * 2
    assert rows(page)[1]["error"] == printable(name)
    assert "49.jpg" not in page


def test_types_that_a_user_named_are_only_text(tmp_path):
    columns = ["ddr", "ddr_<img src=x onerror=alert(1)>"]
    page = written(tmp_path, [Record("a", 1, 1, dict.fromkeys(columns, 0.5))], columns=columns)
    assert "<img" not in page
    assert content(page)["columns"] == columns


def test_our_scripts_never_turn_data_into_markup():
    banned = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    for path in PARTS.glob("*.js"):
        assert not re.search(banned, path.read_text(encoding="utf-8")), path.name


def test_libraries_ship_with_their_licences_and_stay_small(tmp_path):
    page = written(tmp_path, [record("a")])
    notice = (Path(ddriqa.__file__).parents[1] / "NOTICE").read_text(encoding="utf-8")
    folders = list((PARTS / "vendor").iterdir())
    assert len(folders) == 2
    for folder in folders:
        assert "Permission is hereby granted" in (folder / "LICENSE").read_text(encoding="utf-8")
        scripts = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.js"))
        version = re.search(r"\d+\.\d+\.\d+", scripts[:300])[0]
        assert re.search(rf"(?i)\b{folder.name} {re.escape(version)}\b", notice)
        assert (folder / "LICENSE").read_text(encoding="utf-8").split("\n")[2] in page
    assert sum(path.stat().st_size for path in PARTS.rglob("*") if path.is_file()) < 700_000


# --- links


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize("place", ["report", "photos", "photos/deep/report"])
def test_links_lead_to_the_picture(tmp_path, name, place):
    path = tmp_path / "photos" / name
    path.parent.mkdir()
    path.touch()
    folder = tmp_path / place
    address = link(str(path), folder)
    assert re.fullmatch(r"[A-Za-z0-9_.~/%-]+", address)
    whole = urljoin((folder / "index.html").as_uri(), address)
    assert unquote_to_bytes(urlparse(whole).path) == os.fsencode(path)


def test_relative_paths_are_linked_from_where_the_report_lies(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.jpg").touch()
    assert link("a.jpg", Path("out/report")) == "../../a.jpg"


@pytest.mark.parametrize("path", ["gone.jpg", "<array>", "nul\0byte.jpg"])
def test_what_is_no_file_has_no_link(tmp_path, path):
    assert link(path, tmp_path) is None


# --- the folder


def test_a_report_replaces_an_older_one_and_nothing_else(tmp_path):
    folder = tmp_path / "new" / "report"
    written(folder, [record("a")])
    (folder / "notes.txt").write_text("mine")
    assert [row["path"] for row in rows(written(folder, [record("b")]))] == ["b"]
    assert (folder / "notes.txt").read_text() == "mine"
    assert sorted(os.listdir(folder)) == ["index.html", "notes.txt", "thumbnails"]


def test_an_empty_folder_and_an_interrupted_report_are_fine(tmp_path):
    (tmp_path / "thumbnails").mkdir()
    (tmp_path / ".index.html.123.tmp").touch()
    check_report_folder(tmp_path)
    check_report_folder(tmp_path / "thumbnails")


@pytest.mark.parametrize("name", ["holiday.jpg", "index.html"])
def test_a_folder_of_somebody_else_is_left_alone(tmp_path, name):
    (tmp_path / name).write_text("<title>My own page</title>")
    with pytest.raises(OutputError, match=r"no report of ddriqa's\. Name a new or an empty"):
        written(tmp_path, [record("a")])
    assert os.listdir(tmp_path) == [name]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "x.html").write_text("")
    with pytest.raises(OutputError, match=r"x\.html: isn't a folder"):
        check_report_folder(tmp_path / "x.html")
    with pytest.raises(OutputError, match="isn't a folder"):
        check_report_folder(tmp_path / "x.html" / "below")


def test_a_full_disk_leaves_the_older_page_as_it_was(tmp_path, monkeypatch):
    before = written(tmp_path, [record("a")])

    def full(self, *arguments, **more):
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OutputError, match="no space left on device"):
        written(tmp_path, [record("b")])
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == before
    assert sorted(os.listdir(tmp_path)) == ["index.html", "thumbnails"]
