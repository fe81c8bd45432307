"""Bars of one ticker that begin at the same time in one file: all but the first are rejected."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow.types as pt

from tickstock_cli.sources.checks.bar_spacing import first_bars, ticker_codes
from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck
from tickstock_cli.sources.checks.several_values import several_values, told

_SHARE = 0.01
_FEWEST = 3
_MOST_VALUES = 50
"""Of a column that tells them apart: one with more has measures, not kinds."""


def _look(facts: Facts) -> Iterator[Oddity]:
    if facts.first.is_empty:
        return
    bars = first_bars(facts)
    rows = len(bars.code)
    again = int(np.count_nonzero(bars.neighbours() & (np.diff(bars.start) == 0) & (bars.code[1:] >= 0)))
    if again < _FEWEST or again < _SHARE * rows:
        return
    column = next((name for name in facts.layout.ignored if _tells_apart(facts, name)), None)
    remedy = "keep each in one row"
    if column is not None:
        values = told(several_values(facts, column))
        remedy = f"column {column} tells them apart ({values}), so read those of one value, with --where {column}=VALUE"
    yield Oddity(
        f"{{}} of the first {{}} bars begin with another of their ticker, and are rejected as duplicate: {remedy}",
        (again, rows),
    )


def _tells_apart(facts: Facts, name: str) -> bool:
    """Return whether no two bars that begin together have the same value of a column with few values."""
    if facts.schema.names.count(name) > 1 or pt.is_nested(facts.schema.field(name).type):
        return False
    values = ticker_codes(facts.first_rows([name]).column(0))
    if len(values) != facts.head.num_rows or not 1 < len(np.unique(values)) <= _MOST_VALUES:
        return False
    times = facts.reader.times(facts.head, 0)
    codes = ticker_codes(facts.reader.array(facts.head, "ticker"))
    keys = np.stack([codes, times.timestamp, values])[:, times.timestamp > 0]
    return bool(np.unique(keys, axis=1).shape[1] == keys.shape[1])


CHECK = RecordingCheck("repeated_bars", ("ohlcv",), _look)
