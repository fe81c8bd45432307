"""The observations of one horizon in parts: by half-hour, by ticker, and by size of the return.

Parts have the figures of a cell, but are no tests of their own: with many parts, some look large by chance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.trading_hours import MarketCalendar
from tickstock_cli.prices.half_hours import half_hours
from tickstock_cli.study.cells import CellName, StudyCell, cell_of, cell_rows, rows_by_cell
from tickstock_cli.study.horizon_rows import HorizonRows, StudyEvents

MOST_TICKERS = 12
"""Tickers of a kind that have a part of their own: those with most events."""

BINS = 40
"""Bins of a histogram without the two outer ones; even."""

COVERED_PERCENT = 98.0
"""Share of the returns that the inner bins hold at least."""


@dataclass(frozen=True, slots=True)
class ReturnHistogram:
    """How many returns lie in bins of equal width.

    Attributes
    ----------
    limit_bps
        The inner bins reach from −limit to limit; the first and the last bin hold what lies beyond.
    events, placebo
        Numbers by bin, ``BINS`` + 2; of the returns, and of the single placebo returns behind the same events.
    """

    limit_bps: float
    events: tuple[int, ...]
    placebo: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KindBreakdown:
    """The observed events of a kind at one horizon, in parts.

    Attributes
    ----------
    by_half_hour
        Start of the decision's half-hour, as in "09:30", and its cell.
    by_ticker
        Ticker and its cell, most events first.
    others, others_tickers
        The cell of all other tickers, None if there is none, and their number.
    """

    kind: str
    by_half_hour: tuple[tuple[str, StudyCell], ...]
    by_ticker: tuple[tuple[str, StudyCell], ...]
    others: StudyCell | None
    others_tickers: int


@dataclass(frozen=True, slots=True)
class HorizonBreakdown:
    """The parts of one horizon: of each kind, and the histogram of each (kind, direction, source) by its places."""

    horizon: str
    kinds: tuple[KindBreakdown, ...]
    histograms: dict[tuple[int, int, int], ReturnHistogram]


def horizon_breakdown(
    events: StudyEvents,
    decisions: NDArray[np.int64],
    rows: HorizonRows,
    kinds: Sequence[str],
    tickers: Sequence[str],
    calendar: MarketCalendar,
    thin: int,
) -> HorizonBreakdown:
    """Return the parts of one horizon.

    Parameters
    ----------
    decisions
        Decision times of the events, int64 ns UTC.
    kinds, tickers
        Names by place and by code.
    """
    found, histograms = [], {}
    for name, chosen in sorted(
        rows_by_cell(events, np.flatnonzero(rows.observed)).items(), key=lambda one: one[0].order
    ):
        if name.direction is not None and name.source is not None:
            histograms[name.kind, name.direction, name.source] = histogram_of(
                rows.returns[chosen], rows.placebo[chosen]
            )
        else:
            found.append(_kind(name, events, decisions, rows, chosen, kinds, tickers, calendar, thin))
    return HorizonBreakdown(rows.horizon, tuple(found), histograms)


def histogram_of(returns: NDArray[np.float64], placebo: NDArray[np.float64]) -> ReturnHistogram:
    """Return the histogram of returns (at least one, basis points) and of placebo returns of any shape, NaN = none."""
    limit = _round_up(float(np.percentile(np.abs(returns), COVERED_PERCENT)))
    edges = np.concatenate([[-np.inf], np.linspace(-limit, limit, BINS + 1), [np.inf]])
    counts = (np.histogram(values, edges)[0].tolist() for values in (returns, placebo[~np.isnan(placebo)]))
    events, placebos = (tuple(numbers) for numbers in counts)
    return ReturnHistogram(limit, events, placebos)


def _kind(
    name: CellName,
    events: StudyEvents,
    decisions: NDArray[np.int64],
    rows: HorizonRows,
    chosen: NDArray[np.intp],
    kinds: Sequence[str],
    tickers: Sequence[str],
    calendar: MarketCalendar,
    thin: int,
) -> KindBreakdown:
    names = {"kind": kinds[name.kind], "direction": None, "source": None, "horizon": rows.horizon}

    def cell(part: NDArray[np.intp]) -> StudyCell:
        return cell_of(dict(names), cell_rows(events, rows, part), thin)

    starts, places = half_hours(decisions[chosen], calendar)
    by_half_hour = tuple((start, cell(chosen[places == place])) for place, start in enumerate(starts))
    codes, groups, numbers = np.unique(events.code[chosen], return_inverse=True, return_counts=True)
    by_number = sorted(range(len(codes)), key=lambda place: (-numbers[place], tickers[codes[place]]))
    largest, others = by_number[:MOST_TICKERS], by_number[MOST_TICKERS:]
    return KindBreakdown(
        kinds[name.kind],
        by_half_hour,
        tuple((tickers[codes[place]], cell(chosen[groups == place])) for place in largest),
        cell(chosen[np.isin(groups, others)]) if others else None,
        len(others),
    )


def _round_up(value: float) -> float:
    """Return the least of 1, 2, 5, 10, 20, … that is at least ``value``, at least 1."""
    if value <= 1:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value or factor == 10)
