"""Events as lines of a terminal: in a table, or one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from tickstock_cli.cli.render_phrases import KindPhrases, format_price, own_phrases
from tickstock_cli.core.shown_times import ShownZone

ARROWS = {1: ("▲", "green"), -1: ("▼", "red"), 0: ("•", "dim")}
GAP = 2
"""Blanks between two columns."""
CLOCK, DATED = slice(11, None), slice(5, None)
"""The part of a time that is shown: without its date, or without its year."""


class TableColumn(NamedTuple):
    """One column of the table of events."""

    title: str
    width: int
    """Least width, even if its cells are narrower."""
    right: bool = False
    least: int | None = None
    """Least width to which it may be cut; None: it is never cut."""


COLUMNS = (
    TableColumn("time", 12),
    TableColumn("ticker", 6, least=4),
    TableColumn("event", 7),
    TableColumn("price", 8, right=True),
    TableColumn("change", 7, right=True),
    TableColumn("source", 6),
    TableColumn("detail", 6, least=8),
)
TIME, SOURCE, DETAIL = 0, 5, 6
"""Places of columns."""
DISPENSABLE = ("detail", "source", "change")
"""Columns that a narrow terminal leaves out, in this order."""


class EventTable:
    """Events, one a line, at the width of the terminal; cut text ends in an ellipsis.

    Parameters
    ----------
    zone
        Zone of the times; the heading names it.
    skipped
        Number of events between the first and the second half of those shown.
    phrases
        Phrases of the kinds of events; None: those of the project's own kinds.
    """

    def __init__(
        self, events: Sequence[dict[str, Any]], zone: ShownZone, skipped: int = 0, phrases: KindPhrases | None = None
    ) -> None:
        self._zone = zone
        dated = len({zone.day(event["timestamp"]) for event in events}) > 1
        self._rows = [event_cells(event, zone, dated, phrases) for event in events]
        self._styles = [""] * len(events)
        if skipped:
            place = len(events) // 2
            words = ("", "", f"… {skipped:,}", "more", "", "", "")
            self._rows.insert(place, [Text(word) for word in words])
            self._styles.insert(place, "dim")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the table at the width of the console."""
        time = f"time ({self._zone.name})"
        wanted = [
            max([column.width, *(row[place].cell_len for row in self._rows)]) for place, column in enumerate(COLUMNS)
        ]
        wanted[TIME] = max(wanted[TIME], len(time))
        table = table_of(self._rows, fitting(wanted, options.max_width), show_header=True)
        table.columns[TIME].header = time
        for drawn, style in zip(table.rows, self._styles, strict=True):
            drawn.style = style
        yield table


def table_of(
    rows: Sequence[Sequence[Text]],
    widths: Mapping[int, int],
    *,
    show_header: bool,
    wrapped: int | None = None,
    gap: int = GAP,
) -> Table:
    """Return a table with columns of exactly these widths, by index in ``COLUMNS``; cells of one may be wrapped."""
    table = Table(
        box=SIMPLE_HEAD if show_header else None,
        header_style="bold",
        show_header=show_header,
        show_edge=False,
        pad_edge=False,
        padding=(0, gap - 1 if show_header else gap, 0, 0),
    )
    for place, width in widths.items():
        justify: Literal["left", "right"] = "right" if COLUMNS[place].right else "left"
        title, fixed = COLUMNS[place].title, place != wrapped
        table.add_column(title, width=width, no_wrap=fixed, justify=justify, overflow="ellipsis" if fixed else "fold")
    for row in rows:
        table.add_row(*(row[place] for place in widths))
    return table


def fitting(wanted: Sequence[int], room: int) -> dict[int, int]:
    """Return the columns that fit, by index in ``COLUMNS``, and their widths.

    Parameters
    ----------
    wanted
        The preferred width of each.
    room
        Columns of the terminal.
    """
    kept = dict(enumerate(wanted))
    titles = [column.title for column in COLUMNS]
    for place in (titles.index(title) for title in DISPENSABLE):
        over = width_of(kept) - room
        least = COLUMNS[place].least
        if over > 0 and least is not None and kept[place] - over >= least:
            kept[place] -= over
        elif over > 0:
            del kept[place]
    ticker = titles.index("ticker")
    over = max(0, width_of(kept) - room)
    kept[ticker] = max(COLUMNS[ticker].least or 0, kept[ticker] - over)
    return kept


def width_of(widths: Mapping[int, int], gap: int = GAP) -> int:
    """Return the width of a table with columns of these widths and ``gap`` blanks between them."""
    return sum(widths.values()) + gap * (len(widths) - 1)


def event_cells(event: dict[str, Any], zone: ShownZone, dated: bool, phrases: KindPhrases | None = None) -> list[Text]:
    """Draw one event as the cells of a table's row; ``dated`` puts the day before the time."""
    arrow, color = ARROWS[event["direction"]]
    return [
        Text(zone.clock(event["timestamp"])[DATED if dated else CLOCK], style="cyan"),
        Text(event["ticker"], style="bold"),
        Text(f"{arrow} {event['kind']}", style=color),
        Text(format_price(event["price"])),
        _signed(event["percent_change"], "%"),
        Text(event["source"]),
        _detail(event, own_phrases() if phrases is None else phrases),
    ]


def _detail(event: dict[str, Any], phrases: KindPhrases) -> Text:
    words = phrases.of(event)
    if event["phase"] != "regular":
        words.append(event["phase"])
    if event["merged"] > 1:
        words.append(f"1 of {event['merged']}")
    return Text(", ".join(words), style="dim")


def _signed(value: float | None, unit: str) -> Text:
    if value is None:
        return Text("")
    return Text(f"{value:+.2f}{unit}", style="green" if value > 0 else "red" if value < 0 else "dim")
