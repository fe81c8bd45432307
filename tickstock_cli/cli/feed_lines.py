"""The last lines of a live run on a terminal: the state of its feed."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from rich.text import Text

from tickstock_cli.core.metrics import SourceHealth, SourceState
from tickstock_cli.core.shown_times import ShownZone

WINDOW_SECONDS = 5.0
"""Rows a second are those of about this time."""
KEYS = "q stop"
STYLES = {
    SourceState.CONNECTED: "bold green",
    SourceState.CONNECTING: "yellow",
    SourceState.RECONNECTING: "bold red",
    SourceState.ENDED: "dim",
}


class FeedLines:
    """The lines of a live run: market time and events; the feed's state, lag, rate, subscriptions and gaps.

    Parameters
    ----------
    health
        Returns the state of the feed.
    zone
        Zone of the times.
    now
        Wall time in seconds.
    """

    keys = KEYS

    def __init__(
        self,
        health: Callable[[], SourceHealth],
        zone: ShownZone,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._health = health
        self._zone = zone
        self._now = now
        self._rows = 0
        self._market_time = 0
        self._rate: float | None = None
        self._from = (now(), 0)

    def advanced(self, rows: int, market_time: int) -> None:
        self._rows, self._market_time = rows, market_time

    def jumped(self, market_time: int) -> None:
        self._market_time = market_time

    def lines(self, width: int, events: int) -> list[Text]:
        market = self._zone.clock(self._market_time) if self._market_time else "waiting for the first row"
        first = Text.assemble(
            ("market ", "dim"), market, ("   rows ", "dim"), f"{self._rows:,}", ("   events ", "dim"), f"{events:,}"
        )
        health = self._health()
        lines = [first, feed_line(health, self._zone, self._rows_per_second())]
        if health.problem is not None:
            lines.append(Text(health.problem, style="yellow"))
        for line in lines:
            line.truncate(width, overflow="ellipsis")
        return lines

    def _rows_per_second(self) -> float:
        at, rows = self._from
        now = self._now()
        if self._rate is None or now - at >= WINDOW_SECONDS:
            self._rate = (self._rows - rows) / max(now - at, 0.1)
            self._from = (now, self._rows)
        return self._rate


def feed_line(health: SourceHealth, zone: ShownZone, rows_per_second: float) -> Text:
    """Return the state of a feed in one line."""
    line = Text.assemble(("feed ", "dim"), (health.words, STYLES[health.state]))
    if health.since_wall is not None:
        line.append(f" since {zone.clock(health.since_wall, 0)[11:]}")
    for name, text in (
        ("lag", None if health.lag_ms is None else f"{health.lag_ms / 1000:,.2f} s"),
        ("rows/s", f"{rows_per_second:,.0f}"),
        ("acknowledged", _subscriptions(health)),
        ("gaps today", None if health.gaps is None else f"{health.gaps:,}"),
    ):
        if text is not None:
            line.append(f"   {name} ", style="dim")
            line.append(text)
    return line


def _subscriptions(health: SourceHealth) -> str | None:
    if health.wanted is None:
        return None
    silent = "" if not health.silent else f" ({health.silent:,} silent)"
    return f"{health.acknowledged or 0:,} of {health.wanted:,}{silent}"
