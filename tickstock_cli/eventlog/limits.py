"""Limits of a log: memory, bytes on disk, age."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20
LARGEST_BLOCK_BYTES = MIB // 2
"""Size of a segment: about 3,500 events. Writing one takes some milliseconds of the appender's time: smaller blocks
mean shorter stops and more files."""


@dataclass(frozen=True, slots=True)
class LogLimits:
    """Bounds of a log's memory and of its files."""

    memory_bytes: int = 64 * MIB
    """Memory for the newest events, read without disk access. While the disk refuses writes, twice that."""
    keep_bytes: int | None = None
    """Bytes on disk; beyond it the oldest segments are deleted, but never the newest one. None = keep everything."""
    keep_ns: int | None = None
    """Age in ns of event time: a segment whose events are all older is deleted. None = keep everything."""

    @property
    def block_bytes(self) -> int:
        """Size at which a block is closed and becomes a segment."""
        return max(1, min(LARGEST_BLOCK_BYTES, self.memory_bytes // 8))

    @property
    def cache_bytes(self) -> int:
        """Memory for segments that slow consumers read back, in addition to ``memory_bytes``."""
        return self.memory_bytes // 4
