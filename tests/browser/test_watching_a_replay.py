"""The page of a replay that really runs, from its command to its market standing still."""

from __future__ import annotations

from pathlib import Path

from tests.browser.chromium import Page
from tests.cli.market import morning
from tests.cli.processes import running
from tests.cli.test_replay_serve import address_of
from tests.differential.against import compile_kernels

UPTIME = "(await (await fetch('/status')).json()).system_overview.uptime_seconds"
MARKET_TIME = "(await (await fetch('/api/control')).json()).time"
PAUSED = "(await (await fetch('/api/control')).json()).paused"


def ask(page: Page, expression: str) -> float:
    """Return a number that the server tells."""
    return float(page.evaluate(f"(async () => {expression})()"))


def pass_seconds(page: Page, seconds: int) -> None:
    """Wait until the system has been up so much longer."""
    since = ask(page, UPTIME)
    page.wait_for(f"(async () => {UPTIME} > {since + seconds})()")


def test_a_watched_market_pauses_on_command(page: Page, tmp_path: Path) -> None:
    """Events come and prices are drawn; paused, the clock of the system goes on and that of the market does not."""
    morning(tmp_path / "recorded")
    compile_kernels()  # the page must not have to wait for that
    command = ["replay", "recorded", "--speed", "20", "--serve", "127.0.0.1:0"]
    with running(*command, folder=tmp_path) as process:
        page.open(address_of(process))
        page.wait_for("document.querySelectorAll('#events tbody tr').length > 2")
        page.click("#events tbody tr button")
        page.wait_for("document.querySelector('#chart canvas')")
        page.wait_for("document.querySelectorAll('#channels tbody tr').length === 3")
        page.click("#pause")
        page.wait_for("document.querySelector('#pause').textContent === 'Go on'")
        page.wait_for(f"(async () => {PAUSED})()")  # the label changes with the click, before the server knows
        pass_seconds(page, 1)  # a row that was on its way may come through
        stands = ask(page, MARKET_TIME)
        pass_seconds(page, 1)

        assert ask(page, MARKET_TIME) == stands
        page.click("#pause")
        page.wait_for(f"(async () => {MARKET_TIME} > {stands})()")
        page.open("about:blank")
