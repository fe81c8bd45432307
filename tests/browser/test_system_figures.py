"""The figures of the system beside the events, and the page on a phone."""

from __future__ import annotations

import pytest

from tests.browser.chromium import Page
from tests.browser.listing import received
from tests.unit.monitoring.making import rollout
from tests.unit.serving.served_runs import NewLog, RunOutput, Steered, served
from tests.unit.serving.test_metrics import CHANNEL
from tickstock_cli.serving.ports import Health

ALERT = {
    "id": 7,
    "type": "QUEUE_OVERFLOW",
    "severity": "critical",
    "worst_severity": "critical",
    "message": "fmv-1: queue at 96 % of 500 rows",
    "raised_at": "2026-03-03T14:31:00Z",
    "resolved_at": None,
}


def test_the_system_s_figures_and_alerts_are_shown(page: Page, new_log: NewLog) -> None:
    """Channel health, queue depths, latency; and why the run is not well."""
    status = RunOutput(
        {"system_overview": {"status": "degraded"}, "channel_details": {"tick-1": CHANNEL}, "active_alerts": [ALERT]},
        Health(ok=False, reasons=("fmv-1: breaker open",)),
    )
    with served(new_log(), status=status) as server:
        page.open(server.server.url)
        page.wait_for("document.querySelector('#channels tbody tr')")
        line = page.text("#channels tbody tr")

        assert page.text("#health") == "fmv-1: breaker open"
        assert "45/1,000" in line
        assert "2.0 ms / 29 ms" in line
        assert "half open" in line
        assert "fmv-1: queue at 96 % of 500 rows" in page.text("#active-alerts")


def test_the_state_of_the_system_is_one_word(page: Page, new_log: NewLog) -> None:
    """The page said "healthy" beside "degraded": only the state that the system reports is shown."""
    status = RunOutput({"system_overview": {"status": "degraded"}})
    with served(new_log(3), status=status) as server:
        page.open(server.server.url)
        page.wait_for("document.querySelector('#health').textContent === 'degraded'")
        words = page.evaluate("document.body.innerText.match(/healthy|degraded|ready/g)")

    assert words == ["degraded"]


def test_both_sides_of_a_rollout_stand_beside_each_other_and_the_share_can_be_set(page: Page, new_log: NewLog) -> None:
    """Whoever rolls out compares latency and success on the page, sees what fell back, and raises the share there."""
    steered = Steered()
    steered.rollout_percent = 1
    figures = rollout(ABC="tick-1: status error").as_dict()
    status = RunOutput({"system_overview": {"status": "ready", "rollout": figures}})
    with served(new_log(3), status=status, control=steered) as server:
        page.open(server.server.url)
        page.wait_for("!document.querySelector('#sides').hidden")

        caption = page.text("#sides caption")
        assert caption == "Rollout: 1 % of the tickers, 1 of 64 shards; 1 fell back to the linear path"
        row = "[...document.querySelectorAll('#sides tbody tr')].map(line => line.innerText.split(/\\s+/).join(' '))"
        assert page.evaluate(row) == [
            "multi 1 500 3 1.0 ms / 4.0 ms 100.0 %",
            "linear 2 1,000 6 1.0 ms / 4.0 ms 100.0 %",
        ]
        page.wait_for("!document.querySelector('#rollout').hidden")
        page.type("#rollout-percent", "10.0 %")
        page.tab()
        page.wait_for("document.querySelector('#rollout-percent').value === '10'")
        assert steered.asked == ["rollout 10"]


def test_a_run_without_a_rollout_shows_none(page: Page, new_log: NewLog) -> None:
    """A field that steers nothing, or an empty table, would be a riddle."""
    with served(new_log(3), control=Steered()) as server:
        page.open(server.server.url)
        received(page, 3)

        assert page.evaluate("document.querySelector('#rollout').hidden && document.querySelector('#sides').hidden")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_the_page_without_sideways_scrolling(page: Page, new_log: NewLog, scheme: str) -> None:
    """All of it within 360 CSS pixels, in both colour schemes."""
    page.look_like(360, 740, scheme=scheme, mobile=True)
    document = {"system_overview": {"memory_bytes": 2**28}, "channel_details": {"tick-1": CHANNEL}}
    with served(new_log(40), status=RunOutput(document), control=Steered()) as server:
        page.open(server.server.url)
        received(page, 40)
        page.wait_for("document.querySelector('#channels tbody tr')")

        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert background == {"light": "rgb(245, 246, 248)", "dark": "rgb(14, 17, 22)"}[scheme]
