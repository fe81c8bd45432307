"""Batches: immutable sets of equally long arrays, one class per record type.

All times are int64 nanoseconds since the Unix epoch, UTC. Missing and unusable values of a recording are
normalised once, when they are read:

==================  =============================================================================
``code``            int32 code of the ticker in the run's symbol table; -1 = null or empty ticker
``timestamp``       0 = null (or not representable)
``available_at``    when the system gets the row: ``received_at`` if recorded and not null,
                    else ``timestamp`` (tick, fmv) or ``timestamp + interval`` (bar)
prices              float64; NaN = null (``FmvBatch.market_price`` tells null and bad apart)
sizes, volumes      int64 in units of 1e-6 shares, rounded half to even once; -1 = null, NaN,
                    negative or above 1e11 shares
``order``           position in the run's merge order, from 0, without gaps over all record types
``origin``          file and row of the row: ``file index << ORIGIN_ROW_BITS | row number``
==================  =============================================================================

A batch is read-only for its receivers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

Int64s = NDArray[np.int64]
Int32s = NDArray[np.int32]
Float64s = NDArray[np.float64]
UInt8s = NDArray[np.uint8]

BatchT = TypeVar("BatchT", bound="Batch")

ORIGIN_ROW_BITS = 44
"""17 trillion rows a file and half a million files fit into one int64."""

MICROS_PER_SHARE = 1_000_000
MAX_SHARES = 1e11


@dataclass(frozen=True, slots=True)
class Batch:
    """The columns that all record types share. Rows are in merge order."""

    code: Int32s
    timestamp: Int64s
    available_at: Int64s
    order: Int64s
    origin: Int64s

    def __len__(self) -> int:
        return len(self.code)

    def take(self, rows: slice | Int64s) -> Self:
        """Return the rows of a slice (as views) or of an index array (as copies)."""
        return type(self)(*(getattr(self, field.name)[rows] for field in fields(self)))

    def available_from(self, earliest: int) -> Self:
        """Return the rows, none of them available before ``earliest`` (int64 ns UTC)."""
        available = np.maximum(self.available_at, earliest)
        available.flags.writeable = False
        return replace(self, available_at=available)

    @classmethod
    def empty(cls) -> Self:
        """Return a batch of no rows."""
        return cls(*(np.empty(0, dtype=DTYPES[field.name]) for field in fields(cls)))


@dataclass(frozen=True, slots=True)
class TickBatch(Batch):
    """Trades. ``flags``: 1 = not the last price, 2 = no volume, 4 = not a high or low; null is 0."""

    price: Float64s
    size: Int64s
    flags: UInt8s


@dataclass(frozen=True, slots=True)
class BarBatch(Batch):
    """OHLCV bars. ``timestamp`` is the START, ``interval`` the length in ns.

    ``avg_volume`` (shares) and ``percent_change`` are NaN where null.
    """

    interval: Int64s
    open: Float64s
    high: Float64s
    low: Float64s
    close: Float64s
    volume: Int64s
    avg_volume: Float64s
    percent_change: Float64s


@dataclass(frozen=True, slots=True)
class FmvBatch(Batch):
    """Fair market values.

    ``market_price``: NaN = null; NaN, infinite or non-positive values of the recording arrive as -1.
    ``confidence``: null arrives as 1.0, NaN stays NaN.
    """

    fmv: Float64s
    market_price: Float64s
    confidence: Float64s


DTYPES: dict[str, np.dtype[np.generic]] = {
    name: np.dtype(dtype)
    for name, dtype in {
        "code": np.int32,
        "timestamp": np.int64,
        "available_at": np.int64,
        "order": np.int64,
        "origin": np.int64,
        "price": np.float64,
        "size": np.int64,
        "flags": np.uint8,
        "interval": np.int64,
        "open": np.float64,
        "high": np.float64,
        "low": np.float64,
        "close": np.float64,
        "volume": np.int64,
        "avg_volume": np.float64,
        "percent_change": np.float64,
        "fmv": np.float64,
        "market_price": np.float64,
        "confidence": np.float64,
    }.items()
}
"""dtype of every column of every batch."""


@dataclass(frozen=True, slots=True)
class MergedBatch:
    """One step's input: rows of all types whose ``order`` fills ``[first, first + len)``.

    ``watermark`` is the greatest ``available_at`` in it: no later row is available earlier.
    ``positions`` holds, per file of the recording, its position behind this batch, where a restart continues.
    """

    ticks: TickBatch
    bars: BarBatch
    fmvs: FmvBatch
    first: int
    watermark: int
    positions: tuple[int, ...]

    @classmethod
    def joined(cls, batches: Sequence[MergedBatch]) -> MergedBatch:
        """Return consecutive batches, at least one, as one."""
        first, last = batches[0], batches[-1]
        if len(batches) == 1:
            return first
        return cls(
            _joined([batch.ticks for batch in batches]),
            _joined([batch.bars for batch in batches]),
            _joined([batch.fmvs for batch in batches]),
            first.first,
            max(batch.watermark for batch in batches),
            last.positions,
        )

    @classmethod
    def empty(cls, first: int, watermark: int) -> MergedBatch:
        """Return a step without rows that advances market time to ``watermark``."""
        return cls(TickBatch.empty(), BarBatch.empty(), FmvBatch.empty(), first, watermark, ())

    def behind(self, rows: int) -> MergedBatch:
        """Return the batch as one that has ``rows`` more rows of the run before it."""
        return replace(
            self,
            ticks=_moved(self.ticks, rows),
            bars=_moved(self.bars, rows),
            fmvs=_moved(self.fmvs, rows),
            first=self.first + rows,
        )

    def __len__(self) -> int:
        return len(self.ticks) + len(self.bars) + len(self.fmvs)

    def available_at(self) -> Int64s:
        """Return the available times of all rows, in merge order."""
        times = np.empty(len(self), dtype=np.int64)
        for part in (self.ticks, self.bars, self.fmvs):
            times[part.order - self.first] = part.available_at
        return times

    def available_at_once(self, time: int) -> MergedBatch:
        """Return the rows, all available at ``time`` (int64 ns UTC)."""
        return replace(
            self,
            ticks=replace(self.ticks, available_at=_constant(time, len(self.ticks))),
            bars=replace(self.bars, available_at=_constant(time, len(self.bars))),
            fmvs=replace(self.fmvs, available_at=_constant(time, len(self.fmvs))),
            watermark=time,
        )

    def cut(self, start: int, stop: int, watermark: int) -> MergedBatch:
        """Return rows ``[start, stop)`` of the merge order as a batch with its own watermark.

        ``positions`` stay those of the whole batch: a run can be restarted only behind whole batches.
        """
        return MergedBatch(
            _cut(self.ticks, self.first + start, self.first + stop),
            _cut(self.bars, self.first + start, self.first + stop),
            _cut(self.fmvs, self.first + start, self.first + stop),
            self.first + start,
            watermark,
            self.positions,
        )


def _moved(part: BatchT, rows: int) -> BatchT:
    order = part.order + rows
    order.flags.writeable = False
    return replace(part, order=order)


def _constant(value: int, length: int) -> Int64s:
    filled = np.full(length, value, dtype=np.int64)
    filled.flags.writeable = False
    return filled


def _joined(parts: Sequence[BatchT]) -> BatchT:
    filled = [part for part in parts if len(part)]
    if len(filled) < 2:
        return filled[0] if filled else parts[0]
    kind = type(filled[0])
    columns = [np.concatenate([getattr(part, field.name) for part in filled]) for field in fields(kind)]
    for column in columns:
        column.flags.writeable = False
    return kind(*columns)


def _cut(part: BatchT, first: int, last: int) -> BatchT:
    begin, end = np.searchsorted(part.order, (first, last))
    return part.take(slice(int(begin), int(end)))


def pack_origin(file: int, rows: Int64s) -> Int64s:
    """Return the ``origin`` values of a file's index and row numbers (0-based)."""
    return rows | np.int64(file << ORIGIN_ROW_BITS)


def unpack_origin(origin: int) -> tuple[int, int]:
    """Return the file index and the row number (0-based) of one ``origin`` value."""
    return origin >> ORIGIN_ROW_BITS, origin & ((1 << ORIGIN_ROW_BITS) - 1)
