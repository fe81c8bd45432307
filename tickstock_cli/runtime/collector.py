"""Brings the results of instances back into the merge order that the coordinator needs.

Chunks end in the order in which they began. An event waits until every row up to the end of its chunk is processed,
because an earlier row can still cause a competing event. Then the coordinator gets it with the chunk's watermark.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from tickstock_cli.channels.base import Rejected
from tickstock_cli.core.events import EventRows
from tickstock_cli.engine.core import Core, StepResult
from tickstock_cli.runtime.chunks import Chunk, ShardChunk
from tickstock_cli.runtime.instance import Finished

Publish = Callable[[StepResult, Chunk], None]


class Collector:
    """Collects the results of instances, and coordinates complete chunks. On one asyncio loop.

    Parameters
    ----------
    publish
        Called with the result of each step and its chunk, in output order.
    """

    def __init__(self, core: Core, publish: Publish) -> None:
        self._core = core
        self._publish = publish
        self._chunks: deque[Chunk] = deque()
        self._events: list[EventRows] = []
        self._rejected: list[Rejected] = []

    @property
    def waiting(self) -> int:
        """Number of chunks that are not complete."""
        return len(self._chunks)

    @property
    def has_events(self) -> bool:
        """Whether detected events wait for earlier rows."""
        return bool(self._events)

    def begin(self, chunk: Chunk) -> None:
        """Add a chunk before its parts are routed; a chunk without rows ends after those before it."""
        self._chunks.append(chunk)
        self._core.count_read(chunk.batch)

    def finished(self, done: Finished) -> None:
        """Take a processed batch of an instance."""
        self._core.ledger.merge(done.outcome.ledger.as_dict())
        for events in done.outcome.events:
            events["detected"] = done.ended
            events["instance"] = done.instance.number
            self._events.append(events)
        self._rejected += done.outcome.rejected
        for part in done.parts:
            part.ended()
        self.settle()

    def dropped(self, part: ShardChunk) -> None:
        """Count a part whose rows are dropped; its chunk ends without it."""
        self._core.ledger.add(f"{part.record}.dropped_on_stop", len(part))
        part.ended()
        self.settle()

    def settle(self) -> None:
        """Coordinate every chunk that is complete, up to the first that is not."""
        while self._chunks and not self._chunks[0].parts_left:
            chunk = self._chunks.popleft()
            end = chunk.batch.first + len(chunk.batch)
            events = [self._received(part, chunk) for part in self._split(end)]
            rejected = self._split_rejected(end)
            released = self._core.coordinate(events, chunk.batch.watermark)
            self._publish(StepResult(released, rejected, chunk.batch.watermark, chunk.judged), chunk)

    def abandon(self) -> None:
        """Wake all waits for a chunk, because no chunk will end any more."""
        for chunk in self._chunks:
            chunk.published.set()

    def _split_rejected(self, end: int) -> tuple[Rejected, ...]:
        """Remove and return the rejected rows before ``end``."""
        parts = self._rejected
        self._rejected = [part.where(part.order >= end) for part in parts if (part.order >= end).any()]
        return tuple(part.where(part.order < end) for part in parts if (part.order < end).any())

    def _split(self, end: int) -> list[EventRows]:
        """Remove and return the events of rows before ``end``."""
        before, behind = [], []
        for events in self._events:
            early = events["order"] < end
            if early.all():
                before.append(events)
            else:
                before.append(events[early])
                behind.append(events[~early])
        self._events = [events for events in behind if len(events)]
        return before

    @staticmethod
    def _received(events: EventRows, chunk: Chunk) -> EventRows:
        events["received"] = chunk.due(events["available_at"].astype(np.int64))
        return events
