"""Retention: selects the segments to delete, by age and by bytes."""

from __future__ import annotations

from collections import deque

from tickstock_cli.eventlog.limits import LogLimits
from tickstock_cli.eventlog.segments import Segment


class SegmentRetention:
    """The kept segments, oldest first, and the rule that expires them."""

    def __init__(self, limits: LogLimits) -> None:
        self._limits = limits
        self._kept: deque[tuple[Segment, int]] = deque()
        self._bytes = 0
        self._newest_ns = 0

    def add(self, segment: Segment, newest_ns: int) -> list[Segment]:
        """Add the newest segment and return the segments to delete, oldest first.

        Parameters
        ----------
        newest_ns
            The latest ``emitted_at`` of its events.
        """
        self._kept.append((segment, newest_ns))
        self._bytes += segment.bytes
        self._newest_ns = max(self._newest_ns, newest_ns)
        expired = []
        while len(self._kept) > 1 and self._is_expired():
            oldest, _ = self._kept.popleft()
            self._bytes -= oldest.bytes
            expired.append(oldest)
        return expired

    def _is_expired(self) -> bool:
        keep_bytes, keep_ns = self._limits.keep_bytes, self._limits.keep_ns
        too_many = keep_bytes is not None and self._bytes > keep_bytes
        too_old = keep_ns is not None and self._newest_ns - self._kept[0][1] > keep_ns
        return too_many or too_old
