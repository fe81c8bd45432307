"""Events as they arrive, one after the other, in columns of constant widths; no detail is cut."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.text import Text

from tickstock_cli.cli.render_events import DETAIL, GAP, SOURCE, event_cells, table_of, width_of
from tickstock_cli.cli.render_phrases import KindPhrases
from tickstock_cli.core.shown_times import ShownZone

WIDTHS = (18, 8, 9, 11, 8, 6, 60)
"""Widths of time, ticker, event, price, change, source and detail, constant because later events follow below."""
NARROW_WIDTHS = (12, 6, 9, 9, 7, 6, 60)
"""Widths on a narrow terminal, where the date has a line of its own and the source is left out."""
NARROW_GAP = 1
"""Blanks between two columns there."""
NARROW = 100
"""Below this width a terminal is narrow."""
LEAST_DETAIL = 16
"""Below this width the detail has lines of its own."""
EVENT = 2
"""Place of the event: a kind with a long name makes it wider."""
ARROW = 2
"""Width of the arrow and the blank before the name."""


class EventLines:
    """Events without a header; a long detail goes on in the next line.

    Parameters
    ----------
    zone
        Zone of the times.
    phrases
        Phrases of the kinds of events; None: those of the project's own kinds.
    day_before
        Day of the event above, as ``ShownZone.day`` returns it. On a narrow terminal a line names another day.
    """

    def __init__(
        self,
        events: Sequence[dict[str, Any]],
        zone: ShownZone,
        phrases: KindPhrases | None = None,
        day_before: int | None = None,
    ) -> None:
        self._events = events
        self._zone = zone
        self._phrases = phrases
        self._day_before = day_before
        self._event_width = 0 if phrases is None else ARROW + phrases.longest_name

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the events at the width of the console."""
        if options.max_width >= NARROW:
            rows = [event_cells(event, self._zone, dated=True, phrases=self._phrases) for event in self._events]
            yield table_of(rows, self._widths(WIDTHS, options.max_width, GAP), show_header=False, wrapped=DETAIL)
            return
        widths = self._widths(NARROW_WIDTHS, options.max_width, NARROW_GAP, without=SOURCE)
        for day, events in groupby(self._events, lambda event: self._zone.day(event["timestamp"])):
            told = list(events)
            if day != self._day_before:
                yield Text(self._zone.clock(told[0]["timestamp"])[:10], style="bold")
            self._day_before = day
            rows = [event_cells(event, self._zone, dated=False, phrases=self._phrases) for event in told]
            yield from _below_each_other(rows, widths)

    def _widths(self, usual: Sequence[int], room: int, gap: int, without: int | None = None) -> dict[int, int]:
        """Return the widths of the columns by their place: the detail has the rest, or no column if that is small."""
        widths = {place: width for place, width in enumerate(usual) if place not in (without, DETAIL)}
        widths[EVENT] = max(widths[EVENT], self._event_width)
        rest = room - width_of({**widths, DETAIL: 0}, gap)
        return {**widths, DETAIL: rest} if rest >= LEAST_DETAIL else widths


def _below_each_other(rows: Sequence[Sequence[Text]], widths: dict[int, int]) -> RenderResult:
    if DETAIL in widths:
        yield table_of(rows, widths, show_header=False, wrapped=DETAIL, gap=NARROW_GAP)
        return
    for row in rows:
        yield table_of([row], widths, show_header=False, gap=NARROW_GAP)
        if row[DETAIL]:
            yield Padding(row[DETAIL], (0, 0, 0, 2))
