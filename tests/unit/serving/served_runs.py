"""A run to serve, without a runtime: a log in memory, ports that are told what to say, and a server in a thread."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pytest
from websockets.sync.client import ClientConnection, connect

from tickstock_cli.build import event_kinds
from tickstock_cli.core.events import EVENT_SCHEMA
from tickstock_cli.core.times import format_time
from tickstock_cli.errors import UsageError
from tickstock_cli.eventlog.limits import LogLimits
from tickstock_cli.eventlog.manifest import RunInfo
from tickstock_cli.eventlog.slices import LogSlice
from tickstock_cli.eventlog.writer import DEFAULT_LIMITS, EventLog
from tickstock_cli.serving.hub import Limits
from tickstock_cli.serving.ports import ControlPort, Health, MarketState, PriceLine, PricePort
from tickstock_cli.serving.served import ServedRun
from tickstock_cli.serving.server import Address, ServerThread

KINDS = ("high", "low", "surge", "trend", "fmv")
TICKERS = ("ABC", "DEF", "GHI")
START = 1_772_548_200_000_000_000
"""2026-03-03 14:30 UTC, in ns."""
PATIENCE = 200
"""Messages that may come before the one waited for: heartbeats would else keep a failing test going for ever."""


def event(number: int, **columns: Any) -> dict[str, Any]:
    """Return the event that has this place in a story: kinds and tickers take turns, one event a second."""
    kind = KINDS[number % 5]
    return {
        "event_id": 2**64 - 1 - number,
        "emitted_at": START + number * 1_000_000_000,
        "timestamp": START + number * 1_000_000_000 + 1,
        "available_at": START + number * 1_000_000_000 + 1,
        "ticker": TICKERS[number % 3],
        "kind": kind,
        "direction": 1 if number % 2 else -1,
        "price": 100 + number / 100,
        "source": "fmv" if kind == "fmv" else "tick",
        "phase": "regular",
        "priority": {"high": 1, "low": 1, "surge": 2, "trend": 3, "fmv": 4}[kind],
        "confidence": 1.0,
        "percent_change": 0.5,
        "previous": None,
        "volume": 100.0,
        "rel_volume": None,
        "score": None,
        "strength": None,
        "trigger": None,
        "merged": 1,
        **columns,
    }


def events(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    """Return events as the log takes them."""
    return pa.RecordBatch.from_pylist(rows, EVENT_SCHEMA)


class StoryLog(EventLog):
    """A log that the story is written to."""

    def __init__(self, folder: Path, limits: LogLimits) -> None:
        super().__init__(folder, RunInfo("run-1", START, "a story"), limits)
        self.reads = 0

    def add(self, count: int) -> None:
        """Append the next events of the story."""
        first = self.next_sequence
        self.append(events([event(number) for number in range(first, first + count)]))

    def read(self, sequence: int, limit: int) -> LogSlice:
        self.reads += 1
        return super().read(sequence, limit)


class NewLog(Protocol):
    """Makes a log with the first ``count`` events of the story."""

    def __call__(self, count: int = 0, limits: LogLimits = ...) -> StoryLog:
        """Make it, in a folder of its own."""


@pytest.fixture(scope="session")
def new_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewLog]:
    """Return what makes a log with the first events of the story."""
    with ExitStack() as logs:

        def make(count: int = 0, limits: LogLimits = DEFAULT_LIMITS) -> StoryLog:
            log = logs.enter_context(StoryLog(tmp_path_factory.mktemp("log") / "log", limits))
            log.add(count)
            return log

        yield make


SHORT_MEMORY = LogLimits(memory_bytes=1, keep_ns=10_000_000_000)
"""Keeps the events of ten seconds, each in a file of its own."""


@dataclass(slots=True)
class RunOutput:
    """A status port that says what the test tells it to."""

    document: Mapping[str, Any] = field(default_factory=dict)
    state: Health = field(default_factory=lambda: Health(ok=True))
    place: MarketState = field(default_factory=lambda: MarketState(START, "regular"))

    def status(self) -> Mapping[str, Any]:
        """See ``StatusPort``."""
        return self.document

    def health(self) -> Health:
        """See ``StatusPort``."""
        return self.state

    def market(self) -> MarketState:
        """See ``StatusPort``."""
        return self.place

    def debug(self) -> Mapping[str, Any]:
        """See ``StatusPort``."""
        return {"summary": "a story", "channels": [{"name": "tick-1"}], "performance_issues": [], "active_alerts": []}

    def debug_channel(self, channel: str) -> Mapping[str, Any] | None:
        """See ``StatusPort``."""
        return {"name": channel} if channel == "tick-1" else None


class Steered:
    """A replay that only remembers what was asked of it."""

    def __init__(self) -> None:
        self.paused = False
        self.speed = 20.0
        self.time = START
        self.asked: list[str] = []
        self.rollout_percent: float | None = None
        self.actions = ["pause", "resume", "step", "speed", "seek", "kill"]

    def pause(self) -> None:
        """See ``ControlPort``."""
        self.asked.append("pause")
        self.paused = True

    def resume(self) -> None:
        """See ``ControlPort``."""
        self.asked.append("resume")
        self.paused = False

    def step(self) -> None:
        """See ``ControlPort``."""
        self.asked.append("step")
        self.paused = True

    def set_speed(self, speed: float) -> None:
        """See ``ControlPort``."""
        self.asked.append(f"speed {speed:g}")
        self.speed = speed

    def seek(self, time: int) -> None:
        """See ``ControlPort``."""
        if time < START:
            raise UsageError("the recording begins at 2026-03-03T14:30:00Z; seek a later time")
        self.asked.append(f"seek {format_time(time)}")
        self.time = time

    def kill(self, channel: str) -> None:
        """See ``ControlPort``."""
        self.asked.append(f"kill {channel}")

    def set_rollout(self, percent: float) -> None:
        """See ``ControlPort``."""
        self.asked.append(f"rollout {percent:g}")
        self.rollout_percent = percent

    def status(self) -> Mapping[str, Any]:
        """See ``ControlPort``."""
        return {
            "paused": self.paused,
            "speed": self.speed,
            "time": self.time,
            "first": START,
            "last": None,
            "rollout_percent": self.rollout_percent,
            "actions": self.actions + ["rollout"] * (self.rollout_percent is not None),
        }


class FixedPrices:
    """Two prices of ABC."""

    def prices(self, ticker: str) -> PriceLine:
        """See ``PricePort``."""
        return PriceLine([START, START + 1], [10.0, 10.5]) if ticker == "ABC" else PriceLine([], [])


@contextmanager
def served(
    log: StoryLog,
    *,
    status: RunOutput | None = None,
    control: ControlPort | None = None,
    prices: PricePort | None = None,
    address: Address | None = None,
    limits: Limits | None = None,
    run: str = "run-1",
) -> Iterator[ServerThread]:
    """Serve a log on a free port of loopback for a while."""
    universes = {"first": frozenset({"ABC"})}
    to_serve = ServedRun(
        log, run, status or RunOutput(), {"title": "a story"}, event_kinds(), universes, control, prices
    )
    with ServerThread(to_serve, address or Address(port=0), limits) as thread:
        yield thread


class Client:
    """A WebSocket client that reads message by message."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self.hello = self.next()

    def send(self, **message: Any) -> None:
        """Send a message."""
        self._connection.send(json.dumps(message))

    def send_raw(self, message: str | bytes) -> None:
        """Send what may be no message at all."""
        self._connection.send(message)

    def next(self, kind: str | None = None) -> dict[str, Any]:
        """Return the next message; of ``kind``, passing over some others."""
        for _ in range(PATIENCE):
            message: dict[str, Any] = json.loads(self._connection.recv(timeout=60))
            if kind is None or message["type"] == kind:
                return message
        raise AssertionError(f"no {kind} among {PATIENCE} messages")

    def subscribe(self, **wanted: Any) -> dict[str, Any]:
        """Subscribe, and return the answer."""
        self.send(type="subscribe", **wanted)
        while (message := self.next())["type"] not in ("subscribed", "error"):
            continue
        return message

    def sequences(self, count: int) -> list[int]:
        """Return the sequence numbers of the next events, until there are ``count``, in the order of the run."""
        return [told["sequence"] for told in self.events(count)]

    def events(self, count: int) -> list[dict[str, Any]]:
        """Return the next events, until there are at least ``count``, each batch put into the order of the run."""
        told: list[dict[str, Any]] = []
        while len(told) < count:
            told += in_order(self.next("events")["events"])
        return told


def in_order(batch: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a batch, which comes highest priority first, in the order of the run."""
    return sorted(batch, key=lambda told: int(told["sequence"]))


@contextmanager
def client(thread: ServerThread, path: str = "/ws", headers: Sequence[tuple[str, str]] = ()) -> Iterator[Client]:
    """Connect to a server."""
    url = f"ws://127.0.0.1:{thread.server.port}{path}"
    options: dict[str, Any] = {"compression": None, "proxy": None, "max_size": 2**24, "open_timeout": 60}
    with connect(url, additional_headers=headers, **options) as connection:
        yield Client(connection)
