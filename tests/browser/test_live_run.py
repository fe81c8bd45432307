"""The page of a live run: the state of its feed, and no control that steers nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.browser.chromium import Page
from tests.browser.listing import received
from tests.unit.monitoring.making import THRESHOLDS, system
from tests.unit.serving.served_runs import START, NewLog, RunOutput, Steered, event, events, served
from tickstock_cli.core.feed import Gap
from tickstock_cli.core.metrics import ArrivalMetrics, QueueMetrics, RelayHealth, SourceHealth, SourceState
from tickstock_cli.monitoring.dashboard import dashboard
from tickstock_cli.serving.ports import MarketState
from tickstock_cli.testing import SECOND

STREAMING = SourceHealth(
    since_wall=START,
    wanted=3,
    acknowledged=3,
    silent=0,
    lag_ms=120.0,
    gaps=2,
    gaps_today=0,
    reconnects=0,
    doing="streaming",
)
ANSWERS = "performance.getEntriesByType('resource').filter(entry => entry.name.endsWith('/api/control'))"
LEFT = "[...document.querySelectorAll('#controls, #controls > *, #keys [data-for]')].filter(part => part.offsetParent)"


def feed(**changes: Any) -> dict[str, Any]:
    """Return the status document of a run whose feed streams, but for some changes."""
    arrivals = ArrivalMetrics(QueueMetrics(4, 9, 100), received=1_234, source=replace(STREAMING, **changes))
    return dashboard([], system(arrivals=arrivals), [], [], THRESHOLDS)


def figures(page: Page) -> dict[str, str]:
    """Return the figures of the feed by their names."""
    pairs = "[...document.querySelectorAll('#source-figures > div')].map(pair => [...pair.children])"
    return dict(page.evaluate(f"{pairs}.map(([name, figure]) => [name.textContent, figure.textContent])"))


def test_the_state_of_the_feed_is_shown(page: Page, new_log: NewLog) -> None:
    """What it does and since when, how old its rows are, and what it was asked for, got, and misses."""
    status = RunOutput(feed(silent=1))
    with served(new_log(3), status=status) as server:
        page.open(server.server.url)
        page.wait_for("!document.querySelector('#source').hidden")

        assert page.text("#source-state") == "streaming since 2026-03-03 09:30:00"
        asked = {"Wanted": "3", "Acknowledged": "3", "Silent": "1"}
        assert figures(page) == {"Lag": "120 ms", **asked, "Gaps today": "0", "Arrived": "1,234", "Waiting": "4"}
        gap = Gap(START + SECOND, None, ("T",), "the connection broke off")
        lost = {"state": SourceState.RECONNECTING, "doing": None, "gaps": 1, "last_gap": gap, "acknowledged": 0}
        status.document = feed(**lost, problem="no answer from 127.0.0.1")
        page.wait_for("document.querySelector('#source-state').textContent.startsWith('reconnecting since ')")

        assert page.text("#source-problem") == "no answer from 127.0.0.1"
        assert (figures(page)["Acknowledged"], figures(page)["Last gap"]) == ("0", "09:30:01 to now")


def test_the_relay_is_shown_with_what_it_could_not_send(page: Page, new_log: NewLog) -> None:
    """A program that reads too slowly is one that somebody misses data in."""
    relay = RelayHealth(clients=2, connections=5, cut_off=3, dropped=1_200)
    with served(new_log(3), status=RunOutput(feed(relay=relay))) as server:
        page.open(server.server.url)
        page.wait_for("!document.querySelector('#source').hidden")

        shown = {name: value for name, value in figures(page).items() if name.startswith("Relay")}
        assert shown == {"Relay clients": "2", "Relay cut off": "3", "Relay dropped": "1,200"}


def test_a_replay_shows_no_feed(page: Page, new_log: NewLog) -> None:
    """Nothing arrives."""
    with served(new_log(3), status=RunOutput(dashboard([], system(), [], [], THRESHOLDS))) as server:
        page.open(server.server.url)
        page.wait_for("document.querySelector('#overview').textContent.includes('1,655')")

        assert page.evaluate("document.querySelector('#source').hidden")


@pytest.mark.parametrize(
    ("actions", "left"), [(["kill"], []), (["pause", "resume", "step", "kill"], ["pause", "step"])]
)
def test_what_the_run_does_not_take_is_not_offered(
    page: Page, new_log: NewLog, actions: list[str], left: list[str]
) -> None:
    """No button, no field and no key; "Pause" on a live run said "Go on", and its events went on."""
    steered = Steered()
    steered.actions = actions
    with served(new_log(3), status=RunOutput(feed()), control=steered) as server:
        page.open(server.server.url)
        received(page, 3)
        page.wait_for(f"{ANSWERS}.length > 1")
        for key in " +[]s":
            page.press(key)
        page.wait_for(f"{ANSWERS}.length > {2 + len(left)}")

        shown = page.evaluate(f"{LEFT}.map(part => part.id).filter(Boolean)")
        assert shown == (["controls", *left, "control-answer"] if left else [])
    assert steered.asked == (["pause", "step"] if left else [])


def test_a_run_that_ends_takes_its_controls_along(page: Page, new_log: NewLog) -> None:
    """The server may stay; there is nothing left to pause."""
    steered, log = Steered(), new_log(3)
    with served(log, control=steered) as server:
        page.open(server.server.url)
        page.wait_for("!document.querySelector('#controls').hidden")
        log.finish()
        steered.actions = []
        page.wait_for("document.querySelector('#connection').textContent === 'finished'")
        page.wait_for("document.querySelector('#controls').hidden")


def test_the_phase_is_that_of_the_market(page: Page, new_log: NewLog) -> None:
    """An old recording that is played as a feed has events of other phases; the page went to and fro between them."""
    log = new_log(1)
    with served(log, status=RunOutput(place=MarketState(START, "closed"))) as server:
        page.open(server.server.url)
        page.wait_for("document.querySelector('#phase').textContent === 'closed'")
        log.append(events([event(2, phase="pre")]))
        received(page, 2)

        assert page.text("#phase") == "closed"
