"""What is told over HTTP: health, status, pages of the log, prices, control."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.unit.serving.served_runs import SHORT_MEMORY, START, FixedPrices, NewLog, RunOutput, Steered, event, served
from tickstock_cli.serving.ports import Health, PriceLine
from tickstock_cli.serving.server import Address, ServerThread


def get(server: ServerThread, path: str) -> httpx.Response:
    """Ask a server."""
    return httpx.get(f"http://127.0.0.1:{server.server.port}{path}", timeout=60)


def control(server: ServerThread, body: Any) -> httpx.Response:
    """Steer."""
    url = f"http://127.0.0.1:{server.server.port}/api/control"
    return (
        httpx.post(url, content=body, timeout=60) if isinstance(body, bytes) else httpx.post(url, json=body, timeout=60)
    )


@pytest.fixture(scope="module")
def replay(new_log: NewLog) -> Iterator[tuple[ServerThread, Steered]]:
    """Serve ten events of a replay that can be steered."""
    steered = Steered()
    with served(new_log(10), control=steered, prices=FixedPrices(), status=RunOutput({"channels": 3})) as server:
        yield server, steered


def test_a_healthy_run_is_200(new_log: NewLog) -> None:
    """For whoever supervises the process."""
    with served(new_log()) as server:
        answer = get(server, "/health")

    assert (answer.status_code, answer.json()) == (200, {"ok": True, "reasons": []})


def test_an_unhealthy_run_is_503_with_every_reason(new_log: NewLog) -> None:
    """The reasons are for people."""
    status = RunOutput(state=Health(ok=False, reasons=("tick-1: breaker open", "event log: no space left on device")))
    with served(new_log(), status=status) as server:
        answer = get(server, "/health")

    assert answer.status_code == 503
    assert answer.json()["reasons"] == ["tick-1: breaker open", "event log: no space left on device"]


def test_the_status_is_the_run_s_document_and_the_server_s_figures(replay: tuple[ServerThread, Steered]) -> None:
    """The dashboard's JSON, with who is connected."""
    document = get(replay[0], "/status").json()

    assert document["channels"] == 3
    assert (document["run"], document["market"]) == ("run-1", {"time": START, "phase": "regular"})
    assert (document["server"]["clients"], document["server"]["last_sequence"]) == (0, 10)


def test_events_come_page_by_page(replay: tuple[ServerThread, Steered]) -> None:
    """Each page says where the next one begins."""
    first = get(replay[0], "/api/events?limit=4").json()
    second = get(replay[0], f"/api/events?from={first['next']}&run={first['run']}").json()

    assert [told["sequence"] for told in first["events"] + second["events"]] == list(range(1, 11))
    assert first["events"][0] == {"sequence": 1, **event(1), "event_id": str(2**64 - 2)}
    assert second["next"] == 11


def test_events_are_filtered_as_on_the_websocket(replay: tuple[ServerThread, Steered]) -> None:
    """One meaning of a filter, two ways to ask."""
    page = get(replay[0], "/api/events?kinds=high,low&tickers=ABC,DEF&min_priority=1&sources=tick").json()

    assert [told["sequence"] for told in page["events"]] == [1, 6, 10]


def test_events_come_block_by_block_backward(new_log: NewLog) -> None:
    """A page walks from the newest event to the oldest, over blocks and with filters, and meets each once."""
    with served(new_log(1_000)) as server:
        told: list[int] = []
        place = 1_001
        while place > 1:
            page = get(server, f"/api/events?before={place}&limit=70&kinds=high,low").json()
            sequences = [event["sequence"] for event in page["events"]]
            assert sequences == sorted(sequences)
            assert len(sequences) <= 70
            told, place = sequences + told, page["previous"]

    assert told == [number for number in range(1, 1_001) if number % 5 in (0, 1)]


def test_one_answer_looks_at_a_bounded_number_of_events(new_log: NewLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter that nothing passes must not read the whole log; the answer says where to go on."""
    monkeypatch.setattr("tickstock_cli.serving.answers.MAX_SCANNED", 256)
    with served(new_log(2_000)) as server:
        page = get(server, "/api/events?before=2001&tickers=NONE").json()

    assert page["events"] == []
    assert 1_400 < page["previous"] < 1_800


@pytest.mark.parametrize("query", ["kinds=high,low", "kinds=high&kinds=low", "kinds=high,fmv&kinds=low"])
def test_a_list_can_be_repeated_or_have_commas(replay: tuple[ServerThread, Steered], query: str) -> None:
    """Clients write lists both ways: one of them must not quietly keep the last value."""
    page = get(replay[0], f"/api/events?{query}&sources=tick").json()

    assert [told["sequence"] for told in page["events"]] == [1, 5, 6, 10]


@pytest.mark.parametrize("path", ["/nothing", "/api/evnts", "/static/none.js", "/wss"])
def test_an_unknown_path_is_an_error_in_json(replay: tuple[ServerThread, Steered], path: str) -> None:
    """In the one form of all errors, with the paths that exist."""
    answer = get(replay[0], path)

    assert answer.status_code == 404
    assert answer.json()["error"]["message"].startswith(f"nothing is at {path}; the paths are /, /ws, /status")


def test_an_unknown_path_in_a_browser_is_a_page(replay: tuple[ServerThread, Steered]) -> None:
    """A person mistyped the address: the page leads to the events, and shows the path as text."""
    url = f"http://127.0.0.1:{replay[0].server.port}/<b>x"
    answer = httpx.get(url, headers={"Accept": "text/html,application/xhtml+xml"}, timeout=60)

    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert '<a href="/">' in answer.text
    assert "<b>" not in answer.text


def test_a_method_that_a_path_does_not_take_is_an_error_in_json(replay: tuple[ServerThread, Steered]) -> None:
    """It names those that it takes."""
    answer = httpx.put(f"http://127.0.0.1:{replay[0].server.port}/api/control")

    assert answer.status_code == 405
    assert answer.json()["error"]["message"] == "/api/control does not take PUT; it takes GET, HEAD, POST"


def test_a_fault_of_the_server_is_an_error_in_json(new_log: NewLog) -> None:
    """A program that reads errors must be able to read this one."""

    class Broken(FixedPrices):
        def prices(self, ticker: str) -> PriceLine:
            raise RuntimeError(ticker)

    with served(new_log(), prices=Broken()) as server:
        answer = get(server, "/api/prices?ticker=ABC")

    assert (answer.status_code, answer.json()) == (
        500, {"error": {"message": "the server failed to answer; its log says why"}}
    )  # fmt: skip


LONG = "x" * 10_000


@pytest.mark.parametrize(
    "path",
    [
        f"/{LONG}",
        f"/api/events?{LONG}=1",
        f"/api/events?limit={LONG}",
        f"/api/events?limit={'9' * 4_000}",
        f"/api/events?from={'9' * 4_000}",
        f"/api/events?before={'9' * 4_000}",
        f"/api/events?kinds={LONG}",
        f"/api/events?run={LONG}",
        f"/api/events?{LONG}=1&{LONG}=2",
        f"/api/universe?name={LONG}",
        f"/api/prices?ticker={LONG}",
    ],
)
def test_an_error_does_not_repeat_a_long_request(replay: tuple[ServerThread, Steered], path: str) -> None:
    """Who sends 10 kB gets one line back, not 20 kB."""
    answer = get(replay[0], path)

    assert 400 <= answer.status_code < 500
    assert len(answer.content) < 1_200


@pytest.mark.parametrize(
    "body", [{"action": LONG}, {"action": "pause", LONG: 1}, {"action": "seek", "time": LONG}, {LONG: LONG[:1_000]}]
)
def test_an_error_does_not_repeat_a_long_body(replay: tuple[ServerThread, Steered], body: dict[str, Any]) -> None:
    """The same for actions, also where the run itself words the error."""
    answer = control(replay[0], body)

    assert answer.status_code == 400
    assert len(answer.content) < 1_200


def test_a_universe_s_tickers_can_be_asked_for(replay: tuple[ServerThread, Steered]) -> None:
    """So that a page filters by it what it has already; an unknown one is told with those there are."""
    unknown = get(replay[0], "/api/universe?name=second")

    assert get(replay[0], "/api/universe?name=first").json() == {"name": "first", "tickers": ["ABC"]}
    assert (unknown.status_code, unknown.json()["error"]["field"]) == (400, "name")
    assert unknown.json()["error"]["message"] == "no universe is named 'second'; the universes are first"


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("from=99", 416, "from"),
        ("from=x", 400, "from"),
        ("run=other", 409, "run"),
        ("kinds=hihg", 400, "kinds"),
        ("limit=0", 400, "limit"),
        ("limit=many", 400, "limit"),
        ("limit=1&limit=2", 400, "limit"),
        ("before=0", 416, "before"),
        ("before=12", 416, "before"),
        ("before=x", 400, "before"),
        ("before=5&from=2", 400, "before"),
        ("colour=red", 400, "colour"),
        ("universe=second", 400, "universe"),
    ],
)
def test_a_wrong_query_names_the_field(
    replay: tuple[ServerThread, Steered], query: str, status: int, field: str
) -> None:
    """And says what would be right."""
    answer = get(replay[0], f"/api/events?{query}")

    assert (answer.status_code, answer.json()["error"]["field"]) == (status, field)


def test_an_expired_page_names_the_first_event_kept(new_log: NewLog) -> None:
    """410: it was there, and is no more."""
    log = new_log(30, SHORT_MEMORY)
    with served(log) as server:
        answer = get(server, "/api/events?from=1")

    assert (answer.status_code, answer.json()["error"]["first_sequence"]) == (410, log.first_sequence)


def test_control_actions_change_the_replay(replay: tuple[ServerThread, Steered]) -> None:
    """Each action answers with what stands after it."""
    server, steered = replay

    assert control(server, {"action": "pause"}).json()["paused"]
    assert control(server, {"action": "step"}).status_code == 200
    assert control(server, {"action": "speed", "speed": "max"}).json()["speed"] == 1e6
    assert control(server, {"action": "speed", "speed": 60}).json()["speed"] == 60
    assert control(server, {"action": "seek", "time": "2026-03-03T15:00:00Z"}).json()["time"] == START + 1_800 * 10**9
    assert not control(server, {"action": "resume"}).json()["paused"]
    assert control(server, {"action": "kill", "channel": "tick-1"}).status_code == 200
    assert control(server, {"action": "rollout", "percent": 2.5}).status_code == 200
    assert get(server, "/api/control").json()["speed"] == 60
    assert steered.asked == [
        "pause", "step", "speed 1e+06", "speed 60", "seek 2026-03-03T15:00:00Z", "resume", "kill tick-1", "rollout 2.5"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"{", 400, None),
        (b"x" * 20_000, 413, None),
        ({"action": "sell"}, 400, "action"),
        ({}, 400, "action"),
        ({"action": "speed"}, 400, "speed"),
        ({"action": "speed", "speed": 0}, 400, "speed"),
        ({"action": "speed", "speed": "fast"}, 400, "speed"),
        ({"action": "speed", "speed": True}, 400, "speed"),
        ({"action": "speed", "speed": "20"}, 400, "speed"),
        ({"action": "seek", "time": False}, 400, "time"),
        ({"action": "seek", "time": 1.5}, 400, "time"),
        ({"action": "kill", "channel": 1}, 400, "channel"),
        ({"action": "seek", "time": "noon"}, 400, "time"),
        ({"action": "seek", "time": "2026-03-02"}, 409, "time"),
        ({"action": "kill"}, 400, "channel"),
        ({"action": "rollout", "percent": 101}, 400, "percent"),
        ({"action": "rollout", "percent": True}, 400, "percent"),
        ({"action": "pause", "for": "ever"}, 400, "for"),
    ],
)
def test_an_invalid_action_is_answered_with_an_error(
    replay: tuple[ServerThread, Steered], body: Any, status: int, field: str | None
) -> None:
    """What the request got wrong is 400 and named; what the run cannot do is 409 in the run's own words."""
    answer = control(replay[0], body)

    assert (answer.status_code, answer.json()["error"].get("field")) == (status, field)


def test_a_finished_run_cannot_be_controlled(new_log: NewLog) -> None:
    """There is nothing to pause."""
    with served(new_log()) as server:
        assert control(server, {"action": "pause"}).status_code == 404
        assert get(server, "/api/prices?ticker=ABC").status_code == 404


def test_control_is_off_for_a_network_without_a_token(new_log: NewLog) -> None:
    """Anybody could stop the run; with a token, only who has it."""
    with served(new_log(), control=Steered(), address=Address("0.0.0.0", 0)) as server:
        assert control(server, {"action": "pause"}).status_code == 403
    with served(new_log(), control=Steered(), address=Address("0.0.0.0", 0, token="key")) as server:
        url = f"http://127.0.0.1:{server.server.port}/api/control"
        assert httpx.post(url, json={"action": "pause"}, timeout=60).status_code == 401
        allowed = httpx.post(url, json={"action": "pause"}, headers={"Authorization": "Bearer key"}, timeout=60)
        assert allowed.status_code == 200


def test_prices_of_a_ticker_are_returned(replay: tuple[ServerThread, Steered]) -> None:
    """For the page's line."""
    assert get(replay[0], "/api/prices?ticker=ABC").json() == {
        "ticker": "ABC",
        "times": [START, START + 1],
        "prices": [10.0, 10.5],
    }
    assert get(replay[0], "/api/prices").status_code == 400
