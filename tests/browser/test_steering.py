"""Steering a replay from the page: buttons, fields, and their answers."""

from __future__ import annotations

from threading import Event

import pytest

from tests.browser.chromium import Page
from tests.unit.serving.served_runs import NewLog, Steered, served


def test_the_pause_button_pauses_the_market(page: Page, new_log: NewLog) -> None:
    """By the button and by the space bar; step, speed and seek reach the run as well."""
    steered = Steered()
    with served(new_log(3), control=steered) as server:
        page.open(server.server.url)
        page.wait_for("document.querySelector('#speed').value === '20'")
        page.click("#pause")
        page.wait_for("document.querySelector('#pause').textContent === 'Go on'")
        page.press(" ")
        page.wait_for("document.querySelector('#pause').textContent === 'Pause'")
        page.press("+")
        page.wait_for("document.querySelector('#speed').value === '40'")
        page.press("s")
        page.wait_for("document.querySelector('#pause').textContent === 'Go on'")
        page.type("#seek-time", "2026-03-03T15:00Z")
        page.wait_for("document.querySelector('#control-answer').textContent === 'going to 2026-03-03 10:00:00'")
        page.click("#ahead")
        page.wait_for("document.querySelector('#control-answer').textContent === 'going to 2026-03-03 10:01:00'")
        page.click("#back")
        page.wait_for("document.querySelector('#control-answer').textContent === 'going to 2026-03-03 10:00:00'")

    assert steered.asked == [
        "pause",
        "resume",
        "speed 40",
        "step",
        *(f"seek 2026-03-03T15:0{minute}:00Z" for minute in (0, 1, 0)),
    ]


def test_a_pause_shows_at_once(page: Page, new_log: NewLog) -> None:
    """With the click, and not when the server has answered; by the label alone: "Go on, pressed" says the opposite."""
    answered = Event()

    class Slow(Steered):
        def pause(self) -> None:
            answered.wait(60)
            super().pause()

    with served(new_log(3), control=Slow()) as server:
        page.open(server.server.url)
        page.wait_for("document.querySelector('#speed').value === '20'")
        page.click("#pause")
        shown = page.text("#pause"), page.evaluate("document.querySelector('#pause').ariaPressed")
        answered.set()

        assert shown == ("Go on", None)
        page.wait_for("document.querySelector('#pause').textContent === 'Go on'")


def test_a_time_of_day_is_in_the_zone_that_the_page_shows(page: Page, new_log: NewLog) -> None:
    """Who reads 09:30 in New York and types 09:45 means a quarter of an hour later, and not UTC."""
    steered = Steered()
    with served(new_log(3), control=steered) as server:
        page.open(server.server.url)
        page.wait_for(
            "document.querySelector('#pause').textContent === 'Pause' && document.querySelector('#speed').value"
        )
        page.wait_for("document.querySelector('#seek-time').placeholder === '09:30:00'")
        page.type("#seek-time", "09:45")
        page.wait_for("document.querySelector('#control-answer').textContent.includes('2026-03-03 09:45:00')")
        page.evaluate("document.querySelector('#zone').value = 'UTC'")
        page.evaluate("document.querySelector('#zone').dispatchEvent(new Event('change'))")
        page.type("#seek-time", "15:00:30")
        page.wait_for("document.querySelector('#control-answer').textContent.includes('2026-03-03 15:00:30')")
        page.evaluate("localStorage.clear()")

    assert steered.asked == ["seek 2026-03-03T14:45:00Z", "seek 2026-03-03T15:00:30Z"]


@pytest.mark.parametrize(
    ("text", "shown", "speed"), [("40", "40", 40), ("0.5x", "0.5", 0.5), ("30 ×", "30", 30), ("max", "max", 1e6)]
)
def test_a_speed_is_typed_as_people_write_it(page: Page, new_log: NewLog, text: str, shown: str, speed: float) -> None:
    """With or without its x; max is the fastest."""
    steered = Steered()
    with served(new_log(3), control=steered) as server:
        page.open(server.server.url)
        page.wait_for("document.querySelector('#speed').value === '20'")
        page.type("#speed", text)
        assert page.evaluate("document.querySelector('#speed').value") == shown
        page.evaluate("document.activeElement.blur()")
        page.wait_for(f"fetch('/api/control').then(answer => answer.json()).then(stand => stand.speed === {speed})")
        page.wait_for(f"document.querySelector('#speed').value === '{shown}'")

    assert steered.asked == [f"speed {speed:g}"]


def test_a_speed_that_is_none_is_told(page: Page, new_log: NewLog) -> None:
    """The server is not even asked."""
    steered = Steered()
    with served(new_log(3), control=steered) as server:
        page.open(server.server.url)
        page.wait_for("document.querySelector('#speed').value === '20'")
        page.type("#speed", "fast")
        page.wait_for("document.querySelector('#control-answer').className === 'wrong'")

        assert page.text("#control-answer") == "a speed is a number above 0, such as 20 or 20x, or max"
    assert steered.asked == []


def test_a_failed_action_shows_its_error(page: Page, new_log: NewLog) -> None:
    """In the run's own words, with its time in the zone that the page shows."""
    with served(new_log(3), control=Steered()) as server:
        page.open(server.server.url)
        page.wait_for("!document.querySelector('#controls').hidden")
        page.type("#seek-time", "2026-03-01")
        page.wait_for("document.querySelector('#control-answer').textContent.includes('seek a later time')")

        assert page.text("#control-answer").startswith("the recording begins at 2026-03-03 09:30:00;")
    page.complaints.clear()  # the browser logs the answer 409 as an error


def test_a_finished_run_offers_no_control(page: Page, new_log: NewLog) -> None:
    """There is nothing to pause; the state says that nothing more will come."""
    log = new_log(5)
    log.finish()
    with served(log) as server:
        page.open(server.server.url)
        page.wait_for("document.querySelector('#connection').textContent === 'finished'")

        assert page.evaluate("document.querySelector('#controls').hidden")
