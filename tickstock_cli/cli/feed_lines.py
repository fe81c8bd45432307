"""The last lines of a live run on a terminal: the state of its feed."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from rich.text import Text

from tickstock_cli.core.counted import counted
from tickstock_cli.core.metrics import RelayHealth, SourceHealth, SourceState
from tickstock_cli.core.shown_times import ShownZone
from tickstock_cli.core.times import format_duration

WINDOW_SECONDS = 5.0
"""Rows a second are those of about this time."""
KEYS = "q stop"
GAP = "   "
"""Between the parts of a line."""
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
        lines = [first, *feed_lines(health, self._zone, self._rows_per_second(), width)]
        if health.problem is not None:
            lines.append(Text(self._zone.retold(health.problem), style="yellow"))
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


def feed_lines(health: SourceHealth, zone: ShownZone, rows_per_second: float, width: int) -> list[Text]:
    """Return the state of a feed in one line, or in more where one of ``width`` columns has no room for all parts."""
    state = Text.assemble(("feed ", "dim"), (health.words, STYLES[health.state]))
    if health.since_wall is not None:
        state.append(f" since {zone.clock(health.since_wall, 0)[11:]}")
    lines = [state]
    for name, text in (
        ("lag", None if health.lag_ms is None else lag_words(health.lag_ms)),
        ("rows/s", f"{rows_per_second:,.0f}"),
        ("acknowledged", _subscriptions(health)),
        ("gaps today", None if health.gaps_today is None else f"{health.gaps_today:,}"),
        ("relay", None if health.relay is None else relay_words(health.relay)),
    ):
        if text is not None:
            part = Text.assemble((f"{name} ", "dim"), text)
            if lines[-1].cell_len + len(GAP) + part.cell_len <= width:
                lines[-1].append(GAP).append_text(part)
            else:
                lines.append(part)
    return lines


def lag_words(milliseconds: float) -> str:
    """Return how old the latest row was when it was received.

    Examples
    --------
    >>> lag_words(120.0), lag_words(-40.0), lag_words(95_400.0), lag_words(23_447_026_960.0)
    ('0.12 s', '-0.04 s', '1 min 35 s', '271 d 9 h')
    """
    if abs(milliseconds) < 60_000:
        return f"{milliseconds / 1_000:.2f} s"
    return format_duration(round(milliseconds * 1e6))


def relay_words(relay: RelayHealth) -> str:
    """Return how many clients a relay has, and what it could not send.

    Examples
    --------
    >>> relay_words(RelayHealth(clients=1)), relay_words(RelayHealth(clients=2, dropped=1_200, cut_off=3))
    ('1 client', '2 clients, 3 cut off, 1,200 rows dropped')
    """
    parts = [counted(relay.clients, "client")]
    if relay.cut_off:
        parts.append(f"{relay.cut_off:,} cut off")
    if relay.dropped:
        parts.append(f"{counted(relay.dropped, 'row')} dropped")
    return ", ".join(parts)


def _subscriptions(health: SourceHealth) -> str | None:
    if health.wanted is None:
        return None
    silent = "" if not health.silent else f" ({health.silent:,} silent)"
    return f"{health.acknowledged or 0:,} of {health.wanted:,}{silent}"
