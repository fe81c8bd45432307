"""Frames of a transport as the source of a run: what has come since the last look is one batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.errors import DataError
from tickstock_cli.loadtest.scenario import RECORDS
from tickstock_cli.loadtest.transport.base import Frame
from tickstock_cli.loadtest.transport.receiver import Receiver
from tickstock_cli.sources.rows import RowIngest


class TransportSource:
    """A ``core.stages.Source`` of what arrives; it is read once, and keeps nothing to look up."""

    def __init__(self, receiver: Receiver, symbols: SymbolTable, interval_seconds: int) -> None:
        self._feeding = receiver
        self._symbols = symbols
        self._interval_seconds = interval_seconds

    @property
    def symbols(self) -> SymbolTable:
        return self._symbols

    def batches(self, batch_rows: int, positions: tuple[int, ...] = ()) -> Iterator[MergedBatch]:
        """Yield the arriving batches; a batch without rows advances market time.

        Raises
        ------
        DataError
            It is to be read again.
        BrokenLinkError
            See ``Receiver.read``.
        """
        if positions:
            raise DataError("rows that arrived cannot be read again")
        ingest = RowIngest(self._symbols, self._interval_seconds)
        while frames := self._feeding.read(batch_rows):
            yield batch_of(frames, ingest)

    def origins(self) -> NoOriginals:
        return NoOriginals()

    def interrupt(self) -> None:
        self._feeding.close()


def batch_of(frames: Sequence[Frame], ingest: RowIngest) -> MergedBatch:
    """Return frames that follow one another, at least one, as the next batch."""
    until = frames[-1].until
    by_type = {record: [frame.parts[record] for frame in frames if record in frame.parts] for record in RECORDS}
    parts = [joined(rows) for rows in by_type.values() if rows]
    if not parts:
        ingest.passed(until)
        return MergedBatch.empty(ingest.count, until)
    batch = ingest.together(parts)
    ingest.passed(until)
    return MergedBatch(batch.ticks, batch.bars, batch.fmvs, batch.first, max(batch.watermark, until), ())


def joined(rows: list[pa.RecordBatch]) -> pa.RecordBatch:
    """Return rows of one type one after the other; ``rows`` share their tickers."""
    return rows[0] if len(rows) == 1 else pa.Table.from_batches(rows).combine_chunks().to_batches()[0]


class NoOriginals:
    """Original rows of a transport: rows that arrived are not stored, so no look-up finds one."""

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([])

    def fetch(self, origin: int) -> tuple[Path, int, dict[str, Any]]:
        raise DataError(f"row {origin} arrived, and was not kept")

    def table(self, origins: NDArray[np.int64], reasons: Sequence[str]) -> pa.Table:  # noqa: ARG002 - the protocol's
        return self.schema.empty_table()

    def close(self) -> None:
        """Do nothing: no look-up opens a file."""
