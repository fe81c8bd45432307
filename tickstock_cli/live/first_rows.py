"""What a live run does once, with the first rows that give reason to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from tickstock_cli.core.calendar import CLOSED, Calendar
from tickstock_cli.core.feed import FeedListener
from tickstock_cli.core.shown_times import exchange_zone
from tickstock_cli.core.times import NS_PER_SECOND

NIGHT_BEGINS, NIGHT_ENDS = 20, 4
"""Hours of New York between which the night's trading lies."""


class OnFirstRows(FeedListener):
    """Calls a function with the first rows of a feed."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act
        self._done = False

    def rows(self, batches: Sequence[pa.RecordBatch]) -> None:  # noqa: ARG002 - the listener's
        if not self._done:
            self._done = True
            self._act()


class NightNotice(FeedListener):
    """Says once that rows of the night came, which ``session.phases`` leaves out.

    Parameters
    ----------
    calendar
        ``session.calendar``.
    """

    def __init__(self, calendar: str, say: Callable[[str], object]) -> None:
        self._calendar = Calendar(calendar)
        self._zone = exchange_zone(calendar)
        self._say = say
        self._done = calendar == "24/7"

    def rows(self, batches: Sequence[pa.RecordBatch]) -> None:
        for batch in batches:
            if self._done:
                return
            latest = pc.max(batch.column("timestamp")).as_py()
            if latest is not None and latest > 0 and self._is_of_the_night(latest):
                self._done = True
                self._say(
                    "rows of the night (20:00 to 04:00 New York) come: they are recorded, and detectors do not see "
                    "them, because session.phases leaves them out"
                )

    def _is_of_the_night(self, time: int) -> bool:
        hour = self._zone.local(time) // (3_600 * NS_PER_SECOND) % 24
        return (hour >= NIGHT_BEGINS or hour < NIGHT_ENDS) and self._calendar.phase(time) == CLOSED
