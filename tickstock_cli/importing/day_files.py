"""Writes sorted rows as one file a date, as replay reads them best.

A file is in the order of available time, in row groups of ``GROUP_ROWS``, which a replay decodes at once. Tickers and
other columns of few values have dictionaries; times and numbers that ascend are stored as differences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from tickstock_cli.core.files import sync
from tickstock_cli.core.marks import with_own_flags
from tickstock_cli.core.row_groups import row_groups
from tickstock_cli.importing.import_rows import COLUMNS, KEY, Days, Tickers

GROUP_ROWS = 1 << 18
_EPOCH = date(1970, 1, 1)
_DIFFERENCES = {"timestamp", "participant_timestamp", "received_at", "sequence"}
_DICTIONARIES = (
    "ticker",
    "price",
    "size",
    "flags",
    "conditions.list.element",
    "exchange",
    "tape",
    "trf_id",
    "interval",
)


def write_days(
    slabs: Iterator[pa.Table],
    folder: Path,
    record: str,
    tickers: Tickers,
    progress: Callable[[int], object] = lambda rows: None,  # noqa: ARG005 - nobody watches
    *,
    own_flags: bool = False,
) -> Iterator[tuple[str, Path, int]]:
    """Write sorted rows of a record type to a file per date; yield date, path and rows of each when it is whole.

    Parameters
    ----------
    slabs
        Rows with codes of tickers and their sort keys, sorted.
    folder
        Where the files go: they are not under their final names yet.
    progress
        Called with each number of rows that were written.
    own_flags
        Whether flags follow from conditions by our rule: the files say so.
    """
    days = Days()
    pieces = (piece for slab in slabs for piece in _by_date(slab, days, record, tickers))
    for day, rows in groupby(pieces, key=itemgetter(0)):
        path = folder / f"{day}-{record}.parquet"
        with _DayWriter(path, own_flags=own_flags) as writer:
            for group in row_groups((batch for _, batch in rows), GROUP_ROWS):
                writer.write(group)
                progress(group.num_rows)
        yield day, path, writer.rows


class _DayWriter:
    """A Parquet file that is removed unless it is whole."""

    def __init__(self, path: Path, *, own_flags: bool) -> None:
        self._path = path
        self._own_flags = own_flags
        self._writer: pq.ParquetWriter | None = None
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def write(self, group: pa.Table) -> None:
        if self._writer is None:
            names = group.schema.names
            dictionaries = [name for name in _DICTIONARIES if name.split(".")[0] in names]
            self._writer = pq.ParquetWriter(
                self._path,
                with_own_flags(group.schema) if self._own_flags and "flags" in names else group.schema,
                compression="zstd",
                write_page_checksum=True,
                use_dictionary=dictionaries,  # type: ignore[arg-type]  # the stub knows no names
                column_encoding={name: "DELTA_BINARY_PACKED" for name in names if name in _DIFFERENCES},
            )
        self._writer.write_table(group, row_group_size=GROUP_ROWS)
        self.rows += group.num_rows

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()
        if error is None:
            sync(self._path)
        else:
            with suppress(OSError):
                self._path.unlink()


def _by_date(slab: pa.Table, days: Days, record: str, tickers: Tickers) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Yield rows with their date, cut where it changes, in the columns of recordings."""
    (keys,) = slab.select([KEY]).combine_chunks().to_batches()
    times = keys.column(0).to_numpy()
    starts, numbers = days.bounds(int(times[0]), int(times[-1]))
    first = int(starts.searchsorted(times[0], side="right"))
    last = int(starts.searchsorted(times[-1], side="right"))
    cuts = [0, *times.searchsorted(starts[first:last], side="left").tolist(), len(times)]
    for place, (low, high) in enumerate(pairwise(cuts)):
        if low < high:
            day = _EPOCH + timedelta(days=int(numbers[first + place - 1]))
            yield day.isoformat(), _recorded(slab.slice(low, high - low), record, tickers)


def _recorded(rows: pa.Table, record: str, tickers: Tickers) -> pa.RecordBatch:
    (batch,) = rows.combine_chunks().to_batches()
    columns = {name: batch.column(name) for name in COLUMNS[record] if name in batch.schema.names}
    return pa.RecordBatch.from_pydict({**columns, "ticker": tickers.column(batch.column("ticker").to_numpy())})
