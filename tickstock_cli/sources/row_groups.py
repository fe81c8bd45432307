"""What the footer of a file says of its row groups and columns."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq

_FEW_BITS = 16
"""Integers without a sign of so many bits are stored as they are, in a type with a sign."""
_LITTLE = 2 << 20
"""Bytes of a row group of which no column is looked at for the memory of a reader."""


class Bounds(NamedTuple):
    """Smallest and largest value of a column in a row group: str, or integers as stored.

    ``nulls`` is whether the column can hold nulls, too.
    """

    low: int | str
    high: int | str
    nulls: bool


class GroupFooter(NamedTuple):
    """One row group: number of its first row, number of rows, bounds of the requested columns."""

    first: int
    rows: int
    bounds: Mapping[str, Bounds]


class Extremes(NamedTuple):
    """The smallest and the largest value of a column."""

    low: Any
    high: Any


class Stated(NamedTuple):
    """What a footer states of a column in a row group: bounds as they are stored, and whether there can be nulls."""

    low: Any
    high: Any
    nulls: bool


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A column of all row groups of a file.

    Parameters
    ----------
    place
        Its place in a row group.
    physical_type
        The name of the type in which it is stored.
    logical_type
        The name of that of its values, ``NONE`` where they are as they are stored.
    value_of
        Returns a bound, as it is stored, as a value; None: Arrow knows.
    """

    place: int
    physical_type: str
    logical_type: str
    value_of: Callable[[Any], Any] | None

    def bounds(self, stated: Stated) -> Bounds | None:
        """Return what a footer states, if it is of texts or integers."""
        low, high, nulls = stated
        if isinstance(low, bytes):
            if self.physical_type != "BYTE_ARRAY":
                return None
            try:
                low, high = low.decode(), high.decode()
            except UnicodeDecodeError:  # writers can cut long bounds inside a character
                return None
        elif type(low) is not int:  # a fraction or a truth
            return None
        return Bounds(low, high, nulls)


def stored_columns(schema: pq.ParquetSchema) -> dict[str, StoredColumn]:
    """Return the columns of files of a schema, by name."""
    columns: list[Any] = [schema.column(place) for place in range(len(schema))]
    return {
        column.path: StoredColumn(place, column.physical_type, column.logical_type.type, _value_of(column))
        for place, column in enumerate(columns)
    }


def _value_of(column: Any) -> Callable[[Any], Any] | None:
    kind = column.logical_type.type
    if column.physical_type == "BYTE_ARRAY":
        return bytes.decode if kind == "STRING" else None
    if column.physical_type == "DOUBLE":
        return _as_stored
    if column.physical_type not in ("INT32", "INT64"):
        return None
    if kind == "NONE":
        return _as_stored if column.converted_type == "NONE" else None
    return _as_stored if kind == "INT" and _is_as_stored(json.loads(column.logical_type.to_json())) else None


def _is_as_stored(integer: Mapping[str, Any]) -> bool:
    """Return whether an integer type has the values that are stored, which have a sign."""
    return bool(integer["isSigned"]) or int(integer["bitWidth"]) <= _FEW_BITS


def _as_stored(bound: Any) -> Any:
    return bound


class Footer(ABC):
    """The row groups and columns of a file.

    Parameters
    ----------
    columns
        `stored_columns` of its schema.
    group_rows
        Number of rows of each row group.
    """

    def __init__(self, columns: Mapping[str, StoredColumn], group_rows: Sequence[int]) -> None:
        self.columns = columns
        self.group_rows = group_rows
        self._stated: dict[str, list[Stated | None]] = {}

    @property
    def rows(self) -> int:
        """Number of rows."""
        return sum(self.group_rows)

    def stated(self, column: str) -> list[Stated | None]:
        """Return what the footer states of a column of the file in every row group; None where it has no bounds."""
        found = self._stated.get(column)
        if found is None:
            found = self._stated[column] = self._read_stated(self.columns[column])
        return found

    def groups(self, columns: Sequence[str]) -> tuple[GroupFooter, ...]:
        """Return the row groups, with bounds of those ``columns`` that have statistics."""
        found: list[dict[str, Bounds]] = [{} for _ in self.group_rows]
        for name in columns:
            if name in self.columns:
                stored = self.columns[name]
                for bounds, stated in zip(found, self.stated(name), strict=True):
                    if stated is not None and (known := stored.bounds(stated)) is not None:
                        bounds[name] = known
        firsts = [0, *accumulate(self.group_rows)]
        return tuple(map(GroupFooter, firsts, self.group_rows, found))

    def extremes(self, column: str) -> Extremes | None:
        """Return the extremes of a column over all row groups with values; None if one does not state them."""
        stored = self.columns.get(column)
        if stored is None:
            return None
        if len(self.group_rows) == 1:
            (stated,) = self.stated(column)
            return None if stated is None else self._extremes(stored, 0, stated)
        known: list[Extremes] = []
        for number, stated in enumerate(self.stated(column)):
            extremes = None if stated is None else self._extremes(stored, number, stated)
            if extremes is not None:
                known.append(extremes)
            elif not self._has_no_value(stored, number):
                return None
        return Extremes(min(low for low, _ in known), max(high for _, high in known)) if known else None

    def _extremes(self, stored: StoredColumn, group: int, stated: Stated) -> Extremes | None:
        """Return the extremes of a column in one row group; None if its footer states them in part."""
        try:
            if stored.value_of is not None:
                return Extremes(stored.value_of(stated.low), stored.value_of(stated.high))
            return self._values(stored, group)
        except UnicodeDecodeError:  # writers can cut long bounds inside a character
            return None

    def plain_dictionaries(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Return which of some columns Arrow can decode as dictionaries: none with a page in a DELTA encoding."""
        return tuple(
            name
            for name in dict.fromkeys(columns)
            if name in self.columns and not self._has_delta_encoding(self.columns[name])
        )

    def page_bytes(self, columns: Collection[str]) -> int:
        """Estimate a reader's memory: a dictionary page and a data page per column, at most 1 MiB each."""
        if not self.group_rows:
            return 0
        all_columns = 2 * self._bytes_of_first()
        if all_columns <= _LITTLE and len(columns) == len(self.columns):
            return all_columns
        mine = [self.columns[name] for name in columns if name in self.columns]
        return sum(min(2 * self._bytes_of_first(stored), _LITTLE) for stored in mine)

    @abstractmethod
    def codecs(self, columns: Collection[str]) -> set[str]:
        """Return the names of the codecs with which some columns are compressed."""

    @abstractmethod
    def _read_stated(self, stored: StoredColumn) -> list[Stated | None]:
        """Return what ``stated`` returns."""

    @abstractmethod
    def _values(self, stored: StoredColumn, group: int) -> Extremes:
        """Return the stated bounds of a column in one row group, as Arrow reads them."""

    @abstractmethod
    def _has_no_value(self, stored: StoredColumn, group: int) -> bool:
        """Return whether the footer states that all values of a column in a row group are null."""

    @abstractmethod
    def _has_delta_encoding(self, stored: StoredColumn) -> bool:
        """Return whether a page of a column is in a DELTA encoding."""

    @abstractmethod
    def _bytes_of_first(self, stored: StoredColumn | None = None) -> int:
        """Return the bytes of the first row group without compression, or those of a column of it."""


class ArrowFooter(Footer):
    """A footer as Arrow reads it.

    Parameters
    ----------
    columns
        `stored_columns` of its schema; None: they are looked up.
    """

    def __init__(self, metadata: pq.FileMetaData, columns: Mapping[str, StoredColumn] | None = None) -> None:
        self._groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
        self._chunks: dict[int, list[pq.ColumnChunkMetaData]] = {}
        super().__init__(
            stored_columns(metadata.schema) if columns is None else columns, [group.num_rows for group in self._groups]
        )

    def chunks(self, place: int) -> list[pq.ColumnChunkMetaData]:
        """Return the column at a place of every row group."""
        found = self._chunks.get(place)
        if found is None:
            found = self._chunks[place] = [group.column(place) for group in self._groups]
        return found

    def codecs(self, columns: Collection[str]) -> set[str]:
        mine = [self.columns[name].place for name in columns if name in self.columns]
        return {chunk.compression for place in mine for chunk in self.chunks(place)}

    def _read_stated(self, stored: StoredColumn) -> list[Stated | None]:
        return [_stated(chunk) for chunk in self.chunks(stored.place)]

    def _values(self, stored: StoredColumn, group: int) -> Extremes:
        statistics: Any = self.chunks(stored.place)[group].statistics
        return Extremes(_value(statistics.min, statistics), _value(statistics.max, statistics))

    def _has_no_value(self, stored: StoredColumn, group: int) -> bool:
        chunk = self.chunks(stored.place)[group]
        statistics: Any = chunk.statistics
        return bool(statistics and statistics.has_null_count and statistics.null_count == chunk.num_values)

    def _has_delta_encoding(self, stored: StoredColumn) -> bool:
        chunks = self.chunks(stored.place)
        return any(encoding.startswith("DELTA") for chunk in chunks for encoding in chunk.encodings)

    def _bytes_of_first(self, stored: StoredColumn | None = None) -> int:
        if stored is None:
            return self._groups[0].total_byte_size
        return self.chunks(stored.place)[0].total_uncompressed_size


def _stated(chunk: pq.ColumnChunkMetaData) -> Stated | None:
    statistics: Any = chunk.statistics
    if statistics is None or not statistics.has_min_max:
        return None
    nulls = not statistics.has_null_count or statistics.null_count > 0
    return Stated(statistics.min_raw, statistics.max_raw, nulls)


def _value(bound: Any, statistics: Any) -> Any:
    """Return a bound as a value: pyarrow leaves those of halves as two bytes."""
    is_half = isinstance(bound, bytes) and statistics.logical_type.type == "FLOAT16"
    return float(np.frombuffer(bound, dtype="<f2")[0]) if is_half else bound
