"""Messages to columns of recorded rows (`core.recording_schema`): all of a record type at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tickstock_cli.core.batch import Float64s, Int64s
from tickstock_cli.core.recording_schema import RECORDED
from tickstock_cli.core.times import MAX_NS, NS_PER_DAY, NS_PER_SECOND, NS_PER_UNIT
from tickstock_cli.sources.plain_numbers import Bools, valid, values
from tickstock_cli.vendors.polygon import scan_kernel as fields
from tickstock_cli.vendors.polygon.messages import BarMessage, FmvMessage, TradeMessage
from tickstock_cli.vendors.polygon.scan import PlainTrades

_FIRST_MS, _FIRST_US, _FIRST_NS = 10**11, 10**14, 10**17
"""Magnitudes from which times are in these units; times below are in seconds."""
_LAST_MS = MAX_NS // NS_PER_UNIT["ms"]

_COLUMN_TYPES = {record: schema.types for record, schema in RECORDED.items()}


@dataclass(frozen=True, slots=True)
class TradeColumns:
    """Columns of trades: lists of Python values or Arrow arrays; times as steps and where they are known."""

    ticker: Any
    time: tuple[Int64s, Bools | None]
    participant_time: tuple[Int64s, Bools | None]
    price: pa.Array[Any]
    size: pa.Array[Any]
    conditions: Any
    exchange: Any
    sequence: Any
    trade_id: Any
    tape: Any
    trf_id: Any


def trades_of_messages(trades: list[TradeMessage]) -> TradeColumns:
    """Return the columns of trades that were read as messages."""
    return TradeColumns(
        [trade.ticker for trade in trades],
        _integers([trade.time for trade in trades]),
        _integers([trade.participant_time for trade in trades]),
        _reals([trade.price for trade in trades]),
        _exact([trade.exact_size for trade in trades], lambda: [trade.size for trade in trades]),
        pa.array([trade.conditions or () for trade in trades], pa.list_(pa.int16())),
        [trade.exchange for trade in trades],
        [trade.sequence for trade in trades],
        [trade.trade_id for trade in trades],
        [trade.tape for trade in trades],
        [trade.trf_id for trade in trades],
    )


def trades_of_plain(trades: PlainTrades) -> TradeColumns:
    """Return the columns of trades that were scanned."""
    return TradeColumns(
        trades.ticker,
        (trades.whole(fields.TIME), trades.known(fields.TIME)),
        (trades.whole(fields.PARTICIPANT_TIME), trades.known(fields.PARTICIPANT_TIME)),
        trades.reals(fields.PRICE),
        trades.reals(fields.EXACT_SIZE, fields.SIZE),
        trades.conditions,
        trades.wholes(fields.EXCHANGE, np.int16),
        trades.wholes(fields.SEQUENCE, np.int64),
        trades.trade_id,
        trades.wholes(fields.TAPE, np.int8),
        trades.wholes(fields.TRF_ID, np.int16),
    )


def bar_rows(bars: list[BarMessage], received_at: Int64s) -> pa.RecordBatch:
    """Return bars as rows; ``received_at`` is int64 ns UTC, one per bar."""
    start, start_times = times_of(*_integers([bar.start for bar in bars]))
    end, _ = times_of(*_integers([bar.end for bar in bars]))
    # A bar that does not end behind its start, or days later, tells no length; readers take the usual one for null.
    told = (start > 0) & (end > start) & (end - start <= NS_PER_DAY)
    return as_rows(
        "ohlcv",
        [bar.ticker for bar in bars],
        start_times,
        _reals([bar.open for bar in bars]),
        _reals([bar.high for bar in bars]),
        _reals([bar.low for bar in bars]),
        _reals([bar.close for bar in bars]),
        _exact([bar.exact_volume for bar in bars], lambda: [bar.volume for bar in bars]),
        _reals([bar.vwap for bar in bars]),
        pa.array((end - start) / NS_PER_SECOND, mask=~told),
        received_at,
    )


def fmv_rows(messages: list[FmvMessage], received_at: Int64s) -> pa.RecordBatch:
    """Return fair market values as rows, likewise."""
    _, times = times_of(*_integers([message.time for message in messages]))
    return as_rows(
        "fmv",
        [message.ticker for message in messages],
        times,
        _reals([message.fmv for message in messages]),
        received_at,
    )


def as_rows(record: str, *columns: Any) -> pa.RecordBatch:
    """Return a batch from its columns: Arrow arrays, numpy arrays, or lists of Python values."""
    arrays = [
        column if isinstance(column, pa.Array) else pa.array(column, type_)
        for column, type_ in zip(columns, _COLUMN_TYPES[record], strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=RECORDED[record])


def times_of(steps: Int64s, known: Bools | None) -> tuple[Int64s, pa.Array[Any]]:
    """Return times of the wire in ns, 0 where unknown, and as a column with null there.

    The unit of each follows from its magnitude, as in `core.times.epoch_unit`.
    """
    if known is None and len(steps) and steps.min() >= _FIRST_MS and steps.max() <= _LAST_MS:
        ns = steps * NS_PER_UNIT["ms"]
        return ns, pa.array(ns)
    if known is not None and not known.any():
        return np.zeros(len(steps), dtype=np.int64), pa.nulls(len(steps), pa.int64())
    size = np.abs(steps)
    per_step = np.full(len(steps), NS_PER_UNIT["ms"])
    per_step[size < _FIRST_MS] = NS_PER_UNIT["s"]
    per_step[size >= _FIRST_US] = NS_PER_UNIT["us"]
    per_step[size >= _FIRST_NS] = NS_PER_UNIT["ns"]
    held = size <= MAX_NS // per_step
    known = held if known is None else known & held
    ns = np.where(known, steps, 0) * per_step
    return ns, pa.array(ns, mask=~known)


def _integers(numbers: list[int | None]) -> tuple[Int64s, Bools | None]:
    """Return integers, 0 where None, and where they are known; None if all are."""
    try:
        return np.array(numbers, dtype=np.int64), None
    except TypeError:
        array = pa.array(numbers, pa.int64())
        return values(array, np.int64, 0), valid(array)


def _reals(numbers: list[float | None]) -> pa.Array[Any]:
    """Return numbers as a column; null for what is not finite."""
    return _finite(np.array(numbers, dtype=np.float64))  # None becomes NaN


def _exact(exact: list[float | None], truncated: Callable[[], list[float | None]]) -> pa.Array[Any]:
    """Return exact numbers as a column, and the truncated one where there is no exact one."""
    numbers = np.array(exact, dtype=np.float64)
    known = np.isfinite(numbers)
    if not known.all():
        numbers = np.where(known, numbers, np.array(truncated(), dtype=np.float64))
    return _finite(numbers)


def _finite(numbers: Float64s) -> pa.Array[Any]:
    finite = np.isfinite(numbers)
    return pa.array(numbers, mask=None if finite.all() else ~finite)


ROWS_OF: Mapping[str, Callable[[list[Any], Int64s], pa.RecordBatch]] = {"ohlcv": bar_rows, "fmv": fmv_rows}
