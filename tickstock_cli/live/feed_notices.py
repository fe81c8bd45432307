"""Notices of a live feed for people and clients: its gaps, and its minutes that are complete."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tickstock_cli.core.feed import FeedListener, Gap
from tickstock_cli.core.shown_times import ShownZone
from tickstock_cli.core.times import format_duration
from tickstock_cli.live.minute_notices import CompleteMinute

WHOLE_MS = 1_000_000
TO_MINUTES, TO_MILLISECONDS = slice(11, 16), slice(11, 23)
"""Time of day in the text of a clock."""


class FeedNotices(FeedListener):
    """Posts notices with a line for people; the keys are those of ``serving.protocol.NOTICES``, without a number.

    Parameters
    ----------
    post
        Takes each notice, in the thread that has it; a server's ``hub.notices.post``.
    zone
        Zone of the times in the lines.
    """

    def __init__(self, post: Callable[[Mapping[str, Any]], None], zone: ShownZone) -> None:
        self._post = post
        self._zone = zone

    def gap(self, gap: Gap) -> None:
        self._post({"kind": "gap", "text": self._gap_text(gap), **gap.as_dict()})

    def minute(self, complete: CompleteMinute) -> None:
        """Post that a minute is complete."""
        clock = self._zone.clock(complete.minute)[TO_MINUTES]
        lag = format_duration(complete.lag_ns // WHOLE_MS * WHOLE_MS)
        symbols = f"{complete.symbols:,} symbol{'s'[: complete.symbols != 1]}"
        self._post(
            {
                "kind": "minute",
                "text": f"minute {clock} complete, {symbols}, lag {lag}",
                "minute": complete.minute,
                "symbols": complete.symbols,
                "lag_ms": complete.lag_ns / 1e6,
            }
        )

    def _gap_text(self, gap: Gap) -> str:
        begin = self._zone.clock(gap.begin)[TO_MILLISECONDS]
        what = f"no rows of {', '.join(gap.channels)} ({gap.reason})"
        if gap.end is None:
            return f"gap since {begin}: {what}"
        return f"gap from {begin} to {self._zone.clock(gap.end)[TO_MILLISECONDS]}: {what}"
