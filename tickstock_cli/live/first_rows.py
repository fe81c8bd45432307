"""What a live run does once, with the first rows that give reason to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from tickstock_cli.core.calendar import OVERNIGHT, Calendar
from tickstock_cli.core.feed import FeedListener


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
    """Says once that rows of the night came, if ``session.phases`` leaves it out.

    Parameters
    ----------
    phases
        ``session.phases``.
    """

    def __init__(self, calendar: Calendar, phases: Sequence[str], say: Callable[[str], object]) -> None:
        self._calendar = calendar
        self._say = say
        self._done = "overnight" in phases

    def rows(self, batches: Sequence[pa.RecordBatch]) -> None:
        for batch in batches:
            if self._done:
                return
            latest = pc.max(batch.column("timestamp")).as_py()
            if latest is not None and latest > 0 and self._calendar.phase(latest) == OVERNIGHT:
                self._done = True
                self._say(
                    "rows of the night come: they are recorded, and detectors do not see them, because session.phases "
                    "leaves out overnight"
                )
