"""The pages of the log: how much is shown, and the way to older events."""

from __future__ import annotations

from tests.browser.chromium import Page
from tests.browser.listing import SEQUENCES, place, received
from tests.unit.serving.served_runs import SHORT_MEMORY, NewLog, served
from tickstock_cli.eventlog.limits import LogLimits
from tickstock_cli.serving.server import Address


def test_the_page_says_how_much_of_the_log_it_shows(page: Page, new_log: NewLog) -> None:
    """It said "2,000 shown of 2,000 received" beside 300 rows and a log of 5,000 events."""
    log = new_log(5_000)
    with served(log) as server:
        page.open(server.server.url)
        received(page, 5_000)
        assert place(page) == (300, "300 shown, 5,000 in the log", "events 4,701 to 5,000")
        log.add(10)
        received(page, 5_010)

        assert place(page) == (300, "300 shown, 5,010 in the log", "events 4,711 to 5,010")


def test_the_page_says_which_of_its_events_the_log_no_longer_has(page: Page, new_log: NewLog) -> None:
    """Retention deletes events that the page still shows: more are shown than are in the log."""
    log = new_log(5, SHORT_MEMORY)
    with served(log) as server:
        page.open(server.server.url)
        received(page, 5)
        for number in range(6, 31):
            log.add(1)
            page.wait_for(f"document.querySelector('#place').textContent.startsWith('events 1 to {number}')")
        kept = f"the log keeps those from {log.first_sequence} on"
        page.wait_for(f"document.querySelector('#place').textContent === 'events 1 to 30; {kept}'")

        assert page.evaluate("document.querySelector('#older').disabled")
        assert page.text(".count") == f"30 shown, {31 - log.first_sequence} in the log"


def test_older_events_are_a_button_away(page: Page, new_log: NewLog) -> None:
    """From the newest to the first and back, each event once; what comes meanwhile does not move the page away."""
    log = new_log(700)
    with served(log) as server:
        page.open(server.server.url)
        received(page, 700)
        page.click("#older")
        page.wait_for("document.querySelector('#place').textContent === 'events 101 to 400'")
        assert page.evaluate(SEQUENCES) == list(range(400, 100, -1))
        log.add(5)
        page.wait_for("document.querySelector('#total').textContent === '705'")
        page.click("#older")
        page.wait_for("document.querySelector('#place').textContent === 'events 1 to 100'")
        assert page.evaluate(SEQUENCES) == list(range(100, 0, -1))
        assert page.evaluate("document.querySelector('#older').disabled")
        page.click("#newer")
        page.wait_for("document.querySelector('#place').textContent === 'events 101 to 400'")
        page.click("#newest")

        assert page.evaluate(SEQUENCES) == list(range(705, 405, -1))


def test_damaged_events_leave_a_line_among_older_ones(page: Page, new_log: NewLog) -> None:
    """The page goes back past a file of the log that cannot be read, and says which events it held."""
    log = new_log(400, LogLimits(memory_bytes=1))
    segment = next(log.folder.glob(f"{90:020d}-*.arrow"))
    segment.write_bytes(segment.read_bytes()[:-1] + b"x")
    with served(log) as server:
        page.open(server.server.url)
        received(page, 400)
        page.click("#older")
        page.wait_for("document.querySelector('#place').textContent === 'events 91 to 100'")
        page.click("#older")
        page.wait_for("document.querySelector('#events .gap')")

        assert page.text("#events .gap").startswith("Events 90 to 90 cannot be read")
        assert page.evaluate(SEQUENCES)[-89:] == list(range(89, 0, -1))
    page.complaints.clear()  # the browser reports the answer that was an error


def test_deleted_events_leave_a_line(page: Page, new_log: NewLog) -> None:
    """Retention deleted them while the page was away: it says so, and goes on behind them."""
    log = new_log(5, SHORT_MEMORY)
    with served(log) as server:
        page.open(server.server.url)
        received(page, 5)
        port = server.server.port
    log.add(50)
    with served(log, address=Address(port=port)):
        page.wait_for("document.querySelector('#events .gap')")

        assert page.text("#events .gap").startswith(f"Events 6 to {log.first_sequence - 1} were deleted")
    page.complaints.clear()
