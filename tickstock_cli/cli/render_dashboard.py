"""The dashboard document on a terminal: the system in two lines, a line a channel instance, a line an alert.

Narrow terminals show the figures that matter in trouble; wide ones show all. Latency, success and rates
are those of the monitor's sliding window, so an idle instance shows dashes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from tickstock_cli.core.shown_times import ShownZone
from tickstock_cli.core.times import parse_time

WIDE = 132
"""From this width on, all columns are shown."""
RECENT = 3
"""Resolved alerts that are shown below the active ones."""
NOTHING = "–"

WORDS = {"initializing": "starting", "half_open": "half open"}
STYLES = {
    "ready": "bold green",
    "degraded": "bold yellow",
    "not ready": "bold red",
    "active": "green",
    "paused": "yellow",
    "error": "bold red",
    "shutdown": "dim",
    "closed": "dim",
    "half_open": "yellow",
    "open": "bold red",
    "info": "cyan",
    "warning": "yellow",
    "critical": "bold white on red",
}


@dataclass(frozen=True, slots=True)
class DashboardView:
    """Draws a document of `ChannelMonitor.get_monitoring_dashboard_data` at the width of the terminal."""

    document: Mapping[str, Any]
    short: bool = False
    """Without blank lines, and with each alert in one line above the channels."""
    zone: ShownZone | None = None
    """Zone of the times in alerts; None leaves them in UTC."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Return the parts, one below the other."""
        yield from _in_lines(_facts(self.document["system_overview"]), options.max_width)
        if self.short:
            yield from _alerts(self.document, self.zone, wrap=False)
        for part in self._parts(options.max_width >= WIDE):
            if not self.short:
                yield Text()
            yield part
        if not self.short:
            yield Text()
            yield from _alerts(self.document, self.zone)

    def _parts(self, wide: bool) -> Iterator[RenderableType]:
        if self.document["channel_details"]:
            yield _channels(self.document["channel_details"], wide)
        rollout = self.document["system_overview"].get("rollout")
        if rollout is not None:
            yield RolloutView(rollout)


@dataclass(frozen=True, slots=True)
class RolloutView:
    """Draws both sides of a gradual rollout beside each other."""

    rollout: Mapping[str, Any]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield one line for the share and the fallbacks, and one for each side."""
        rollout = self.rollout
        share = f"{rollout['percent']:g} % of the tickers by shard ({rollout['shards']} of 64)"
        yield Text.assemble(("rollout ", "dim"), share, ("  fallbacks ", "dim"), _count(rollout["fallbacks"], "yellow"))
        table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("path")
        for heading in ("tickers", "rows", "events", "p50 ms", "p99 ms", "success"):
            table.add_column(heading, justify="right", no_wrap=True)
        for side in ("multi", "linear"):
            figures = rollout[side]
            table.add_row(
                Text(side, style="bold"),
                f"{figures['tickers']:,}",
                f"{figures['processed']:,}",
                f"{figures['events']:,}",
                *(_milliseconds(figures["latency_ms"][name]) for name in ("p50", "p99")),
                _success(figures),
            )
        yield table


def _milliseconds(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


def _facts(overview: Mapping[str, Any]) -> Iterator[Text]:
    yield Text.assemble(("system ", "dim"), _word(overview["status"]))
    if "time" not in overview:
        return
    memory, limit = overview["memory_bytes"], overview["memory_limit_bytes"]
    yield _fact("up", duration(overview["uptime_seconds"]))
    yield _fact("memory", f"{memory / 2**20:,.0f} of {limit / 2**20:,.0f} MiB")
    yield _fact("success", _percent(overview["success_rate"]))
    yield _fact("rows", f"{overview['rows']:,} ({_rate(overview['rows_per_second'])}/s)")
    yield _fact("events", f"{overview['events']:,} ({_rate(overview['events_per_second'])}/s)")
    if overview["clients"] is not None:
        yield _fact("clients", f"{overview['clients']:,}")
    router = overview["router"]
    if router is not None:
        yield _fact("router", router["strategy"])
        yield _fact("moves", f"{router['moves']:,}")
        if router["errors"]:
            yield _fact("unroutable", f"{router['errors']:,}")
        if router["decision_mean_us"] is not None:
            yield _fact("decision", f"{router['decision_mean_us']:,.1f} µs")
    if overview.get("arrivals") is not None:
        yield from _arrival_facts(overview["arrivals"])


def _arrival_facts(arrivals: Mapping[str, Any]) -> Iterator[Text]:
    source, queue = arrivals["source"], arrivals["queue"]
    yield Text.assemble(("source ", "dim"), _word(source["doing"] or source["state"]))
    if source["subscriptions_wanted"] is not None:
        yield _fact("acknowledged", f"{source['subscriptions_acknowledged']:,} of {source['subscriptions_wanted']:,}")
    if source["gaps"]:
        yield _fact("gaps", f"{source['gaps']:,}")
    if source["reconnects"]:
        yield _fact("reconnects", f"{source['reconnects']:,}")
    yield _fact("arrived", f"{arrivals['received']:,}")
    yield _fact("waiting", f"{queue['depth']:,}" + (f" + {queue['spilled']:,} on disk" if queue["spilled"] else ""))
    if arrivals["late"]:
        yield _fact("late", f"{arrivals['late']:,}")


def _fact(name: str, value: str) -> Text:
    return Text.assemble((f"{name} ", "dim"), value)


def _in_lines(facts: Iterable[Text], width: int) -> Iterator[Text]:
    """Return lines with as many whole facts as fit."""
    line = Text()
    for fact in facts:
        if line and line.cell_len + 3 + fact.cell_len > width:
            yield line
            line = Text()
        line = Text.assemble(line, "   ", fact) if line else fact
    yield line


Cell = Callable[[str, Mapping[str, Any]], RenderableType]

COLUMNS: tuple[tuple[str, bool, bool, Cell], ...] = (
    # heading, to the right, on wide terminals only
    ("channel", False, False, lambda name, _: Text(name, style="bold")),
    ("status", False, False, lambda _, channel: _word(channel["status"])),
    ("breaker", False, False, lambda _, channel: _word(channel["breaker"]["state"])),
    ("p50 ms", True, False, lambda _, channel: _latency(channel, "p50")),
    ("p99 ms", True, False, lambda _, channel: _latency(channel, "p99")),
    ("max ms", True, True, lambda _, channel: _latency(channel, "max")),
    ("limit", True, True, lambda _, channel: Text(f"{channel['latency_limit_ms']:,g}", style="dim")),
    ("late", True, True, lambda _, channel: _count(channel["whole"]["timeouts"], "yellow")),
    ("queue", True, False, lambda _, channel: _queue(channel["queue"])),
    ("most", True, True, lambda _, channel: f"{channel['queue']['max_depth']:,}"),
    ("success", True, False, lambda _, channel: _success(channel["recent"])),
    ("failed", True, True, lambda _, channel: _count(channel["whole"]["failed"], "red")),
    ("rows/s", True, False, lambda _, channel: _rate(channel["recent"]["rows_per_second"])),
    ("events/s", True, True, lambda _, channel: _rate(channel["recent"]["events_per_second"])),
    ("shards", True, True, lambda _, channel: f"{channel['shards']}"),
)


def _channels(details: Mapping[str, Mapping[str, Any]], wide: bool) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    shown = [column for column in COLUMNS if wide or not column[2]]
    for heading, right, _, _ in shown:
        table.add_column(heading, justify="right" if right else "left", no_wrap=True)
    for name, channel in details.items():
        table.add_row(*(cell(name, channel) for _, _, _, cell in shown))
    return table


def _word(word: str) -> Text:
    return Text(WORDS.get(word, word), style=STYLES.get(word, "dim"))


def _latency(channel: Mapping[str, Any], figure: str) -> Text:
    value = channel["recent"]["latency_ms"][figure]
    if value is None:
        return Text(NOTHING, style="dim")
    late = value > channel["latency_limit_ms"]
    return Text(_milliseconds(value), style="red" if late else "")


def _queue(queue: Mapping[str, Any]) -> Text:
    share = queue["depth"] / queue["limit"]
    style = "" if share < 0.75 else "yellow" if share < 0.9 else "red"
    return Text(f"{queue['depth']:,}/{queue['limit']:,}", style="red" if queue["spilled"] else style)


def _success(figures: Mapping[str, Any]) -> Text:
    return Text(_percent(figures["success_rate"]), style="red" if figures["failed"] else "")


def _percent(share: float | None) -> str:
    """Return a share with two digits, never rounded up to 100 %."""
    return NOTHING if share is None else f"{int(share * 10_000) / 100:.2f}%"


def _count(count: int, style: str) -> Text:
    return Text(f"{count:,}", style if count else "dim")


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 or not rate else f"{rate:.1f}"


def _alerts(document: Mapping[str, Any], zone: ShownZone | None, *, wrap: bool = True) -> Iterator[RenderableType]:
    active: Sequence[Mapping[str, Any]] = document["active_alerts"]
    resolved = [alert for alert in document["recent_alerts"] if alert["resolved_at"] is not None][-RECENT:]
    if not active and not resolved:
        yield Text("no alerts", style="dim")
        return
    now = parse_time(document["system_overview"]["time"])
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("severity", "type", "message", "when"):
        table.add_column(heading, no_wrap=heading != "message")
    for alert in active:
        again = f" ({alert['times']} times)" if alert["times"] > 1 else ""
        table.add_row(
            _word(alert["severity"]),
            Text(alert["type"], style="bold"),
            _message(alert["message"] + again, zone, wrap),
            f"for {_age(now, alert['raised_at'])}" if _holds(alert, now) else f"till {_age(now, alert['seen_at'])} ago",
        )
    for alert in reversed(resolved):
        message = _message(alert["message"], zone, wrap)
        table.add_row("over", alert["type"], message, f"{_age(now, alert['resolved_at'])} ago", style="dim")
    yield Text("no alerts", style="dim") if not active else Text(f"{len(active)} alert{'s'[: len(active) > 1]}", "bold")
    yield table


def _holds(alert: Mapping[str, Any], now: int) -> bool:
    """Return whether the condition of an alert holds now: the alert stays for a while after that."""
    return parse_time(alert["seen_at"]) >= now


def _message(message: str, zone: ShownZone | None, wrap: bool) -> Text:
    message = message if zone is None else zone.retold(message)
    # In a column that may wrap: rich would cut the columns beside it, too, if none could.
    return Text(message) if wrap else Text(message, no_wrap=True, overflow="ellipsis")


def _age(now: int, time: str) -> str:
    return duration((now - parse_time(time)) / 1e9)


def duration(seconds: float) -> str:
    """Return a duration in its two largest units: 42s, 3m 07s, 2h 05m, 4d 03h."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3_600:
        return f"{whole // 60}m {whole % 60:02}s"
    if whole < 86_400:
        return f"{whole // 3_600}h {whole % 3_600 // 60:02}m"
    return f"{whole // 86_400}d {whole % 86_400 // 3_600:02}h"
