"""Notices of a live feed for clients of the server: its gaps, and minutes that are complete."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tickstock_cli.core.counted import counted
from tickstock_cli.core.feed import FeedListener, Gap
from tickstock_cli.core.shown_times import ShownZone
from tickstock_cli.core.times import format_duration
from tickstock_cli.live.minute_notices import CompleteMinute

Post = Callable[[Mapping[str, Any]], object]
"""Takes a notice as JSON values, with the keys of ``serving.protocol.NOTICES`` but its number; from any thread."""

WHOLE_MS = 1_000_000
TO_MINUTES, TO_MILLISECONDS = slice(11, 16), slice(11, 23)
"""Time of day in the text of a clock."""


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
        self._post({"kind": "gap", "text": gap_text(gap, self._zone), **gap.as_dict()})


def gap_text(gap: Gap, zone: ShownZone) -> str:
    """Return a gap in one line."""
    begin = zone.clock(gap.begin)[TO_MILLISECONDS]
    what = f"no rows of {', '.join(gap.channels)} ({gap.reason})"
    if gap.end is None:
        return f"gap since {begin}: {what}"
    return f"gap from {begin} to {zone.clock(gap.end)[TO_MILLISECONDS]}: {what}"


def minute_notice(complete: CompleteMinute, zone: ShownZone) -> dict[str, Any]:
    """Return the notice of a complete minute as JSON values."""
    minute = zone.clock(complete.minute)[TO_MINUTES]
    symbols = counted(complete.symbols, "symbol")
    lag = format_duration(complete.lag_ns // WHOLE_MS * WHOLE_MS)
    return {
        "kind": "minute",
        "text": f"minute {minute} complete, {symbols}, lag {lag}",
        "minute": complete.minute,
        "symbols": complete.symbols,
        "lag_ms": complete.lag_ns / 1e6,
    }
