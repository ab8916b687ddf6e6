"""The page of a benchmark in a real browser, opened from a file as a person opens it."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
from browsing import Page
from PIL import Image

from ddriqa.benchmark.assess import assess, pairs_with_first
from ddriqa.benchmark.datasets.base import Dataset, Protocol, Rated, RatedSet
from ddriqa.benchmark.report import Result, write_bench_report
from ddriqa.benchmark.run import Outcome, Scored

webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")

ODD = 'it\'s "50 %" & <b>more?#1;=+.png'


class Mini(Dataset):
    name, title, count, label_range = "mini", "Mini (2026)", 12, (0.0, 1.0)
    groups = "camera"
    protocols = {"official": Protocol("all of it", "MOS")}
    layout, source = "", "its owners"

    def rows(self, files, protocol):
        return []


class OurPage(Page):
    """What a person can do with the page, and see on it."""

    def plot(self, metric):
        """Bring a plot into sight; it is drawn then."""
        plot = f'.plot[data-metric="{metric}"]'
        self.run("arguments[0].scrollIntoView({block: 'center'})", self.one(plot))
        self.until(f"document.querySelector('{plot} .u-over')")
        return self.one(f"{plot} .u-over")

    def point_at(self, metric, index):
        """Move the pointer onto a picture's point."""
        over = self.plot(metric)
        x, y = self.run(
            "const [index, metric, over] = arguments;"
            "const scatter = DRAWN.find((one) => one.metric === SETS[0].metrics[metric]);"
            "return scatter.place(index, over.getBoundingClientRect());",
            *(index, metric, over),
        )
        offsets = round(x - over.size["width"] / 2), round(y - over.size["height"] / 2)
        actions = webdriver.ActionChains(self.browser, duration=0)
        actions.move_to_element_with_offset(over, *offsets).perform()
        return actions

    def painted(self, metric):
        """How many pixels of a plot's canvas have each colour."""
        self.plot(metric)
        return self.run(
            "const metric = SETS[0].metrics[arguments[0]];"
            "const { ctx } = DRAWN.find((one) => one.metric === metric).plot;"
            "const { data } = ctx.getImageData(0, 0, ctx.canvas.width, ctx.canvas.height);"
            "const counts = {};"
            "for (let i = 0; i < data.length; i += 4)"
            " if (data[i + 3] > 100) {"
            "  const [r, g, b] = data.slice(i, i + 3);"
            "  const kind = b > r + 40 ? 'blue' : r > g + 40 ? 'red' : 'grey';"
            "  counts[kind] = (counts[kind] ?? 0) + 1;"
            " }"
            "return counts;",
            metric,
        )

    def complaints(self):
        """What the browser has to say against the page."""
        messages = [entry["message"] for entry in self.browser.get_log("browser")]
        return [message for message in messages if "willReadFrequently" not in message]

    def requests(self):
        messages = [
            json.loads(e["message"])["message"] for e in self.browser.get_log("performance")
        ]
        sent = [m for m in messages if m["method"] == "Network.requestWillBeSent"]
        return [message["params"]["request"]["url"] for message in sent]


def made(folder, n=12, groups=("wide", "tele"), files=True, rounds=20):
    """A set whose first metric is right but for its first picture, and whose second is wrong."""
    pictures = []
    for index in range(n):
        path = folder / "pictures" / (ODD if index == 0 else f"img{index}.png")
        if files:
            path.parent.mkdir(exist_ok=True, parents=True)
            Image.new("RGB", (30 + index, 20), (20 * index, 90, 0)).save(path)
        label = 1 - index / n
        pictures.append(Rated(path.name, path, label, groups[index % len(groups)]))
    labels = np.array([picture.label for picture in pictures])
    scores = labels**2 + 0.01 * np.sin(np.arange(n))
    scores[0] = -1
    chosen = RatedSet(Mini(), "official", None, Path(folder), pictures)
    outcomes = [Outcome("alpha", "alpha", True, scores), Outcome("beta", "beta", False, labels)]
    scored = Scored(chosen, {"encoder": {"fingerprint": "toy:0123"}}, outcomes, {}, n)
    pairs = list(pairs_with_first(scored, rounds=rounds)) if rounds else []
    return Result(scored, assess(scored, rounds=rounds), pairs)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    return write_bench_report(folder / "report", [made(folder)])


@pytest.fixture
def page(browser, report):
    opened = OurPage(browser, report)
    yield opened
    assert opened.complaints() == []
    assert [url for url in opened.requests() if not url.startswith(("file:", "data:"))] == []


def test_a_plot_shows_points_and_the_curve(page):
    painted = page.painted(0)
    assert painted["red"] > 50  # the first group
    assert page.plot(0).size["width"] > 250
    words = page.one('.plot[data-metric="0"] .chart').get_attribute("aria-label")
    assert words.startswith("alpha against MOS, 12 pictures, SRCC ")


def test_the_legend_picks_groups_in_all_plots(page):
    names = [button.text for button in page.all(".legend button")]
    assert names == ["tele", "wide"]
    both = page.painted(0)["red"]
    wide = page.all(".legend button")[1]
    wide.click()
    page.until("document.querySelector('.legend [aria-pressed=true]')")
    assert page.painted(0).get("red", 0) < both / 2
    page.point_at(0, 5)  # one of the others
    assert not page.one('.plot[data-metric="0"] .tip').is_displayed()
    page.point_at(0, 4)
    assert page.one('.plot[data-metric="0"] .tip').is_displayed()
    wide.click()
    page.until("!document.querySelector('.legend [aria-pressed=true]')")
    assert page.painted(0)["red"] == both


def test_a_point_tells_its_picture_and_opens_it(page):
    actions = page.point_at(0, 0)
    tip = page.one('.plot[data-metric="0"] .tip')
    assert tip.text.split("\n") == [ODD, "MOS 1", "alpha -1", "wide"]
    page.until("document.querySelector('.plot[data-metric=\"0\"] .tip img')?.naturalWidth === 30")
    before = page.browser.window_handles
    actions.click().perform()
    page.until("true")
    new = [handle for handle in page.browser.window_handles if handle not in before]
    page.browser.switch_to.window(new[0])
    try:
        page.until("document.images[0]?.naturalWidth === 30")
    finally:
        page.browser.close()
        page.browser.switch_to.window(before[0])


def test_away_from_points_there_is_no_tip(page):
    page.point_at(0, 0)
    assert page.one('.plot[data-metric="0"] .tip').is_displayed()
    page.one("h1").click()
    assert not page.one('.plot[data-metric="0"] .tip').is_displayed()


def test_disagreements_have_thumbnails_that_lead_to_pictures(page):
    first = page.all(".disagreement[open] .cards")[1].find_element("css selector", ".card")
    assert first.text.split("\n")[:2] == [ODD, "people: 1st of 12 from the top (MOS 1)"]
    assert "alpha: 12th" in first.text
    page.run("arguments[0].scrollIntoView()", first)
    page.until("document.querySelector('.disagreement[open] img').complete")
    page.run("document.querySelectorAll('.disagreement').forEach((one) => (one.open = true))")
    assert len(page.all(".disagreement")) == 2
    page.until("[...document.images].every((image) => image.naturalWidth || !image.complete)")
    link = first.find_element("css selector", "a").get_attribute("href")
    page.browser.get(link)
    page.until("document.images[0]?.naturalWidth === 30")


def test_every_control_has_a_name(page):
    unnamed = page.run(
        "return [...document.querySelectorAll('button, summary, a')].filter((node) =>"
        " !(node.textContent.trim() || node.getAttribute('aria-label')))"
        ".map((node) => node.outerHTML)"
    )
    assert unnamed == []


@pytest.mark.parametrize("width", [400, 800, 1280])
def test_only_tables_scroll_sideways(browser, report, width):
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 2, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        page = OurPage(browser, report)
        page.plot(0)
        assert page.run("return document.documentElement.scrollWidth <= innerWidth")
        assert page.complaints() == []
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_colours_follow_the_system(browser, report):
    def look(scheme):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        time.sleep(0.3)  # the browser tells the page with its next frame
        return browser.execute_script(
            "return [getComputedStyle(document.querySelector('.set')).backgroundColor,"
            " document.querySelector('.legend button').style.getPropertyValue('--colour')]"
        )

    page = OurPage(browser, report)
    light, dark = look("light"), look("dark")
    look("light")
    assert all(a != b for a, b in zip(light, dark, strict=True))
    assert page.complaints() == []


def test_without_scripts_the_tables_read(browser, report):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(report.as_uri())
        assert "alpha" in browser.find_element("css selector", ".metrics").text
        assert "tele" in browser.find_element("css selector", ".heat").text
        assert browser.find_elements("css selector", ".disagreement[open] img")
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_forty_thousand_points_and_many_groups_are_quick(browser, tmp_path):
    groups = [f"kind {index}" for index in range(25)]
    big = made(tmp_path, n=40_000, groups=groups, files=False, rounds=0)
    page = OurPage(browser, write_bench_report(tmp_path / "report", [big]))
    assert page.seconds < 10
    begun = time.monotonic()
    assert sum(page.painted(0).values()) > 1000
    assert time.monotonic() - begun < 10
    page.point_at(0, 20_000)
    assert page.one('.plot[data-metric="0"] .tip').is_displayed()
    assert len(page.all(".legend button")) == 25
    assert page.complaints() == []
