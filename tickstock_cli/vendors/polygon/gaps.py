"""Gaps: from the last row before a connection was lost to the first one after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tickstock_cli.core.feed import Gap
from tickstock_cli.core.shown_times import ShownZone

RECORD_OF_CHANNEL = {"T": "tick", "A": "ohlcv", "AM": "ohlcv", "FMV": "fmv"}


class ConnectionGaps:
    """The gaps of one connection. Times are ``received_at``, ns UTC.

    Parameters
    ----------
    begin
        The start of the feed.
    """

    def __init__(self, channels: Sequence[str], begin: int) -> None:
        self._channels = tuple(channels)
        self._last_row = begin
        self._open: Gap | None = None
        self.records = frozenset(RECORD_OF_CHANNEL[channel] for channel in channels)
        """The record types of its rows; no other connection has them."""

    @property
    def is_open(self) -> bool:
        """Whether a gap lasts."""
        return self._open is not None

    def lost(self, reason: str) -> Gap | None:
        """Begin a gap, and return it; None if one lasts already."""
        if self._open is not None:
            return None
        self._open = Gap(self._last_row, None, self._channels, reason)
        return self._open

    def came(self, first: int, last: int) -> Gap | None:
        """Record rows that were received from ``first`` to ``last``; return the gap that they end, if any."""
        self._last_row = max(self._last_row, last)
        if self._open is None:
            return None
        ended, self._open = replace(self._open, end=first), None
        return ended


def gaps_of_today(gaps: Sequence[Gap], now: int, zone: ShownZone) -> list[Gap]:
    """Return the gaps that lasted into the day of ``now`` (ns UTC) in a zone."""
    today = zone.day(now)
    return [gap for gap in gaps if gap.end is None or zone.day(gap.end) == today]
