"""Section 5: the FMV channel."""

from __future__ import annotations

from collections import Counter

from tests.oracle.records import Event, Row, nanoseconds, reaches, sign, within
from tests.oracle.sessions import calendar_of, segment_of
from tests.oracle.settings import Settings
from tests.oracle.ticks import Trade

TRIGGERS = {1: "undervalued", -1: "overvalued", 0: None}


class FairValues:
    """Fair market values of all tickers; ``trades`` is kept by the tick channel."""

    def __init__(self, settings: Settings, ledger: Counter[str], trades: dict[str, Trade]) -> None:
        self._settings = settings
        self._ledger = ledger
        self._trades = trades
        self._told_at: dict[str, int] = {}

    def process(self, row: Row, available_at: int) -> list[Event]:
        """Take in an accepted row and give its event, if it is one."""
        values = row.values
        ticker, time, fmv = values["ticker"], values["timestamp"], float(values["fmv"])
        confidence = 1.0 if values.get("confidence") is None else float(values["confidence"])
        phase = segment_of(time, calendar_of(self._settings)).phase
        if phase not in self._settings["session.phases"]:
            return self._filtered("market_hours")
        market = self._market_price(row)
        if market is None:
            return self._filtered("no_market_price")
        if not reaches(confidence, self._settings["fmv.min_confidence"]):
            return self._filtered("confidence")
        deviation = (fmv - market) / market * 100
        if not reaches(abs(deviation), self._settings["fmv.deviation_percent"]):
            return self._filtered("deviation")
        if abs(deviation) > self._settings["fmv.max_deviation_percent"]:
            return self._filtered("max_deviation")
        if within(time, self._told_at.get(ticker), self._settings["fmv.cooldown_seconds"]):
            self._ledger["fmv.suppressed.cooldown.fmv"] += 1
            return []
        self._told_at[ticker] = time
        event = Event("fmv", "fmv", ticker, time, available_at, phase, sign(deviation), fmv, abs(deviation))
        event.confidence = confidence
        event.previous = market
        event.percent_change = deviation
        event.trigger = TRIGGERS[event.direction]
        return [event]

    def _filtered(self, reason: str) -> list[Event]:
        self._ledger[f"fmv.filtered.{reason}"] += 1
        return []

    def _market_price(self, row: Row) -> float | None:
        given = row.values.get("market_price")
        if given is not None:
            return float(given)
        trade = self._trades.get(row.values["ticker"])
        if trade is None:
            return None
        age = row.values["timestamp"] - trade.time
        return trade.price if age <= nanoseconds(self._settings["fmv.max_staleness_seconds"]) else None
