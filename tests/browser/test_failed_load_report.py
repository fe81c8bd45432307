"""The page of a load test that failed, drawn once: it takes a browser seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.chromium import Page
from tests.browser.test_load_report import BAD, opened
from tickstock_cli.loadtest.report import report

TICK_COLOUR = "document.getElementById('latency').data[0].line.color"


@pytest.fixture(scope="module")
def bad_report(chromium: Page, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Open the report of a run that failed; a test must leave it without an error of a script."""
    chromium.look_like(1280, 900)
    chromium.complaints.clear()
    opened(chromium, report(BAD), tmp_path_factory.mktemp("report"))
    yield chromium
    assert chromium.complaints == []
    chromium.open("about:blank")


def test_the_verdict_is_at_the_top_of_the_page(bad_report: Page) -> None:
    """At the top of the window, in red, in words."""
    page = bad_report

    assert page.text("header .pill") == "failed"
    assert page.text(".headline") == "failed 5 of 14 targets were not met: 4 missed, 1 not measured."
    assert page.evaluate("document.querySelector('.headline').getBoundingClientRect().bottom") < 300


def test_buttons_choose_the_percentile(bad_report: Page) -> None:
    """p99 first; the longest of all on demand, and it is longer."""
    page = bad_report
    highest = "Math.max(...document.getElementById('latency').data[0].y)"
    p99 = page.evaluate(highest)

    page.click("button[data-choice=max]")

    assert page.evaluate(highest) > p99
    assert page.text("#latency-choices [aria-pressed=true]") == "max"
    assert page.evaluate("document.getElementById('latency').data.length") == 5


def test_charts_follow_the_colour_scheme(bad_report: Page) -> None:
    """Also when it changes while the page is open."""
    page = bad_report
    light = page.evaluate(TICK_COLOUR)

    page.look_like(1280, 900, scheme="dark")
    page.wait_for(f"{TICK_COLOUR} !== '{light}'")

    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 17, 22)"
