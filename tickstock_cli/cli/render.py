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
ARROWS = {1: ("▲", "green"), -1: ("▼", "red"), 0: ("•", "dim")}


def event_table(events: Sequence[dict[str, Any]], skipped: int = 0) -> Table:
    """Draw events, one a line; ``skipped`` tells how many lie between the first half and the second."""
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for name, justify in (
        ("time (UTC)", "left"),
        ("ticker", "left"),
        ("event", "left"),
        ("price", "right"),
        ("change", "right"),
        ("rel. volume", "right"),
        ("source", "left"),
        ("phase", "left"),
        ("detail", "left"),
    ):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]  # a literal of rich's own
    for place, event in enumerate(events):
        if skipped and place == len(events) // 2:
            table.add_row(f"… {skipped:,} more …", style="dim")
        table.add_row(*_event_cells(event))
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


def _event_cells(event: dict[str, Any]) -> list[RenderableType]:
    arrow, color = ARROWS[event["direction"]]
    return [
        Text(format_time(event["timestamp"])[11:23], style="cyan"),
        Text(event["ticker"], style="bold"),
        Text(f"{arrow} {event['kind']}", style=color),
        f"{event['price']:,.2f}",
        _signed(event["percent_change"], "%"),
        "" if not event["rel_volume"] else f"{event['rel_volume']:.1f}x",
        event["source"],
        event["phase"],
        _detail(event),
    ]


def _detail(event: dict[str, Any]) -> Text:
    words = []
    if event["trigger"]:
        words.append(event["trigger"].replace("_", " "))
    if event["strength"]:
        words.append(f"strength {event['strength']}")
    if event["score"] is not None:
        words.append(f"score {event['score']:.3g}")
    if event["kind"] in ("high", "low") and event["previous"] is not None:
        words.append(f"was {event['previous']:,.2f}")
    if event["merged"] > 1:
        words.append(f"of {event['merged']}")
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
        table.add_row(ticker, f"{count:,}")
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
