"""Opens Parquet files and reads their footers: schema, row groups, bounds of columns."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tickstock_cli.core.arrow_arrays import values
from tickstock_cli.core.memory_errors import raise_if_short
from tickstock_cli.errors import DataError
from tickstock_cli.sources.other_formats import other_format
from tickstock_cli.storage.fetching import original_name
from tickstock_cli.storage.names import ObjectName

_MAGIC_BYTES = 8
"""Bytes behind a footer: its length, 4 bytes, and the magic number."""
SMALL_BYTES = 4 << 20
"""Most bytes of a file that is read at once, if all of it is wanted."""
TINY_BYTES = 1 << 16
"""Of such a file the footer alone is not read quicker than all of it."""
_SIGNATURE_BYTES = 28
"""Nonce and tag that follow the plain footer of a file with encrypted columns."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Smallest and largest value of a column in a row group: str, or integers as stored.

    ``nulls`` is whether the column can hold nulls, too.
    """

    low: int | str
    high: int | str
    nulls: bool


@dataclass(frozen=True, slots=True)
class GroupFooter:
    """One row group: number of its first row, number of rows, bounds of the requested columns."""

    first: int
    rows: int
    bounds: Mapping[str, Bounds]


class Extremes(NamedTuple):
    """The smallest and the largest value of a column."""

    low: Any
    high: Any


TEXT_SUFFIXES = (
    *(f"{name}{packed}" for name in (".csv", ".tsv", ".txt") for packed in ("", ".gz", ".zst", ".bz2", ".xz")),
    ".zip",
)
"""Endings of files that `tickstock import` reads."""
IMPORT_ADVICE = "tickstock import makes recordings of CSV and zip files, see tickstock import --help"


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Translate every error of reading a Parquet file into a DataError of one line; an object is shown by its name."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError, EOFError) as error:
        raise DataError(_message(Path(path), original_name(Path(path)) or path, error)) from error


def _message(path: Path, name: str | Path | ObjectName, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"no such file: {name}"
    if isinstance(error, PermissionError):
        return f"cannot read {name}: permission denied"
    raise_if_short(error)
    if isinstance(error, pa.ArrowNotImplementedError) or "Not yet implemented" in str(error):
        return f"cannot read {name}: Arrow does not decode it ({_first_line(error)}); write it anew"
    if "decrypt" in str(error):
        return _encrypted(name)
    if str(name).lower().endswith(TEXT_SUFFIXES):
        return f"cannot read {name}: it is not a Parquet file; {IMPORT_ADVICE}"
    if (other := other_format(path)) is not None:
        return f"cannot read {name}: it is not a Parquet file, but {other}"
    return f"cannot read {name}: it is damaged, cut off or not a Parquet file ({_first_line(error)})"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def open_parquet(
    path: str | Path, *, text: Sequence[str] = (), buffer_size: int = 1 << 18, at_once: int = 0
) -> OpenParquet:
    """Open a file so that memory does not grow with the size of its row groups.

    Parameters
    ----------
    text
        Columns to decode as dictionaries: they take fewer bytes, and tickers are mapped to codes once per dictionary.
    buffer_size
        Bytes to read ahead per column. Without a buffer, whole column chunks are loaded.
    at_once
        A file of at most so many bytes is read whole: each call of the system has its cost.
    """
    with reading(path):
        # Names that look like a URI, or are no UTF-8, reach the system as they are.
        content = _content(path, at_once) if at_once else None
        source: Any = pa.OSFile(os.fsencode(path), "rb") if content is None else pa.BufferReader(content)  # type: ignore[arg-type]  # bytes are a path, too
        return OpenParquet(source, content, read_dictionary=list(text), buffer_size=buffer_size)


def _content(path: str | Path, most_bytes: int) -> bytes | None:
    """Return the content of a file; None for a larger one."""
    with open(path, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        return file.read(size) if size <= most_bytes else None


class OpenParquet(pq.ParquetFile):
    """A Parquet file that closes its source, too, and refuses what Arrow decodes without a look at it.

    Parameters
    ----------
    content
        All bytes of the file, if they are in memory.
    """

    def __init__(self, source: Any, content: bytes | None, **options: Any) -> None:
        super().__init__(source, pre_buffer=False, page_checksum_verification=True, **options)
        self.content = content
        self._source = source

    def footer_bytes(self) -> int:
        """Return the length of the footer, as the end of the file says it."""
        if self.content is not None:
            return int.from_bytes(self.content[-_MAGIC_BYTES:][:4], "little")
        return int.from_bytes(self._source.read_at(4, self._source.size() - _MAGIC_BYTES), "little")

    def iter_batches(self, *choices: Any, **named: Any) -> Iterator[pa.RecordBatch]:
        """Yield batches of rows, as `pyarrow.parquet.ParquetFile` does.

        Raises
        ------
        pyarrow.ArrowInvalid
            A dictionary lacks a value that a row names: the file is damaged. Looking it up would read foreign memory.
        """
        for rows in super().iter_batches(*choices, **named):
            for column in rows.columns:
                if isinstance(column, pa.DictionaryArray):
                    _check_places(column)
            yield rows

    def close(self, force: bool = True) -> None:
        """Close the file; what is in memory has nothing to close, and waiting for others meanwhile has its cost."""
        if self.content is None:
            super().close(force)


def _check_places(column: Any) -> None:
    places = column.indices
    if places.null_count == len(places):
        return
    unsigned = np.dtype(f"u{places.type.bit_width // 8}").type  # those below 0 are the largest
    if int(values(places, unsigned, 0).max()) >= len(column.dictionary):
        raise pa.ArrowInvalid("an index is not in its dictionary")


def check_decrypted(path: str | Path, file: OpenParquet) -> None:
    """Raise DataError if a file has encrypted columns: reading one, or its metadata, would end the process."""
    length = file.footer_bytes()
    if length - file.metadata.serialized_size == _SIGNATURE_BYTES:
        raise DataError(_encrypted(original_name(Path(path)) or path))


def _encrypted(path: str | Path | ObjectName) -> str:
    return f"cannot read {path}: its columns are encrypted; decrypt it first, and name the decrypted file"


def places_of(metadata: pq.FileMetaData) -> dict[str, int]:
    """Return the places of columns in a row group, by name."""
    schema = metadata.schema
    return {schema.column(place).path: place for place in range(metadata.num_columns)}


class Footer:
    """The row groups and columns of a file, each looked up once.

    Parameters
    ----------
    metadata
        The file's footer, as Arrow reads it.
    places
        Places of the columns in a row group, by name; None: they are looked up.
    """

    def __init__(self, metadata: pq.FileMetaData, places: Mapping[str, int] | None = None) -> None:
        self._groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
        self._places = places_of(metadata) if places is None else places
        self._chunks: dict[str, list[pq.ColumnChunkMetaData]] = {}

    def chunks(self, column: str) -> list[pq.ColumnChunkMetaData] | None:
        """Return a column of every row group; None for one that the file has not, or that is nested."""
        found = self._chunks.get(column)
        if found is None and (place := self._places.get(column)) is not None:
            found = self._chunks[column] = [group.column(place) for group in self._groups]
        return found

    def plain_dictionaries(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Return which of some columns Arrow can decode as dictionaries: none with a page in a DELTA encoding."""
        return tuple(
            name
            for name in dict.fromkeys(columns)
            if (chunks := self.chunks(name)) is not None
            and not any(encoding.startswith("DELTA") for chunk in chunks for encoding in chunk.encodings)
        )

    def groups(self, columns: Sequence[str]) -> tuple[GroupFooter, ...]:
        """Return the row groups, with bounds of those ``columns`` that have statistics."""
        mine = [(name, chunks) for name in columns if (chunks := self.chunks(name)) is not None]
        groups = []
        first = 0
        for number, group in enumerate(self._groups):
            found: dict[str, Bounds] = {}
            for name, chunks in mine:
                if (bounds := _bounds(chunks[number])) is not None:
                    found[name] = bounds
            groups.append(GroupFooter(first, group.num_rows, found))
            first += group.num_rows
        return tuple(groups)

    def extremes(self, column: str) -> Extremes | None:
        """Return the extremes of a column over all row groups with values; None if one does not state them."""
        chunks = self.chunks(column)
        if not chunks:
            return None
        if len(chunks) == 1:
            return _extremes(chunks[0])
        found = [_extremes(chunk) for chunk in chunks if not _is_without_values(chunk)]
        known = [extremes for extremes in found if extremes is not None]
        if not known or len(known) < len(found):
            return None
        return Extremes(min(low for low, _ in known), max(high for _, high in known))

    def page_bytes(self, columns: Collection[str]) -> int:
        """Estimate a reader's memory: a dictionary page and a data page per column, at most 1 MiB each."""
        if not self._groups:
            return 0
        all_columns = 2 * self._groups[0].total_byte_size
        if all_columns <= 2 << 20 and len(columns) == len(self._places):
            return all_columns
        first = [chunks[0] for name in columns if (chunks := self.chunks(name))]
        return sum(min(2 * chunk.total_uncompressed_size, 2 << 20) for chunk in first)


def _is_without_values(chunk: pq.ColumnChunkMetaData) -> bool:
    statistics: Any = chunk.statistics
    return statistics is not None and statistics.has_null_count and statistics.null_count == chunk.num_values


def _extremes(chunk: pq.ColumnChunkMetaData) -> Extremes | None:
    """Return the extremes of a column in one row group; None if the footer does not state them."""
    statistics: Any = chunk.statistics
    if statistics is None or not statistics.has_min_max:
        return None
    if statistics.physical_type == "DOUBLE":  # as they are stored: there is nothing to convert
        return Extremes(statistics.min_raw, statistics.max_raw)
    try:
        return Extremes(_stated(statistics.min, statistics), _stated(statistics.max, statistics))
    except UnicodeDecodeError:  # writers can cut long bounds inside a character
        return None


def _stated(bound: Any, statistics: Any) -> Any:
    """Return a bound as a value: pyarrow leaves those of halves as two bytes."""
    is_half = isinstance(bound, bytes) and statistics.logical_type.type == "FLOAT16"
    return float(np.frombuffer(bound, dtype="<f2")[0]) if is_half else bound


def _bounds(chunk: pq.ColumnChunkMetaData) -> Bounds | None:
    statistics: Any = chunk.statistics
    if statistics is None or not statistics.has_min_max:
        return None
    low, high = statistics.min_raw, statistics.max_raw
    if isinstance(low, bytes):
        if chunk.physical_type != "BYTE_ARRAY":
            return None
        try:
            low, high = low.decode(), high.decode()
        except UnicodeDecodeError:  # writers can cut long bounds inside a character
            return None
    elif type(low) is not int:  # a fraction or a truth
        return None
    return Bounds(low, high, not statistics.has_null_count or statistics.null_count > 0)
