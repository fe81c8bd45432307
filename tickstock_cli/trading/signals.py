"""Signals: the events that belong to a strategy's rules of entry."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.config.strategy import EnterRule, StrategySettings, duration_ns, parse_clock
from tickstock_cli.core.batch import Int64s
from tickstock_cli.core.event_names import EventNames
from tickstock_cli.core.events import PHASES, EventRows
from tickstock_cli.core.times import MAX_NS
from tickstock_cli.prices.days import TradingDays
from tickstock_cli.trading.state import WAITING

Mask = NDArray[np.bool_]


class SignalSelector:
    """Finds the signals among events.

    Parameters
    ----------
    strategy
        Its settings.
    names
        Names behind the codes of the events.
    days
        Trading days of the chosen phases.
    """

    def __init__(self, strategy: StrategySettings, names: EventNames, days: TradingDays) -> None:
        self._rules = strategy.enter
        self._latency = round(strategy.strategy.latency_ms * 1e6)
        self._session_end = duration_ns(strategy.exit.session_end)
        self._names = names
        self._days = days

    def select(self, events: EventRows, event_ids: NDArray[np.uint64]) -> NDArray[np.void]:
        """Return the signals (dtype ``WAITING``) of events, in the same order."""
        rule_of = np.full(len(events), -1, dtype=np.int32)
        if not len(events):
            return np.empty(0, dtype=WAITING)
        decisions = events["emitted_at"] + self._latency
        for number, rule in enumerate(self._rules):
            rule_of[(rule_of < 0) & self._belongs(rule, events, decisions)] = number
        mine = np.flatnonzero(rule_of >= 0)
        chosen = events[mine]
        signals = self.waiting(chosen, event_ids[mine])
        signals["rule"] = rule_of[mine]
        for number, rule in enumerate(self._rules):
            of_rule = signals["rule"] == number
            direction = chosen["direction"][of_rule]
            signals["side"][of_rule] = {"follow": direction, "fade": -direction, "long": 1, "short": -1}[rule.side]
        return signals

    def waiting(self, events: EventRows, event_ids: NDArray[np.uint64]) -> NDArray[np.void]:
        """Return all events as signals of no rule and no side."""
        signals = np.zeros(len(events), dtype=WAITING)
        signals["event_id"] = event_ids
        signals["decision"] = events["emitted_at"] + self._latency
        signals["code"] = events["code"]
        signals["kind"] = events["kind"]
        signals["number"] = -1
        signals["rule"] = -1
        self.place(signals)
        return signals

    def place(self, signals: NDArray[np.void]) -> None:
        """Set the days of signals, whether their decisions are inside, and the ends of their sessions."""
        decisions = signals["decision"]
        signals["day"] = self._days.numbers(decisions)
        signals["inside"] = self._days.are_inside(decisions)
        signals["session_end"] = MAX_NS
        if self._session_end:
            for day in np.unique(signals["day"]).tolist():
                signals["session_end"][signals["day"] == day] = self._days.limits(day).end - self._session_end

    def _belongs(self, rule: EnterRule, events: EventRows, decisions: Int64s) -> Mask:
        """Return whether each event passes all filters of a rule; what an event lacks fails."""
        belongs: Mask = np.ones(len(events), dtype=np.bool_)
        names = self._names
        belongs &= _is_one_of(events["kind"], _places(rule.kinds, names.kinds), rule.kinds)
        belongs &= _is_one_of(events["direction"], rule.directions, rule.directions)
        belongs &= _is_one_of(events["source"], _places(rule.sources, names.sources), rule.sources)
        belongs &= _is_one_of(events["phase"], [PHASES.index(phase) for phase in rule.phases], rule.phases)
        codes = [names.symbols.code(ticker) for ticker in rule.tickers]
        belongs &= _is_one_of(events["code"], [code for code in codes if code is not None], rule.tickers)
        if rule.min_strength is not None:
            belongs &= events["strength"] >= rule.min_strength
        for values, least in (
            (events["score"], rule.min_score),
            (events["rel_volume"], rule.min_rel_volume),
            (np.abs(events["percent_change"]), rule.min_abs_percent_change),
        ):
            if least is not None:
                belongs &= values >= least - abs(least) * 1e-9
        if rule.between:
            first, last = (parse_clock(clock) for clock in rule.between)
            clocks = self._days.clocks(decisions)
            belongs &= (clocks >= first) & (clocks < last)
        return belongs


def _places(wanted: Sequence[str], names: Sequence[str]) -> list[int]:
    return [names.index(name) for name in wanted if name in names]


def _is_one_of(values: NDArray[np.generic], wanted: Sequence[int], filters: Sequence[object]) -> Mask | bool:
    return np.isin(values, np.array(wanted, dtype=np.int64)) if filters else True
