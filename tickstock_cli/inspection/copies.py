"""Counts rows that are in a file twice: equal in every column, whether it is read or not."""

from __future__ import annotations

from collections.abc import Callable

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
"""Places for the rows of one moment: room that is made once, for all files."""

OF_THE_RECORDER = ("sequence", "received_at")
"""Columns that differ between a row and its copy: they tell of the recording, not of the market."""


def count_copies(file: RecordingFile, copies: kernels.Copies, progress: Callable[[int], object]) -> int:
    """Count a file's rows that equal an earlier one of the same time.

    Rows of one time are compared while they follow each other: in a file that is not in order, copies may stand
    apart and are missed. Nested columns are not compared. ``copies`` is the room to compare them in; ``progress`` is
    told rows as they are read.
    """
    columns = _compared(file)
    kernels.forget_rows(copies)
    wanted = list(dict.fromkeys([*columns, *file.time_columns]))
    reader = RowReader(file.path, file.group_starts, wanted, (), CHUNK_ROWS)
    found = 0
    first = 0
    try:
        while (rows := reader.read()) is not None:
            times = file.reader.times(rows, first).timestamp
            with reading(file.path):
                found += kernels.count_copies(times, _hashes(rows.select(columns)), copies)
            first = reader.row
            progress(len(rows))
    finally:
        reader.close()
    return found


def _compared(file: RecordingFile) -> list[str]:
    layout = file.layout
    left_out = {layout.columns.get(name, name) for name in OF_THE_RECORDER}
    return [field.name for field in file.schema if field.name not in left_out and not pt.is_nested(field.type)]


def _hashes(rows: pa.RecordBatch) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """Hash rows. Dictionaries are decoded first: the same text may have another index in the next batch."""
    columns = [
        column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column for column in rows.columns
    ]
    frame = pl.from_arrow(pa.RecordBatch.from_arrays(columns, names=rows.schema.names))
    assert isinstance(frame, pl.DataFrame)
    hashes = frame.hash_rows().to_numpy()
    hashes.flags.writeable = False
    return hashes
