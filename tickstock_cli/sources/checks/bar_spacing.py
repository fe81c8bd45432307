"""The first bars of a recording by ticker, and the distances between them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from tickstock_cli.core.batch import Int64s
from tickstock_cli.sources.checks.facts import Facts
from tickstock_cli.sources.plain_numbers import Bools, valid, whole

_MORE_ROWS = 1 << 18
"""Rows that are read if the first ones have no two bars of one ticker: 8,000 tickers have half an hour of minutes."""


class FirstBars(NamedTuple):
    """Bars by ticker, length and start: the number of their ticker, their start and their length, int64."""

    code: Int64s
    start: Int64s
    length: Int64s

    def neighbours(self) -> Bools:
        """Return for all bars but the first whether the one before is of the same ticker and length."""
        same: Bools = (np.diff(self.code) == 0) & (np.diff(self.length) == 0)
        return same


class Spacing(NamedTuple):
    """Of neighbouring bars of one ticker and length: their distance and their length, both int64 ns, above 0."""

    apart: Int64s
    length: Int64s


def first_bars(facts: Facts) -> FirstBars:
    """Return the first bars of a recording that have a ticker and a time; they are sorted once for all checks."""
    if "bars" not in facts.kept:
        facts.kept["bars"] = _sorted(facts, facts.head)
    found: FirstBars = facts.kept["bars"]
    return found


def more_bars(facts: Facts) -> FirstBars:
    """Return more of the first bars, half an hour of 8,000 tickers."""
    return _sorted(facts, facts.first_rows(facts.head.schema.names, _MORE_ROWS))


def bar_spacing(facts: Facts, *, read_more: bool = False) -> Spacing:
    """Return the distances between the first bars; empty if no ticker has two of one length.

    Parameters
    ----------
    read_more
        Whether to read on where the first rows have none.
    """
    found = _spacing(first_bars(facts))
    if read_more and not len(found.apart) and facts.head.num_rows:
        found = _spacing(more_bars(facts))
    return found


def _sorted(facts: Facts, rows: pa.RecordBatch) -> FirstBars:
    times = facts.reader.times(rows, 0)
    assert times.interval is not None  # of bars
    codes = ticker_codes(facts.reader.array(rows, "ticker"))
    order = np.lexsort((times.timestamp, times.interval, codes))
    if times.known is not None:
        order = order[times.known[order]]
    return FirstBars(codes[order], times.timestamp[order], times.interval[order])


def _spacing(bars: FirstBars) -> Spacing:
    apart = np.diff(bars.start)
    alike = bars.neighbours() & (apart > 0)
    return Spacing(apart[alike], bars.length[1:][alike])


def ticker_codes(tickers: pa.Array[Any]) -> Int64s:
    """Return a number for each ticker, the same in rows of one."""
    if pt.is_null(tickers.type):
        return valid(tickers).astype(np.int64)
    encoded: Any = tickers if pt.is_dictionary(tickers.type) else tickers.dictionary_encode()
    return whole(encoded.indices, -1)
