"""One frame of a paced run: dashboard, events and progress on exactly the lines that the terminal has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment, SegmentLines
from rich.text import Text

from tickstock_cli.cli.render_dashboard import DashboardView
from tickstock_cli.cli.render_events import EventTable
from tickstock_cli.cli.render_phrases import KindPhrases
from tickstock_cli.core.shown_times import ShownZone

HEADING = 2
"""Lines of the table's heading."""
LEAST_EVENTS = 3
"""Events that a long dashboard leaves room for."""


@dataclass(frozen=True, slots=True)
class GuardedFrame:
    """Draws the frame that a function returns; an error of either is told in its place.

    Parameters
    ----------
    frame
        Returns the frame.
    failed
        Is told the error.
    """

    frame: Callable[[], RenderableType]
    failed: Callable[[Exception], object]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Return the lines of the frame."""
        try:
            yield from list(console.render(self.frame(), options))
        except Exception as error:  # noqa: BLE001 - a view that stands still looks like a market that does
            self.failed(error)
            words = f"this view cannot be drawn ({type(error).__name__}: {error}); the run goes on"
            lines = console.render_lines(Text(words, style="bold red"), options.update(height=None), pad=False)
            height = options.height or options.size.height
            yield SegmentLines([*lines, *([[]] * (height - len(lines)))][:height], new_lines=True)


@dataclass(frozen=True, slots=True)
class LiveFrame:
    """Draws a frame of the height and width of its options.

    Progress and keys are the last lines and never left out. Above them is the table of events with all lines that the
    dashboard leaves.

    Parameters
    ----------
    latest
        Returns the latest events, at most as many as asked for.
    dashboard
        The dashboard document; None: there is no dashboard.
    below
        The last lines, one line each.
    """

    latest: Callable[[int], Sequence[dict[str, Any]]]
    dashboard: Mapping[str, Any] | None
    below: Sequence[Text]
    zone: ShownZone
    phrases: KindPhrases | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Return the lines of the frame."""
        height = options.height or options.size.height
        flowing = options.update(height=None)
        lines = self._top(console, flowing, height - len(self.below))
        room = height - len(self.below) - len(lines) - 1
        if room > HEADING:
            table = EventTable(self.latest(room - HEADING), self.zone, phrases=self.phrases)
            lines += console.render_lines(table, flowing, pad=False)[:room]
        lines += [[] for _ in range(height - len(self.below) - len(lines))]
        last = console.render_lines(Text("\n").join(self.below), flowing.update(no_wrap=True), pad=False)
        yield SegmentLines([*lines, *last][-height:], new_lines=True)

    def _top(self, console: Console, options: ConsoleOptions, room: int) -> list[list[Segment]]:
        """Return the lines of the dashboard: whole, else in short form, else as many as leave room for some events."""
        if self.dashboard is None:
            return []
        most = max(0, room - 2 - HEADING - LEAST_EVENTS)
        whole = console.render_lines(DashboardView(self.dashboard, zone=self.zone), options, pad=False)
        if len(whole) <= most:
            return [*whole, []]
        most += 1
        short = console.render_lines(DashboardView(self.dashboard, short=True, zone=self.zone), options, pad=False)
        if len(short) <= most:
            return short
        more = Text(f"… {len(short) - most + 1} more lines need a higher window", style="dim")
        return [*short[: most - 1], *console.render_lines(more, options, pad=False)][:most]
