"""The list of events: what comes, what is chosen, and what is no longer there."""

from __future__ import annotations

from tests.browser.chromium import Page
from tests.browser.listing import ROWS, SEQUENCES, kinds, place, received
from tests.unit.serving.served_runs import START, FixedPrices, NewLog, event, events, served


def test_events_appear_newest_first(page: Page, new_log: NewLog) -> None:
    """What had been told before the page was opened, and what is told from then on."""
    log = new_log(10)
    with served(log) as server:
        page.open(server.server.url)
        received(page, 10)
        log.add(3)
        received(page, 13)

        assert page.evaluate(SEQUENCES) == list(range(13, 0, -1))
        assert page.text("#connection") == "live"
        assert page.text("h1") == "tickstock a story"


def test_a_filter_applies_to_shown_and_to_new_events(page: Page, new_log: NewLog) -> None:
    """By kind, ticker and priority; clearing brings everything back."""
    log = new_log(30)
    with served(log) as server:
        page.open(server.server.url)
        received(page, 30)
        page.click("#kinds input[value=surge]")
        assert kinds(page) == {"surge"}
        log.add(10)
        received(page, 40)
        assert kinds(page) == {"surge"}
        assert page.text("#shown") == "8"

        page.type("#tickers", "abc")
        assert page.evaluate(SEQUENCES) == [27, 12]
        page.click("#filters button[type=reset]")
        page.wait_for(f"{ROWS}.length === 40")
        page.evaluate("document.querySelector('#priority').value = '1'")
        page.evaluate("document.querySelector('#priority').dispatchEvent(new Event('input', {bubbles: true}))")
        assert kinds(page) == {"high", "low"}


def test_a_universe_filters_events(page: Page, new_log: NewLog) -> None:
    """One of those the run knows by name; clearing brings everything back."""
    with served(new_log(30)) as server:
        page.open(server.server.url)
        received(page, 30)
        choose = "field => { field.value = 'first'; field.dispatchEvent(new Event('change', {bubbles: true})) }"
        page.evaluate(f"({choose})(document.querySelector('#universe'))")
        page.wait_for(f"{ROWS}.length === 10")

        assert page.evaluate(SEQUENCES) == list(range(30, 0, -3))
        page.click("#filters button[type=reset]")
        page.wait_for(f"{ROWS}.length === 30")


def test_a_filter_finds_events_from_before_the_page_was_opened(page: Page, new_log: NewLog) -> None:
    """The page begins with the last 2,000; a rare event may be the first of the log."""
    log = new_log()
    log.append(events([event(1, ticker="RARE"), *(event(number) for number in range(2, 3_001))]))
    with served(log) as server:
        page.open(server.server.url)
        received(page, 3_000)
        page.type("#tickers", "rare")
        page.wait_for(f"{ROWS}.length === 1")

        assert page.evaluate(SEQUENCES) == [1]
        assert place(page) == (1, "1 shown, 3,000 in the log", "events 1 to 3,000")


def test_dates_are_shown_where_the_list_has_several(page: Page, new_log: NewLog) -> None:
    """A night, or several days: each date stands at its newest event, where times of day alone would run backwards."""
    log = new_log(2)
    dated = "[...document.querySelectorAll('#events .dated')]"
    shown = f"{dated}.map(row => `${{row.dataset.sequence}} ${{row.dataset.date}}`)"
    day = 86_400 * 10**9
    with served(log) as server:
        page.open(server.server.url)
        received(page, 2)
        assert page.evaluate(shown) == []

        log.append(events([event(3, emitted_at=START + day), event(4, emitted_at=START + day + 1)]))
        received(page, 4)
        assert page.evaluate(shown) == ["4 2026-03-04", "2 2026-03-03"]
        assert page.evaluate("getComputedStyle(document.querySelector('.dated .date')).display") == "block"


def test_text_of_events_is_never_markup(page: Page, new_log: NewLog) -> None:
    """A ticker is whatever a vendor sends."""
    log = new_log()
    evil = "<img src=x onerror=alert(1)>"
    log.append(events([event(1, ticker=evil)]))
    with served(log) as server:
        page.open(server.server.url)
        received(page, 1)

        assert page.text("#events tbody button") == evil


def test_a_click_chooses_the_ticker_that_the_mouse_pressed(page: Page, new_log: NewLog) -> None:
    """Rows move down as events come: one that came between press and release would be chosen, or none."""
    log = new_log(30)
    with served(log) as server:
        page.open(server.server.url)
        received(page, 30)
        page.mouse("mousePressed", "#events tbody tr:nth-child(1) button")
        log.add(1)
        page.wait_for("document.querySelector('#total').textContent === '31'")
        page.mouse("mouseReleased", "#events tbody tr:nth-child(1) button")
        received(page, 31)

        assert page.text("#chart-title") == "Prices of ABC"


def test_a_ticker_s_line_is_drawn_with_its_events(page: Page, new_log: NewLog) -> None:
    """Chosen by a click on an event; prices between events come from the run, if it keeps any."""
    with served(new_log(30), prices=FixedPrices()) as server:
        page.open(server.server.url)
        received(page, 30)
        page.click("#events tbody tr:nth-child(1) button")
        page.wait_for("document.querySelector('#chart .uplot')")

        assert page.text("#chart-title") == "Prices of ABC"
        assert page.evaluate("document.querySelector('#chart canvas').width > 0")
