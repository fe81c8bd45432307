"""Draws the results of a live run on a terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tickstock_cli.cli.render import summary
from tickstock_cli.core.counted import counted
from tickstock_cli.core.shown_times import ShownZone
from tickstock_cli.live.result import LiveResult

MOST_GAPS = 10
"""Limit of the gaps that are listed."""


def live_summary(result: LiveResult, zone: ShownZone) -> Group:
    """Draw a live run: what came over the wire, the gaps, and the results of the run."""
    return Group(_wire(result), *_gaps(result, zone), summary(result.run, has_speed=False))


def _wire(result: LiveResult) -> Table:
    """Draw the feed: counts of the wire, subscriptions, latency."""
    table = Table(title="feed", title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.show_header = False
    table.add_column("", style="dim")
    table.add_column("", justify="right")
    for name, count in result.wire.items():
        if count or name in ("wire.frames", "wire.events"):
            table.add_row(name.removeprefix("wire.").replace("_", " "), f"{count:,}")
    health = result.health
    if health.wanted is not None:
        silent = f", {health.silent:,} silent" if health.silent else ""
        table.add_row("subscriptions", f"{health.acknowledged or 0:,} of {health.wanted:,} acknowledged{silent}")
    table.add_row("reconnects", f"{health.reconnects or 0:,}")
    if (relay := result.relay) is not None:
        table.add_row("relay", f"{counted(relay.rows, 'row')} over {counted(relay.connections, 'connection')}")
        if relay.cut_off or relay.dropped:
            table.add_row("", f"{counted(relay.cut_off, 'client')} cut off, {counted(relay.dropped, 'row')} dropped")
    told = result.latency_ms
    if told["p50"] is not None:
        table.add_row("received to told", f"p50 {told['p50']:,.1f} ms, p99 {told['p99']:,.1f}, max {told['max']:,.1f}")
    return table


def _gaps(result: LiveResult, zone: ShownZone) -> list[RenderableType]:
    """Draw the gaps: no row came in them, and windows of detectors that span one are not altered."""
    if not result.gaps:
        return []
    lines = [
        Text(
            f"{counted(len(result.gaps), 'gap')} in the feed ({zone.name} time)",
            style="bold yellow",
        )
    ]
    for gap in result.gaps[:MOST_GAPS]:
        end = "not over" if gap.end is None else f"{(gap.end - gap.begin) / 1e9:,.1f} s"
        lines.append(Text(f"  {zone.clock(gap.begin)}  {end}  {', '.join(gap.channels)}: {gap.reason}"))
    if len(result.gaps) > MOST_GAPS:
        lines.append(Text(f"  and {len(result.gaps) - MOST_GAPS:,} more; --json has all"))
    return [*lines, Text()]
