"""Bits of the column `flags`: ours, and translations of those of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from tickstock_cli.core.batch import Int64s, UInt8s
from tickstock_cli.sources.plain_numbers import frozen, real, values, whole

OURS = 1 | 2 | 4
"""1 = not the last price, 2 = no volume, 4 = not a high or low."""

_MT5_TRADE = 8 | 16 | 32 | 64
"""MetaTrader 5: last price, volume, buy, sell. A row without them is a quote that repeats the last trade."""


NOT_WHOLE = -1
"""Stands for a number with a fraction: it has bits of nobody."""


def bits(column: pa.Array[Any]) -> Int64s | UInt8s:
    """Return a column of flags as integers, 0 where null.

    pandas writes integers with nulls as floats, databases as decimals: whole ones are integers.
    """
    if pt.is_uint8(column.type):
        return values(column, np.uint8, 0)
    if pt.is_integer(column.type):
        return whole(column, 0)
    numbers = real(column, 0.0)
    is_whole = (numbers == np.rint(numbers)) & (np.abs(numbers) < 2.0**63)
    return frozen(np.where(is_whole, numbers, np.where(np.isnan(numbers), 0, NOT_WHOLE)).astype(np.int64))


def _own(flags: Int64s | UInt8s) -> UInt8s:
    return flags.astype(np.uint8, copy=False)


def _of_databento(flags: Int64s | UInt8s) -> UInt8s:
    """Return no bits: theirs describe the messages of a book, and forbid a trade nothing."""
    return np.zeros(len(flags), dtype=np.uint8)


def _of_mt5(flags: Int64s | UInt8s) -> UInt8s:
    """Return all bits for quotes, none for trades."""
    return np.where(flags & _MT5_TRADE, np.uint8(0), np.uint8(OURS)).astype(np.uint8)


TRANSLATIONS: dict[str, Callable[[Int64s | UInt8s], UInt8s]] = {
    "auto": _own,
    "tickstock": _own,
    "databento": _of_databento,
    "mt5": _of_mt5,
}
"""By `recordings.flags`: from a file's flags to ours."""
