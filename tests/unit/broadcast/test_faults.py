"""Faults of a served replay, end to end: the ledger balances, nothing is lost, and an alert is raised and resolved.

Seen as a user sees them: in the status document and the health of the server, and in what the run leaves behind.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.cli.altered import STUMBLING
from tests.cli.market import morning
from tickstock_cli.broadcast.broadcast import Broadcast
from tickstock_cli.core.metrics import BreakerState
from tickstock_cli.core.stages import Sink
from tickstock_cli.detectors import PARTS
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.result import RunResult
from tickstock_cli.errors import OutputError
from tickstock_cli.replaying import Request, replay
from tickstock_cli.runtime.instance import ProcessingChannel
from tickstock_cli.runtime.pipeline import MultiChannelPipeline
from tickstock_cli.serving.server import Address
from tickstock_cli.sinks.opening import open_sink
from tickstock_cli.testing import settings_of

QUICK = {
    "monitoring.interval_ms": 20,
    "monitoring.window_seconds": 1,
    "monitoring.resolve_after_seconds": 0.1,
    "monitoring.cooldown_seconds": 0,
    "tick_channel.breaker_open_ms": 100,
    "tick_channel.instances": 2,
}

LONGEST_SECONDS = 60
"""What has not come after so long never will; better a failed test than one that hangs."""


class Served:
    """A replay under way, in a thread, and its server."""

    def __init__(self, request: Request, broadcast: Broadcast, control: Control) -> None:
        self.control = control
        self._broadcast = broadcast
        self._request = request
        self._pipelines: list[MultiChannelPipeline] = []
        self._results: list[RunResult] = []
        self._thread = Thread(target=self._run, daemon=True)  # a run that hangs must not keep the tests from ending
        self._thread.start()
        self.until(lambda: bool(self._pipelines))

    def _run(self) -> None:
        def attach(pipeline: MultiChannelPipeline) -> None:
            self._broadcast.attach(pipeline)
            self._pipelines.append(pipeline)

        broadcast = self._broadcast
        self._results.append(
            replay(
                self._request, self.control, lambda _: broadcast, attach=attach, open_sinks=self._broadcast.open_sinks
            )
        )

    @property
    def pipeline(self) -> MultiChannelPipeline:
        """The running system, as the run feeds it."""
        return self._pipelines[0]

    def instances(self, record: str) -> Sequence[ProcessingChannel]:
        """Return a channel's instances."""
        return [instance for instance in self.pipeline.system.instances() if instance.record == record]

    def status(self) -> dict[str, Any]:
        """Ask the server how it is."""
        document: dict[str, Any] = httpx.get(f"{self._broadcast.url}status", timeout=LONGEST_SECONDS).json()
        return document

    def steer(self, action: dict[str, str]) -> int:
        """Ask the server for something, and return its status."""
        answer = httpx.post(f"{self._broadcast.url}api/control", json=action, timeout=LONGEST_SECONDS)
        return answer.status_code

    def connected(self) -> ClientConnection:
        """Return a client's connection, to be used as a context."""
        url = f"{self._broadcast.url.replace('http', 'ws')}ws"
        return connect(url, proxy=None, open_timeout=LONGEST_SECONDS)

    def alert(self, kind: str, subject: str) -> dict[str, Any] | None:
        """Return the latest alert of a type and subject, if there was one."""
        alerts = self.status()["recent_alerts"]
        mine = [alert for alert in alerts if (alert["type"], alert["subject"]) == (kind, subject)]
        return mine[-1] if mine else None

    def raised(self, kind: str, subject: str) -> dict[str, Any]:
        """Wait for an alert."""
        self.until(lambda: self.alert(kind, subject) is not None)
        alert = self.alert(kind, subject)
        assert alert is not None
        return alert

    def resolved(self, kind: str, subject: str) -> None:
        """Wait until an alert is over."""
        self.until(lambda: (self.alert(kind, subject) or {"resolved_at": None})["resolved_at"] is not None)

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something to come true; fails after a minute, or when the run has ended before."""
        deadline = monotonic() + LONGEST_SECONDS
        while not condition():
            assert monotonic() < deadline, f"waited for {LONGEST_SECONDS} s"
            assert self._thread.is_alive() or self._results, "the run has failed"
            sleep(0.01)

    def end(self) -> RunResult:
        """Let the run go on as fast as it can, and return its result."""
        self.control.set_speed(1e6)
        self.control.resume()
        self.join()
        return self._results[0]

    def join(self) -> None:
        """Wait until the run has ended."""
        self._thread.join(LONGEST_SECONDS)
        assert not self._thread.is_alive(), f"the run did not end within {LONGEST_SECONDS} s"


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """Write a busy morning."""
    return morning(tmp_path / "recorded")


@contextmanager
def served(recorded: Path, **settings: Any) -> Iterator[Served]:
    """Serve a replay of the morning at a hundred times its speed."""
    out = str(recorded.parent / "served.parquet")
    chosen = settings_of({**QUICK, **{name.replace("__", "."): value for name, value in settings.items()}})
    request = Request(paths=[recorded], settings=chosen, outs=[out], speed=100.0)
    control = Control(request.speed)
    with Broadcast(request, control, Address("127.0.0.1", 0)) as broadcast:
        run = Served(request, broadcast, control)
        try:
            yield run
        finally:
            control.stop()
            run.join()  # before its log and its server go


def test_the_dashboard_counts_the_clients(recorded: Path) -> None:
    """Those of the WebSocket, in the document that the terminal draws and ``/status`` serves."""

    def clients(run: Served) -> int:
        count: int = run.status()["system_overview"]["clients"]
        return count

    with served(recorded) as run:
        run.control.pause()
        run.until(lambda: clients(run) == 0)
        with run.connected():
            run.until(lambda: clients(run) == 1)
        run.until(lambda: clients(run) == 0)


def direct(recorded: Path) -> RunResult:
    """Replay the morning flat out, without any fault."""
    return replay(Request(paths=[recorded], settings=settings_of({}), outs=[str(recorded.parent / "direct.parquet")]))


def assert_nothing_is_lost(run: RunResult, recorded: Path) -> None:
    """Compare digest, ledger and file with those of a direct run."""
    whole = direct(recorded)
    assert (run.digest, run.ledger.as_dict()) == (whole.digest, whole.ledger.as_dict())
    assert (recorded.parent / "served.parquet").read_bytes() == (recorded.parent / "direct.parquet").read_bytes()


def test_a_killed_instance_loses_nothing(recorded: Path) -> None:
    """Its shards go to its sister, it is started again, they come home; the alert comes and goes."""
    with served(recorded) as run:
        steered = run.steer({"action": "kill", "channel": "tick-1"})
        alert = run.raised("CHANNEL_FAILURE", "tick-1")
        run.resolved("CHANNEL_FAILURE", "tick-1")
        run.until(lambda: run.status()["channel_details"]["tick-1"]["shards"] == 32)
        assert run.status()["system_overview"]["router"]["moves"] >= 64
        result = run.end()

    assert steered == 200
    assert alert["message"] == "tick-1 has stopped with an error"
    assert_nothing_is_lost(result, recorded)


def test_a_channel_that_is_not_there_cannot_be_killed(recorded: Path) -> None:
    """The answer names those that are."""
    with served(recorded) as run:
        assert run.steer({"action": "kill", "channel": "tick-9"}) == 409


def test_a_breaker_opens_and_recovers_and_nothing_is_lost(recorded: Path) -> None:
    """Rows wait, or move to the sister, while it is open; trials close it again."""
    with served(recorded, tick_channel__instances=1) as run:
        (victim,) = run.instances("tick")

        async def fail() -> None:
            for _ in range(5):
                victim._breaker.failed("a planted failure")

        run.pipeline.call(fail())
        alert = run.raised("CHANNEL_FAILURE", "tick-1")
        run.resolved("CHANNEL_FAILURE", "tick-1")
        breaker = run.status()["channel_details"]["tick-1"]["breaker"]
        result = run.end()

    assert "circuit breaker" in alert["message"]
    assert (breaker["state"], breaker["opened"]) == (str(BreakerState.CLOSED), 1)
    assert [change["after"] for change in breaker["transitions"]] == ["open", "half_open", "closed"]
    assert_nothing_is_lost(result, recorded)


def test_a_detector_error_affects_only_its_ticker(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows are counted as failed, everybody else's events are those of a direct run."""
    whole = direct(recorded)
    monkeypatch.setitem(PARTS, "highlow", STUMBLING.partition("=")[2])
    patient = {"tick_channel__breaker_failures": 1_000_000, "tick_channel__breaker_failure_percent": 100}
    with served(recorded, tick_channel__instances=1, **patient) as run:
        alert = run.raised("LOW_SUCCESS_RATE", "tick-1")
        run.control.pause()
        run.resolved("LOW_SUCCESS_RATE", "tick-1")
        result = run.end()

    served_events = pq.read_table(recorded.parent / "served.parquet").to_pylist()
    wanted = pq.read_table(recorded.parent / "direct.parquet").to_pylist()
    (spoiled,) = extremes(wanted) - extremes(served_events)
    assert "rows failed" in alert["message"]
    assert [event for event in served_events if event["ticker"] != spoiled] == [
        event for event in wanted if event["ticker"] != spoiled
    ]
    result.ledger.check()
    assert result.ledger["tick.failed.highlow"] == whole.ledger["tick.read"] // 3
    assert result.ledger["tick.processed"] == whole.ledger["tick.processed"]


def extremes(events: Sequence[dict[str, Any]]) -> set[str]:
    """Return the tickers whose ticks told of a high or a low."""
    return {event["ticker"] for event in events if event["source"] == "tick" and event["kind"] in ("high", "low")}


class Frail:
    """An output that fails as long as it is told to."""

    broken = False

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def write(self, events: pa.RecordBatch) -> None:
        """Write, unless broken."""
        if Frail.broken:
            raise OutputError("cannot write frail: its machine does not answer")
        self._sink.write(events)

    def finish(self) -> None:
        """See ``Sink.finish``."""
        self._sink.finish()

    def commit(self) -> None:
        """See ``Sink.commit``."""
        self._sink.commit()

    def abort(self) -> None:
        """See ``Sink.abort``."""
        self._sink.abort()


def test_a_recovered_sink_has_every_event(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is away the run goes on, clients are served, and health says what is wrong."""
    opened = "tickstock_cli.broadcast.broadcast.open_sink"
    monkeypatch.setattr(opened, lambda target, schema: Frail(open_sink(target, schema)))
    target = str(recorded.parent / "served.parquet")
    with served(recorded) as run:
        Frail.broken = True
        alert = run.raised("CHANNEL_FAILURE", target)
        health = httpx.get(f"{run._broadcast.url}health", timeout=LONGEST_SECONDS)
        Frail.broken = False
        run.resolved("CHANNEL_FAILURE", target)
        result = run.end()

    assert alert["message"] == f"{target}: cannot write frail: its machine does not answer"
    assert health.status_code == 503
    assert alert["message"] in json.loads(health.text)["reasons"]
    assert_nothing_is_lost(result, recorded)
