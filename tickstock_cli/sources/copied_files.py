"""Finds files with the same rows: copies, renamed or compressed anew.

1. Only files of one type, number of rows, partitions, tickers and times can be copies, as their footers show.
2. Of those, files with the same first rows and of one size are compared byte by byte.
3. Others, and those that differ, are compared by all values of all columns.

Files with the same tickers and times, but other values, are told, and both are read.
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
_FEWEST_ROWS = 3
_VERSION_ROWS = 1_000
"""Rows in which two versions of a recording are compared."""
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
    versions: dict[str, str] = {}
    left_out: set[int] = set()
    for some in _at_the_same_times(files):
        for group in _grouped(some, _outline):
            for original, copy in _copies(group):
                copies.setdefault(str(original.path), []).append(str(copy.path))
                left_out.add(id(copy))
        for group in _grouped([file for file in some if id(file) not in left_out], _version_outline):
            versions |= {str(file.path): str(group[0].path) for file in group[1:] if _is_version(file, group[0])}
    return [_told(file, copies, versions) for file in files if id(file) not in left_out]


def _told(file: RecordingFile, copies: dict[str, list[str]], versions: dict[str, str]) -> RecordingFile:
    mine, other = copies.get(str(file.path)), versions.get(str(file.path))
    if other is not None:
        first = other if len(versions) == 1 else "another file"
        file = _noted(
            file,
            Oddity(
                f"rows are those of {first} with other values, as of adjusted prices or a later version, and both are "
                "read: name only one (--set recordings.copies=all confirms them)"
            ),
        )
    if mine is None:
        return file
    if len(copies) <= _MOST_NAMED and len(mine) == 1:
        oddity = Oddity(f"{mine[0]} has the same rows and is left out; {_SETTING}")
    else:
        oddity = Oddity(
            f"{{}} other {{file has|files have}} the same rows and {{is|are}} left out; {_SETTING}", (len(mine),)
        )
    return _noted(file, oddity)


def _noted(file: RecordingFile, oddity: Oddity) -> RecordingFile:
    return replace(file, checked=Checked((*file.checked.oddities, oddity), file.checked.watches))


def _at_the_same_times(files: Sequence[RecordingFile]) -> list[list[RecordingFile]]:
    """Return files that can have the same rows, two and more together. Only few need their outlines compared."""
    return _grouped([file for file in files if file.rows], lambda file: (file.rows, file.first_available))


def _version_outline(file: RecordingFile) -> Hashable:
    """Return what is equal in files with the rows of one recording in two versions.

    Bars are left out: those that begin together are rejected and told (`overlapping_bars`).
    """
    if file.record == "ohlcv" or file.rows < _FEWEST_ROWS:
        return id(file)
    return file.record, _tickers(file), file.earliest, file.latest, file.layout.constants.get("ticker")


def _is_version(file: RecordingFile, other: RecordingFile) -> bool:
    """Return whether the first rows are those of another file in ticker and time, but not in price and size.

    Files with equal prices and sizes, too, are told by `repeated_rows`.
    """
    one, two = _first_values(file), _first_values(other)
    return one[0] == two[0] and one[1] != two[1] and len(set(one[0])) * 2 > len(one[0])


def _first_values(file: RecordingFile) -> tuple[list[tuple[Any, int]], list[tuple[float, ...]]]:
    """Return ticker and time of the first rows, and their values."""
    names = [name for name in ("price", "size", "fmv") if file.reader.has(name)]
    columns = list(dict.fromkeys([*file.time_columns, *file.layout.theirs("ticker", *names)]))
    reader = RowReader(file.read_from, file.group_starts, columns, file.text_columns, _VERSION_ROWS)
    try:
        rows = reader.read()
    finally:
        reader.close()
    if rows is None:
        return [], []
    tickers = file.reader.array(rows, "ticker").to_pylist()
    times = file.reader.times(rows, 0).timestamp.tolist()
    values = [file.reader.real(rows, name).tolist() for name in names]
    return list(zip(tickers, times, strict=True)), list(zip(*values, strict=True))


def _grouped(files: Iterable[RecordingFile], key: Callable[[RecordingFile], Hashable]) -> list[list[RecordingFile]]:
    """Return the files of each key that several have."""
    alike: dict[Hashable, list[RecordingFile]] = {}
    for file in files:
        alike.setdefault(key(file), []).append(file)
    return [some for some in alike.values() if len(some) > 1]


def _outline(file: RecordingFile) -> Hashable:
    """Return what is equal in files with the same rows, known without reading one."""
    times = file.first_available, file.earliest, file.latest
    names = tuple(zip(file.schema.names, map(str, file.schema.types), strict=True))
    constants = *sorted(file.partitions.items()), *sorted(file.layout.constants.items())
    return file.record, file.rows, constants, _tickers(file), times, names


def _tickers(file: RecordingFile) -> Hashable:
    """Return the first and the last ticker in alphabetical order; None where unknown."""
    tickers = [group.tickers for group in file.groups if group.tickers is not None]
    if len(tickers) < len(file.groups):
        return None
    return min(low for low, _ in tickers), max(high for _, high in tickers)


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
