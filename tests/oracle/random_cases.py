"""Long recordings from a seed, rich in events of every kind and in every way a row or event can end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from tests.oracle.layout import BORDERS, CLOSED, FAULTS, NIGHTS, OPTIONAL, TICKERS, FileShape, Step, lay_out
from tests.oracle.records import SECOND, Record, Row
from tests.oracle.variations import CONFIRMED, LIVELY, VARIATIONS

MILLISECOND = 1_000_000
BEYOND = (2.3e-16, -2.3e-16, 0.9e-9, -0.9e-9, 1.1e-9, -1.1e-9)
STRAYS = (0.5, 0.85, 0.91, 1.11, 1.2, 2.0)
RECORDS: tuple[Record, ...] = ("tick", "ohlcv", "fmv")

LEDGER_NAMES = frozenset(
    [f"{record}.{name}" for record in RECORDS for name in ("read", "processed")]
    + [f"{record}.rejected.{reason}" for record in RECORDS for reason in ("ticker", "timestamp", "future", "late")]
    + [f"tick.rejected.{reason}" for reason in ("price", "size")]
    + [f"ohlcv.rejected.{reason}" for reason in ("price", "volume", "range", "duplicate")]
    + [f"fmv.rejected.{reason}" for reason in ("fmv", "market_price", "confidence")]
    + ["tick.suspect", "tick.filtered.market_hours"]
    + [f"{record}.detected.{kind}" for record in ("tick", "ohlcv") for kind in ("high", "low", "surge", "trend")]
    + [f"tick.suppressed.cooldown.{kind}" for kind in ("high", "low", "surge", "trend")]
    + [f"ohlcv.filtered.{reason}" for reason in ("market_hours", "warmup", "volume", "price_change")]
    + [
        f"fmv.filtered.{reason}"
        for reason in ("market_hours", "no_market_price", "confidence", "deviation", "max_deviation")
    ]
    + ["fmv.detected.fmv", "fmv.suppressed.cooldown.fmv"]
    + [f"coordinator.{name}" for name in ("superseded", "redundant", "emitted")]
)
"""Every name the ledger knows."""


def random_case(
    seed: int, rows: int = 2000, records: Sequence[Record] = RECORDS
) -> tuple[list[list[Row]], dict[str, Any]]:
    """Return the files of a recording and settings for it.

    Parameters
    ----------
    seed
        The same seed and parameters give the same case.
    rows
        How many rows the case has, over all files.
    records
        Which record types it has.
    """
    rng = Random(seed)
    settings = random_settings(rng)
    shapes = [_shape(rng, record) for record in RECORDS if record in records for _ in range(rng.choice((1, 1, 2)))]
    start, steps = _steps(rng, rows, records, with_nights="overnight" in settings.get("session.phases", ()))
    return lay_out(steps, start, shapes, settings), settings


def random_settings(rng: Random) -> dict[str, Any]:
    """Return lively settings (or the defaults, now and then) with a few variations."""
    settings = CONFIRMED | (LIVELY if rng.random() < 0.8 else {})
    for group in VARIATIONS:
        coordination = any(key.startswith("coordinator") for key in group[0])
        if rng.random() < (0.3 if coordination else 0.12):
            settings |= rng.choice(group)
    if rng.random() < 0.15:
        settings["session.phases"] = ["overnight", "pre", "regular", "post"]
    return settings


def _shape(rng: Random, record: Record) -> FileShape:
    optional = frozenset(name for name in OPTIONAL[record] if rng.random() < 0.6)
    return FileShape(record, optional, integers=rng.random() < 0.3, decimals=rng.choice((2, 2, 4, 12)))


@dataclass
class _Mood:
    """How a ticker behaves for its next ``left`` rows."""

    left: int = 0
    drift: float = 0.0
    noise: float = 0.0
    shock: float = 1.0
    stray: float = 1.0
    size: float = 1.0


def _first_mood(rng: Random) -> _Mood:
    """Return one bad first print, now and then: the guard then has to give up a whole state."""
    return _Mood(1, stray=rng.choice(STRAYS)) if rng.random() < 0.3 else _Mood()


def _mood(rng: Random) -> _Mood:
    side = rng.choice((-1, 1))
    kind = rng.choices(("calm", "still", "drift", "jump", "strays", "level"), (4, 1, 5, 3, 2, 1))[0]
    if kind == "still":
        return _Mood(rng.randint(5, 30))
    if kind == "drift":
        return _Mood(rng.randint(20, 150), drift=side * rng.choice((1e-4, 3e-4, 1e-3)), noise=1e-4)
    if kind == "jump":
        return _Mood(rng.randint(5, 40), noise=3e-4, shock=1 + side * rng.uniform(0.003, 0.05), size=20.0)
    if kind == "strays":
        return _Mood(rng.randint(1, 5), noise=1e-3, stray=rng.choice(STRAYS))
    if kind == "level":
        return _Mood(rng.randint(2, 10), noise=1e-3, shock=rng.choice((0.5, 0.8, 1.25, 2.0)))
    return _Mood(rng.randint(20, 60), noise=2e-4)


@dataclass
class _Pace:
    """How time passes: ``grid`` makes all times multiples of it."""

    mean: float
    grid: int
    ties: float

    def gap(self, rng: Random) -> int:
        if rng.random() < self.ties:
            return 0
        return int(rng.expovariate(1 / self.mean)) // self.grid * self.grid


@dataclass(frozen=True)
class _Habits:
    """What stays the same through a case."""

    tickers: Sequence[str]
    records: Sequence[Record]
    weights: Sequence[float]
    intervals: dict[str, int]
    jitter: int
    receipt_grid: int
    faults: float
    flagged: float


def _habits(rng: Random, records: Sequence[Record]) -> _Habits:
    tickers = rng.sample(TICKERS, rng.randint(1, 4))
    return _Habits(
        tickers,
        records,
        weights=[{"tick": 9, "ohlcv": 0.2, "fmv": 1}[record] * rng.uniform(0.5, 2) for record in records],
        intervals={ticker: rng.choice((1, 5, 5, 60, 60, 300)) for ticker in tickers},
        jitter=rng.choice((1, MILLISECOND, 100 * MILLISECOND, 2 * SECOND)),
        receipt_grid=rng.choice((1, 1, SECOND // 2, 5 * SECOND)),
        faults=rng.choice((0.0, 0.01, 0.05)),
        flagged=rng.choice((0.0, 0.05, 0.4)),
    )


def _steps(rng: Random, rows: int, records: Sequence[Record], *, with_nights: bool) -> tuple[int, list[Step]]:
    habits = _habits(rng, records)
    weights = [(80 if with_nights else 1) if at in NIGHTS else 1 if at in CLOSED else 8 for at in BORDERS]
    borders = sorted(rng.choices(BORDERS, weights, k=rng.randint(1, 4)))
    moods = {ticker: _Mood() for ticker in habits.tickers}
    steps: list[Step] = []
    start = now = 0
    for border in borders:
        count = rows // len(borders)
        pace = _Pace(rng.choice((1e6, 5e7, 3e8, 1e9, 1e9, 3e9, 2e10)), rng.choice((1, MILLISECOND, SECOND // 4)), 0.1)
        begin = border - int(pace.mean * count * rng.random()) // pace.grid * pace.grid
        if not steps:
            start = now = begin
        gap = max(0, begin - now)
        for _ in range(count):
            gap += pace.gap(rng)
            if now < border <= now + gap or not steps:
                moods = {ticker: _first_mood(rng) for ticker in habits.tickers}
            step = _step(rng, habits, moods, now, gap)
            steps.append(_spoil(rng, step, habits))
            now += gap
            gap = 0
    return start, steps


def _step(rng: Random, habits: _Habits, moods: dict[str, _Mood], now: int, gap: int) -> Step:
    ticker = rng.choice(habits.tickers)
    mood = moods[ticker]
    shock = 1.0
    if mood.left == 0:
        mood = moods[ticker] = _mood(rng)
        shock = mood.shock
    mood.left -= 1
    record = rng.choices(habits.records, habits.weights)[0]
    interval = habits.intervals[ticker] * SECOND
    if "ohlcv" in habits.records and now // interval != (now + gap) // interval and rng.random() < 0.7:
        record = "ohlcv"
    return Step(
        record,
        ticker,
        gap=gap,
        move=shock * (1 + mood.drift + rng.gauss(0, mood.noise)),
        stray=_stray(rng, record, mood),
        size=rng.choice((0, 1, 0.5, 1e-6, 5e-7, 100, 100, 333.3333335)) * mood.size * rng.choice((1, 1, 7)),
        delay=_delay(rng, habits, now + gap),
        file=rng.randrange(2),
        columns=_columns(rng, record, habits.intervals[ticker]),
    )


def _stray(rng: Random, record: Record, mood: _Mood) -> float:
    if record == "ohlcv":
        return 1.0 + rng.choice((0, 0, 1, -1)) * rng.uniform(0, 0.004)
    if record == "fmv":
        return 1.0 + rng.choice((-1, 1)) * rng.choice((0.0, 0.005, 0.01, 0.02, 0.049, 0.05, 0.08))
    return mood.stray * rng.uniform(0.99, 1.01) if mood.stray != 1.0 else 1.0


def _delay(rng: Random, habits: _Habits, time: int) -> int | None:
    """Return mostly short delays; long ones make later rows overtake, and negative ones test ``future``."""
    event_outcome = rng.random()
    if event_outcome < 0.02:
        return None
    if event_outcome < 0.05:
        return rng.choice((-361, -121, -61, -60, -59, -1, 2, 10, 30)) * SECOND + rng.choice((0, 0, -1, 1))
    received_at = time + rng.randrange(habits.jitter)
    return -(-received_at // habits.receipt_grid) * habits.receipt_grid - time


def _columns(rng: Random, record: Record, interval: int) -> dict[str, Any]:
    if record == "ohlcv":
        return {
            "interval": interval if rng.random() < 0.95 else rng.choice((1, 60)),
            "avg_volume": rng.choice((None, None, None, 50.0, 400.0)),
            "percent_change": rng.choice((None, -3.0, 0.0, 1.0, 2.0)),
        }
    if record == "fmv":
        market = {"market_price": None} if rng.random() < 0.5 else {}
        return market | {"confidence": rng.choice((None, 1.0, 0.9, 0.7, 0.7 - 1e-12, 0.5, 0.0))}
    return {"flags": rng.choice((0, None)), "conditions": "@ T", "exchange": 4, "sequence": rng.randrange(1000)}


def _spoil(rng: Random, step: Step, habits: _Habits) -> Step:
    columns = dict(step.columns)
    if step.record == "ohlcv" and rng.random() < 0.05:
        step = replace(step, beyond=rng.choice(BEYOND))
    if step.record == "tick" and rng.random() < habits.flagged:
        columns["flags"] = rng.randrange(8)
    if rng.random() < habits.faults:
        column = rng.choice(sorted(FAULTS[step.record]))
        columns[column] = rng.choice(FAULTS[step.record][column])
    return replace(step, columns=columns)
