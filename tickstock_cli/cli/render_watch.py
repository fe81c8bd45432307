"""Events as they arrive, one a line, in columns of constant widths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult

from tickstock_cli.cli.render_events import event_cells, fitting, table_of
from tickstock_cli.cli.render_phrases import KindPhrases

WIDTHS = (18, 8, 9, 11, 8, 6, 60)
"""Widths of time, ticker, event, price, change, source and detail, constant because later events follow below."""
EVENT = 2
"""Place of the event: a kind with a long name makes it wider."""
ARROW = 2
"""Width of the arrow and the blank before the name."""


class EventLines:
    """Events, one a line, without a header; a narrow terminal leaves out some columns.

    Parameters
    ----------
    phrases
        Phrases of the kinds of events; None: those of the project's own kinds.
    """

    def __init__(self, events: Sequence[dict[str, Any]], phrases: KindPhrases | None = None) -> None:
        self._rows = [event_cells(event, dated=True, phrases=phrases) for event in events]
        self._widths = list(WIDTHS)
        if phrases is not None:
            self._widths[EVENT] = max(WIDTHS[EVENT], ARROW + phrases.longest_name)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the events at the width of the console."""
        yield table_of(self._rows, fitting(self._widths, options.max_width), show_header=False)
