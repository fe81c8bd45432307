"""Small recordings of several days from a seed, with events and strategies, full of corners of a backtest.

Times lie on a grid of 100 ms and prices on one of half a percent, so that decisions meet prints, horizons end at
prints, and prices reach stops exactly. Each day trades around the same times of day, so that placebo moments find
prices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from tests.oracle.backtest.days import zone_of
from tests.oracle.backtest.drawn_choices import draw_settings, draw_strategy
from tests.oracle.backtest.drawn_events import draw_events
from tests.oracle.backtest.inputs import Event
from tests.oracle.records import SECOND
from tests.oracle.sessions import Custom, calendar_of
from tickstock_cli.testing import Bar, Record, Tick

TENTH = SECOND // 10
TICKERS = ("AAPL", "BRK.B", "MSFT", "aapl")

PERIODS = (
    ("2024-03-04", 12),  # clocks go forward on the 10th
    ("2024-06-28", 12),  # half-day on the 3rd of July, then a holiday
    ("2024-10-28", 12),  # clocks go back on the 3rd of November
    ("2024-11-22", 14),  # Thanksgiving, and a half-day behind it
    ("2024-12-20", 16),  # Christmas, New Year
)
LONG_PERIOD = ("2024-10-14", 36)
CLOCKS = ("10:15", "09:30", "15:58", "12:59", "15:59:50", "15:50", "08:00", "16:30", "23:59", "00:00", "20:00", "03:59")


@dataclass(frozen=True)
class BacktestCase:
    """A recording, its events (None: those that its run detects), settings, and a strategy."""

    rows: list[Record]
    events: list[Event] | None
    settings: dict[str, Any]
    strategy: dict[str, Any]


@dataclass
class _Ticker:
    name: str
    base: float
    width: int
    place: int = 0

    @property
    def price(self) -> float:
        return round(self.base * (1 + self.place / 200), 4)

    def move(self, rng: Random) -> float:
        self.place += rng.choice((-2, -1, -1, 0, 0, 0, 1, 1, 2))
        self.place = max(-self.width, min(self.width, self.place))
        return self.price


@dataclass(frozen=True)
class _Habits:
    """What stays the same through a recording."""

    calendar: str | Custom
    intervals: Sequence[int]
    has_ticks: bool
    has_bars: bool
    late: float
    gaps: Sequence[float]
    sizes: Sequence[float]
    flagged: float


def drawn_case(seed: int) -> BacktestCase:
    """Return a recording of some hundred rows; the same seed gives the same case."""
    rng = Random(seed)
    rows = rng.choice((200, 600, 1200))
    kind = rng.choice(("ticks", "ticks", "bars", "bars", "both"))
    settings = draw_settings(rng, kind)
    habits = _Habits(
        calendar=calendar_of(settings),
        intervals=rng.choice(((60,), (60,), (5,), (5, 10, 60), (30, 60), (3600,), (86_400,))),
        has_ticks=kind != "bars",
        has_bars=kind != "ticks",
        late=rng.choice((0.0, 0.0, 0.2, 1.0)),
        gaps=rng.choice(((0, 0.1, 0.2, 1), (0, 1, 5, 30), (0, 0.1, 20, 120), (60,))),
        sizes=rng.choice(((0, 0.5, 3, 15, 100), (10, 50, 100), (100, 1000, 5000), (1e6,))),
        flagged=rng.choice((0.0, 0.1, 0.4)),
    )
    days = _days(rng)
    width = rng.choice((3, 3, 60))
    tickers = [_Ticker(name, rng.choice((100.0, 20.0, 4.0, 0.4)), width) for name in TICKERS[: rng.randint(1, 4)]]
    found: list[Record] = []
    clocks = rng.sample(CLOCKS, 3) if rng.random() < 0.25 else rng.sample(CLOCKS[:6], rng.randint(1, 2))
    clocks[0] = rng.choice((clocks[0], "10:15"))
    if settings["session.calendar"] == "24/7" and rng.random() < 0.5:
        clocks[-1] = "23:59"  # the day after begins at once
    for day in days:
        for clock in clocks:
            begin = _local(day, clock, habits.calendar)
            found += _burst(rng, habits, tickers, begin, max(4, rows // len(days) // len(clocks)))
    events = draw_events(rng, found, settings, rng.choice((5, 30, 80))) if rng.random() < 0.8 else None
    settings["study.horizons"] = _horizons(rng, habits)
    return BacktestCase(found, events, settings, draw_strategy(rng))


def _horizons(rng: Random, habits: _Habits) -> list[str]:
    longest = max(habits.intervals) if habits.has_bars else 0
    offered = [("1s", 1), ("5s", 5), ("30s", 30), ("1m", 60), ("5m", 300), ("1h", 3600)]
    known = [name for name, seconds in offered if seconds >= longest]
    chosen = rng.sample(known, min(len(known), rng.randint(1, 2)))
    return [*chosen, *(["close"] if not chosen or rng.random() < 0.8 else [])]


def _days(rng: Random) -> list[date]:
    first, count = LONG_PERIOD if rng.random() < 0.15 else rng.choice(PERIODS)
    days = [date.fromisoformat(first) + timedelta(days=place) for place in range(count)]
    dropped = rng.choice((0.0, 0.2, 0.5))
    kept = [day for day in days if rng.random() >= dropped] or days[:1]
    if rng.random() < 0.3:
        place, gap = rng.randrange(len(kept)), timedelta(days=rng.choice((5, 7, 8, 15, 20)))
        kept = [*kept[:place], *(day + gap for day in kept[place:])]
    return kept if rng.random() < 0.9 else kept[:1]


def _local(day: date, clock: str, calendar: str | Custom) -> int:
    return int(datetime.combine(day, time.fromisoformat(clock), zone_of(calendar)).timestamp()) * SECOND


def _burst(rng: Random, habits: _Habits, tickers: Sequence[_Ticker], begin: int, count: int) -> list[Record]:
    """Return rows of a day from about one time of day on."""
    now = begin - rng.choice((0, 0, 1, 7)) * SECOND
    found: list[Record] = []
    ends = dict.fromkeys((ticker.name for ticker in tickers), 0)
    for _ in range(count):
        now += int(rng.choice(habits.gaps) * 10) * TENTH
        ticker = rng.choice(tickers)
        if habits.has_ticks and (not habits.has_bars or rng.random() < 0.7):
            found.append(_tick(rng, habits, ticker, now))
        else:
            interval = rng.choice(habits.intervals)
            start = max(now, ends[ticker.name]) if rng.random() < 0.9 else max(now, ends[ticker.name] - SECOND)
            if rng.random() < 0.7:
                start = -(-start // (interval * SECOND)) * interval * SECOND
            ends[ticker.name] = start + interval * SECOND
            found.append(_bar(rng, habits, ticker, start, interval))
            if not habits.has_ticks:
                now = max(now, start)
    return found


def _tick(rng: Random, habits: _Habits, ticker: _Ticker, now: int) -> Tick:
    price = ticker.move(rng) * (rng.choice((0.8, 1.25)) if rng.random() < 0.03 else 1.0)
    flags = rng.randrange(8) if rng.random() < habits.flagged else rng.choice((0, None))
    received = now + rng.choice((1, 5, 20, 300)) * TENTH if rng.random() < habits.late else None
    return Tick(ticker.name, now, round(price, 4), rng.choice(habits.sizes), flags, received_at=received)


def _bar(rng: Random, habits: _Habits, ticker: _Ticker, start: int, interval: int) -> Bar:
    prices = [ticker.move(rng) for _ in range(4)]
    delay = rng.choice((1, 5, 20, 300, 3000, 200_000)) * TENTH if rng.random() < habits.late else 0
    received = start + interval * SECOND + delay if delay or rng.random() < 0.5 else None
    if rng.random() < 0.02:
        received = start + interval * SECOND // 2
    return Bar(
        ticker.name,
        start,
        open=prices[0],
        high=max(prices),
        low=min(prices),
        close=prices[-1],
        volume=rng.choice(habits.sizes) * rng.choice((1, 1, 10)),
        interval=interval,
        received_at=received,
    )
