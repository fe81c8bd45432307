"""Draws the debug documents of channels on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tickstock_cli.core.counted import counted

BATCHES_SHOWN = 10
CHANGES_SHOWN = 15
TIME = "time (UTC)"
BARS = " ▁▂▃▄▅▆▇█"


def summary_report(document: Mapping[str, Any]) -> Group:
    """Draw the state of every instance, and what to do."""
    parts: list[RenderableType] = [Text(document["summary"], style="bold")]
    if document["channels"]:
        parts.append(_channels(document["channels"]))
    parts += _issues(document["performance_issues"])
    alerts = document["active_alerts"]
    if alerts:
        parts.append(Text("active alerts", style="bold"))
        parts += [Text(f"  {alert['severity']}: {alert['message']}") for alert in alerts]
    return Group(*parts)


def channel_report(document: Mapping[str, Any]) -> Group:
    """Draw all that is known of one instance."""
    parts: list[RenderableType] = [_channels([document]), *_issues(document["performance_issues"])]
    batching = document["batching"]
    parts.append(
        Text(
            f"batching {batching['strategy']}: up to {counted(batching['max_rows'], 'row')}, "
            f"{batching['max_wait_ms']:g} ms; "
            f"a call costs {batching['call_ms']:.3g} ms, and {batching['row_us']:.3g} us a row"
        )
    )
    parts.append(Text(f"queue, the most of a second: {_curve([entry['rows'] for entry in document['queue_depth']])}"))
    parts.append(Text(f"shards: {_ranges(document['shards'])}"))
    batches = document["batches"][-BATCHES_SHOWN:]
    parts += _table(
        "last batches",
        (TIME, "rows", "wait ms", "service ms", "events", "failed"),
        (
            (
                _clock(one["time"]),
                f"{one['rows']:,}",
                _ms(one["wait_ms"]),
                _ms(one["service_ms"]),
                one["events"],
                one["failed"],
            )
            for one in batches
        ),
    )
    parts += _table(
        "slowest tickers",
        ("ticker", TIME, "latency ms", "service ms"),
        (
            (one["ticker"], _clock(one["time"]), _ms(one["latency_ms"]), _ms(one["service_ms"]))
            for one in document["slowest"]
        ),
    )
    parts += _table(
        "time by ticker, shared by rows",
        ("ticker", "rows", "share"),
        (
            (one["ticker"], f"{one['rows']:,}", f"{one['share']:.1%}")
            for one in document["time_by_ticker"][:BATCHES_SHOWN]
        ),
    )
    parts += _table(
        "errors",
        (TIME, "ticker", "rows", "reason", "first row"),
        (
            (_clock(one["time"]), one["ticker"], one["rows"], one["reason"], _row(one["first_row"]))
            for one in document["errors"][-BATCHES_SHOWN:]
        ),
    )
    parts += _table(
        "changes",
        (TIME, "what", "change"),
        ((_clock(one["time"]), one["what"], one["text"]) for one in document["changes"][-CHANGES_SHOWN:]),
    )
    return Group(*parts)


def _channels(lines: Iterable[Mapping[str, Any]]) -> Table:
    table = _small_table("channel", "state", *("busy", "rows/s", "ok", "p99 ms", "queue", "shards", "issues"))
    for line in lines:
        state = line["status"] if line["healthy"] else f"unhealthy: {line['unhealthy_reason']}"
        if line["breaker"] != "closed":
            state += f", breaker {line['breaker'].replace('_', ' ')}"
        table.add_row(
            line["name"],
            state,
            f"{line['busy_percent']:.0f} %",
            f"{line['rows_per_second']:,.0f}",
            "" if line["success_percent"] is None else f"{line['success_percent']:.1f} %",
            "" if line["latency_p99_ms"] is None else _ms(line["latency_p99_ms"]),
            f"{line['queue_rows']:,}/{line['queue_limit']:,}",
            str(line["shards_owned"]),
            str(line["issues"]),
            style=None if line["healthy"] else "red",
        )
    return table


def _issues(issues: Sequence[Mapping[str, Any]]) -> list[RenderableType]:
    if not issues:
        return []
    parts: list[RenderableType] = [Text("performance issues", style="bold")]
    for issue in issues:
        parts += [Text(f"  {issue['message']}", style="yellow"), Text(f"    {issue['advice']}")]
    return parts


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[RenderableType]:
    table = _small_table(*columns)
    for row in rows:
        table.add_row(*map(str, row))
    return [Text(title, style="bold"), table] if table.row_count else []


def _small_table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    words = {"channel", "state", "ticker", TIME, "reason", "first row", "what", "change"}
    for column in columns:
        table.add_column(column, justify="left" if column in words else "right", overflow="fold")
    return table


def _clock(time: str) -> str:
    """Return the time of day of an ISO time, in its zone."""
    return time.partition("T")[2][:12] or time


def _ms(value: float) -> str:
    return f"{value:,.2f}" if value < 10 else f"{value:,.0f}"


def _row(row: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in row.items() if value is not None)


def _curve(rows: Sequence[int]) -> str:
    """Draw numbers as a line of bars, and the greatest of them."""
    if not rows:
        return "always empty"
    lately = rows[-30:]
    most = max(lately)
    bars = "".join(BARS[-(-value * (len(BARS) - 1) // most)] if most else " " for value in lately)
    return f"{bars} (at most {counted(most, 'row')})"


def _ranges(numbers: Sequence[int]) -> str:
    """Write rising numbers as ranges.

    Examples
    --------
    >>> _ranges([0, 1, 2, 5, 7, 8])
    '0-2, 5, 7-8'
    """
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in parts) or "none"
