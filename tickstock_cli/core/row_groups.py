"""Batches of any size as tables of one row group each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa


def row_groups(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """Yield the rows of batches in tables of ``rows`` rows, each in one chunk; the last one can be shorter."""
    waiting: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        waiting.append(batch)
        count += batch.num_rows
        if count >= rows:
            table = pa.Table.from_batches(waiting)
            whole = count - count % rows
            for first in range(0, whole, rows):
                yield table.slice(first, rows).combine_chunks()
            waiting = table.slice(whole).combine_chunks().to_batches()
            count -= whole
    if count:
        yield pa.Table.from_batches(waiting).combine_chunks()
