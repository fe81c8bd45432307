"""The figures of the system beside the events, and the page on a phone."""

from __future__ import annotations

import pytest

from tests.browser.chromium import Page
from tests.browser.listing import received
from tests.unit.monitoring.making import rollout
from tests.unit.serving.served_runs import NewLog, RunOutput, Steered, event, events, served
from tests.unit.serving.test_metrics import CHANNEL
from tickstock_cli.serving.ports import Health

ALERT = {
    "id": 7,
    "type": "QUEUE_OVERFLOW",
    "severity": "critical",
    "worst_severity": "critical",
    "message": "fmv-1: queue at 96 % of 500 rows since 2026-03-03T14:31:00.123456789Z",
    "raised_at": "2026-03-03T14:31:00Z",
    "seen_at": "2026-03-03T14:31:07.5Z",
    "resolved_at": None,
}

KEEP_PLOT = "window.uPlot = new Proxy(uPlot, {construct: (made, given) => (window.plot = new made(...given))})"


def test_the_system_s_figures_and_alerts_are_shown(page: Page, new_log: NewLog) -> None:
    """Channel health, queue depths, latency; and why the run is not well. All times are in the zone of the page."""
    status = RunOutput(
        {
            "system_overview": {"status": "degraded", "time": "2026-03-03T14:31:12.5Z"},
            "channel_details": {"tick-1": CHANNEL},
            "active_alerts": [ALERT, {**ALERT, "seen_at": "2026-03-03T14:31:12.5Z"}],
        },
        Health(ok=False, reasons=("fmv-1: breaker open", "no rows since 2026-03-03T14:30Z")),
    )
    with served(new_log(), status=status) as server:
        page.open(server.server.url)
        page.wait_for("document.querySelector('#channels tbody tr')")
        line = page.text("#channels tbody tr")

        assert page.text("#health") == "fmv-1: breaker open; no rows since 2026-03-03 09:30:00"
        assert "45/1,000" in line
        assert "2.0 ms / 29 ms" in line
        assert "half open" in line
        past, present = page.evaluate("[...document.querySelectorAll('#active-alerts li')].map(line => line.innerText)")
        assert "96 % of 500 rows since 2026-03-03 09:31:00 since" in past
        assert past.endswith(" since 2026-03-03 09:31:00, not since 09:31:07")
        assert present.endswith(" since 2026-03-03 09:31:00")


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


def test_a_run_that_starts_is_not_shown_as_ill(page: Page, new_log: NewLog) -> None:
    """Its health is none yet; the red of a failure would frighten whoever opens the page first."""
    starting = RunOutput({"system_overview": {"status": "starting"}}, Health(ok=False, reasons=("it is starting",)))
    with served(new_log(), status=starting) as server:
        page.open(server.server.url)
        page.wait_for("document.querySelector('#health').dataset.state === 'starting'")

        assert page.text("#health") == "it is starting"


@pytest.mark.parametrize("width", [400, 1280])
def test_a_long_ticker_leaves_room_for_the_rest(page: Page, new_log: NewLog, width: int) -> None:
    """A name of 40 letters moved price and change out of sight, and the page of a phone went sideways."""
    page.look_like(width, 800, mobile=width < 1000)
    log = new_log()
    log.append(events([event(1, ticker="A" * 40)]))
    with served(log) as server:
        page.open(server.server.url)
        received(page, 1)
        page.click("#events tbody button")
        page.wait_for("document.querySelector('#chart .uplot')")

        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("(box => box.scrollWidth - box.clientWidth)(document.querySelector('.scroll'))") == 0
        assert page.text("#chart-title") == f"Prices of {'A' * 40}"


def test_one_event_is_drawn_in_its_own_minute(page: Page, new_log: NewLog) -> None:
    """The axes of a single point went over days, with 00:00 at each mark, and from 0 to twice the price."""
    with served(new_log(1)) as server:
        page.open(server.server.url)
        received(page, 1)
        page.evaluate(KEEP_PLOT)
        page.click("#events tbody button")
        page.wait_for("window.plot && plot.scales.x.max")

        assert page.evaluate("plot.scales.x.max - plot.scales.x.min") == 60
        assert page.evaluate("[plot.scales.y.min, plot.scales.y.max].map(Math.round)") == [100, 101]
