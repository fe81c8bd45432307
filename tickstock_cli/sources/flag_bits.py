"""Bits of the column `flags`: ours, and translations of those of others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tickstock_cli.core.batch import Int64s, UInt8s

OURS = 1 | 2 | 4
"""1 = not the last price, 2 = no volume, 4 = not a high or low."""

_MT5_TRADE = 8 | 16 | 32 | 64
"""MetaTrader 5: last price, volume, buy, sell. A row without them is a quote that repeats the last trade."""


def _own(flags: Int64s) -> UInt8s:
    return flags.astype(np.uint8)


def _of_databento(flags: Int64s) -> UInt8s:
    """Return no bits: theirs describe the messages of a book, and forbid a trade nothing."""
    return np.zeros(len(flags), dtype=np.uint8)


def _of_mt5(flags: Int64s) -> UInt8s:
    """Return all bits for quotes, none for trades."""
    return np.where(flags & _MT5_TRADE, np.uint8(0), np.uint8(OURS)).astype(np.uint8)


TRANSLATIONS: dict[str, Callable[[Int64s], UInt8s]] = {
    "auto": _own,
    "tickstock": _own,
    "databento": _of_databento,
    "mt5": _of_mt5,
}
"""By `recordings.flags`: from a file's flags to ours."""
