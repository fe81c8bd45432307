"""The entrance of an embedded system: it takes the rows of one call and returns their result."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pyarrow as pa

from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.clock import Clock
from tickstock_cli.core.events import EventEncoder
from tickstock_cli.engine.rejection import in_merge_order
from tickstock_cli.runtime.chunks import Chunk
from tickstock_cli.runtime.results import EventProcessingResult
from tickstock_cli.runtime.sections import MS
from tickstock_cli.sources.rows import RowIngest


class RecordEntrance:
    """Feeds the rows of single calls, in the order of the calls. On one asyncio loop.

    Parameters
    ----------
    ready
        Waits while sinks are far behind, and raises what keeps rows from being taken.
    feed
        Queues a batch, and returns its chunks.
    check
        Raises `SystemBrokenError` once no row can be processed any more.
    came
        Called with the time up to which rows are available (int64 ns) when they come.
    """

    def __init__(
        self,
        ingest: RowIngest,
        encoder: EventEncoder,
        clock: Clock,
        ready: Callable[[], Awaitable[None]],
        feed: Callable[[MergedBatch], Awaitable[list[Chunk]]],
        check: Callable[[], None],
        came: Callable[[int], None],
    ) -> None:
        self._ingest = ingest
        self._encoder = encoder
        self._clock = clock
        self._ready = ready
        self._feed = feed
        self._check = check
        self._came = came

    async def accept(self, record: str, rows: pa.RecordBatch) -> EventProcessingResult:
        """Feed rows of one type, and wait until they are processed.

        Raises
        ------
        UsageError
            The system does not run.
        OutputError
            A sink failed.
        SystemBrokenError
            A channel failed in a way that leaves its state undefined.
        """
        begun = self._clock.now()
        await self._ready()
        if not rows.num_rows:
            return EventProcessingResult(record, 0, (), (), 0.0)
        batch = self._ingest.merged(rows)
        self._came(batch.watermark)
        chunks = await self._feed(batch)
        for chunk in chunks:
            await chunk.published.wait()
            self._check()
        reasons = [
            reason for chunk in chunks if chunk.result.rejected for reason in in_merge_order(chunk.result.rejected)[1]
        ]
        elapsed = (self._clock.now() - begun) / MS
        return EventProcessingResult(record, rows.num_rows, tuple(reasons), tuple(self._events_of(chunks)), elapsed)

    async def advance(self, market_time: int) -> list[dict[str, Any]]:
        """Advance market time to ``market_time`` (ns UTC) without a row, and return the events that this releases.

        Raises as ``accept`` does.
        """
        await self._ready()
        return self._events_of(await self.pass_to(market_time))

    async def pass_to(self, market_time: int) -> list[Chunk]:
        """Advance market time without a row, whatever the sinks do; return what this released.

        Raises
        ------
        SystemBrokenError
            See ``accept``.
        """
        self._ingest.passed(market_time)
        nothing = MergedBatch.empty(self._ingest.count, self._ingest.latest)
        return await self._feed(nothing)

    def _events_of(self, chunks: Sequence[Chunk]) -> list[dict[str, Any]]:
        parts = [self._encoder.to_arrow(chunk.result.events) for chunk in chunks if len(chunk.result.events)]
        return [event for part in parts for event in part.to_pylist()]
