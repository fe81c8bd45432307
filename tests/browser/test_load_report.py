"""Pages of load tests in a real browser, from a file, without a server or a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.chromium import Page
from tests.unit.loadtest.observed import observed
from tests.unit.loadtest.test_result import DOCUMENTS
from tickstock_cli.loadtest.comparison import comparison
from tickstock_cli.loadtest.report import report
from tickstock_cli.loadtest.result import judged

BAD = judged(observed({9: 190}, router=None))
LOADED = "performance.getEntriesByType('resource').filter(entry => !entry.name.startsWith('data:')).length"
WIDTH = "document.documentElement.scrollWidth"


def opened(page: Page, html: str, folder: Path) -> None:
    """Open a page from a file, and wait until its charts are drawn."""
    path = folder / "page.html"
    path.write_text(html, encoding="utf-8")
    page.open(path.as_uri())
    page.wait_for("document.body.dataset.drawn")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_chart_is_drawn_and_nothing_is_fetched(page: Page, name: str, tmp_path: Path) -> None:
    """The page's own policy forbids it, and a script that complains fails the test."""
    opened(page, report(DOCUMENTS[name]), tmp_path)

    charts = page.evaluate("document.querySelectorAll('.chart').length")
    assert page.evaluate("document.querySelectorAll('.chart .main-svg').length") >= charts
    assert page.evaluate("document.body.dataset.drawn") == str(charts)
    assert page.evaluate(LOADED) == 0


def test_a_phone_shows_the_whole_report_without_scrolling_sideways(page: Page, tmp_path: Path) -> None:
    """Wide tables scroll by themselves, and a finger that scrolls past a chart does not zoom it."""
    page.look_like(390, 844, mobile=True)
    page.call("Emulation.setTouchEmulationEnabled", enabled=True)
    opened(page, report(BAD), tmp_path)

    assert page.evaluate(WIDTH) == 390
    assert page.evaluate("document.querySelector('.verdicts').scrollWidth") < 390
    assert page.evaluate("document.querySelector('#latency').layout.dragmode") is False
    page.call("Emulation.setTouchEmulationEnabled", enabled=False)


def test_runs_side_by_side_fit_a_phone_too(page: Page, tmp_path: Path) -> None:
    """And every run has its line in every chart."""
    page.look_like(390, 844, mobile=True)
    opened(page, comparison([judged(observed()), BAD], ["before", "after"]), tmp_path)

    assert page.evaluate(WIDTH) == 390
    assert page.evaluate("document.getElementById('time-tick').data.map(line => line.name)") == [
        "1: before",
        "2: after",
    ]
