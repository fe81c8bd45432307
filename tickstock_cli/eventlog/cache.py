"""A cache of segments that slow consumers read back: bounded in bytes, least recently used first out."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from tickstock_cli.eventlog.blocks import Block
from tickstock_cli.eventlog.segments import Segment, load_segment


class SegmentCache:
    """Blocks of segments. Safe in any thread."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._blocks: OrderedDict[int, Block] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def get(self, segment: Segment) -> Block:
        """Return the block of a segment.

        Raises
        ------
        FileNotFoundError, DamagedError
            As ``load_segment`` raises them.
        """
        with self._lock:
            if (block := self._blocks.get(segment.first)) is not None:
                self._blocks.move_to_end(segment.first)
                return block
        # Outside the lock: readers of different segments do not wait for each other's disk access.
        block = load_segment(segment)
        with self._lock:
            if segment.first not in self._blocks:
                self._blocks[segment.first] = block
                self._bytes += block.footprint
            while self._bytes > self._limit:
                _, oldest = self._blocks.popitem(last=False)
                self._bytes -= oldest.footprint
        return block
