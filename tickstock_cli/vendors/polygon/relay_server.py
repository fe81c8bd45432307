"""The clients of a relay: rows are encoded once, and sent to those that want them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc

from tickstock_cli.core.recording_schema import RECORDED
from tickstock_cli.vendors.polygon.server.chunks import chunks_of
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


class RelayServer(VendorServer):
    """The clients of a relay, and what sends them rows. All methods are of its loop unless they say otherwise.

    Parameters
    ----------
    take
        Returns the rows that have waited longest, `TOGETHER_ROWS` or a few more, and whether rows after them were
        dropped.
    report
        Called with what is wrong, and with None once it is over.

    Attributes
    ----------
    rows
        Rows that clients wanted.
    """

    def __init__(
        self,
        host: str,
        port: int,
        sessions: SessionOptions,
        per_frame: int,
        take: Callable[[], tuple[list[pa.RecordBatch], bool]],
        report: Callable[[str | None], None],
    ) -> None:
        super().__init__(host, port, sessions, per_frame, for_browsers=sessions.key is not None)
        self._take = take
        self._report = report
        self._more = asyncio.Event()
        self._wanted_for: frozenset[str] = frozenset()
        self._tickers: dict[str, pa.Array[Any] | None] = {}
        self._recovery: asyncio.TimerHandle | None = None
        self.rows = 0

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
        tickers = self._tickers[record_of(batch)]
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


def record_of(batch: pa.RecordBatch) -> str:
    """Return the record type of recorded rows."""
    return next(record for record, schema in RECORDED.items() if batch.schema == schema)
