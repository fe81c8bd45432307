"""From what instances tell, in whatever order they finish, back to the merge order that the coordinator needs.

Slices end in the order in which they began. An event waits until every row before its slice's end has been processed,
because only then is it known what it competes with; then the coordinator gets it with the slice's watermark.
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
    """Collects outcomes, and coordinates once they are complete. On one asyncio loop.

    Parameters
    ----------
    publish
        Called with what became final, and the slice that made it so; in output order.
    """

    def __init__(self, core: Core, publish: Publish) -> None:
        self._core = core
        self._publish = publish
        self._chunks: deque[Chunk] = deque()
        self._events: list[EventRows] = []
        self._rejected: list[Rejected] = []

    @property
    def waiting(self) -> int:
        """Slices under way."""
        return len(self._chunks)

    @property
    def has_events(self) -> bool:
        """Whether detected events wait for rows that came before them."""
        return bool(self._events)

    def begin(self, chunk: Chunk) -> None:
        """Note a chunk whose parts are about to be routed; a chunk without rows ends in its turn."""
        self._chunks.append(chunk)
        self._core.count_read(chunk.batch)

    def finished(self, done: Finished) -> None:
        """Take what an instance made of parts."""
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
        """Take note of a part that nobody will process any more: its slice ends without it."""
        self._core.ledger.add(f"{part.record}.dropped_on_stop", len(part))
        part.ended()
        self.settle()

    def settle(self) -> None:
        """Coordinate every slice that is complete and whose predecessors are."""
        while self._chunks and not self._chunks[0].parts_left:
            chunk = self._chunks.popleft()
            end = chunk.batch.first + len(chunk.batch)
            events = [self._received(part, chunk) for part in self._split(end)]
            rejected = self._split_rejected(end)
            released = self._core.coordinate(events, chunk.batch.watermark)
            self._publish(StepResult(released, rejected, chunk.batch.watermark, chunk.judged), chunk)

    def abandon(self) -> None:
        """Wake whoever waits for a slice: none will end any more."""
        for chunk in self._chunks:
            chunk.published.set()

    def _split_rejected(self, end: int) -> tuple[Rejected, ...]:
        """Take out the rejected rows before ``end``."""
        parts = self._rejected
        self._rejected = [part.where(part.order >= end) for part in parts if (part.order >= end).any()]
        return tuple(part.where(part.order < end) for part in parts if (part.order < end).any())

    def _split(self, end: int) -> list[EventRows]:
        """Take out the events of rows before ``end``."""
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
