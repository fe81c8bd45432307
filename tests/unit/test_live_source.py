"""A live source is one file and one registry line: settings, arrival queue, clock, health and alerts come along."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pyarrow as pa
import pytest

from tickstock_cli import build, sources
from tickstock_cli.core.metrics import SourceState
from tickstock_cli.core.registry import Part
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.observer import Observer
from tickstock_cli.engine.taps import Tap, TapContext, TapStep
from tickstock_cli.errors import DataError
from tickstock_cli.replaying import Request, replay
from tickstock_cli.runtime.opening import PipelineName
from tickstock_cli.testing import FairValue, Record, run_records

FAIR = {"ticker": "IBM", "fmv": 103.0, "market_price": 100.0}


@pytest.fixture(autouse=True)
def toy_registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Register the toy feed, with the one line that a source takes."""
    toy = Part("tests.unit.sources.toy_feed:ToyFeed", "tests.unit.sources.toy_feed:ToyParams")
    monkeypatch.setitem(sources.PARTS, "toy", toy)
    build.settings_model.cache_clear()
    yield
    build.settings_model.cache_clear()


@contextmanager
def feed(key: str, *trades: dict[str, Any], ends: bool = False) -> Iterator[str]:
    """Serve trades to one client that knows the key, then end, or stay silent until it leaves."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = server.accept()
        with connection, connection.makefile("rw") as lines:
            wanted = json.loads(lines.readline())
            good = wanted["key"] == key
            told = [{"status": "auth_success" if good else "auth_failed"}]
            told += [{"ack": symbol} for symbol in wanted["symbols"]] + list(trades) if good else []
            lines.write("".join(json.dumps(line) + "\n" for line in told))
            lines.flush()
            if not ends:
                lines.readline()

    thread = Thread(target=serve)
    thread.start()
    try:
        yield f"toy:127.0.0.1:{server.getsockname()[1]}"
    finally:
        thread.join()
        server.close()


def settings_for(key: str) -> Any:
    """Return settings in which the source has a section of its own."""
    return build.settings_from({"toy": {"key": key, "symbols": ["IBM", "AAPL"]}, "session": {"calendar": "24/7"}})


class StopAtEvent(Observer):
    """Stops the run with its first event: nothing else comes from the feed."""

    def __init__(self, control: Control) -> None:
        self.control = control
        self.events: list[dict[str, Any]] = []

    def released(self, events: pa.RecordBatch, count: int) -> None:  # noqa: ARG002 - the observer's
        self.events += events.to_pylist()
        self.control.stop()


@pytest.mark.parametrize("pipeline", [PipelineName.DIRECT, PipelineName.MULTI])
def test_an_event_of_a_silent_feed_is_released(pipeline: PipelineName) -> None:
    """A fair value waits for its window's end; no further row comes, and the event is told all the same."""
    control = Control()
    stopper = StopAtEvent(control)
    with feed("secret", FAIR) as target:
        request = Request([target], settings_for("secret"), pipeline=pipeline)
        result = replay(request, control, lambda _: stopper)

    (event,) = stopper.events
    assert event["kind"] == "fmv"
    assert event["emitted_at"] % 500_000_000 == 0
    assert event["available_at"] <= event["emitted_at"]
    assert result.arrivals is not None
    assert (result.arrivals.received, result.arrivals.late) == (1, 0)
    health = result.arrivals.source
    assert (health.state, health.authenticated) == (SourceState.CONNECTED, True)
    assert (health.wanted, health.acknowledged) == (2, 2)


class Rows(Tap):
    """Keeps rows as a recording would hold them."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def begin(self, context: TapContext) -> None:
        self._tickers = context.symbols.tickers

    def observe(self, step: TapStep) -> None:
        rows = step.rows.fmvs.rows
        columns = (rows.code, rows.timestamp, rows.available_at, rows.fmv, rows.market_price)
        for code, timestamp, available, fmv, market in zip(*(column.tolist() for column in columns), strict=True):
            self.records.append(FairValue(self._tickers[code], timestamp, fmv, market, received_at=available))


def test_a_replay_of_the_received_rows_gives_the_same_events() -> None:
    """Rows are stamped once; replayed with these stamps they give the digest of the live run."""
    values = [{"ticker": f"T{place % 7}", "fmv": 102.0 + place % 3, "market_price": 100.0} for place in range(40)]
    rows = Rows()
    with feed("secret", *values, ends=True) as target:
        live = replay(Request([target], settings_for("secret")), taps={"rows": rows})
    again = run_records(rows.records, {"session.calendar": "24/7"}, batch_rows=1)

    assert len(rows.records) == 40
    stamps = [record.received_at or 0 for record in rows.records]
    assert stamps == sorted(stamps)
    assert live.tally.events == 7
    assert live.digest == again.result.digest


def test_a_refused_key_ends_the_run() -> None:
    """One line with the server's word; the key itself stays out of it."""
    with feed("secret") as target, pytest.raises(DataError, match="refuses the key: auth_failed") as refused:
        replay(Request([target], settings_for("wrong-key")))

    assert "wrong-key" not in str(refused.value)


def test_the_section_of_a_source_is_checked_like_any_other() -> None:
    """A typo is an error, not a default."""
    with pytest.raises(ValueError, match="symbol"):
        build.settings_from({"toy": {"symbol": ["IBM"]}})
