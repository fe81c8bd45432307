"""The rows of one file as batches, in file order.

1. Skip row groups whose footers show that no row is selected.
2. Decode some rows, and settle their available times, so that these never descend (``order``).
3. Drop rows outside [start, end) and of tickers that are not selected.
4. Convert the rest to plain numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa

from tickstock_cli.core.batch import BarBatch, Batch, FmvBatch, Int64s, TickBatch, pack_origin
from tickstock_cli.core.times import MIN_NS
from tickstock_cli.kernels import normalise
from tickstock_cli.sources.checks.running import Watchers
from tickstock_cli.sources.columns import ColumnReader, Times
from tickstock_cli.sources.footer import reading
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.order import OrderPolicy
from tickstock_cli.sources.plain_numbers import frozen
from tickstock_cli.sources.reading import RowReader
from tickstock_cli.sources.recording_file import RecordingFile, RowGroup
from tickstock_cli.sources.ticker_codes import TickerCodes, with_readable_tickers


class Stream(Protocol):
    """Rows of one record type in the order of (available time, origin)."""

    @property
    def at_rest(self) -> bool:
        """Whether ``close`` loses nothing, because ``read`` opens what it needs again."""

    def read(self) -> Batch | None:
        """Return the next rows, at least one, or None at the end. ``order`` is not set yet."""

    def close(self) -> None:
        """Close the open files."""


def to_batch(read: ColumnReader, rows: pa.RecordBatch, times: Times, codes: TickerCodes, origin: Int64s) -> Batch:
    """Return decoded rows as plain numbers, without those whose ticker or values are not selected."""
    code, skipped = codes.codes(read.array(rows, "ticker"))
    chosen = read.selected(rows)
    if chosen is not None and not chosen.all():
        code, skipped = frozen(np.where(chosen, code, np.int32(normalise.SKIPPED))), True
    common = (code, times.timestamp, times.available, origin, origin)
    batch: Batch
    if read.record == "tick":
        batch = TickBatch(*common, read.real(rows, "price"), read.shares(rows, "size"), read.flags(rows))
    elif read.record == "ohlcv":
        assert times.interval is not None
        batch = BarBatch(
            *common,
            times.interval,
            read.real(rows, "open"),
            read.real(rows, "high"),
            read.real(rows, "low"),
            read.real(rows, "close"),
            read.shares(rows, "volume"),
            read.real(rows, "avg_volume"),
            read.real(rows, "percent_change"),
        )
    else:
        confidence = read.real(rows, "confidence", null=1.0, absent=1.0)
        batch = FmvBatch(*common, read.real(rows, "fmv"), read.market_prices(rows), confidence)
    return batch.take(np.flatnonzero(code != normalise.SKIPPED)) if skipped else batch


def earliest_of(groups: Sequence[RowGroup], options: ReadOptions, latest: int = MIN_NS) -> int:
    """Return a lower bound of the available times of selected rows (int64 ns).

    Parameters
    ----------
    groups
        The row groups that are still to be read.
    latest
        The latest available time before them, if rows are in order.
    """
    bounds = [group.earliest for group in groups]
    known = [bound for bound in bounds if bound is not None]
    lowest = min(known) if known and len(known) == len(bounds) else MIN_NS
    return max(lowest, latest, MIN_NS if options.start is None else options.start)


def has_none_of(wanted: frozenset[str] | None, group: RowGroup) -> bool:
    """Return whether a row group's footer says that it has no row of the selected tickers; None selects all."""
    if wanted is None or group.tickers is None:
        return False
    low, high = group.tickers
    return not any(low <= ticker <= high for ticker in wanted)


def is_of_another(wanted: frozenset[str] | None, file: RecordingFile) -> bool:
    """Return whether a file's name or folder says a ticker that is not selected; None selects all."""
    constants = file.layout.constants
    return wanted is not None and "ticker" in constants and constants["ticker"] not in wanted


class FileStream:
    """The rows of one file.

    Parameters
    ----------
    codes
        Codes of tickers.
    order
        Policy that settles the available times.
    chunk_rows
        Most rows decoded at once.
    row
        First row to read; ``order`` covers the rows before it.
    """

    def __init__(
        self,
        file: RecordingFile,
        options: ReadOptions,
        codes: TickerCodes,
        order: OrderPolicy,
        chunk_rows: int,
        row: int = 0,
    ) -> None:
        self._file = file
        self._options = options
        self._codes = codes
        self._order = order
        self.watchers = Watchers(file.checked.watches)
        self._reader = RowReader(file.read_from, file.group_starts, file.columns, file.text_columns, chunk_rows, row)

    @property
    def row(self) -> int:
        """The next row of the file to read, selected or not."""
        return self._reader.row

    @property
    def earliest(self) -> int | None:
        """A lower bound of the available times of all later rows (int64 ns); None at the end of the file."""
        if self._reader.group == len(self._file.groups):
            return None
        latest = self._order.latest if self._order.keeps_order else MIN_NS
        return earliest_of(self._file.groups[self._reader.group :], self._options, latest)

    @property
    def at_rest(self) -> bool:
        """Whether the next row is the first of its row group, or the file has ended."""
        return self._reader.at_group_start

    def read(self) -> Batch | None:
        """Return the next rows, at least one, or None at the end.

        Raises
        ------
        DataError
            The file is damaged, or a bar's interval is not above 0.
        OrderError
            The rows are not in order, and ``order`` does not allow it.
        """
        while self._may_continue():
            self._skip_groups()
            first = self._reader.row
            rows = self._reader.read()
            if rows is None:
                return None
            if self.watchers:
                self.watchers.see(rows, self._file.reader.selected(rows), first)
            times = self._order.settle(self._file.reader.times(rows, first), first)
            batch = self._selected(rows, times, first)
            if len(batch):
                return batch
        self.close()
        return None

    def _may_continue(self) -> bool:
        """Return whether later rows can be selected."""
        if is_of_another(self._options.symbols, self._file):
            return False
        end = self._options.end
        return end is None or not self._order.keeps_order or self._order.latest < end

    def _skip_groups(self) -> None:
        while self._reader.group < len(self._file.groups) and self._reader.at_group_start:
            group = self._file.groups[self._reader.group]
            if group.latest is None or not self._is_outside(group, group.latest):
                return
            self._order.skip(group.latest)
            self._reader.skip_group()

    def _is_outside(self, group: RowGroup, latest: int) -> bool:
        start = self._options.start
        if start is not None and max(self._order.latest, latest) < start:
            return True
        return has_none_of(self._options.symbols, group)

    def _selected(self, rows: pa.RecordBatch, times: Times, first: int) -> Batch:
        """Return the selected rows as plain numbers."""
        start, end = self._options.start, self._options.end
        available = times.available
        if not self._order.keeps_order:
            batch = self._batch(rows, times, first)
            inside = np.ones(len(batch), dtype=np.bool_)
            inside &= start is None or batch.available_at >= start
            inside &= end is None or batch.available_at < end
            return batch if inside.all() else batch.take(np.flatnonzero(inside))
        low = 0 if start is None else int(np.searchsorted(available, start))
        high = len(available) if end is None else int(np.searchsorted(available, end))
        if low == 0 and high == len(available):
            return self._batch(rows, times, first)
        return self._batch(rows.slice(low, high - low), times.cut(low, high), first + low)

    def _batch(self, rows: pa.RecordBatch, times: Times, first: int) -> Batch:
        numbers = np.arange(first, first + rows.num_rows, dtype=np.int64)
        origin = frozen(pack_origin(self._file.index, numbers) if self._file.index else numbers)
        with reading(self._file.path):  # tickers can be invalid UTF-8
            return to_batch(
                self._file.reader, with_readable_tickers(rows, self._file.layout), times, self._codes, origin
            )

    def close(self) -> None:
        self._reader.close()
