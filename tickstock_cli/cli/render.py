"""From result objects to what a terminal shows. Nothing else draws, and this draws nothing but what it is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tickstock_cli.core.times import format_time
from tickstock_cli.engine.run import RunResult

TOP_TICKERS = 8
DAY_NS = 86_400_000_000_000
ARROWS = {1: ("▲", "green"), -1: ("▼", "red"), 0: ("•", "dim")}


def event_table(events: Sequence[dict[str, Any]], skipped: int = 0) -> Table:
    """Draw events, one a line; ``skipped`` tells how many lie between the first half and the second."""
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    dated = len({event["timestamp"] // DAY_NS for event in events}) > 1
    table.add_column("time (UTC)", no_wrap=True, min_width=19 if dated else 12)
    table.add_column("ticker", no_wrap=True, min_width=6)
    table.add_column("event", no_wrap=True, min_width=7)
    table.add_column("price", no_wrap=True, min_width=8, justify="right")
    table.add_column("change", no_wrap=True, min_width=7, justify="right")
    table.add_column("source", no_wrap=True, min_width=6)
    table.add_column("detail", no_wrap=True, overflow="ellipsis")
    for place, event in enumerate(events):
        if skipped and place == len(events) // 2:
            table.add_row("", "", Text(f"… {skipped:,}"), Text("more"), style="dim")
        table.add_row(*event_cells(event, dated))
    return table


def summary(result: RunResult) -> Group:
    """Draw what a run did: events by kind and source, top tickers, the ledger, figures."""
    parts: list[RenderableType] = [
        Columns([_kinds(result), _tickers(result), _figures(result)], padding=(0, 3)),
        _ledger(result),
    ]
    return Group(*parts)


def print_to(console: Console, *parts: RenderableType) -> None:
    """Print renderables one below the other."""
    for part in parts:
        console.print(part)


def event_cells(event: dict[str, Any], dated: bool) -> list[RenderableType]:
    """Draw one event as the cells of a table's row; ``dated`` puts the day before the time."""
    arrow, color = ARROWS[event["direction"]]
    time = format_time(event["timestamp"])
    return [
        Text(f"{time[5:10]} {time[11:23]}" if dated else time[11:23], style="cyan"),
        Text(event["ticker"], style="bold"),
        Text(f"{arrow} {event['kind']}", style=color),
        f"{event['price']:,.2f}",
        _signed(event["percent_change"], "%"),
        event["source"],
        _detail(event),
    ]


def _detail(event: dict[str, Any]) -> Text:
    words = []
    if event["kind"] in ("high", "low") and event["previous"] is not None:
        words.append(f"was {event['previous']:,.2f}")
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


def _small_table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)


def _kinds(result: RunResult) -> Table:
    tally = result.tally
    sources = [name for name, _ in tally.by_source.most_common()]
    table = _small_table(f"{tally.events:,} events")
    table.add_column("kind")
    for source in sources:
        table.add_column(source, justify="right")
    table.add_column("all", justify="right", style="bold")
    for kind, count in tally.by_kind.most_common():
        cells = [tally.by_kind_and_source[kind, source] for source in sources]
        table.add_row(kind, *(f"{cell:,}" if cell else "" for cell in cells), f"{count:,}")
    return table


def _tickers(result: RunResult) -> Table:
    table = _small_table("most events")
    table.add_column("ticker", style="bold")
    table.add_column("events", justify="right")
    ranked = sorted(result.tally.by_ticker.items(), key=lambda item: (-item[1], item[0]))
    for ticker, count in ranked[:TOP_TICKERS]:
        table.add_row(Text(ticker), f"{count:,}")  # as text: a ticker in brackets is no markup
    return table


def _figures(result: RunResult) -> Table:
    table = _small_table("run")
    table.add_column("")
    table.add_column("", justify="right")
    table.show_header = False
    table.add_row("rows", f"{result.rows:,}")
    table.add_row("rows/s", f"{result.rows_per_second:,.0f}")
    table.add_row("seconds", f"{result.seconds:,.2f}")
    table.add_row("peak memory", f"{result.peak_rss_bytes / 2**20:,.0f} MiB")
    requested = "max" if result.speed.requested is None else f"{result.speed.requested:g}x"
    table.add_row("speed asked", requested)
    table.add_row("speed reached", f"{result.speed.achieved:,.4g}x")
    if result.speed.lateness_ms is not None:
        late = result.speed.lateness_ms
        table.add_row("late p50/p99/max", f"{late['p50']:.2f} / {late['p99']:.2f} / {late['max']:.2f} ms")
    table.add_row("digest", result.digest[:16])
    return table


def _ledger(result: RunResult) -> RenderableType:
    """Draw the ledger: a column a stage, names without the stage's own."""
    columns = []
    counts = result.ledger.as_dict()
    for stage in ("tick", "ohlcv", "fmv", "coordinator"):
        mine = {name: count for name, count in counts.items() if name.startswith(f"{stage}.")}
        if not mine:
            continue
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column("", style="dim")
        table.add_column("", justify="right")
        table.add_row(Text(stage, style="bold"), "")
        for name in sorted(mine, key=_ledger_rank):
            table.add_row(name.removeprefix(f"{stage}."), f"{mine[name]:,}")
        columns.append(table)
    heading = Text("ledger: every row and every event, accounted for", style="bold")
    return Padding(Group(heading, Text(), Columns(columns, padding=(0, 4))), (0, 0, 1, 0))


def _ledger_rank(name: str) -> tuple[int, str]:
    order = ("read", "processed", "rejected", "suspect", "filtered", "suppressed", "detected", "emitted")
    stem = name.split(".")[1]
    return (order.index(stem) if stem in order else len(order), name)
