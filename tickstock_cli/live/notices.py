"""Notices of a live feed for clients of the server: its gaps, and minutes that are complete."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tickstock_cli.core.feed import FeedListener, Gap
from tickstock_cli.core.shown_times import ShownZone
from tickstock_cli.live.minute_notices import CompleteMinute

Post = Callable[[Mapping[str, Any]], object]
"""Takes a notice as JSON values; from any thread."""


class GapNotices(FeedListener):
    """Posts a notice when a gap begins, and again when it has ended.

    Parameters
    ----------
    zone
        Zone of the times in texts.
    """

    def __init__(self, post: Post, zone: ShownZone) -> None:
        self._post = post
        self._zone = zone

    def gap(self, gap: Gap) -> None:
        channels = ", ".join(gap.channels)
        if gap.end is None:
            text = f"no rows of {channels} since {self._zone.clock(gap.begin)} {self._zone.name}: {gap.reason}"
        else:
            seconds = (gap.end - gap.begin) / 1e9
            text = f"rows of {channels} come again, {seconds:,.1f} s after {self._zone.clock(gap.begin)}: {gap.reason}"
        self._post({"kind": "gap", "text": text, **gap.as_dict()})


def minute_notice(complete: CompleteMinute, zone: ShownZone) -> dict[str, Any]:
    """Return the notice of a complete minute as JSON values."""
    lag = complete.lag_ns / 1e6
    minute = zone.clock(complete.minute, 0)[11:16]
    text = f"minute {minute} complete, {complete.symbols:,} symbols, lag {lag / 1_000:,.1f} s"
    return {
        "kind": "minute",
        "text": text,
        "minute": complete.minute,
        "symbols": complete.symbols,
        "lag_ms": lag,
    }
