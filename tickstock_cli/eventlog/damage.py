"""Damage of a log: the segments that cannot be read."""

from __future__ import annotations

from threading import Lock

from tickstock_cli.core.counted import counted
from tickstock_cli.eventlog.segments import Segment

NAMED = 3
"""Most damaged segments that one line names."""


class Damage:
    """The segments that could not be read when they were read last. Safe in any thread."""

    def __init__(self) -> None:
        self._segments: dict[int, Segment] = {}
        self._lock = Lock()

    @property
    def events(self) -> int:
        """Number of events that cannot be read."""
        return sum(segment.last + 1 - segment.first for segment in self._all())

    def add(self, segment: Segment) -> bool:
        """Record that a segment cannot be read; return whether that is new."""
        with self._lock:
            new = segment.first not in self._segments
            self._segments[segment.first] = segment
        return new

    def remove(self, segment: Segment) -> None:
        """Record that a segment can be read, or that retention has deleted it."""
        if segment.first in self._segments:
            with self._lock:
                self._segments.pop(segment.first, None)

    def words(self) -> str | None:
        """Return one line that counts the events that are lost and names their files; None without damage."""
        segments = self._all()
        if not segments:
            return None
        count = self.events
        ranges = ", ".join(f"{segment.first} to {segment.last} ({segment.path.name})" for segment in segments[:NAMED])
        more = f" and {len(segments) - NAMED} more files" if len(segments) > NAMED else ""
        return f"{counted(count, 'event')} cannot be read, {ranges}{more}: restore the files from a copy"

    def _all(self) -> list[Segment]:
        with self._lock:
            return sorted(self._segments.values(), key=lambda segment: segment.first)
