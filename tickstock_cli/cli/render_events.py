"""Events as lines of a terminal: in a table that fits it, or as they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor, log10
from typing import Any, Literal, NamedTuple

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from tickstock_cli.core.times import NS_PER_DAY, format_clock

ARROWS = {1: ("▲", "green"), -1: ("▼", "red"), 0: ("•", "dim")}
GAP = 2
"""Blanks between two columns."""
CLOCK, DATED = slice(11, None), slice(5, None)
"""What is shown of a time: without its day, or without its year."""
PENNY_DIGITS = 4
"""Prices below 1 are told to as many digits as US markets quote them to, and to as many significant ones."""


class Column(NamedTuple):
    """One column of the table of events."""

    title: str
    width: int
    """It is that wide even if its cells are not."""
    right: bool = False
    least: int | None = None
    """Width down to which it may be cut; None: it is whole or not there."""


COLUMNS = (
    Column("time (UTC)", 12),
    Column("ticker", 6, least=4),
    Column("event", 7),
    Column("price", 8, right=True),
    Column("change", 7, right=True),
    Column("source", 6),
    Column("detail", 6, least=8),
)
DISPENSABLE = ("detail", "source", "change")
"""Columns that a narrow terminal goes without, in this order."""


class EventTable:
    """Events, one a line, as wide as the terminal lets them be; what is cut ends in an ellipsis.

    Parameters
    ----------
    skipped
        How many events lie between the first half of those shown and the second.
    """

    def __init__(self, events: Sequence[dict[str, Any]], skipped: int = 0) -> None:
        dated = len({event["timestamp"] // NS_PER_DAY for event in events}) > 1
        self._rows = [event_cells(event, dated) for event in events]
        self._styles = [""] * len(events)
        if skipped:
            place = len(events) // 2
            words = ("", "", f"… {skipped:,}", "more", "", "", "")
            self._rows.insert(place, [Text(word) for word in words])
            self._styles.insert(place, "dim")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it in the width there is."""
        wanted = [
            max([column.width, *(row[place].cell_len for row in self._rows)]) for place, column in enumerate(COLUMNS)
        ]
        table = table_of(self._rows, fitting(wanted, options.max_width), show_header=True)
        for drawn, style in zip(table.rows, self._styles, strict=True):
            drawn.style = style
        yield table


def table_of(rows: Sequence[Sequence[Text]], widths: Mapping[int, int], *, show_header: bool) -> Table:
    """Lay cells out in columns of exactly these widths, by their places in ``COLUMNS``."""
    table = Table(
        box=SIMPLE_HEAD if show_header else None,
        header_style="bold",
        show_header=show_header,
        show_edge=False,
        pad_edge=False,
        padding=(0, GAP - 1 if show_header else GAP, 0, 0),
    )
    for place, width in widths.items():
        justify: Literal["left", "right"] = "right" if COLUMNS[place].right else "left"
        table.add_column(COLUMNS[place].title, width=width, no_wrap=True, justify=justify, overflow="ellipsis")
    for row in rows:
        table.add_row(*(row[place] for place in widths))
    return table


def fitting(wanted: Sequence[int], room: int) -> dict[int, int]:
    """Choose the columns that fit, by their places in ``COLUMNS``, and their widths.

    Parameters
    ----------
    wanted
        Width that each would like to have.
    room
        Columns of the terminal.
    """
    kept = dict(enumerate(wanted))
    titles = [column.title for column in COLUMNS]
    for place in (titles.index(title) for title in DISPENSABLE):
        over = _width(kept) - room
        least = COLUMNS[place].least
        if over > 0 and least is not None and kept[place] - over >= least:
            kept[place] -= over
        elif over > 0:
            del kept[place]
    ticker = titles.index("ticker")
    over = max(0, _width(kept) - room)
    kept[ticker] = max(COLUMNS[ticker].least or 0, kept[ticker] - over)
    return kept


def _width(widths: dict[int, int]) -> int:
    return sum(widths.values()) + GAP * (len(widths) - 1)


def event_cells(event: dict[str, Any], dated: bool) -> list[Text]:
    """Draw one event as the cells of a table's row; ``dated`` puts the day before the time."""
    arrow, color = ARROWS[event["direction"]]
    return [
        Text(format_clock(event["timestamp"])[DATED if dated else CLOCK], style="cyan"),
        Text(event["ticker"], style="bold"),
        Text(f"{arrow} {event['kind']}", style=color),
        Text(format_price(event["price"])),
        _signed(event["percent_change"], "%"),
        Text(event["source"]),
        _detail(event),
    ]


def format_price(price: float) -> str:
    """Write a price: cents, and below 1 as many digits as it takes to tell it from others.

    Examples
    --------
    >>> [format_price(price) for price in (12345.678, 0.5, 0.0042, 0.000012345)]
    ['12,345.68', '0.5000', '0.0042', '0.00001234']
    """
    size = abs(price)
    if size >= 1 or size == 0:
        return f"{price:,.2f}"
    digits = PENNY_DIGITS - 1 - floor(log10(size))
    text = f"{price:.{digits}f}"
    shortest = text.index(".") + 1 + PENNY_DIGITS
    return text[:shortest] + text[shortest:].rstrip("0")


def _detail(event: dict[str, Any]) -> Text:
    words = []
    if event["kind"] in ("high", "low") and event["previous"] is not None:
        words.append(f"was {format_price(event['previous'])}")
    if event["rel_volume"]:
        words.append(f"{event['rel_volume']:.1f}x volume")
    if event["trigger"] and event["trigger"] != "price_and_volume":
        words.append(event["trigger"])
    if event["strength"]:
        words.append(f"strength {event['strength']}")
    if event["score"] is not None:
        words.append(f"score {event['score']:.3g}")
    if event["phase"] != "regular":
        words.append(event["phase"])
    if event["merged"] > 1:
        words.append(f"1 of {event['merged']}")
    return Text(", ".join(words), style="dim")


def _signed(value: float | None, unit: str) -> Text:
    if value is None:
        return Text("")
    return Text(f"{value:+.2f}{unit}", style="green" if value > 0 else "red" if value < 0 else "dim")
