"""Distances between the bars of a ticker, from the first rows of a recording."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from tickstock_cli.core.batch import Int64s
from tickstock_cli.sources.checks.facts import Facts
from tickstock_cli.sources.plain_numbers import valid, whole

MORE_ROWS = 1 << 18
"""Rows that are read if the first ones have no two bars of one ticker: 8,000 tickers have half an hour of minutes."""


class Spacing(NamedTuple):
    """Of neighbouring bars of one ticker and length: their distance and their length, both int64 ns, above 0."""

    apart: Int64s
    length: Int64s


def bar_spacing(facts: Facts, *, read_more: bool = False) -> Spacing:
    """Return the distances between the first bars; empty if no ticker has two of one length.

    Parameters
    ----------
    read_more
        Whether to read on where the first rows have none.
    """
    found = _spacing(facts, facts.head)
    if read_more and not len(found.apart) and facts.head.num_rows:
        found = _spacing(facts, facts.first_rows(facts.head.schema.names, MORE_ROWS))
    return found


def _spacing(facts: Facts, rows: pa.RecordBatch) -> Spacing:
    times = facts.reader.times(rows, 0)
    assert times.interval is not None  # of bars
    codes = ticker_codes(facts.reader.array(rows, "ticker"))
    starts, length = times.timestamp, times.interval
    order = np.lexsort((starts, length, codes))
    if times.known is not None:
        order = order[times.known[order]]
    alike = (np.diff(codes[order]) == 0) & (np.diff(length[order]) == 0)
    apart = np.diff(starts[order])
    alike &= apart > 0
    return Spacing(apart[alike], length[order][1:][alike])


def ticker_codes(tickers: pa.Array[Any]) -> Int64s:
    """Return a number for each ticker, the same in rows of one."""
    if pt.is_null(tickers.type):
        return valid(tickers).astype(np.int64)
    encoded: Any = tickers if pt.is_dictionary(tickers.type) else tickers.dictionary_encode()
    return whole(encoded.indices, -1)
