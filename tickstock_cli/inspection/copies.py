"""Counts duplicate rows of a file: rows that are equal in every column, used or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.types as pt

from tickstock_cli.kernels import survey as kernels
from tickstock_cli.sources.footer import reading
from tickstock_cli.sources.reading import RowReader
from tickstock_cli.sources.recording_file import RecordingFile

CHUNK_ROWS = 1 << 16
SLOTS = 1 << 20
"""Slots for the rows of one time, allocated once for all files."""

RECORDER_COLUMNS = ("sequence", "received_at")
"""Columns that can differ between a row and its copy: they describe the recording, not the market."""


def count_copies(
    file: RecordingFile,
    copies: kernels.Copies,
    progress: Callable[[int], object],
    look: Callable[[RecordingFile, pa.RecordBatch], object] = lambda file, rows: None,  # noqa: ARG005 - nobody looks
    also: Sequence[str] = (),
) -> int:
    """Count a file's rows that equal an earlier one of the same time.

    Only consecutive rows of one time are compared: a file that is not in order can have copies that are missed. Nested
    columns are not compared. ``copies`` holds the slots; ``progress`` is called with numbers of rows read,
    ``look`` with the file and its rows. ``also`` has columns for ``look`` that are not compared.
    """
    columns = _compared(file)
    kernels.forget_rows(copies)
    wanted = list(dict.fromkeys([*columns, *file.time_columns, *also]))
    reader = RowReader(file.read_from, file.group_starts, wanted, (), CHUNK_ROWS)
    found = 0
    first = 0
    try:
        while (rows := reader.read()) is not None:
            times = file.reader.times(rows, first).timestamp
            with reading(file.path):
                found += kernels.count_copies(times, _hashes(rows.select(columns)), copies)
            look(file, rows)
            first = reader.row
            progress(len(rows))
    finally:
        reader.close()
    return found


def _compared(file: RecordingFile) -> list[str]:
    layout = file.layout
    left_out = {layout.columns.get(name, name) for name in RECORDER_COLUMNS}
    return [field.name for field in file.schema if field.name not in left_out and not pt.is_nested(field.type)]


def _hashes(rows: pa.RecordBatch) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """Return hashes of rows."""
    columns = [_hashable(column) for column in rows.columns]
    frame = pl.from_arrow(pa.RecordBatch.from_arrays(columns, names=[str(place) for place in range(len(columns))]))
    assert isinstance(frame, pl.DataFrame)
    hashes = frame.hash_rows().to_numpy()
    hashes.flags.writeable = False
    return hashes


def _hashable(column: Any) -> Any:
    """Return a column that polars can hash: it knows fewer zones and decimals than Arrow.

    Dictionaries are decoded, because a text can have another index in the next batch.
    """
    if isinstance(column, pa.DictionaryArray):
        return _hashable(column.dictionary_decode())
    if pt.is_timestamp(column.type):
        return column.view(pa.int64())
    return column.view(pa.binary(column.type.byte_width)) if pt.is_decimal(column.type) else column
