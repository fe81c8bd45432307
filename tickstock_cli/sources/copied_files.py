"""Finds files with the same rows: copies, renamed or compressed anew.

1. Only files of one type, number of rows, partitions, tickers and times can be copies, as their footers show.
2. Of those, files with the same first rows and of one size are compared byte by byte.
3. Others, and those that differ, are compared by all values of all columns.
"""

from __future__ import annotations

import filecmp
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.types as pt

from tickstock_cli.sources.checks.facts import Oddity
from tickstock_cli.sources.checks.running import Checked
from tickstock_cli.sources.footer import reading
from tickstock_cli.sources.reading import RowReader
from tickstock_cli.sources.recording_file import RecordingFile

_CHUNK_ROWS = 1 << 16
_FIRST_ROWS = 64
_MOST_NAMED = 3
"""So many files have their copies named in the note, one by one."""
_SETTING = "--set recordings.copies=all reads every one"


def without_copies(files: Sequence[RecordingFile]) -> list[RecordingFile]:
    """Return the first of all files with the same rows, with what is left out as an oddity.

    Raises
    ------
    DataError
        A file can no longer be read.
    """
    copies: dict[str, list[str]] = {}
    left_out: set[int] = set()
    for group in _alike(files):
        for original, copy in _copies(group):
            copies.setdefault(str(original.path), []).append(str(copy.path))
            left_out.add(id(copy))
    return [_told(file, copies) for file in files if id(file) not in left_out]


def _told(file: RecordingFile, copies: dict[str, list[str]]) -> RecordingFile:
    mine = copies.get(str(file.path))
    if mine is None:
        return file
    if len(copies) <= _MOST_NAMED and len(mine) == 1:
        oddity = Oddity(f"{mine[0]} has the same rows and is left out; {_SETTING}")
    else:
        oddity = Oddity(
            f"{{}} other {{file has|files have}} the same rows and {{is|are}} left out; {_SETTING}", (len(mine),)
        )
    return replace(file, checked=Checked((*file.checked.oddities, oddity), file.checked.watches))


def _alike(files: Sequence[RecordingFile]) -> Iterator[list[RecordingFile]]:
    """Yield files that can have the same rows, two and more together. Only few need their outlines compared."""
    for some in _grouped([file for file in files if file.rows], lambda file: (file.rows, file.first_available)):
        yield from _grouped(some, _outline)


def _grouped(files: Iterable[RecordingFile], key: Callable[[RecordingFile], Hashable]) -> list[list[RecordingFile]]:
    """Return the files of each key that several have."""
    alike: dict[Hashable, list[RecordingFile]] = {}
    for file in files:
        alike.setdefault(key(file), []).append(file)
    return [some for some in alike.values() if len(some) > 1]


def _outline(file: RecordingFile) -> Hashable:
    """Return what is equal in files with the same rows, known without reading one."""
    tickers = [group.tickers for group in file.groups if group.tickers is not None]
    whole = len(tickers) == len(file.groups)
    bounds = (min(low for low, _ in tickers), max(high for _, high in tickers)) if whole else None
    times = file.first_available, file.earliest, file.latest
    names = tuple(zip(file.schema.names, map(str, file.schema.types), strict=True))
    constants = *sorted(file.partitions.items()), *sorted(file.layout.constants.items())
    return file.record, file.rows, constants, bounds, times, names


def _copies(group: Sequence[RecordingFile]) -> Iterator[tuple[RecordingFile, RecordingFile]]:
    """Yield pairs of a file and a later one with the same rows."""
    originals: dict[str, list[RecordingFile]] = {}
    for file in group:
        some = originals.setdefault(_first_rows(file), [])
        original = next((other for other in some if _same_rows(other, file)), None)
        if original is None:
            some.append(file)
        else:
            yield original, file


def _first_rows(file: RecordingFile) -> str:
    for rows in _chunks(file, _FIRST_ROWS):
        return str(rows.to_pydict())
    return ""


def _same_rows(one: RecordingFile, other: RecordingFile) -> bool:
    with reading(other.path):
        if one.read_from.stat().st_size == other.read_from.stat().st_size and filecmp.cmp(
            one.read_from, other.read_from, shallow=False
        ):
            return True
    ones, others = _chunks(one, _CHUNK_ROWS), _chunks(other, _CHUNK_ROWS)
    return all(first.equals(second) for first, second in zip(ones, others, strict=True))


def _chunks(file: RecordingFile, size: int) -> Iterator[pa.Table]:
    """Yield all columns in chunks of the same size, whatever the row groups are; floats by their bits."""
    reader = RowReader(file.read_from, file.group_starts, file.schema.names, (), size)
    waiting: list[pa.RecordBatch] = []
    count = 0
    try:
        while (rows := reader.read()) is not None:
            waiting.append(_comparable(rows))
            count += rows.num_rows
            while count >= size:
                table = pa.Table.from_batches(waiting)
                yield table.slice(0, size)
                waiting, count = table.slice(size).to_batches(), count - size
        if count:
            yield pa.Table.from_batches(waiting)
    finally:
        reader.close()


def _comparable(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Return rows in which NaN equals NaN."""
    columns: list[Any] = []
    for column in rows.columns:
        bits = pa.int64() if pt.is_float64(column.type) else pa.int32() if pt.is_float32(column.type) else None
        columns.append(column if bits is None else column.view(bits))
    return pa.RecordBatch.from_arrays(columns, names=rows.schema.names)
