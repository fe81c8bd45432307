"""A line on stderr for what a live feed tells its user: a lost connection, a refused subscription, a gap."""

from __future__ import annotations

import sys
from contextlib import suppress
from threading import Lock

from tickstock_cli.core.feed import FeedListener, Gap
from tickstock_cli.core.shown_times import ShownZone
from tickstock_cli.live.notices import gap_text


class FeedNotes(FeedListener):
    """Prints notices and gaps, where no view on the terminal shows the feed.

    Parameters
    ----------
    zone
        Zone of the times.
    """

    def __init__(self, zone: ShownZone) -> None:
        self._zone = zone
        self._lock = Lock()

    def gap(self, gap: Gap) -> None:
        if gap.end is not None:
            self._print(gap_text(gap, self._zone))

    def notice(self, text: str) -> None:
        self._print(text)

    def _print(self, text: str) -> None:
        # Nobody may read stderr: an error of a listener would end the feed.
        with self._lock, suppress(OSError, ValueError):
            print(f"feed: {text}", file=sys.stderr, flush=True)
