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
from tickstock_cli.loadtest.transport.inlet import Inlet
from tickstock_cli.sources.rows import Intake


class Arrivals:
    """A ``core.stages.Source`` of what arrives; it is read once, and keeps nothing to look up."""

    def __init__(self, inlet: Inlet, symbols: SymbolTable, interval_seconds: int) -> None:
        self._inlet = inlet
        self._symbols = symbols
        self._interval_seconds = interval_seconds

    @property
    def symbols(self) -> SymbolTable:
        """See ``Source``."""
        return self._symbols

    def batches(self, batch_rows: int, positions: tuple[int, ...] = ()) -> Iterator[MergedBatch]:
        """See ``Source``. Batches without rows tell that market time has passed.

        Raises
        ------
        DataError
            It is to be read again.
        BrokenLinkError
            See ``Inlet.read``.
        """
        if positions:
            raise DataError("rows that arrived cannot be read again")
        intake = Intake(self._symbols, self._interval_seconds)
        while frames := self._inlet.read(batch_rows):
            yield batch_of(frames, intake)

    def origins(self) -> OnceSeen:
        """See ``Source``."""
        return OnceSeen()

    def interrupt(self) -> None:
        """See ``Source``."""
        self._inlet.close()


def batch_of(frames: Sequence[Frame], intake: Intake) -> MergedBatch:
    """Give frames that follow one another, at least one, as the next batch."""
    until = frames[-1].until
    by_type = {record: [frame.parts[record] for frame in frames if record in frame.parts] for record in RECORDS}
    parts = [joined(rows) for rows in by_type.values() if rows]
    if not parts:
        intake.passed(until)
        return MergedBatch.empty(intake.count, until)
    batch = intake.together(parts)
    intake.passed(until)
    return MergedBatch(batch.ticks, batch.bars, batch.fmvs, batch.first, max(batch.watermark, until), ())


def joined(rows: list[pa.RecordBatch]) -> pa.RecordBatch:
    """Give rows of one type one after the other; ``rows`` share their tickers."""
    return rows[0] if len(rows) == 1 else pa.Table.from_batches(rows).combine_chunks().to_batches()[0]


class OnceSeen:
    """See ``core.stages.OriginalRows``: rows that arrived are gone, so nothing is looked up."""

    @property
    def schema(self) -> pa.Schema:
        """See ``OriginalRows``."""
        return pa.schema([])

    def fetch(self, origin: int) -> tuple[Path, int, dict[str, Any]]:
        """See ``OriginalRows``."""
        raise DataError(f"row {origin} arrived, and was not kept")

    def table(self, origins: NDArray[np.int64], reasons: Sequence[str]) -> pa.Table:  # noqa: ARG002 - the protocol's
        """See ``OriginalRows``."""
        return self.schema.empty_table()

    def close(self) -> None:
        """See ``OriginalRows``."""
