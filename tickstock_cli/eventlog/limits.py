"""How much of the events a log keeps, and where."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20
LARGEST_BLOCK_BYTES = MIB // 2
"""What becomes one segment. Writing one takes some milliseconds of the appender's time: smaller blocks mean shorter
stops and more files. Some 3,500 events fit in."""


@dataclass(frozen=True, slots=True)
class LogLimits:
    """Bounds of a log's memory and of what it keeps on disk."""

    memory_bytes: int = 64 * MIB
    """Of the newest events, which are read without touching the disk. While the disk refuses writes, twice that."""
    keep_bytes: int | None = None
    """On disk; beyond it the oldest segments are deleted, but never the newest one. None = keep everything."""
    keep_ns: int | None = None
    """Segments all of whose events were emitted so long before the newest one are deleted. In ns of event time."""

    @property
    def block_bytes(self) -> int:
        """Size at which a block is closed and becomes a segment."""
        return max(1, min(LARGEST_BLOCK_BYTES, self.memory_bytes // 8))

    @property
    def cache_bytes(self) -> int:
        """Of segments read back for consumers that lag, in addition to ``memory_bytes``."""
        return self.memory_bytes // 4
