"""Compares the observations of a backtest with those of the same backtest on a part of the recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.backtest.aligning import UNKNOWN_TICKER, aligned, codes_like, equal
from tickstock_cli.backtest.price_source import PriceSource
from tickstock_cli.backtest.tap import BacktestTap
from tickstock_cli.config.analysis import horizon_ns
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.event_names import EventNames
from tickstock_cli.core.times import format_time
from tickstock_cli.prices.days import TradingDays
from tickstock_cli.study.observations import CUT, NO_DIRECTION, OUTSIDE

_MILLISECOND_NS, _SECOND_NS = 1_000_000, 1_000_000_000
_KEYS = ("decision", "code", "kind", "source", "direction")
_RESULTS = ("status", "return_bps", "mfe_bps", "mae_bps")

Bools = NDArray[np.bool_]
Int64s = NDArray[np.int64]


class Settled:
    """Says what nothing can change any more at the time of a cut."""

    def __init__(self, settings: Settings, prices: PriceSource) -> None:
        study = settings.study
        self.latency_ns = round(study.latency_ms * _MILLISECOND_NS)
        wait = study.max_wait_bars_seconds if prices.is_bars else study.max_wait_seconds
        self._wait_ns = round(wait * _SECOND_NS)
        self.lag_ns = prices.lag_ns  # the open of a bar is known only when the bar is available
        self._horizons = [horizon_ns(text) for text in study.horizons]
        self._days = TradingDays(settings.session.market_calendar, settings.prices.phases)

    def entries(self, records: NDArray[Any], cut: int) -> Bools:
        """Return for which records the entry, or that there is none, was settled before a cut."""
        entered = records["entry_time"] > 0
        settled: Bools = np.where(entered, records["entry_time"], records["decision"] + self._wait_ns) < (
            cut - self.lag_ns
        )
        return settled

    def results(self, records: NDArray[Any], cut: int) -> Bools:
        """Return for which records (rows) and horizons (columns) the end lies before a cut."""
        numbers, places = np.unique(records["day"], return_inverse=True)
        day_ends = np.array([self._days.limits(int(number)).end for number in numbers], dtype=np.int64)[places]
        ends = [day_ends if length is None else records["entry_time"] + length for length in self._horizons]
        return (np.stack(ends, axis=1) < cut) & (records["entry_time"] > 0)[:, np.newaxis]


def compare_cut(whole: BacktestTap, part: BacktestTap, settled: Settled, cut: int) -> tuple[int, int, int, str | None]:
    """Compare a backtest with that of the recording without the rows available at or after a cut (ns UTC).

    Returns
    -------
    tuple
        Numbers of decisions, entries and results compared; the first difference in words, or None.
    """
    names = whole.names
    codes = codes_like(part.names.tickers, names.tickers)
    before = _decided(whole, settled.latency_ns, cut, None)
    decisions = entries = results = 0
    for ours, theirs in aligned(before, _decided(part, settled.latency_ns, cut, codes)):
        rows = min(len(ours), len(theirs))
        ours_too, theirs_too = ours[:rows], theirs[:rows]
        decisions += rows
        changed = np.flatnonzero(np.any([ours_too[key] != theirs_too[key] for key in _KEYS], axis=0))
        if len(changed) or len(ours) != len(theirs):
            place = int(changed[0]) if len(changed) else rows
            return decisions, entries, results, _other_decision(ours[place:], theirs[place:], names)
        counts, difference = _compare_outcomes(ours_too, theirs_too, settled, cut, names)
        entries, results = entries + counts[0], results + counts[1]
        if difference is not None:
            return decisions, entries, results, difference
    return decisions, entries, results, None


def _compare_outcomes(
    ours: NDArray[Any], theirs: NDArray[Any], settled: Settled, cut: int, names: EventNames
) -> tuple[tuple[int, int], str | None]:
    """Compare entries and results of the same decisions; return how many, and the first difference in words."""
    at_once = np.isin(ours["status"][:, 0], (NO_DIRECTION, OUTSIDE)) | np.isin(
        theirs["status"][:, 0], (NO_DIRECTION, OUTSIDE)
    )
    entered = at_once | settled.entries(ours, cut) | settled.entries(theirs, cut)
    same = (ours["entry_time"] == theirs["entry_time"]) & equal(ours["entry_price"], theirs["entry_price"])
    changed = np.flatnonzero(entered & ~same)
    if len(changed):
        place = int(changed[0])
        texts = [_entry_words(records[place]) for records in (theirs, ours)]
        return (0, 0), f"{_event_words(ours[place], names)}: {texts[0]} in the cut recording, {texts[1]} in the whole"
    # A part ends the day at its last row, so a horizon that it cuts may be observed in the whole.
    ended = settled.results(ours, cut) & entered[:, np.newaxis] & (theirs["status"] != CUT)
    unchanged = np.all([equal(ours[name], theirs[name]) for name in _RESULTS], axis=0)
    changed_rows, horizons = np.nonzero(ended & ~unchanged)
    counts = int(np.count_nonzero(entered)), int(np.count_nonzero(ended))
    if not len(changed_rows):
        return counts, None
    place, horizon = int(changed_rows[0]), int(horizons[0])
    values = [records["return_bps"][place, horizon] for records in (theirs, ours)]
    told = f"return {values[0]:g} bp in the cut recording, {values[1]:g} in the whole"
    return counts, f"{_event_words(ours[place], names)}, horizon {horizon + 1}: {told}"


@dataclass(frozen=True, slots=True)
class DecisionKeys:
    """What identifies decisions, as equally long arrays; ``emitted`` is the time of the event, int64 ns UTC."""

    emitted: Int64s
    columns: tuple[Int64s, ...]

    @classmethod
    def of(cls, tap: BacktestTap, latency_ns: int, like: Sequence[str] | None = None) -> DecisionKeys:
        """Return the decisions of a backtest, with the codes of other tickers if they are given."""
        chunks = [np.stack([chunk[key].astype(np.int64) for key in _KEYS]) for chunk in tap.observations.records()]
        columns = np.concatenate(chunks, axis=1) if chunks else np.empty((len(_KEYS), 0), dtype=np.int64)
        if like is not None:
            columns[1] = codes_like(tap.names.tickers, like)[columns[1]]
        return cls(columns[0] - latency_ns, tuple(columns))

    def since(self, time: int) -> DecisionKeys:
        """Return the decisions about events emitted at or after a time."""
        chosen = self.emitted >= time
        return DecisionKeys(self.emitted[chosen], tuple(column[chosen] for column in self.columns))

    def times_of_differences(self, other: DecisionKeys) -> Int64s:
        """Return when the events of the decisions were emitted that only one of both has."""
        both = [np.concatenate(pair) for pair in zip(self.columns, other.columns, strict=True)]
        emitted = np.concatenate([self.emitted, other.emitted])
        if not len(emitted):
            return emitted
        side = np.where(np.arange(len(emitted)) < len(self.emitted), 1, -1)
        order = np.lexsort(both)
        is_new = np.any([np.diff(column[order], prepend=column[order[0]] - 1) != 0 for column in both], axis=0)
        firsts = np.flatnonzero(is_new)
        times: Int64s = emitted[order][firsts][np.add.reduceat(side[order], firsts) != 0]
        return times


def _decided(tap: BacktestTap, latency_ns: int, cut: int, codes: NDArray[np.int32] | None) -> Iterator[NDArray[Any]]:
    """Yield the records of events emitted before a cut, with other codes if they are given."""
    for chunk in tap.observations.records():
        records = chunk[chunk["decision"] - latency_ns < cut]
        if codes is not None and len(records):
            records["code"] = codes[records["code"]]
        if len(records):
            yield records


def _other_decision(ours: NDArray[Any], theirs: NDArray[Any], names: EventNames) -> str:
    """Return in words which decision differs; at least one of both sequences has one."""
    if len(theirs) and (not len(ours) or _order(theirs[0]) < _order(ours[0])):
        return f"{_event_words(theirs[0], names)}: found in the cut recording alone"
    return f"{_event_words(ours[0], names)}: found only with rows that came later"


def _order(record: Any) -> tuple[int, ...]:
    return int(record["decision"]), int(record["kind"]), int(record["code"])


def _event_words(record: Any, names: EventNames) -> str:
    word = {1: " up", -1: " down"}.get(int(record["direction"]), "")
    code = int(record["code"])
    ticker = "an unknown ticker" if code == UNKNOWN_TICKER else names.tickers[code]
    kind, source = names.kinds[int(record["kind"])], names.sources[int(record["source"])]
    return f"{kind}{word} of {ticker} ({source}), decided {format_time(int(record['decision']))}"


def _entry_words(record: Any) -> str:
    if not record["entry_time"]:
        return "no entry"
    return f"entry {format_time(int(record['entry_time']))} at {record['entry_price']:g}"
