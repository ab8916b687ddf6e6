"""The page of a report in a real browser, opened from a file as a person opens it."""

import json
import os

import numpy as np
import pytest
from browsing import Page
from PIL import Image

from ddriqa.scoring.report import write_report
from ddriqa.scoring.table import Record, printable

webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")

TYPES = ["noise", "blur"]
COLUMNS = ["ddr", "ddr_noise", "ddr_blur", "percentile"]
USUAL = {"ddr_noise": (0.4, 0.05), "ddr_blur": (0.4, 0.05)}
ODD_NAMES = [
    'it\'s "50 %" & more?#1;=+.png',
    "café 漢字.png",
    "two\nlines.png",
    "%41<b>.png",
    os.fsdecode(b"not text \xff.png"),
]
FACTS = {"ddriqa": "0.1.0", "encoder": {"fingerprint": "toy:0123"}}


class OurPage(Page):
    """What a person can do with the page, and see on it."""

    def click(self, selector):
        self.one(selector).click()
        self.settle()

    def type(self, selector, text):
        self.one(selector).clear()
        self.one(selector).send_keys(text)
        self.settle()

    def settle(self):
        """Two frames: changes are gathered in one, and drawn in the next."""
        self.browser.execute_async_script(
            "const done = arguments[0];"
            "requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 30)));"
        )

    def names(self):
        """The names of the pictures in sight, from top to bottom."""
        self.settle()
        inside = "#grid" if self.run("return !document.getElementById('grid').hidden") else "#table"
        return self.run(
            "const top = (node) => node.getBoundingClientRect().top;"
            "const found = [...document.querySelectorAll(arguments[0] + ' .name')];"
            "return found.sort((a, b) => top(a) - top(b)).map((node) => node.textContent);",
            inside,
        )

    def count(self):
        return self.one("#count").text

    def header(self, title):
        return next(button for button in self.all("button.header") if button.text[:3] == title[:3])

    def complaints(self):
        """What the browser has to say against the page."""
        return [entry["message"] for entry in self.browser.get_log("browser")]

    def requests(self):
        messages = [
            json.loads(e["message"])["message"] for e in self.browser.get_log("performance")
        ]
        sent = [m for m in messages if m["method"] == "Network.requestWillBeSent"]
        return [message["params"]["request"]["url"] for message in sent]


def scores(noise, blur):
    mean = (noise + blur) / 2
    return {"ddr": mean, "ddr_noise": noise, "ddr_blur": blur, "percentile": 200 * mean}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Twelve pictures, of which the names say how they were scored, and two failures."""
    folder = tmp_path_factory.mktemp("pictures")
    records = []
    for i in range(12):
        path = folder / ("good" if i < 6 else "bad") / f"img{i}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (30 + i, 20), (20 * i, 90, 0)).save(path)
        noise, blur = (0.45 - i / 100, 0.44) if i < 6 else (0.36, 0.30 - i / 100)
        records.append(Record(str(path), 30 + i, 20, scores(noise, blur)))
    records += [
        Record(str(folder / "bad" / "x.png"), error="truncated"),
        Record(str(folder / "y.png"), error="no such file"),
    ]
    return records


@pytest.fixture(scope="module")
def report(tmp_path_factory, pictures):
    folder = tmp_path_factory.mktemp("report")
    return write_report(folder, pictures, columns=COLUMNS, facts=FACTS, usual=USUAL)


@pytest.fixture
def page(browser, report):
    opened = OurPage(browser, report)
    yield opened
    assert opened.complaints() == []
    assert [url for url in opened.requests() if not url.startswith(("file:", "data:"))] == []


BEST_FIRST = [f"img{i}.png" for i in range(12)]
FAILED = ["x.png", "y.png"]


def test_best_first_and_failures_last(page):
    assert page.names() == BEST_FIRST + FAILED
    assert page.count() == "14 pictures"
    assert "12 scored · ddr" in page.one("header").text
    assert [e.text for e in page.all("#table .path .reason")] == ["truncated", "no such file"]


def test_a_click_on_a_header_sorts_by_it(page):
    page.header("ddr").click()
    assert page.names() == BEST_FIRST[::-1] + FAILED
    page.header("blur").click()
    assert page.names()[-3:] == ["img11.png", *FAILED]
    page.header("path").click()
    assert page.names() == [*BEST_FIRST[6:], "x.png", *BEST_FIRST[:6], "y.png"]
    page.header("size").click()
    assert page.names() == BEST_FIRST[::-1] + FAILED


def test_the_keyboard_sorts_too_and_says_so(page):
    page.header("ddr").send_keys("\n")
    assert page.names()[0] == "img11.png"
    assert page.one("[aria-sort=ascending]").text.startswith("ddr")
    assert page.one("#direction").get_attribute("aria-label").startswith("Ascending")


def test_the_order_can_be_chosen_from_a_list(page):
    page.one("#sort").send_keys("path")
    assert page.names()[0] == "img6.png"
    page.click("#direction")
    assert page.names()[0] == "y.png"


def test_filter_by_path(page):
    page.type("#search", "GOOD/img")
    assert page.names() == BEST_FIRST[:6]
    assert page.count() == "6 of 14 pictures"
    page.click("#clear")
    assert page.count() == "14 pictures"
    assert page.one("#search").get_attribute("value") == ""


def test_filter_by_weakest_type_and_status(page):
    assert page.one("[data-choice=blur] small").text == "6"
    page.click("[data-choice=blur]")
    assert page.names() == BEST_FIRST[6:]
    page.click("[data-choice='no weakness']")
    assert page.names() == BEST_FIRST
    page.click("[data-choice=failed]")
    assert page.names() == []
    assert page.one(".tabulator-placeholder").text == "No picture passes these filters"
    page.click("[data-choice=blur]")
    page.click("[data-choice='no weakness']")
    assert page.names() == FAILED


def test_filter_by_numbers(page):
    page.type("[data-facet=ddr] input[aria-label$=least]", "0.42")
    shown = [float(e.text) for e in page.all("#table [tabulator-field=score0] .number")]
    assert page.names() == BEST_FIRST[:6]
    assert min(shown) == 0.420
    page.type("[data-facet=ddr] input[aria-label$=most]", "0.43")
    assert page.names() == BEST_FIRST[3:6]
    page.type("[data-facet=percentile] input[aria-label$=most]", "85")
    assert page.names() == BEST_FIRST[4:6]
    page.click("#filters details:last-of-type summary")
    page.type("[data-facet=width] input[aria-label$=most]", "34")
    assert page.names() == ["img4.png"]


def test_dragging_over_a_histogram_filters(page):
    bars = page.one("[data-facet=ddr] .u-over")
    quarter = bars.size["width"] // 4
    actions = webdriver.ActionChains(page.browser)
    actions.move_to_element_with_offset(bars, -2 * quarter + 3, 5).click_and_hold()
    actions.move_by_offset(quarter, 0).release().perform()
    shown = page.names()
    low, high = (float(e.get_attribute("value")) for e in page.all("[data-facet=ddr] input"))
    values = page.run(
        "return ROWS.map((row) => row.score0 === null ? null : [row.path, row.score0])"
    )
    inside = [path.split("/")[-1] for path, value in filter(None, values) if low <= value <= high]
    assert shown == inside
    assert 0 < len(shown) < 12


def test_a_click_on_a_bar_filters_and_a_second_one_lets_go(page):
    bars = page.one("[data-facet=ddr] .u-over")
    first = webdriver.ActionChains(page.browser)
    first.move_to_element_with_offset(bars, 4 - bars.size["width"] // 2, 5).click()
    first.perform()
    shown = page.names()
    assert shown
    assert set(shown) < set(BEST_FIRST[6:])
    assert page.one("[data-facet=ddr] .hint").text.endswith(f": {len(shown)}")
    webdriver.ActionChains(page.browser).click().perform()
    page.settle()
    assert page.count() == "14 pictures"


def test_the_grid_shows_the_same_in_the_same_order(page):
    page.click("[data-choice=blur]")
    page.click("#direction")
    page.click("[data-layout=grid]")
    page.until("document.querySelectorAll('.tile').length === 6")
    assert [tile.text.split("\n")[0] for tile in page.all(".tile")] == BEST_FIRST[:5:-1]
    assert "blur" in page.one(".tile").text
    page.click("#clear")
    page.until("document.querySelectorAll('.tile').length === 14")
    page.click("[data-layout=table]")
    assert page.names() == BEST_FIRST[::-1] + FAILED


def test_failures_are_listed_with_their_reasons(page):
    page.click("[data-opens=failures]")
    shown = page.one("#failures ul").text.split("\n")
    assert [line.rsplit("/")[-1] for line in shown] == [
        *("x.png", "truncated", "y.png", "no such file")
    ]
    page.one("#failures button").click()
    page.click("[data-opens=about]")
    assert "toy:0123" in page.one("#about").text


def test_thumbnails_are_there_and_described(page):
    page.until("[...document.images].every((image) => image.complete)")
    sizes = page.run("return [...document.images].map((image) => image.naturalWidth)")
    assert sizes == list(range(30, 42))
    assert page.one("#table img").get_attribute("alt") == "Thumbnail of img0.png"


def test_every_control_has_a_name(page):
    unnamed = page.run(
        "return [...document.querySelectorAll('button, input, select, a')].filter((node) =>"
        " !(node.textContent.trim() || node.getAttribute('aria-label') || node.labels?.length))"
        ".map((node) => node.outerHTML)"
    )
    assert unnamed == []


def test_a_narrow_screen_has_tiles_and_a_drawer_of_filters(browser, report):
    metrics = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        page = OurPage(browser, report)
        page.until("document.querySelectorAll('.tile').length > 3")
        assert not page.one("#filters").is_displayed()
        page.click("#open-filters")
        page.type("#search", "img7")
        page.click("#close-filters")
        page.until("document.querySelectorAll('.tile').length === 1")
        assert page.run("return document.documentElement.scrollWidth <= innerWidth")
        assert page.complaints() == []
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_odd_names_are_shown_as_text_and_open(browser, tmp_path):
    records = []
    for index, name in enumerate(ODD_NAMES):
        path = tmp_path / "pictures" / "<script>alert(1)<" / "script>" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as stream:
            Image.new("RGB", (20 + index, 20)).save(stream, "PNG")
        records.append(Record(str(path), 20 + index, 20, scores(0.4 - index / 100, 0.4)))
    path = write_report(tmp_path / "report", records, columns=COLUMNS, facts={}, usual=USUAL)
    page = OurPage(browser, path)
    assert page.names() == [printable(name) for name in ODD_NAMES]
    links = [link.get_attribute("href") for link in page.all("#table a.picture")]
    for index, link in enumerate(links):
        browser.get(link)
        page.until(f"document.images[0]?.naturalWidth === {20 + index}")
    assert page.complaints() == []


def test_columns_with_odd_names_and_a_metric_without_types(browser, tmp_path):
    columns = ["m.x", "other <b>"]
    records = [Record(f"{i}.png", 1, 1, {"m.x": i, "other <b>": -i * 1e-4}) for i in range(3)]
    page = OurPage(browser, write_report(tmp_path, records, columns=columns, facts={}, usual={}))
    assert page.names() == ["2.png", "1.png", "0.png"]
    assert "other <b>" in [button.text for button in page.all("button.header")]
    assert not page.all("[data-facet=weakest]")
    assert page.complaints() == []


@pytest.mark.parametrize("records", [[], [Record("gone.png", error="no such file")]])
def test_nothing_was_scored(browser, tmp_path, records):
    page = OurPage(browser, write_report(tmp_path, records, columns=COLUMNS, facts={}, usual={}))
    assert page.count() == ("1 picture" if records else "0 pictures")
    page.click("[data-layout=grid]")
    assert page.complaints() == []


def test_ten_thousand_rows_open_at_once_with_few_of_them_drawn(browser, tmp_path):
    random = np.random.default_rng(0)
    records = [
        Record(f"photos/{i % 40}/img{i}.jpg", 4000, 3000, scores(*random.uniform(0.2, 0.45, 2)))
        for i in range(10_000)
    ]
    path = write_report(tmp_path, records, columns=COLUMNS, facts={}, usual=USUAL)
    assert path.stat().st_size < 3_000_000
    page = OurPage(browser, path)
    assert page.seconds < 10
    assert page.count() == "10,000 pictures"
    assert len(page.all("#table .tabulator-row")) < 100
    best = sorted(records, key=lambda record: -record.scores["ddr"])
    assert page.names()[:3] == [record.path.split("/")[-1] for record in best[:3]]
    page.run(
        "const holder = document.querySelector('.tabulator-tableholder');"
        "holder.scrollTop = holder.scrollHeight;"
    )
    page.until("document.querySelector('#table .tabulator-row:last-child')")
    page.settle()
    assert best[-1].path.split("/")[-1] in page.names()
    page.click("[data-layout=grid]")
    page.until("document.querySelectorAll('.tile').length")
    assert len(page.all(".tile")) < 300
    assert page.complaints() == []
