"""Sorts rows of any number by `import_rows.KEY` in bounded memory.

1. Gather rows up to ``RUN_BYTES``, sort them stably, and write them to a temporary file: a run.
2. Take from all runs the rows up to a key that stands behind about ``SLAB_ROWS`` of them, sort and yield them; go on.

Rows of the same key keep their order: runs are in the order of the rows, and so are the parts of a slab.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tickstock_cli.core.batch import Int64s
from tickstock_cli.core.times import MAX_NS
from tickstock_cli.importing.import_rows import AVAILABLE, KEY

RUN_BYTES = 64 << 20
"""Size of a run: sorting it needs as much again."""
SLAB_ROWS = 1 << 18
_BATCH_ROWS = 1 << 13
"""Rows of a run that are read at once: few, because there can be many runs."""


class ExternalSort:
    """The rows of one record type.

    Parameters
    ----------
    folder
        Where temporary files go; it exists, and its owner removes it.
    name
        Begins the names of the files.
    """

    def __init__(self, folder: Path, name: str, run_bytes: int = RUN_BYTES, slab_rows: int = SLAB_ROWS) -> None:
        self._folder = folder
        self._name = name
        self._run_bytes = run_bytes
        self._slab_rows = slab_rows
        self._gathered: list[pa.RecordBatch] = []
        self._size = 0
        self._runs: list[_SortedRun] = []
        self.rows = 0

    def add(self, rows: pa.RecordBatch) -> None:
        """Add rows behind those that were added. Raises OSError."""
        if self._gathered and not rows.schema.equals(self._gathered[0].schema):
            self._end_run()
        self._gathered.append(rows)
        self._size += rows.nbytes
        self.rows += rows.num_rows
        if self._size >= self._run_bytes:
            self._end_run()

    def sorted_slabs(self) -> Iterator[pa.Table]:
        """Yield all rows, sorted, with every column that some of them have. Raises OSError."""
        if not self._runs:
            if self._gathered:
                table = _in_order(pa.Table.from_batches(self._gathered))
                self._gathered.clear()
                for first in range(0, table.num_rows, self._slab_rows):
                    yield table.slice(first, self._slab_rows)
            return
        self._end_run()
        schema = pa.unify_schemas([run.schema for run in self._runs])
        readers = [_RunReader(run, schema) for run in self._runs]
        try:
            for cut in self._cuts():
                parts = [part for reader in readers for part in reader.up_to(cut)]
                if parts:
                    yield _in_order(pa.Table.from_batches(parts))
        finally:
            for reader in readers:
                reader.close()

    def _end_run(self) -> None:
        if not self._gathered:
            return
        table = _in_order(pa.Table.from_batches(self._gathered))
        self._gathered.clear()
        self._size = 0
        run = _SortedRun(self._folder / f"{self._name}-{len(self._runs)}.run", table.schema)
        (batch,) = table.combine_chunks().to_batches() or (pa.RecordBatch.from_pylist([], table.schema),)
        with pa.OSFile(str(run.path), "wb") as file, pa.ipc.new_file(file, run.schema) as writer:
            for first in range(0, batch.num_rows, _BATCH_ROWS):
                part = batch.slice(first, _BATCH_ROWS)
                writer.write_batch(part)
                run.ends.append((part.column(KEY)[part.num_rows - 1].as_py(), part.num_rows))
        self._runs.append(run)

    def _cuts(self) -> Iterator[int]:
        """Yield ascending keys, at most about ``slab_rows`` rows apart; the last one is behind all."""
        waiting = 0
        for end, rows in sorted(end for run in self._runs for end in run.ends):
            waiting += rows
            if waiting >= self._slab_rows:
                yield end
                waiting = 0
        yield MAX_NS


@dataclass(slots=True)
class _SortedRun:
    """A sorted file; ``ends`` has the last key and the number of rows of each of its batches."""

    path: Path
    schema: pa.Schema
    ends: list[tuple[int, int]] = field(default_factory=list)


class _RunReader:
    """Reads a run up to ascending keys."""

    def __init__(self, run: _SortedRun, schema: pa.Schema) -> None:
        self._schema = schema
        self._file = pa.OSFile(str(run.path), "rb")
        self._batches = pa.ipc.open_file(self._file)
        self._next = 0
        self._rest: pa.RecordBatch | None = None

    def up_to(self, cut: int) -> Iterator[pa.RecordBatch]:
        """Yield the next rows, whose keys are not above ``cut``."""
        while (rows := self._rest or self._read()) is not None:
            end = int(_keys(rows).searchsorted(cut, side="right"))
            self._rest = rows.slice(end) if end < rows.num_rows else None
            if end:
                yield rows.slice(0, end)
            if self._rest is not None:
                return

    def _read(self) -> pa.RecordBatch | None:
        if self._next == self._batches.num_record_batches:
            return None
        rows = self._batches.get_batch(self._next)
        self._next += 1
        if rows.schema.equals(self._schema):
            return rows
        columns = {
            field.name: rows.column(field.name)
            if field.name in rows.schema.names
            else rows.column(KEY)
            if field.name == AVAILABLE
            else pa.nulls(rows.num_rows, field.type)
            for field in self._schema
        }
        return pa.RecordBatch.from_pydict(columns, self._schema)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _keys(rows: pa.RecordBatch | pa.Table) -> Int64s:
    keys: Int64s = rows.column(KEY).to_numpy()
    return keys


def _in_order(table: pa.Table) -> pa.Table:
    """Return rows sorted by key, then by available time, then as they came."""
    keys = _keys(table)
    if AVAILABLE in table.schema.names:
        order: Any = np.lexsort((table.column(AVAILABLE).to_numpy(), keys))
    elif (keys[1:] >= keys[:-1]).all():
        return table
    else:
        order = np.argsort(keys, kind="stable")
    places: Any = pa.array(order.astype(np.int32))
    return table.combine_chunks().take(places)
