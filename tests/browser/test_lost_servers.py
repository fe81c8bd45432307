"""A server that restarts, is killed, hangs, or asks who is there."""

from __future__ import annotations

from pathlib import Path

from tests.browser.chromium import Page
from tests.browser.listing import SEQUENCES, received
from tests.cli.processes import running
from tests.cli.test_replay_serve import address_of
from tests.unit.serving.epochs import jumped
from tests.unit.serving.served_runs import NewLog, RunOutput, served
from tickstock_cli.serving.hub import Limits
from tickstock_cli.serving.server import Address

HOLD_STATUS = """
    window.held = [];
    const real = window.fetch;
    window.fetch = async (url, options) => {
      const answer = await real(url, options);
      if (url.pathname === "/status") await new Promise((release) => held.push(release));
      return answer;
    };
"""
"""Lets answers with the status come only when they are released, as on a slow network."""


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


def test_a_server_may_leave_after_the_end_of_its_run(page: Page, new_log: NewLog) -> None:
    """A finished replay in a pipe ends with its server; "no connection", in red, told of a loss that was none."""
    log = new_log(3)
    log.finish()
    with served(log, status=RunOutput({"system_overview": {"status": "ready"}})) as server:
        page.open(server.server.url)
        page.wait_for("document.querySelector('#connection').textContent === 'finished'")
        page.wait_for("document.querySelector('#overview').textContent")
    page.wait_for("document.querySelector('#connection').textContent.startsWith('finished; server gone since ')")

    assert page.evaluate("document.querySelector('#health').hidden")
    assert page.text("#as-of").startswith("as of ")
    page.complaints.clear()


def test_an_answer_from_before_an_event_does_not_set_the_clock_back(page: Page, new_log: NewLog) -> None:
    """The status was on its way when the events came; the clock stood at 12:38 beside an event of 18:11."""
    log = new_log(1)
    with served(log, limits=Limits(heartbeat_seconds=600)) as server:
        page.open(server.server.url)
        received(page, 1)
        page.evaluate(HOLD_STATUS)
        page.wait_for("held.length === 1")
        log.add(9)
        received(page, 10)
        page.evaluate("held.shift()()")
        page.wait_for("held.length === 1")  # the next answer: the first one is drawn

        assert page.text("#market-time") == "2026-03-03 09:30:10"
