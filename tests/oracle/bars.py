"""Section 4: the OHLCV channel. Everything is looked up in the list of the ticker's accepted bars."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.oracle.admission import interval_of
from tests.oracle.records import MICROS, Event, Row, micro_shares, nanoseconds, reaches, sign
from tests.oracle.sessions import Segment, calendar_of, segment_of
from tests.oracle.settings import Settings


@dataclass(frozen=True)
class Bar:
    """An accepted bar. Times in ns; ``micros`` is its volume in 1e-6 shares."""

    ticker: str
    available_at: int
    segment: Segment
    start: int
    end: int
    open: float
    high: float
    low: float
    close: float
    micros: int
    own_average: float | None
    own_percent_change: float | None

    @property
    def volume(self) -> float:
        """Shares."""
        return self.micros / MICROS


@dataclass(frozen=True)
class Move:
    """How far a bar went: ``base`` is what percent was measured from, None if the row told it itself."""

    percent: float
    base: float | None


class Bars:
    """Bars of all tickers."""

    def __init__(self, settings: Settings, ledger: Counter[str]) -> None:
        self._settings = settings
        self._ledger = ledger
        self._history: dict[str, list[Bar]] = {}

    def process(self, row: Row, available_at: int) -> list[Event]:
        """Take in an accepted row and give its events in order."""
        bar = self._read(row, available_at)
        history = self._history.setdefault(bar.ticker, [])
        earlier = list(history)
        history.append(bar)

        move = self._move(bar, earlier)
        average = self._average(bar, earlier)
        reason = self._filter(bar, move, average)
        if reason is not None or average is None:
            self._ledger[f"ohlcv.filtered.{reason}"] += 1
            return []
        events = self._detect(bar, _of_segment(bar.segment, earlier), move, bar.volume / average)
        for event in events:
            event.percent_change = move.percent
            event.volume = bar.volume
            event.rel_volume = bar.volume / average
        return events

    def _read(self, row: Row, available_at: int) -> Bar:
        values = row.values
        start = values["timestamp"]
        return Bar(
            ticker=values["ticker"],
            available_at=available_at,
            segment=segment_of(start, calendar_of(self._settings)),
            start=start,
            end=start + interval_of(row, self._settings),
            open=float(values["open"]),
            high=float(values["high"]),
            low=float(values["low"]),
            close=float(values["close"]),
            micros=micro_shares(values["volume"]),
            own_average=_number(values.get("avg_volume")),
            own_percent_change=_number(values.get("percent_change")),
        )

    def _move(self, bar: Bar, earlier: Sequence[Bar]) -> Move:
        if self._settings["ohlcv.trust_percent_change"] and bar.own_percent_change is not None:
            return Move(bar.own_percent_change, None)
        base = bar.open
        longest_gap = nanoseconds(self._settings["ohlcv.max_gap_seconds"])
        if earlier and earlier[-1].segment == bar.segment and bar.start - earlier[-1].end <= longest_gap:
            base = earlier[-1].close
        return Move((bar.close - base) / base * 100, base)

    def _average(self, bar: Bar, earlier: Sequence[Bar]) -> float | None:
        """Return the average volume in shares."""
        if bar.own_average is not None:
            return bar.own_average
        alike = [other.micros for other in earlier if other.segment.phase == bar.segment.phase]
        alike = alike[-self._settings["ohlcv.average_bars"] :]
        if not alike or len(alike) < self._settings["ohlcv.average_min_bars"]:
            return None
        return sum(alike) / len(alike) / MICROS

    def _filter(self, bar: Bar, move: Move, average: float | None) -> str | None:
        if self._settings["ohlcv.regular_hours_only"] and bar.segment.phase != "regular":
            return "market_hours"
        if average is None or average <= 0:
            return "warmup"
        if not reaches(bar.volume / average, self._settings["ohlcv.required_volume_multiple"]):
            return "volume"
        if not reaches(abs(move.percent), self._settings["ohlcv.min_percent_change"]):
            return "price_change"
        return None

    def _detect(self, bar: Bar, earlier: Sequence[Bar], move: Move, relative: float) -> list[Event]:
        events = []
        earlier_high = max((other.high for other in earlier), default=None)
        earlier_low = min((other.low for other in earlier), default=None)
        quick = self._settings["ohlcv.close_at_extreme"] and reaches(
            abs(move.percent), self._settings["ohlcv.quick_move_percent"]
        )
        new_high = earlier_high is not None and bar.high > earlier_high
        if new_high or (quick and move.percent > 0 and bar.close == bar.high):
            events.append(_event(bar, "high", 1, bar.high, measure=bar.high, previous=earlier_high))
        new_low = earlier_low is not None and bar.low < earlier_low
        if new_low or (quick and move.percent < 0 and bar.close == bar.low):
            events.append(_event(bar, "low", -1, bar.low, measure=-bar.low, previous=earlier_low))
        if reaches(relative, self._settings["ohlcv.surge_volume_multiple"]):
            events.append(_event(bar, "surge", sign(move.percent), bar.close, measure=relative, previous=move.base))
        return events + self._trend(bar, earlier)

    def _trend(self, bar: Bar, earlier: Sequence[Bar]) -> list[Event]:
        count = self._settings["ohlcv.window_bars"]
        closes = [other.close for other in [*earlier, bar]][-count:]
        if len(closes) < count:
            return []
        steps = {sign(later - before) for before, later in pairwise(closes)}
        if steps not in ({1}, {-1}):
            return []
        net = (closes[-1] - closes[0]) / closes[0] * 100
        if not reaches(abs(net), self._settings["ohlcv.window_move_percent"]):
            return []
        event = _event(bar, "trend", sign(net), bar.close, measure=abs(net), previous=closes[0])
        event.score = net
        return [event]


def _event(bar: Bar, kind: str, direction: int, price: float, measure: float, previous: float | None) -> Event:
    return Event(
        kind,
        "ohlcv",
        bar.ticker,
        bar.end,
        bar.available_at,
        bar.segment.phase,
        direction,
        price,
        measure,
        previous=previous,
    )


def _of_segment(segment: Segment, bars: Sequence[Bar]) -> list[Bar]:
    """Return the last bars in a row that are of ``segment``."""
    found: list[Bar] = []
    for bar in reversed(bars):
        if bar.segment != segment:
            break
        found.insert(0, bar)
    return found


def _number(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)
