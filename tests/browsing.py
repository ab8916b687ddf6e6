"""A page of ours in a real browser, as a person meets it."""

import time


class Page:
    """What any page allows; the tests of each page add what is its own."""

    def __init__(self, browser, path):
        self.browser = browser
        for kind in ("browser", "performance"):
            browser.get_log(kind)  # forget the page before
        begun = time.monotonic()
        browser.get(path.as_uri())
        self.until("document.body.dataset.ready")
        self.seconds = time.monotonic() - begun

    def run(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def until(self, condition):
        end = time.monotonic() + 20
        while not self.run(f"return Boolean({condition})"):
            assert time.monotonic() < end, f"never came true: {condition}"
            time.sleep(0.02)

    def one(self, selector):
        return self.browser.find_element("css selector", selector)

    def all(self, selector):
        return self.browser.find_elements("css selector", selector)
