"""Reads the footers of many files that one writer wrote: what differs between them is in their row groups alone.

Arrow takes a tenth of a millisecond to open a file, mostly for what it has read before: schema, metadata, its own form
of both. Where these are, byte for byte, those of a file that Arrow has read, only the row groups are read
(``kernels.footers``). A kind of footer is known if that reading says the same as Arrow of one of its files.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.footers import (
    CODEC,
    COLUMN_FACTS,
    ENCODINGS,
    GROUP_BYTES,
    GROUP_FACTS,
    NULLS,
    PLAIN_BYTES,
    ROWS,
    TEXT,
    find_row_groups,
    read_row_groups,
)
from tickstock_cli.sources.plain_numbers import frozen
from tickstock_cli.sources.row_groups import ArrowFooter, Extremes, Footer, Stated, StoredColumn
from tickstock_cli.sources.shared_layouts import SharedSchema

_TYPES = {"BOOLEAN": 0, "INT32": 1, "INT64": 2, "FLOAT": 4, "DOUBLE": 5, "BYTE_ARRAY": TEXT}
"""Stored types whose bounds are read, with their codes in a footer."""
_CODECS = ("UNCOMPRESSED", "SNAPPY", "GZIP", "LZO", "BROTLI", "UNKNOWN", "ZSTD", "LZ4")
"""Arrow's names, by their codes in a footer; it has none for the older form of LZ4."""
_DELTA_ENCODINGS = 1 << 5 | 1 << 6 | 1 << 7
"""DELTA_BINARY_PACKED, DELTA_LENGTH_BYTE_ARRAY and DELTA_BYTE_ARRAY."""
_MOST_GROUPS = 64
"""Row groups of a file; of more, opening is the least of its costs."""
_FIRST_BY_ARROW = 16
"""Files that Arrow reads before a kind is learned: with a few, nothing is to be saved."""
_MOST_TRIED = 64
"""Footers of which a kind is learned, or which are not understood."""
_MOST_KINDS = 8
_MAGIC = b"PAR1"
_INT32, _INT64, _FLOAT, _DOUBLE = (struct.Struct(f"<{letter}") for letter in "iqfd")


class KnownFooters:
    """The kinds of footers that are known."""

    def __init__(self) -> None:
        self._kinds: list[_Kind] = []
        """The latest first."""
        self._by_arrow = 0

    def find(self, footer: bytes, by_arrow: Callable[[], Footer]) -> tuple[SharedSchema, Footer] | None:
        """Return a footer, and the schema of its file; None if Arrow must read it.

        Parameters
        ----------
        footer
            Its bytes, as ``footer_of`` returns them.
        by_arrow
            Returns the same footer as Arrow reads it, for what is seldom asked for.
        """
        for place, kind in enumerate(self._kinds):
            if footer.startswith(kind.before) and footer.endswith(kind.behind):
                if place:
                    self._kinds.insert(0, self._kinds.pop(place))
                found = kind.read(footer, by_arrow)
                return None if found is None else (kind.schema, found)
        return None

    def learn(self, footer: bytes, schema: SharedSchema, by_arrow: ArrowFooter) -> None:
        """Take the footer of a file that Arrow has read: its kind is known from now on if it is read to the same."""
        self._by_arrow += 1
        if _FIRST_BY_ARROW < self._by_arrow <= _FIRST_BY_ARROW + _MOST_TRIED:
            kind = _kind_of(footer, schema)
            if kind is not None and kind.reads_like(by_arrow, footer):
                self._kinds = [kind, *self._kinds[: _MOST_KINDS - 1]]


def footer_of(tail: memoryview) -> bytes:
    """Return the footer at the end of a file; nothing if the file has none, or it begins before the tail."""
    length = int.from_bytes(tail[-8:-4], "little")
    return bytes(tail[-8 - length : -8]) if tail[-4:] == _MAGIC and 0 < length <= len(tail) - 8 else b""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of footer.

    Parameters
    ----------
    before, behind
        The bytes before and behind the row groups and the number of rows.
    types
        Codes of the stored types of all columns.
    """

    before: bytes
    behind: bytes
    schema: SharedSchema
    types: NDArray[np.int64]
    room: tuple[NDArray[np.int64], NDArray[np.int64]]
    """Where row groups and their columns are read to."""

    def read(self, footer: bytes, by_arrow: Callable[[], Footer]) -> KnownFooter | None:
        """Return a footer of this kind; None if it is not understood."""
        content, behind = np.frombuffer(footer, np.uint8), len(footer) - len(self.behind)
        groups, columns = self.room
        count = read_row_groups(content, len(self.before), behind, self.types, groups, columns)
        if count < 0:
            return None
        return KnownFooter(self.schema.columns, footer, groups[:count].tolist(), columns[:count].tolist(), by_arrow)

    def reads_like(self, by_arrow: ArrowFooter, footer: bytes) -> bool:
        """Return whether a footer says the same as Arrow reads in it, with bounds for columns of all types.

        Arrow takes no bounds of some types from some writers, so that those of a type must be seen.
        """
        found = self.read(footer, lambda: by_arrow)
        if found is None or found.group_rows != by_arrow.group_rows:
            return False
        names = self.schema.columns
        seen = {_type_of(stored) for name, stored in names.items() if any(by_arrow.stated(name))}
        return (
            all(_type_of(stored) in seen or stored.logical_type == "NULL" for stored in names.values())
            and all(found.stated(name) == by_arrow.stated(name) for name in names)
            and all(found.page_bytes([name]) == by_arrow.page_bytes([name]) for name in names)
            and all(found.codecs([name]) == by_arrow.codecs([name]) for name in names)
            and found.plain_dictionaries([*names]) == by_arrow.plain_dictionaries([*names])
        )


def _type_of(stored: StoredColumn) -> tuple[str, str]:
    return stored.physical_type, stored.logical_type


def _kind_of(footer: bytes, schema: SharedSchema) -> _Kind | None:
    """Return the kind of a footer; None if it is not understood, or bounds of a column would not be."""
    if not all(_is_readable(stored) for stored in schema.columns.values()):
        return None
    first, behind = find_row_groups(np.frombuffer(footer, np.uint8))
    if first < 0:
        return None
    types = np.array([_TYPES[stored.physical_type] for stored in schema.columns.values()], np.int64)
    room = np.empty((_MOST_GROUPS, GROUP_FACTS), np.int64), np.empty((_MOST_GROUPS, len(types), COLUMN_FACTS), np.int64)
    return _Kind(footer[:first], footer[behind:], schema, frozen(types), room)


def _is_readable(stored: StoredColumn) -> bool:
    if stored.physical_type == "BYTE_ARRAY":
        return stored.logical_type == "STRING"
    return stored.physical_type in _TYPES and stored.logical_type != "DECIMAL"


def _codec(code: int) -> str:
    return _CODECS[code] if code < len(_CODECS) else "UNKNOWN"


def _text(content: bytes, place: int, length: int) -> bytes:
    return content[place : place + length]


def _double(_: bytes, bits: int, __: int) -> float:
    return float(_DOUBLE.unpack(_INT64.pack(bits))[0])


def _float(_: bytes, bits: int, __: int) -> float:
    return float(_FLOAT.unpack(_INT32.pack(bits))[0])


def _truth(_: bytes, bits: int, __: int) -> bool:
    return bool(bits)


def _integer(_: bytes, bits: int, __: int) -> int:
    return bits


_BOUNDS: Mapping[str, Callable[[bytes, int, int], Any]] = {
    "BOOLEAN": _truth,
    "INT32": _integer,
    "INT64": _integer,
    "FLOAT": _float,
    "DOUBLE": _double,
    "BYTE_ARRAY": _text,
}
"""Return a bound of each stored type, from the footer and a column's facts in it."""


class KnownFooter(Footer):
    """A footer of a known kind.

    Parameters
    ----------
    content
        Its bytes.
    groups, facts
        As ``kernels.footers.read_row_groups`` fills them.
    by_arrow
        Returns the footer as Arrow reads it.
    """

    def __init__(
        self,
        columns: Mapping[str, StoredColumn],
        content: bytes,
        groups: list[list[int]],
        facts: list[list[list[int]]],
        by_arrow: Callable[[], Footer],
    ) -> None:
        super().__init__(columns, [group[ROWS] for group in groups])
        self._content = content
        self._groups = groups
        self._facts = facts
        self._by_arrow = by_arrow

    def codecs(self, columns: Collection[str]) -> set[str]:
        places = [self.columns[name].place for name in columns if name in self.columns]
        return {_codec(code) for facts in self._facts for code in {facts[place][CODEC] for place in places}}

    def _read_stated(self, stored: StoredColumn) -> list[Stated | None]:
        content, bound, place = self._content, _BOUNDS[stored.physical_type], stored.place
        found: list[Stated | None] = []
        for group in self._facts:
            _, _, _, nulls, low, low_length, high, high_length = group[place]
            if low_length < 0:
                found.append(None)
            else:
                found.append(Stated(bound(content, low, low_length), bound(content, high, high_length), nulls != 0))
        return found

    def _values(self, stored: StoredColumn, group: int) -> Extremes:
        return self._by_arrow()._values(stored, group)  # noqa: SLF001 - of another one of this class

    def _has_no_value(self, stored: StoredColumn, group: int) -> bool:
        return self._facts[group][stored.place][NULLS] == self.group_rows[group]

    def _has_delta_encoding(self, stored: StoredColumn) -> bool:
        return any(group[stored.place][ENCODINGS] & _DELTA_ENCODINGS for group in self._facts)

    def _bytes_of_first(self, stored: StoredColumn | None = None) -> int:
        return self._groups[0][GROUP_BYTES] if stored is None else self._facts[0][stored.place][PLAIN_BYTES]
