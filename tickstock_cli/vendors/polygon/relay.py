"""The relay: the rows of one feed for any number of local clients, in the vendor's format.

1. The reader's thread queues rows, without waiting; rows that no client wants are not queued.
2. A thread of the relay encodes them once, and sends each client what it is subscribed to.
3. A client that does not read is cut off, as the vendor does it. If the relay itself falls behind, rows are dropped and
   counted, and all clients are cut off: a client that connects again knows that it has missed some.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from ipaddress import ip_address
from threading import Lock
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
from anyio.from_thread import start_blocking_portal

from tickstock_cli.core.feed import FeedListener
from tickstock_cli.core.recording_schema import RECORDED
from tickstock_cli.vendors.polygon.server.chunks import chunks_of
from tickstock_cli.vendors.polygon.server.commands import everything_of
from tickstock_cli.vendors.polygon.server.listening import VendorServer
from tickstock_cli.vendors.polygon.server.session import SessionOptions
from tickstock_cli.vendors.polygon.subscriptions import EVERY

TOGETHER_ROWS = 1_000
"""Rows that are encoded together; the clients' commands wait meanwhile."""
REPORTED_SECONDS = 60.0
"""How long dropped rows are reported as a problem."""
DRAIN_SECONDS = 2.0
"""Longest time that clients have at the end to read what waits for them."""
CHANNELS: Mapping[str, tuple[str, ...]] = {"tick": ("T",), "ohlcv": ("A", "AM"), "fmv": ("FMV",)}
"""Channels of the rows of a record type."""

_RECORDS = {schema: record for record, schema in RECORDED.items()}


@dataclass(frozen=True, slots=True)
class RelayOptions:
    """Where and how a feed is relayed.

    Parameters
    ----------
    port
        0 is any free port.
    key
        The key that clients must send; None accepts any, but no pages in browsers.
    client_buffer
        Bytes that may wait for one client.
    queue_rows
        Rows that may wait for the relay.
    events_per_frame
        Most events in a frame.
    """

    host: str = "127.0.0.1"
    port: int = 0
    key: str | None = None
    client_buffer: int = 4 << 20
    queue_rows: int = 500_000
    events_per_frame: int = 100

    @property
    def warning(self) -> str | None:
        """What to warn of before it is opened: other machines can connect; None on loopback."""
        if self.host == "localhost" or _is_loopback(self.host):
            return None
        anybody = "anybody who reaches this address gets" if self.key is None else "the key is sent in the clear for"
        return f"the relay listens on {self.host}: {anybody} your licensed data"


@dataclass(frozen=True, slots=True)
class RelayHealth:
    """The state of a relay.

    Parameters
    ----------
    clients
        Clients that are subscribed now.
    connections
        Connections so far.
    rows
        Rows that clients wanted and that were sent or queued for them.
    events
        Events written to clients; one for each client that gets it.
    waiting
        Rows that wait for the relay.
    dropped
        Rows that found no room there.
    cut_off
        Clients that were cut off: they did not read, or rows were dropped.
    """

    clients: int
    connections: int
    rows: int
    events: int
    waiting: int
    dropped: int
    cut_off: int

    def as_dict(self) -> dict[str, int]:
        """Return it as JSON values."""
        return asdict(self)


class Relay(FeedListener):
    """Relays the rows of a feed. A context manager, which runs its thread; a listener of the feed.

    Parameters
    ----------
    items
        What the feed is subscribed to, such as ``T.*`` and ``AM.AAPL``. Clients get these items, or all tickers of a
        channel as far as the feed has them; other items are not authorized.
    report
        Called with what is wrong, and with None once it is over; in the relay's thread.

    Raises
    ------
    ServingError
        On entering: the address is taken or none of this machine.
    """

    def __init__(
        self,
        items: Iterable[str],
        options: RelayOptions | None = None,
        report: Callable[[str | None], None] = lambda problem: None,  # noqa: ARG005
    ) -> None:
        self._options = options or RelayOptions()
        self._items = frozenset(items)
        self._channels = frozenset(item.partition(".")[0] for item in self._items)
        self._report = report
        self._lock = Lock()
        self._waiting: deque[Sequence[pa.RecordBatch]] = deque()
        self._waiting_rows = 0
        self._dropped = 0
        self._fell_behind = False
        self._closed = False
        self._stack = ExitStack()
        self._server: _RelayServer | None = None
        self._wanted: frozenset[str] = frozenset()
        self._records: frozenset[str] = frozenset()

    def __enter__(self) -> Self:
        options = self._options
        sessions = SessionOptions(key=options.key, client_buffer=options.client_buffer, carries=self._carries)
        server = _RelayServer(options, sessions, self._take, self._report)
        with ExitStack() as undo:
            portal = undo.enter_context(start_blocking_portal(name="tickstock-relay"))
            self._server = undo.enter_context(portal.wrap_async_context_manager(server))
            self._stack = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._closed = True
        self._stack.close()

    @property
    def url(self) -> str:
        """The address for clients on this machine."""
        return self._running.url

    @property
    def _running(self) -> _RelayServer:
        assert self._server is not None, "the relay is not open"
        return self._server

    def health(self) -> RelayHealth:
        """Return the state as of now; in any thread."""
        server, counts = self._running, self._running.counts
        return RelayHealth(
            clients=server.hub.subscribed,
            connections=counts.connections,
            rows=server.rows,
            events=server.hub.sent_events,
            waiting=self._waiting_rows,
            dropped=self._dropped,
            cut_off=counts.too_slow,
        )

    def rows(self, batches: Sequence[pa.RecordBatch]) -> None:
        server = self._server
        if server is None:
            return
        batches = [batch for batch in batches if self._may_want(batch, server.hub.wanted)]
        rows = sum(map(len, batches))
        if not rows:
            return
        with self._lock:
            if self._closed:
                return
            if self._waiting and self._waiting_rows + rows > self._options.queue_rows:
                self._dropped += rows
                self._fell_behind = True
                return
            is_first = not self._waiting
            self._waiting.append(batches)
            self._waiting_rows += rows
            if is_first:
                server.wake()

    def _may_want(self, batch: pa.RecordBatch, wanted: frozenset[str]) -> bool:
        """Return whether a client is subscribed to a channel of the rows."""
        if wanted is not self._wanted:
            self._wanted = wanted
            channels = {item.partition(".")[0] for item in wanted}
            self._records = frozenset(record for record, its in CHANNELS.items() if channels.intersection(its))
        return bool(self._records) and _RECORDS[batch.schema] in self._records

    def _take(self) -> tuple[list[pa.RecordBatch], bool]:
        """Return the rows that waited longest, and whether rows after them were dropped."""
        taken: list[pa.RecordBatch] = []
        rows = 0
        with self._lock:
            fell_behind, self._fell_behind = self._fell_behind, False
            if fell_behind:
                self._waiting.clear()
                self._waiting_rows = 0
            while self._waiting and rows < TOGETHER_ROWS:
                batches = self._waiting.popleft()
                rows += sum(map(len, batches))
                taken += batches
            self._waiting_rows -= rows
        return taken, fell_behind

    def _carries(self, item: str) -> bool:
        channel, _, ticker = item.partition(".")
        if ticker == EVERY:
            return channel in self._channels
        return item in self._items or everything_of(item) in self._items


class _RelayServer(VendorServer):
    """The clients of a relay, and what sends them rows. All methods are of its loop unless they say otherwise."""

    def __init__(
        self,
        options: RelayOptions,
        sessions: SessionOptions,
        take: Callable[[], tuple[list[pa.RecordBatch], bool]],
        report: Callable[[str | None], None],
    ) -> None:
        super().__init__(
            options.host, options.port, sessions, options.events_per_frame, for_browsers=options.key is not None
        )
        self._take = take
        self._report = report
        self._more = asyncio.Event()
        self._wanted_for: frozenset[str] = frozenset()
        self._tickers: dict[str, pa.Array[Any] | None] = {}
        self._recovery: asyncio.TimerHandle | None = None
        self.rows = 0
        """Rows that clients wanted."""

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        await super().__aenter__()
        self._relaying = asyncio.create_task(self._relay())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._relaying.cancel()
        with suppress(asyncio.CancelledError):
            await self._relaying
        while self._publish_next():
            pass
        if self._recovery is not None:
            self._recovery.cancel()
        await self._drain()
        await super().__aexit__(kind, error, trace)

    def wake(self) -> None:
        """Have the rows taken that wait; in any thread."""
        self._loop.call_soon_threadsafe(self._more.set)

    async def _relay(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            while self._publish_next():
                await asyncio.sleep(0)

    def _publish_next(self) -> bool:
        """Send the next rows to the clients that want them; return whether there were any."""
        taken, fell_behind = self._take()
        if fell_behind:
            self.hub.cut_off_all()
            self._report_dropped()
        if not taken:
            return fell_behind
        wanted = [batch for batch in map(self._only_wanted, _joined(taken)) if len(batch)]
        for chunk in chunks_of([wanted], self.hub.items):
            self.rows += len(chunk)
            self.hub.publish(chunk)
        return True

    def _report_dropped(self) -> None:
        """Report that rows were dropped, for a while: whoever looks a little later sees it, too."""
        self._report("it fell behind the feed; rows were dropped, and its clients were cut off")
        if self._recovery is not None:
            self._recovery.cancel()
        self._recovery = self._loop.call_later(REPORTED_SECONDS, self._report, None)

    def _only_wanted(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the rows that a client may want: encoding them is what costs."""
        if self.hub.wanted is not self._wanted_for:
            self._wanted_for = self.hub.wanted
            self._tickers = {record: _tickers_of(self._wanted_for, channels) for record, channels in CHANNELS.items()}
        tickers = self._tickers[_RECORDS[batch.schema]]
        return batch if tickers is None else batch.filter(pc.is_in(batch["ticker"], value_set=tickers))

    async def _drain(self) -> None:
        """Wait until clients have what waits for them, for a while."""
        written = []
        for client in list(self.hub.accepted.values()):
            written.append(asyncio.Event())
            client.buffer.then(written[-1].set)
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                for event in written:
                    await event.wait()


def _joined(batches: Sequence[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """Return the batches of each record type as one."""
    found: list[pa.RecordBatch] = []
    for schema in RECORDED.values():
        of_it = [batch for batch in batches if batch.schema == schema]
        if of_it:
            found.append(pa.concat_batches(of_it))  # type: ignore[attr-defined]  # the stubs lack it
    return found


def _tickers_of(wanted: frozenset[str], channels: Sequence[str]) -> pa.Array[Any] | None:
    """Return the tickers of subscription items of some channels; None for all."""
    items = [item.partition(".") for item in wanted]
    tickers = {ticker for channel, _, ticker in items if channel in channels}
    return None if EVERY in tickers else pa.array(sorted(tickers), pa.string())


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
