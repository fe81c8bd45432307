"""Small seeded markets with all that a detector must handle: sessions, ties, bad prints, flags, gaps, late rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from random import Random

from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.testing.records import MILLISECOND, SECOND, Bar, FairValue, ListSource, Record, Tick, new_york

ROWS = 600
SEEDS = range(12)

RECORDS_OF = {"tick": ("tick",), "ohlcv": ("ohlcv",), "fmv": ("tick", "fmv")}
"""Record types that a channel's detectors read: fair values also ask for the market's price."""

TICKERS = ("AAPL", "BRK.B", "Zürich", "aapl")
MOMENTS = tuple(
    new_york(day, clock)
    for day in ("2024-06-12", "2024-07-03", "2024-11-04", "2024-12-25")  # plain, half-day, clocks went back, closed
    for clock in ("04:00", "09:30", "10:15", "13:00", "16:00", "20:00")
)
"""Times around which sessions change, and 10:15, an ordinary time."""


@dataclass(frozen=True)
class Market:
    """A recording as one batch, and its tickers by code."""

    rows: MergedBatch
    tickers: tuple[str, ...]

    def pieces(self, cuts: Iterable[int] = ()) -> Iterator[MergedBatch]:
        """Return the rows cut at these indices; indices out of range are ignored."""
        length = len(self.rows)
        times = self.rows.available_at()
        for start, stop in pairwise(sorted({0, length, *(cut for cut in cuts if 0 < cut < length)})):
            yield self.rows.cut(start, stop, int(times[stop - 1]))


@cache
def market(channel: str, seed: int) -> Market:
    """Return a market that a channel's detectors read: ``tick``, ``ohlcv`` or ``fmv``."""
    source = ListSource(market_records(channel, seed))
    (rows,) = source.batches()
    return Market(rows, tuple(source.symbols.tickers))


def market_records(channel: str, seed: int, rows: int = ROWS) -> list[Record]:
    """Return the records of a market, in the order of their times; the same parameters give the same records."""
    rng = Random(seed)
    found: list[Record] = []
    moments = sorted(rng.sample(MOMENTS, rng.randint(1, 3)))
    prices = {ticker: rng.choice((0.9, 20.0, 180.0)) for ticker in rng.sample(TICKERS, rng.randint(1, 3))}
    moods = {ticker: _Mood(rng) for ticker in prices}
    interval = rng.choice((1, 5, 60, 60))
    now = 0
    for moment in moments:
        mean = rng.choice((50 * MILLISECOND, 300 * MILLISECOND, SECOND, 3 * SECOND))
        if channel == "ohlcv":
            mean = interval * SECOND // len(prices)
        count = rows // len(moments)
        now = max(now, moment - int(mean * count * rng.random()))
        moods = {ticker: _Mood(rng, first=True) for ticker in prices}
        for _ in range(count):
            now += 0 if rng.random() < 0.1 else int(rng.expovariate(1 / mean))
            ticker = rng.choice(list(prices))
            if moods[ticker].left == 0:
                moods[ticker] = _Mood(rng)
                prices[ticker] *= moods[ticker].shock
            prices[ticker] = max(0.5, prices[ticker] * moods[ticker].step(rng))
            record = rng.choices(RECORDS_OF[channel], (3, 1)[: len(RECORDS_OF[channel])])[0]
            found.append(_record(rng, record, ticker, now, prices[ticker], moods[ticker], interval))
    return found


class _Mood:
    """The behaviour of a ticker for its next ``left`` rows."""

    def __init__(self, rng: Random, first: bool = False) -> None:
        self.left, self.drift, self.noise, self.shock, self.stray, self.size = (
            rng.randint(20, 60),
            0.0,
            2e-4,
            1.0,
            1.0,
            1.0,
        )
        side = rng.choice((-1, 1))
        kind = rng.choices(("calm", "still", "drift", "jump", "stray", "level"), (4, 1, 5, 3, 2, 1))[0]
        if first:
            kind = "stray" if rng.random() < 0.3 else "calm"  # a bad first print: the guard gives up a whole state
        if kind == "still":
            self.noise = 0.0
        elif kind == "drift":
            self.left, self.drift, self.noise = rng.randint(20, 150), side * rng.choice((1e-4, 3e-4, 1e-3)), 1e-4
        elif kind == "jump":
            self.left, self.shock, self.size = rng.randint(5, 40), 1 + side * rng.uniform(0.003, 0.05), 20.0
        elif kind == "stray":
            self.left, self.stray = rng.randint(1, 5), rng.choice((0.5, 0.85, 1.2, 2.0))
        elif kind == "level":
            self.left, self.shock = rng.randint(2, 10), rng.choice((0.5, 0.8, 1.25))

    def step(self, rng: Random) -> float:
        """Return the factor on the price that the next row brings."""
        self.left -= 1
        return 1 + self.drift + rng.gauss(0, self.noise)


def _record(rng: Random, record: str, ticker: str, now: int, price: float, mood: _Mood, interval: int) -> Record:
    received_at = None if rng.random() < 0.7 else now + rng.choice((0, 1, 100 * MILLISECOND, 2 * SECOND, 61 * SECOND))
    size = rng.choice((0, 1, 0.5, 1e-6, 100, 100, 333.3)) * mood.size
    if record == "tick":
        flags = rng.randrange(8) if rng.random() < 0.05 else 0
        return Tick(ticker, now, round(price * mood.stray, 4), size, flags, received_at=received_at)
    if record == "ohlcv":
        start = now // (interval * SECOND) * interval * SECOND
        ends = price, price * (1 + rng.gauss(0, 2e-3))
        spread = rng.choice((0.0, 0.0, 0.001, 0.004))
        return Bar(
            ticker, start, ends[0], max(ends) * (1 + spread), min(ends) * (1 - spread), ends[1], size,
            rng.choice((None, None, None, 50.0, 400.0)), rng.choice((None, -3.0, 0.0, 2.0)), interval,
        )  # fmt: skip
    away = 1 + rng.choice((-1, 1)) * rng.choice((0.0, 0.005, 0.01, 0.02, 0.05, 0.15))
    market_price = None if rng.random() < 0.5 else price
    return FairValue(ticker, now, price * away, market_price, rng.choice((None, 1.0, 0.9, 0.7, 0.3)))
