"""Events as they come, one a line, in columns that stay where they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from tickstock_cli.cli.render import event_cells

WIDTHS = (18, 8, 9, 11, 8, 6)
"""Of time, ticker, event, price, change and source; the detail takes what is left."""


def event_lines(events: Sequence[dict[str, Any]]) -> Table:
    """Draw events, one a line."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for place, width in enumerate(WIDTHS):
        table.add_column(width=width, no_wrap=True, justify="right" if place in (3, 4) else "left")
    table.add_column(no_wrap=True, overflow="ellipsis")
    for event in events:
        table.add_row(*event_cells(event, dated=True))
    return table
