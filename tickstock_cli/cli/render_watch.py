"""Events as they come, one a line, in columns that stay where they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult

from tickstock_cli.cli.render_events import event_cells, fitting, table_of
from tickstock_cli.cli.render_phrases import KindPhrases

WIDTHS = (18, 8, 9, 11, 8, 6, 60)
"""Of time, ticker, event, price, change, source and detail: not those of the events at hand, as the next come below."""
EVENT = 2
"""Place of the event: a kind with a long name makes it wider."""
ARROW = 2
"""Width of the arrow and the blank before the name."""


class EventLines:
    """Events, one a line, without a head; a narrow terminal goes without some columns.

    Parameters
    ----------
    phrases
        Those of the kinds of events that there can be; None: of the project's own.
    """

    def __init__(self, events: Sequence[dict[str, Any]], phrases: KindPhrases | None = None) -> None:
        self._rows = [event_cells(event, dated=True, phrases=phrases) for event in events]
        self._widths = list(WIDTHS)
        if phrases is not None:
            self._widths[EVENT] = max(WIDTHS[EVENT], ARROW + phrases.longest_name)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw them in the width there is."""
        yield table_of(self._rows, fitting(self._widths, options.max_width), show_header=False)
