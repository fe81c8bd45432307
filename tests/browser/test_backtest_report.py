"""The report of a backtest in a real browser, from a file, without a server or a network."""

from __future__ import annotations

from pathlib import Path

from tests.browser.chromium import Page
from tests.unit.backtest.reported import traded
from tickstock_cli.backtest.report.page import report

LOADED = "performance.getEntriesByType('resource').filter(entry => !entry.name.startsWith('data:')).length"
NETS = "[...document.querySelectorAll('.trades tbody')].map(body => body.rows[0].cells[8].textContent)"
CHART = "document.querySelector('.trades .own').getBoundingClientRect().height"


def opened(page: Page, folder: Path) -> None:
    """Open the report from a file, and wait until its script has run."""
    path = folder / "report.html"
    path.write_text(report(traded()), encoding="utf-8")
    page.open(path.as_uri())
    page.wait_for("document.body.dataset.drawn")


def test_trades_unfold_and_sort_and_nothing_is_fetched(page: Page, tmp_path: Path) -> None:
    """The page's own policy forbids it, and a script that complains fails the test."""
    opened(page, tmp_path)
    assert page.evaluate(CHART) == 0
    page.click(".trades summary")
    assert page.evaluate(CHART) > 200

    assert page.evaluate(NETS) == ["+$49.00", "\N{MINUS SIGN}$11.00"]
    for order in (["+$49.00", "\N{MINUS SIGN}$11.00"], ["\N{MINUS SIGN}$11.00", "+$49.00"]):
        page.click(".trades thead th:nth-child(9)")
        assert page.evaluate(NETS) == order
    assert page.evaluate(LOADED) == 0


def test_a_phone_shows_the_whole_report_without_scrolling_sideways(page: Page, tmp_path: Path) -> None:
    """In both colour schemes; the pointer reads the values of a curve."""
    for scheme in ("light", "dark"):
        page.look_like(390, 844, scheme=scheme, mobile=True)
        opened(page, tmp_path)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
    plot = "document.querySelector('#paths .plot')"
    page.evaluate(
        f"{plot}.dispatchEvent(new PointerEvent('pointermove', {{clientX: {plot}.getBoundingClientRect().right}}))"
    )
    assert page.text("#reading").startswith("+30 min\nevents +30.0 bp (n 60)")
