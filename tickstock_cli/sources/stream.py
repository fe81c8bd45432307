"""One file's rows as batches in the order of their available times.

1. Skip row groups whose footers show that no row of theirs is wanted.
2. Decode some rows; find their available times; make sure they never descend (or lift, or fail).
3. Cut off what lies outside [start, end); leave out tickers that are not wanted.
4. Turn the rest into plain numbers.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pyarrow as pa

from tickstock_cli.core.batch import BarBatch, Batch, FmvBatch, Int64s, TickBatch, pack_origin
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.core.times import MIN_NS, format_time
from tickstock_cli.errors import OrderError
from tickstock_cli.kernels import normalise
from tickstock_cli.sources.columns import TickerCodes, Times, frozen
from tickstock_cli.sources.options import ReadOptions, Unsorted
from tickstock_cli.sources.reading import Allowance, RowReader
from tickstock_cli.sources.recording_file import RecordingFile, RowGroup


class Stream(Protocol):
    """Rows of one record type whose available times never descend."""

    @property
    def earliest(self) -> int:
        """No row still to come is available before this (int64 ns)."""

    def read(self) -> Batch | None:
        """Give the next rows, at least one, or None at the end. ``order`` is not filled yet."""

    def close(self) -> None:
        """Close what is open."""


def to_batch(file: RecordingFile, rows: pa.RecordBatch, times: Times, codes: TickerCodes, origin: Int64s) -> Batch:
    """Turn decoded rows into plain numbers and leave out tickers that are not wanted."""
    read = file.reader
    code, skipped = codes.codes(read.array(rows, "ticker"))
    common = (code, times.timestamp, times.available, origin, origin)
    batch: Batch
    if file.record == "tick":
        batch = TickBatch(*common, read.real(rows, "price"), read.shares(rows, "size"), read.flags(rows))
    elif file.record == "ohlcv":
        assert times.interval is not None
        prices = [read.real(rows, name) for name in ("open", "high", "low", "close")]
        extras = [read.real(rows, name) for name in ("avg_volume", "percent_change")]
        batch = BarBatch(*common, times.interval, *prices, read.shares(rows, "volume"), *extras)
    else:
        confidence = read.real(rows, "confidence", null=1.0, absent=1.0)
        batch = FmvBatch(*common, read.real(rows, "fmv"), read.market_prices(rows), confidence)
    return batch.take(np.flatnonzero(code != normalise.SKIPPED)) if skipped else batch


class FileStream:
    """The rows of one file, read in the order in which they stand.

    Parameters
    ----------
    chunk_rows
        Most rows decoded at once.
    row
        Row to begin with.
    latest
        The latest available time of the rows before ``row``, int64 ns.
    """

    def __init__(
        self,
        file: RecordingFile,
        options: ReadOptions,
        symbols: SymbolTable,
        allowance: Allowance,
        chunk_rows: int,
        row: int,
        latest: int,
    ) -> None:
        self._file = file
        self._options = options
        self._codes = TickerCodes(symbols, options.symbols)
        self._latest = latest
        starts = [*(group.first for group in file.groups), file.rows]
        self._reader = RowReader(
            file.path, starts, file.columns, file.text_columns, chunk_rows, allowance, file.open_bytes, row
        )

    @property
    def earliest(self) -> int:
        """See ``Stream.earliest``."""
        bounds = (self._file.earliest, self._options.start)
        return max((bound for bound in bounds if bound is not None), default=MIN_NS)

    def read(self) -> Batch | None:
        """See ``Stream.read``."""
        end = self._options.end
        if not self._is_wanted():
            return None
        while end is None or self._latest < end:
            self._skip_groups()
            first = self._reader.row
            rows = self._reader.read()
            if rows is None:
                return None
            times = self._in_order(self._file.reader.times(rows, first), first)
            low, high = self._bounds(times.available)
            if low < high:
                batch = self._batch(rows, times, first, low, high)
                if len(batch):
                    return batch
        self.close()
        return None

    def _batch(self, rows: pa.RecordBatch, times: Times, first: int, low: int, high: int) -> Batch:
        if high - low < rows.num_rows:
            rows = rows.slice(low, high - low)
            times = times.cut(low, high)
        numbers = np.arange(first + low, first + high, dtype=np.int64)
        origin = frozen(pack_origin(self._file.index, numbers) if self._file.index else numbers)
        return to_batch(self._file, rows, times, self._codes, origin)

    def _is_wanted(self) -> bool:
        """Tell whether a file whose folder names its ticker holds a wanted one."""
        wanted, constants = self._options.symbols, self._file.layout.constants
        return wanted is None or "ticker" not in constants or constants["ticker"] in wanted

    def _skip_groups(self) -> None:
        while self._reader.group < len(self._file.groups) and self._reader.at_group_start:
            group = self._file.groups[self._reader.group]
            if group.latest is None or not self._is_outside(group):
                return
            self._latest = max(self._latest, group.latest)
            self._reader.skip_group()

    def _is_outside(self, group: RowGroup) -> bool:
        start, wanted = self._options.start, self._options.symbols
        if start is not None and max(self._latest, group.latest or 0) < start:
            return True
        if wanted is None or group.tickers is None:
            return False
        low, high = group.tickers
        return not any(low <= ticker <= high for ticker in wanted)

    def _bounds(self, available: Int64s) -> tuple[int, int]:
        """Give the rows within [start, end)."""
        start, end = self._options.start, self._options.end
        low = 0 if start is None else int(np.searchsorted(available, start))
        high = len(available) if end is None else int(np.searchsorted(available, end))
        return low, high

    def _in_order(self, times: Times, first: int) -> Times:
        """Make sure that available times never descend."""
        available = times.available
        if normalise.first_descent(available, self._latest) < 0:
            self._latest = int(available[-1])
            return times
        lifted = np.empty(len(available), dtype=np.int64)
        known = times.known if times.known is not None else frozen(np.ones(len(available), dtype=np.bool_))
        reject = self._options.unsorted is Unsorted.REJECT
        row = normalise.lift(available, known, self._latest, reject, lifted)
        if row >= 0:
            before = int(lifted[row - 1]) if row else self._latest
            raise OrderError(
                f"{self._file.path} is not in time order: row {first + row} ({format_time(int(available[row]))}) comes "
                f"after {format_time(before)}: sort while reading with --sort, or read on with --late reject"
            )
        self._latest = int(lifted[-1])
        return times.settled(frozen(lifted))

    def close(self) -> None:
        """See ``Stream.close``."""
        self._reader.close()
