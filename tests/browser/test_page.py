"""The page in a real browser: what a user sees and does."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import pytest

from tests.browser.chromium import Page
from tests.cli.processes import running
from tests.cli.test_replay_serve import address_of
from tests.unit.monitoring.making import rollout
from tests.unit.serving.epochs import jumped
from tests.unit.serving.served_runs import SHORT_MEMORY, FixedPrices, NewLog, RunOutput, Steered, event, events, served
from tests.unit.serving.test_metrics import CHANNEL
from tickstock_cli.eventlog.limits import LogLimits
from tickstock_cli.serving.ports import Health
from tickstock_cli.serving.server import Address

ROWS = "document.querySelectorAll('#events tbody tr')"
SEQUENCES = f"[...{ROWS}].map(row => Number(row.dataset.sequence))"

ALERT = {
    "id": 7,
    "type": "QUEUE_OVERFLOW",
    "severity": "critical",
    "worst_severity": "critical",
    "message": "fmv-1: queue at 96 % of 500 rows",
    "raised_at": "2026-03-03T14:31:00Z",
    "resolved_at": None,
}


def received(page: Page, count: int) -> None:
    """Wait until the page has drawn the newest event, which has this number, and so many are in the log."""
    page.wait_for(
        f"document.querySelector('#total').textContent === '{count:,}'"
        f" && document.querySelector('#place').textContent.endsWith('to {count:,}')"
    )


def kinds(page: Page) -> set[str]:
    """Return the kinds in the list of events."""
    return set(page.evaluate("[...document.querySelectorAll('#events .kind')].map(kind => kind.textContent)"))


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


def test_a_ticker_s_line_is_drawn_with_its_events(page: Page, new_log: NewLog) -> None:
    """Chosen by a click on an event; prices between events come from the run, if it keeps any."""
    with served(new_log(30), prices=FixedPrices()) as server:
        page.open(server.server.url)
        received(page, 30)
        page.click("#events tbody tr:nth-child(1) button")
        page.wait_for("document.querySelector('#chart .uplot')")

        assert page.text("#chart-title") == "Prices of ABC"
        assert page.evaluate("document.querySelector('#chart canvas').width > 0")


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
        page.wait_for("document.querySelector('#control-answer').textContent === 'going to 2026-03-03T15:00Z'")
        page.click("#ahead")
        page.wait_for("document.querySelector('#control-answer').textContent === 'going to 2026-03-03T15:01:00.000Z'")
        page.click("#back")
        page.wait_for("document.querySelector('#control-answer').textContent === 'going to 2026-03-03T15:00:00.000Z'")

    assert steered.asked == [
        "pause",
        "resume",
        "speed 40",
        "step",
        *(f"seek 2026-03-03T15:0{minute}:00Z" for minute in (0, 1, 0)),
    ]


def test_a_time_of_day_is_in_the_zone_that_the_page_shows(page: Page, new_log: NewLog) -> None:
    """Who reads 09:30 in New York and types 09:45 means a quarter of an hour later, and not UTC."""
    steered = Steered()
    with served(new_log(3), control=steered) as server:
        page.open(server.server.url)
        page.wait_for(
            "document.querySelector('#pause').textContent === 'Pause' && document.querySelector('#speed').value"
        )
        page.type("#seek-time", "09:45")
        page.wait_for("document.querySelector('#control-answer').textContent.includes('14:45:00.000Z')")
        page.evaluate("document.querySelector('#zone').value = 'UTC'")
        page.evaluate("document.querySelector('#zone').dispatchEvent(new Event('change'))")
        page.type("#seek-time", "15:00:30")
        page.wait_for("document.querySelector('#control-answer').textContent.includes('15:00:30.000Z')")
        page.evaluate("localStorage.clear()")

    assert steered.asked == ["seek 2026-03-03T14:45:00Z", "seek 2026-03-03T15:00:30Z"]


def test_a_failed_action_shows_its_error(page: Page, new_log: NewLog) -> None:
    """In the run's own words."""
    with served(new_log(3), control=Steered()) as server:
        page.open(server.server.url)
        page.wait_for("!document.querySelector('#controls').hidden")
        page.type("#seek-time", "2026-03-01")
        page.wait_for("document.querySelector('#control-answer').textContent.includes('seek a later time')")
    page.complaints.clear()  # the browser logs the answer 409 as an error


def test_a_finished_run_offers_no_control(page: Page, new_log: NewLog) -> None:
    """There is nothing to pause; the state says that nothing more will come."""
    log = new_log(5)
    log.finish()
    with served(log) as server:
        page.open(server.server.url)
        page.wait_for("document.querySelector('#connection').textContent === 'finished'")

        assert page.evaluate("document.querySelector('#controls').hidden")


def test_the_page_recovers_after_a_restart_of_the_server(page: Page, new_log: NewLog) -> None:
    """By itself; events told meanwhile arrive, none twice."""
    log = new_log(10)
    with served(log) as server:
        page.open(server.server.url)
        received(page, 10)
        port = server.server.port
    page.wait_for("document.querySelector('#connection').textContent !== 'live'")
    log.add(5)
    with served(log, address=Address(port=port)):
        received(page, 15)
        page.wait_for("document.querySelector('#connection').textContent === 'live'")

        assert page.evaluate(SEQUENCES) == list(range(15, 0, -1))
    page.complaints.clear()  # the browser logs every attempt to connect


def test_a_seek_back_clears_and_refills_the_page(page: Page, new_log: NewLog) -> None:
    """With what had been told by then; the rest comes again as the market comes to it."""
    log = new_log(10)
    with served(log) as server:
        page.open(server.server.url)
        received(page, 10)
        epoch = jumped(server, log, 4)
        received(page, 4)
        assert page.evaluate(SEQUENCES) == [4, 3, 2, 1]
        epoch.tell_to(8)
        received(page, 7)

        assert page.evaluate(SEQUENCES) == list(range(7, 0, -1))
        assert page.text("#run").startswith("run run-1.2 ")


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


def test_another_run_at_the_same_address_resets_the_page(page: Page, new_log: NewLog) -> None:
    """Its numbers mean other events."""
    with served(new_log(10)) as server:
        page.open(server.server.url)
        received(page, 10)
        port = server.server.port
    with served(new_log(4), address=Address(port=port), run="run-2"):
        received(page, 4)

        assert page.evaluate(SEQUENCES) == [4, 3, 2, 1]
    page.complaints.clear()


def test_the_token_disappears_from_the_address(page: Page, new_log: NewLog) -> None:
    """It must not stay in histories and screenshots; the page still has it, also after a reload."""
    with served(new_log(2), address=Address(port=0, token="let-me-in")) as server:
        page.open(server.server.url)
        received(page, 2)
        assert page.evaluate("location.search") == ""
        page.reload()
        received(page, 2)


def test_text_of_events_is_never_markup(page: Page, new_log: NewLog) -> None:
    """A ticker is whatever a vendor sends."""
    log = new_log()
    evil = "<img src=x onerror=alert(1)>"
    log.append(events([event(1, ticker=evil)]))
    with served(log) as server:
        page.open(server.server.url)
        received(page, 1)

        assert page.text("#events tbody button") == evil


def place(page: Page) -> tuple[int, str, str]:
    """Return the number of rows, and what the page says of them."""
    return page.evaluate(f"{ROWS}.length"), page.text(".count"), page.text("#place")


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


def test_a_killed_server_leaves_nothing_that_looks_alive(page: Page, tmp_path: Path) -> None:
    """After kill -9 the page stayed "healthy"; now it says since when it knows nothing, and marks what is old."""
    sample = Path(__file__).parents[2] / "sample_data"
    with running("replay", sample, "--speed", "60", "--serve", "127.0.0.1:0", folder=tmp_path) as process:
        page.open(address_of(process))
        page.wait_for("['ready', 'degraded'].includes(document.querySelector('#health').textContent)")
        page.wait_for("document.querySelector('#speed').value === '60'")
        process.kill()
        page.wait_for("document.querySelector('#connection').textContent.startsWith('no connection since ')")

        assert page.text("#health") == "state unknown"
        assert page.text("#as-of").startswith("as of ")
        assert page.evaluate("document.querySelector('#pause').disabled")
        opacity = "Number(getComputedStyle(document.querySelector('{}')).opacity) < 1"
        assert all(page.evaluate(opacity.format(part)) for part in ("#market-time", "#overview"))
    page.open("about:blank")
    page.complaints.clear()


def test_a_server_that_does_not_answer_is_not_shown_as_alive(page: Page, new_log: NewLog) -> None:
    """Its connection may stay open, as that of a process that was stopped; its figures are old all the same."""
    status = RunOutput({"system_overview": {"status": "ready"}})
    with served(new_log(3), status=status) as server:
        page.open(server.server.url)
        page.wait_for("document.querySelector('#health').textContent === 'ready'")
        status.document = {"wrong": float("nan")}  # /status is an error from now on
        page.wait_for("document.querySelector('#health').textContent === 'state unknown'")
        status.document = {"system_overview": {"status": "ready"}}
        page.wait_for("document.querySelector('#health').textContent === 'ready'")

        assert page.evaluate("!document.body.classList.contains('stale')")
    page.complaints.clear()


def test_the_state_of_the_system_is_one_word(page: Page, new_log: NewLog) -> None:
    """The page said "healthy" beside "degraded": only the state that the system reports is shown."""
    status = RunOutput({"system_overview": {"status": "degraded"}})
    with served(new_log(3), status=status) as server:
        page.open(server.server.url)
        page.wait_for("document.querySelector('#health').textContent === 'degraded'")
        words = page.evaluate("document.body.innerText.match(/healthy|degraded|ready/g)")

    assert words == ["degraded"]


def test_the_page_asks_for_a_token(page: Page, new_log: NewLog) -> None:
    """A server with a token showed "reconnecting" for ever; a wrong token is told, and asked for again."""
    with served(new_log(2), address=Address(port=0, token="let-me-in")) as server:
        page.open(server.server.url.split("?")[0])
        page.evaluate("sessionStorage.clear()")
        page.reload()
        page.wait_for("!document.querySelector('#token-form').hidden")
        assert page.text("#connection") == "token needed"
        page.type("#token", "let-me-out")
        page.wait_for("document.querySelector('#token-note').textContent === 'The server refused this token.'")
        page.type("#token", "let-me-in")
        received(page, 2)

        page.wait_for("document.querySelector('#connection').textContent === 'live'")
        assert page.evaluate("document.querySelector('#token-form').hidden")
    page.complaints.clear()  # the browser logs every answer 401


@pytest.mark.parametrize("clicked", ["#events tbody button", "#kinds input", "#older", "#alerts-title", "#ahead"])
def test_keys_work_after_a_click(page: Page, new_log: NewLog, clicked: str) -> None:
    """The focus stays on what was clicked; space and + must go to the market, and not to a ticker or a filter."""
    steered = Steered()
    with served(new_log(400), control=steered) as server:
        page.open(server.server.url)
        received(page, 400)
        page.wait_for("document.querySelector('#speed').value === '20'")
        page.point(clicked)
        paused = page.text("#pause")
        checked = page.evaluate("document.querySelectorAll('#kinds input:checked').length")
        page.press(" ")
        page.wait_for(f"document.querySelector('#pause').textContent !== '{paused}'")
        page.press("+")
        page.wait_for("document.querySelector('#speed').value === '40'")

        assert page.evaluate("document.querySelectorAll('#kinds input:checked').length") == checked


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


def test_the_space_bar_presses_a_button_that_the_keyboard_reached(page: Page, new_log: NewLog) -> None:
    """Without a mouse it is how a button is pressed."""
    steered = Steered()
    with served(new_log(5), control=steered) as server:
        page.open(server.server.url)
        page.wait_for("document.querySelector('#speed').value === '20'")
        while page.tab() != "step":
            continue
        page.press(" ")
        page.wait_for("document.querySelector('#pause').textContent === 'Go on'")

    assert steered.asked == ["step"]


def test_the_list_is_one_stop_of_the_tab_key(page: Page, new_log: NewLog) -> None:
    """300 tickers stood between the filters and the chart; arrow keys go through them."""
    with served(new_log(400)) as server:
        page.open(server.server.url)
        received(page, 400)
        page.evaluate("document.querySelector('#older').focus()")
        stops = 1
        while page.tab() != "ticker":
            stops += 1
            assert stops < 5
            page.press("ArrowDown")
            page.press("ArrowDown")
            focused = page.evaluate("document.activeElement.closest('tr')?.dataset.sequence")

    assert focused == "399"


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


def test_everything_can_be_reached_by_keyboard(page: Page, new_log: NewLog) -> None:
    """Fields have names, and nothing that reacts to a click is not focusable."""
    with served(new_log(5), control=Steered()) as server:
        page.open(server.server.url)
        received(page, 5)
        nameless = page.evaluate(
            "[...document.querySelectorAll('input, select, button')]"
            ".filter(field => !field.labels?.length && !field.ariaLabel && !field.textContent.trim())"
            ".map(field => field.outerHTML)"
        )
        page.press("/")

        assert nameless == []
        assert page.evaluate("document.activeElement.id") == "tickers"


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
