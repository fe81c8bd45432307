"""Section 3: the tick channel."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tests.oracle.extremes import find_extremes
from tests.oracle.guard import Verdict, judge
from tests.oracle.records import Event, Row, micro_shares
from tests.oracle.sessions import Segment, calendar_of, segment_of
from tests.oracle.settings import Settings
from tests.oracle.surge import find_surge
from tests.oracle.tick_state import NO_EXTREME, NO_VOLUME, NOT_LAST_PRICE, Seen, Tick, TickState
from tests.oracle.trend import find_trend


@dataclass(frozen=True)
class Trade:
    """The last tick of a ticker that may stand for the market price."""

    time: int
    price: float


class Ticks:
    """Ticks of all tickers: ``states`` per ticker, and the ``trades`` that section 2 asks for."""

    def __init__(self, settings: Settings, ledger: Counter[str]) -> None:
        self._settings = settings
        self._ledger = ledger
        self.states: dict[str, TickState] = {}
        self.trades: dict[str, Trade] = {}

    def process(self, row: Row, available_at: int) -> list[Event]:
        """Take in an accepted row and give its events in order."""
        values = row.values
        ticker, time, price = values["ticker"], values["timestamp"], float(values["price"])
        segment = segment_of(time, calendar_of(self._settings))
        if segment.phase not in self._settings["session.phases"]:
            self._ledger["tick.filtered.market_hours"] += 1
            return []
        tick = Tick(ticker, time, available_at, segment.phase, price, micro_shares(values["size"]))
        flags = values.get("flags") or 0

        state = self._enter(tick, segment)
        verdict = judge(state.level, price, flags, self._settings)
        if verdict is Verdict.SUSPECT:
            self._ledger["tick.suspect"] += 1
            flags |= NOT_LAST_PRICE | NO_EXTREME
        if verdict is Verdict.RESTART:
            state = self.states[ticker] = TickState(segment, first=time, level=state.level)
        return self._detect(state, tick, flags)

    def _enter(self, tick: Tick, segment: Segment) -> TickState:
        former = self.states.get(tick.ticker)
        if former is not None and former.segment == segment:
            return former
        state = self.states[tick.ticker] = TickState(segment, first=tick.time)
        goes_on = self._settings["highlow.post_continues"] and segment.phase == "post"
        if goes_on and former is not None and former.segment == Segment(segment.date, "regular"):
            state.sides = former.sides
        return state

    def _detect(self, state: TickState, tick: Tick, flags: int) -> list[Event]:
        counted = 0 if flags & NO_VOLUME else tick.micros
        state.seen.append(Seen(tick.time, counted, None if flags & NOT_LAST_PRICE else tick.price))
        events = []
        if not flags & NO_EXTREME:
            events += find_extremes(state, tick, self._settings, self._ledger)
        if not flags & NOT_LAST_PRICE:
            self.trades[tick.ticker] = Trade(tick.time, tick.price)
            events += find_surge(state, tick, self._settings, self._ledger)
            events += find_trend(state, tick, self._settings, self._ledger)
        return events
