"""The relay: the rows of one feed for any number of local clients, in the vendor's format.

1. The reader's thread queues rows, without waiting; rows that no client wants are not queued.
2. A thread of the relay encodes them once, and sends each client what it is subscribed to.
3. A client that does not read is cut off, as the vendor does it. If the relay itself falls behind, rows are dropped and
   counted, and all clients are cut off: a client that connects again knows that it has missed some.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Lock
from types import TracebackType
from typing import Self

import pyarrow as pa
from anyio.from_thread import start_blocking_portal

from tickstock_cli.core.feed import FeedRelay
from tickstock_cli.core.metrics import RelayHealth
from tickstock_cli.vendors.polygon.relay_server import CHANNELS, TOGETHER_ROWS, RelayServer, record_of
from tickstock_cli.vendors.polygon.server.commands import everything_of
from tickstock_cli.vendors.polygon.server.session import SessionOptions
from tickstock_cli.vendors.polygon.subscriptions import EVERY


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
    key: str | None = field(default=None, repr=False)
    client_buffer: int = 4 << 20
    queue_rows: int = 500_000
    events_per_frame: int = 100


class Relay(FeedRelay):
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
        self._server: RelayServer | None = None
        self._wanted: frozenset[str] = frozenset()
        self._records: frozenset[str] = frozenset()

    def __enter__(self) -> Self:
        options = self._options
        sessions = SessionOptions(key=options.key, client_buffer=options.client_buffer, carries=self._carries)
        server = RelayServer(options.host, options.port, sessions, options.events_per_frame, self._take, self._report)
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
    def _running(self) -> RelayServer:
        assert self._server is not None, "the relay is not open"
        return self._server

    def health(self) -> RelayHealth:
        server, limit = self._server, self._options.client_buffer
        if server is None:
            return RelayHealth(buffer_limit_bytes=limit)
        buffered = [client.buffer.bytes for client in list(server.hub.accepted.values())]
        return RelayHealth(
            clients=server.hub.subscribed,
            connections=server.counts.connections,
            rows=server.rows,
            events=server.hub.sent_events,
            waiting=self._waiting_rows,
            dropped=self._dropped,
            cut_off=server.counts.too_slow,
            buffered_bytes=sum(buffered),
            fullest_buffer_bytes=max(buffered, default=0),
            buffer_limit_bytes=limit,
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
        return bool(self._records) and record_of(batch) in self._records

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
