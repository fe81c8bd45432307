"""What of a recording cannot survive the wire: why a live run of the played vendor can differ from a replay."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa

from tickstock_cli.core.batch import Int64s, UInt8s
from tickstock_cli.core.calendar import XNYS
from tickstock_cli.core.recording_schema import RECORDED
from tickstock_cli.core.trading_hours import MarketCalendar
from tickstock_cli.sources.plain_numbers import Bools
from tickstock_cli.sources.records import RECORD_TYPES
from tickstock_cli.vendors.polygon.columns import NS_PER_MS, Columns
from tickstock_cli.vendors.polygon.conditions import LATE_PRINT_SECONDS, RegularHours, trade_flags
from tickstock_cli.vendors.polygon.encode import DEFAULT_INTERVAL_SECONDS, SIZE_DECIMALS, bar_prefixes

TIMES = "times with a part of a millisecond"
OLD_TIMES = "times before March 1973 or beyond April 2262"
FLAGS = "flags that conditions do not give"
SIZES = "sizes with more than six decimals"
INTERVALS = "bars of neither a minute nor a second"
TICKERS = "rows without a ticker"

_FIRST_MS, _LAST_MS = 10**11, (2**63 - 1) // NS_PER_MS
_TIME_COLUMNS = {"tick": ("timestamp", "participant_timestamp")}
_SIZE_COLUMNS = {"tick": "size", "ohlcv": "volume"}


class WireLosses:
    """Counts the rows of a recording that lose something on the wire.

    Parameters
    ----------
    late_print_seconds, calendar, interval_seconds
        As the client's `wire.Decoder` and the server's `encode.WireEncoder` have them.
    """

    def __init__(
        self,
        late_print_seconds: float = LATE_PRINT_SECONDS,
        interval_seconds: float = DEFAULT_INTERVAL_SECONDS,
        calendar: MarketCalendar = XNYS,
    ) -> None:
        self._late_print_seconds = late_print_seconds
        self._interval_seconds = interval_seconds
        self._hours = RegularHours(calendar)

    def count(self, record: str, rows: pa.RecordBatch) -> Counter[str]:
        """Return how many rows lose something, by what they lose; a row can be in several counts.

        Parameters
        ----------
        record, rows
            As for `encode.WireEncoder.encode`.
        """
        columns = Columns(rows)
        losses: Counter[str] = Counter()
        part, old = _times_lost(columns, _TIME_COLUMNS.get(record, ("timestamp",)))
        losses[TIMES] = int(np.count_nonzero(part))
        losses[OLD_TIMES] = int(np.count_nonzero(old))
        losses[TICKERS] = sum(not ticker for ticker in columns.texts("ticker"))
        if record in _SIZE_COLUMNS:
            losses[SIZES] = sum(_is_rounded(size) for size in columns.reals(_SIZE_COLUMNS[record]))
        if record == "tick":
            losses[FLAGS] = int(np.count_nonzero(_recorded_flags(columns) != self._given_flags(columns)))
        if record == "ohlcv":
            losses[INTERVALS] = bar_prefixes(columns, self._interval_seconds).count(None)
        for name in _unsent_columns(record):
            if columns.has(name):
                losses[f"values of {name}"] = rows.num_rows - rows[name].null_count
        return +losses

    def _given_flags(self, columns: Columns) -> UInt8s:
        """Return the flags that a client derives from what is sent."""
        ids, offsets = columns.ids("conditions")
        sip, exchange = (
            columns.times(name)[0] // NS_PER_MS * NS_PER_MS for name in ("timestamp", "participant_timestamp")
        )
        return trade_flags(ids, offsets, sip, exchange, self._hours, self._late_print_seconds).flags


def _recorded_flags(columns: Columns) -> Int64s:
    return np.array([flags or 0 for flags in columns.wholes("flags")], dtype=np.int64)


def _times_lost(columns: Columns, names: tuple[str, ...]) -> tuple[Bools, Bools]:
    """Return where one of the times has a part of a millisecond, and where one is read in another unit."""
    count = columns.rows
    part, old = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_)
    for name in names:
        times, known = columns.times(name)
        ms = np.abs(times // NS_PER_MS)
        part |= known & (times % NS_PER_MS != 0)
        old |= known & ((ms < _FIRST_MS) | (ms > _LAST_MS))
    return part, old


def _is_rounded(size: float | None) -> bool:
    return size is not None and float(f"{size:.{SIZE_DECIMALS}f}") != size


def _unsent_columns(record: str) -> list[str]:
    """Return the columns that a replay reads and the wire does not have."""
    (type_,) = (type_ for type_ in RECORD_TYPES if type_.name == record)
    return [name for name in type_.optional if name not in RECORDED[record].names]
