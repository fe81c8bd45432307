"""The feed as a source of rows: ``polygon:*``, ``polygon:AAPL,MSFT``, ``polygon:@FILE``.

1. One or two connections receive frames on a thread of their own (`connection`), and stamp them.
2. The reader's thread decodes all frames that wait, together (`wire`), drops repeated trades (`deduplication`), and
   makes bars of the others if it is asked to (`sources.bars_from_trades`).
3. A listener is told the rows, gaps and unreadable messages; then the run gets the rows.

At the end every frame and message is in one counter of the ledger, or the run fails.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random, SystemRandom
from typing import TYPE_CHECKING, Self

import pyarrow as pa
import pyarrow.compute as pc

from tickstock_cli.config.settings import LiveSettings
from tickstock_cli.config.universes import with_files_read
from tickstock_cli.core.calendar import Calendar
from tickstock_cli.core.clock import SystemClock
from tickstock_cli.core.counted import counted
from tickstock_cli.core.feed import FeedRelay, Gap, WireError
from tickstock_cli.core.feed_check import FeedCheck
from tickstock_cli.core.metrics import SourceHealth, SourceState
from tickstock_cli.core.shown_times import exchange_zone
from tickstock_cli.core.stages import ArrivalOptions, Pace
from tickstock_cli.core.stamps import Stamps
from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.errors import FeedError, LedgerError, TickstockError, UsageError
from tickstock_cli.sources.bars_from_trades import LiveBars, check_one_kind_of_bars
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.row_stream import ReceivedRows, RowStream
from tickstock_cli.vendors.polygon.deduplication import Deduplication
from tickstock_cli.vendors.polygon.frame_queue import AttemptBegan, ConnectionLost, FrameQueue, Item, ReceivedFrame
from tickstock_cli.vendors.polygon.gaps import RECORD_OF_CHANNEL, ConnectionGaps, gaps_of_today
from tickstock_cli.vendors.polygon.health import feed_health
from tickstock_cli.vendors.polygon.params import KEY_VARIABLES, Endpoint, PolygonParams, endpoints, key_from
from tickstock_cli.vendors.polygon.silent_items import SilentItems
from tickstock_cli.vendors.polygon.staleness import ChannelSilence, SilenceLimits
from tickstock_cli.vendors.polygon.subscriptions import EVERY, Subscriptions, wanted_items
from tickstock_cli.vendors.polygon.wire import Decoded, Decoder

if TYPE_CHECKING:  # loading the settings imports this module, but needs no socket
    from tickstock_cli.vendors.polygon.attempt import Intervals
    from tickstock_cli.vendors.polygon.connection import FeedConnection
    from tickstock_cli.vendors.polygon.connections_thread import ConnectionsThread

WHOLE_MARKET = 16_384
"""More tickers than a feed of US stocks has; a power of two, as which the running system makes room."""
LOOK_SECONDS = 0.05
LISTEN_SECONDS = 3.0
"""How long a check listens for rows."""
FEED_COUNTERS = (
    "wire.frames",
    "wire.events",
    "wire.status",
    "wire.bad_frame",
    "wire.bad_event",
    "wire.unknown_event",
    "wire.duplicate",
    "wire.late_print",
)


class PolygonSource(RowStream):
    """Rows of Polygon's feed of US stocks.

    Parameters
    ----------
    tickers
        What is asked for; ``*`` is every ticker.

    Raises
    ------
    UsageError
        There is no key in the environment, or what is asked for contradicts itself.
    """

    Params = PolygonParams
    key_variables = KEY_VARIABLES
    """Environment variables with the key."""

    def __init__(self, tickers: Sequence[str], options: ReadOptions) -> None:
        shown = ",".join(tickers[:3]) + (",…" if len(tickers) > 3 else "")
        # Rows have our columns, and times in ns: what a user says of recordings does not hold for them.
        options = replace(options, columns={}, timestamp_unit="ns", timezone="UTC")
        super().__init__(f"polygon:{shown}", options, repeatable=False)
        self._params: PolygonParams = options.params or PolygonParams()
        self._calendar = options.calendar
        self._live: LiveSettings = options.sections.get("live") or LiveSettings()
        self._key = key_from(os.environ)
        self._endpoints = endpoints(self._params)
        self._wanted = [wanted_items(endpoint.channels, tickers) for endpoint in self._endpoints]
        wanted_items(self._params.channels, tickers)  # second and minute bars contradict each other on two hosts, too
        check_one_kind_of_bars(self._live.bars_from_trades_seconds, self._params.channels, "T", ("A", "AM"))
        self._tickers = WHOLE_MARKET if EVERY in tickers else len(tickers)
        self._many = EVERY in tickers or len(tickers) >= self._live.many_tickers
        self._frames = FrameQueue(self._params.buffer_mib << 20)
        self._decoder = Decoder(self._live.late_print_seconds, options.calendar)
        self._repeated = Deduplication(self._live.dedup_seconds)
        self._counts: Counter[str] = Counter(dict.fromkeys(FEED_COUNTERS, 0))
        self._rows: Counter[str] = Counter()
        self._gap_states: list[ConnectionGaps] = []
        self._silences: list[ChannelSilence] = []
        self._silent_items = SilentItems(item for items in self._wanted for item in items)
        self._bars = LiveBars(0, Stamps())
        self._lag_ns: int | None = None
        self._thread: ConnectionsThread | None = None
        self._relay: FeedRelay | None = None
        self.gaps: list[Gap] = []
        """Gaps so far; the last one of a connection can have no end."""
        self.stamps = Stamps()
        """The stamps of the frames; set other ones before the first row, for a run that goes on behind another."""
        self.intervals: Intervals | None = None
        """Times that are no settings; tests shorten them."""
        self.sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
        """Waits before another attempt, in seconds."""

    @classmethod
    def open(cls, targets: Sequence[str | Path], options: ReadOptions) -> Self:
        """Open the feed for tickers: a comma list, files of them as ``@FILE``, or ``*``."""
        named = [name for target in targets for name in str(target).split(",") if name]
        if EVERY in named:
            return cls([EVERY], options)
        try:
            return cls(with_files_read(named, Path()), options)
        except ValueError as error:
            raise UsageError(f"polygon:{','.join(named)}: {error}") from error

    @property
    def is_live(self) -> bool:
        return True

    @property
    def arrival(self) -> ArrivalOptions:
        return ArrivalOptions(self._params.queue_rows, pace=Pace.WALL, feed=self.stamps, tickers=self._tickers)

    def record_batches(self) -> Iterator[ReceivedRows | None]:
        """Connect, and yield the rows of all frames that wait; None before more are waited for.

        A feed that ends for good ends the rows; ``failure`` says why.

        Raises
        ------
        LedgerError
            A frame or a message is in no counter.
        """
        thread = self.start()
        self._bars = bars = LiveBars(self._live.bars_from_trades_seconds * NS_PER_SECOND, self.stamps)
        while (items := self._frames.take(bars.wait_seconds())) is not None:
            yield from map(bars.with_bars, self.rows_of(items))
            if not items:
                yield from bars.in_silence()
            yield None
            self._handed_over(items)  # it goes on: the rows are in the arrival queue
            bars.handed_over()
        bars.end()
        thread.join()
        if thread.error is not None and not isinstance(thread.error, FeedError):
            raise thread.error
        self.check_balance()

    @property
    def failure(self) -> TickstockError | None:
        """Why the feed ended for good: the vendor refuses us, or it was given up. None: it goes on, or was ended."""
        error = None if self._thread is None else self._thread.error
        return error if isinstance(error, FeedError) else None

    def check(self, listen_seconds: float = LISTEN_SECONDS) -> tuple[FeedCheck, ...]:
        """Connect, sign on, subscribe and listen for rows; return what each connection found. Nothing is tried twice.

        Parameters
        ----------
        listen_seconds
            How long rows are waited for once all subscriptions were answered.
        """
        thread, clock = self.start(once=True), SystemClock()
        until: int | None = None
        while (items := self._frames.take(LOOK_SECONDS)) is not None:
            for _ in self.rows_of(items):
                pass
            if until is None and self.health().state is SourceState.CONNECTED:
                until = clock.now() + round(listen_seconds * NS_PER_SECOND)
            if until is not None and clock.now() >= until:
                thread.stop()
        thread.join()
        pairs = zip(thread.connections, self._gap_states, self._endpoints, strict=True)
        return tuple(self._found(connection, gaps, endpoint) for connection, gaps, endpoint in pairs)

    def _found(self, connection: FeedConnection, gaps: ConnectionGaps, endpoint: Endpoint) -> FeedCheck:
        rows = sum(self._rows[record] for record in gaps.records)
        return FeedCheck(
            endpoint.url,
            connection.facts.was_authenticated,
            connection.subscriptions.by_channel(),
            connection.subscriptions.missing,
            tuple(connection.subscriptions.refusals),
            rows,
            None if self._lag_ns is None or not rows else self._lag_ns / 1e6,
            connection.facts.clock_offset_ms,
            connection.facts.problem,
        )

    def start(self, *, once: bool = False) -> ConnectionsThread:
        """Start the connections; with ``once`` the first end of one is the last."""
        from tickstock_cli.vendors.polygon.connections_thread import ConnectionsThread

        begin = self.stamps.now()
        limits = SilenceLimits(
            self._live.stale_seconds if self._many else self._live.stale_few_seconds, self._live.stale_quiet_seconds
        )
        calendar = Calendar(self._calendar)
        self._gap_states = [ConnectionGaps(endpoint.channels, begin) for endpoint in self._endpoints]
        self._silences = [ChannelSilence(endpoint.channels, limits, calendar.phase) for endpoint in self._endpoints]
        self._thread = ConnectionsThread(lambda: self._connections(once), self._frames.close)
        if not self._interrupted:
            self._thread.start()
        else:
            self._frames.close()
        return self._thread

    def _connections(self, once: bool) -> list[FeedConnection]:
        from tickstock_cli.vendors.polygon.attempt import ConnectionFacts, ConnectionParts, Intervals
        from tickstock_cli.vendors.polygon.connection import FeedConnection

        seed = self._params.seed or SystemRandom().getrandbits(32)
        connections = []
        for place, (endpoint, silence) in enumerate(zip(self._endpoints, self._silences, strict=True)):
            prefix = f"{', '.join(endpoint.channels)}: " if len(self._endpoints) > 1 else ""
            parts = ConnectionParts(
                ConnectionFacts(prefix=prefix),
                Subscriptions(self._wanted[place]),
                self._key,
                self._params,
                _QueueingReceiver(place, self._frames, self.stamps, self._listeners.notice, prefix),
                silence,
                self.stamps.now,
                SystemClock(),
                self.intervals or Intervals(),
            )
            connections.append(FeedConnection(endpoint.url, parts, Random(seed + place), sleep=self.sleep, once=once))
        return connections

    def rows_of(self, items: Iterable[Item]) -> Iterator[list[pa.RecordBatch]]:
        """Yield the rows of what the connections have received, and tell the listener the rest."""
        frames: list[ReceivedFrame] = []
        for item in items:
            if isinstance(item, tuple):
                frames.append(item)
                continue
            yield from self._decoded(frames)
            frames = []
            if isinstance(item, ConnectionLost):
                self._gap_began(item)
            elif self._gap_states[item.connection].is_open:
                self._repeated.reconnected(item.at)
        yield from self._decoded(frames)

    def _decoded(self, frames: Sequence[ReceivedFrame]) -> Iterator[list[pa.RecordBatch]]:
        if not frames:
            return
        decoded = self._decoder.decode(frames)
        self._counts.update(decoded.counts)
        self._tell(decoded)
        batches = []
        for record, rows in decoded.rows.items():
            kept = self._repeated.without_repeated(rows) if record == "tick" else rows
            self._counts["wire.duplicate"] += rows.num_rows - kept.num_rows
            if kept.num_rows:
                self._rows[record] += kept.num_rows
                self._came(record, kept)
                batches.append(kept)
        if batches:
            yield batches

    def _tell(self, decoded: Decoded) -> None:
        for error in decoded.errors:
            self._listeners.wire_error(self._masked(error))
        for notice in decoded.notices:
            self._listeners.notice(notice)

    def _masked(self, error: WireError) -> WireError:
        return replace(error, text=self._key.masked(error.text), reason=self._key.masked(error.reason))

    def _came(self, record: str, rows: pa.RecordBatch) -> None:
        received = rows.column("received_at")
        first, last = received[0].as_py(), received[-1].as_py()
        self._silent_items.came(record, rows)
        latest = pc.max(rows.column("timestamp")).as_py()
        if latest is not None and record != "ohlcv":
            self._lag_ns = last - latest
        for gaps, silence in zip(self._gap_states, self._silences, strict=True):
            if record in gaps.records:
                for channel, its_record in RECORD_OF_CHANNEL.items():
                    if its_record == record:
                        silence.came(channel, last)
                ended = gaps.came(first, last)
                if ended is not None:
                    self._gap_ended(ended)

    def _gap_began(self, lost: ConnectionLost) -> None:
        gap = self._gap_states[lost.connection].lost(lost.reason)
        if gap is not None:
            self.gaps.append(gap)
            self._listeners.gap(gap)

    def _gap_ended(self, gap: Gap) -> None:
        place = next(at for at, one in enumerate(self.gaps) if one.end is None and one.channels == gap.channels)
        self.gaps[place] = gap
        self._listeners.gap(gap)

    def _handed_over(self, items: Sequence[Item]) -> None:
        latest = next((item[1] for item in reversed(items) if isinstance(item, tuple)), None)
        if latest is not None:
            self.stamps.handed_over(latest)

    @property
    def clock_offset_ns(self) -> int | None:
        """The machine's date minus the vendor's, to about a second; None before a connection, or if it is unknown."""
        connections = [] if self._thread is None else self._thread.connections
        offsets = [one.facts.clock_offset_ms for one in connections if one.facts.clock_offset_ms is not None]
        return round(offsets[0] * 1e6) if offsets else None

    def relay(self, host: str, port: int, key: str | None, report: Callable[[str | None], None]) -> FeedRelay:
        """Return a relay of this feed for local clients; it listens within its context, and must be told the rows.

        Parameters
        ----------
        key
            What clients must send; None accepts any.
        report
            Called with what is wrong, and with None once it is over.
        """
        from tickstock_cli.vendors.polygon.relay import Relay, RelayOptions

        items = {item for items in self._wanted for item in items}
        if (ours := {1: "A", 60: "AM"}.get(self._live.bars_from_trades_seconds)) is not None:
            items |= {f"{ours}.{item.partition('.')[2]}" for item in items if item.startswith("T.")}
        self._relay = Relay(items, RelayOptions(host, port, key), report)
        return self._relay

    def wire_ledger(self) -> dict[str, int]:
        """Return the counters of frames and messages, and of bars made of trades, by their names in the ledger."""
        return {**self._counts, **self._bars.ledger()}

    def check_balance(self) -> None:
        """Raise a LedgerError if a frame or a message is in no counter; call it at the end."""
        counts = self._counts
        ends = ("wire.status", "wire.bad_event", "wire.unknown_event", "wire.duplicate")
        accounted = self._rows.total() + sum(counts[name] for name in ends)
        if counts["wire.events"] != accounted or counts["wire.frames"] != self._frames.frames:
            raise LedgerError(
                f"{counted(counts['wire.events'], 'message')} in {counted(self._frames.frames, 'frame')} came, but "
                f"{counted(accounted, 'message')} in {counted(counts['wire.frames'], 'frame')} are accounted for"
            )

    @property
    def waits(self) -> int:
        """How often receiving waited, because too many frames waited to be decoded."""
        return self._frames.waits

    def health(self) -> SourceHealth:
        connections = [] if self._thread is None else self._thread.connections
        health = feed_health(connections, sum(map(len, self._wanted)))
        missing = [item for one in connections for item in one.subscriptions.missing]
        return replace(
            health,
            silent=self._silent_items.count(missing) if health.acknowledged else None,
            lag_ms=None if self._lag_ns is None else self._lag_ns / 1e6,
            gaps=len(self.gaps),
            gaps_today=len(gaps_of_today(self.gaps, self.stamps.now(), exchange_zone(self._calendar))),
            last_gap=max(self.gaps, key=lambda gap: (gap.end is None, gap.begin), default=None),
            relay=None if self._relay is None else self._relay.health(),
        )

    def interrupt(self) -> None:
        """Close the connections cleanly; the rows that were received are still yielded."""
        if self._thread is None:
            self._interrupted = True
        if self._thread is not None:  # also one that starts meanwhile
            self._thread.stop()

    def end_reading(self) -> None:
        """Break off the connections; what was not decoded is left behind."""
        if self._thread is not None:
            self._thread.stop(cleanly=False)
            self._frames.discard()
            self._thread.join()


class _QueueingReceiver:
    """Puts what one connection receives into the queue, with stamps that rise: all connections share a thread."""

    def __init__(
        self, place: int, frames: FrameQueue, stamps: Stamps, tell: Callable[[str], None], prefix: str
    ) -> None:
        self._place = place
        self._frames = frames
        self._stamps = stamps
        self._tell = tell
        self._prefix = prefix
        self.room = frames.room

    @property
    def is_full(self) -> bool:
        return self._frames.is_full

    def notice(self, text: str) -> None:
        self._tell(f"{self._prefix}{text}")

    def received(self, frame: bytes) -> None:
        self._frames.put((frame, self._stamps.stamp()))

    def began(self) -> None:
        self._frames.put(AttemptBegan(self._place, self._stamps.now()))

    def lost(self, reason: str) -> None:
        self._frames.put(ConnectionLost(self._place, self._stamps.now(), reason))
