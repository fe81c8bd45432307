"""Reads footers of Parquet files: Thrift's compact protocol, https://github.com/apache/parquet-format.

Files can be damaged, so every read is within bounds, and what is not as expected ends with ``UNKNOWN``. Places are
those of bytes in a footer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.jit import inlined_kernel, kernel

Bytes = NDArray[np.uint8]
Whole = Any
"""An integer of 64 bits; numba tells a plain one from one of numpy, and so would every line here."""

UNKNOWN = -1
"""What a footer that is not understood gives."""

ROWS, GROUP_BYTES, GROUP_FACTS = range(3)
"""Facts of a row group: its rows, and its bytes without compression."""

CODEC, ENCODINGS, PLAIN_BYTES, NULLS, LOW, LOW_LENGTH, HIGH, HIGH_LENGTH, COLUMN_FACTS = range(9)
"""Facts of a column in a row group: code of its codec, a bit for each of its encodings, its bytes without compression,
its nulls (``UNKNOWN`` if they are not counted), and its bounds: the stored bits of numbers, the place of texts, and
their length, ``UNKNOWN`` without bounds."""

TEXT = 6
"""Code of the stored type of texts."""
_WIDTHS = (1, 4, 8, 12, 4, 8)
"""Bytes of the other stored types, by code."""

_TRUE, _FALSE, _BYTE, _INT16, _INT32, _INT64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_MOST_NESTED = 16
_MOST_ENCODINGS = 62


@inlined_kernel
def _number(footer: Bytes, place: Whole, behind: Whole) -> tuple[Whole, Whole]:
    """Return a number without a sign, and the place behind it; ``UNKNOWN`` as that place if there is none."""
    value, shift = np.int64(0), 0
    while 0 <= place < behind and shift < 64:
        byte = np.int64(footer[place])
        value |= (byte & 0x7F) << shift
        place += 1
        if byte < 0x80:
            return value, place
        shift += 7
    return np.int64(0), UNKNOWN


@inlined_kernel
def _signed(footer: Bytes, place: Whole, behind: Whole) -> tuple[Whole, Whole]:
    """Return a number with a sign, and the place behind it."""
    value, place = _number(footer, place, behind)
    return ((value >> 1) & 0x7FFFFFFFFFFFFFFF) ^ -(value & 1), place


@inlined_kernel
def _field(footer: Bytes, place: Whole, behind: Whole, last: Whole) -> tuple[Whole, Whole, Whole]:
    """Return number and type of a struct's next field, 0 and 0 at its end, and the place of its value.

    Parameters
    ----------
    last
        Number of the field before it, 0 for none.
    """
    if not 0 <= place < behind:
        return 0, 0, UNKNOWN
    head = np.int64(footer[place])
    if head == 0:
        return 0, 0, place + 1
    if head >> 4:
        return last + (head >> 4), head & 0x0F, place + 1
    number, place = _signed(footer, place + 1, behind)
    return number, head & 0x0F, place


@inlined_kernel
def _list(footer: Bytes, place: Whole, behind: Whole) -> tuple[Whole, Whole, Whole]:
    """Return the length of a list, the type of its values, and the place of the first one."""
    if not 0 <= place < behind:
        return 0, 0, UNKNOWN
    head = np.int64(footer[place])
    length, place = head >> 4, place + 1
    if length == 15:
        length, place = _number(footer, place, behind)
    return (length, head & 0x0F, place) if 0 <= length <= behind else (0, 0, UNKNOWN)


@kernel
def _skipped(footer: Bytes, place: Whole, behind: Whole, kind: Whole, nested: NDArray[np.int64]) -> Whole:
    """Return the place behind a value of a struct's field.

    Parameters
    ----------
    nested
        Room for the values that are left of each list around a value, and their types, int64 (``_MOST_NESTED``, 2).
    """
    depth = 0
    nested[0, 0], nested[0, 1] = 1, kind
    while depth >= 0 and place >= 0:
        left, kind = nested[depth, 0], nested[depth, 1]
        if left == 0:
            depth -= 1
            continue
        is_in_list = left > 0 and depth > 0
        if left > 0:
            nested[depth, 0] = left - 1
        else:  # the fields of a struct
            _, kind, place = _field(footer, place, behind, 0)
            if kind == 0:
                depth -= 1
                continue
        if kind in (_TRUE, _FALSE):
            place += 1 if is_in_list else 0
        elif kind == _BYTE:
            place += 1
        elif kind in (_INT16, _INT32, _INT64):
            _, place = _number(footer, place, behind)
        elif kind == _DOUBLE:
            place += 8
        elif kind == _BINARY:
            length, place = _number(footer, place, behind)
            place = place + length if place >= 0 and 0 <= length <= behind - place else UNKNOWN
        elif kind in (_LIST, _SET, _STRUCT) and depth + 1 < _MOST_NESTED:
            depth += 1
            if kind == _STRUCT:
                nested[depth, 0], nested[depth, 1] = -1, 0
            else:
                nested[depth, 0], nested[depth, 1], place = _list(footer, place, behind)
        else:
            return UNKNOWN
        if place > behind:
            return UNKNOWN
    return place


@kernel
def find_row_groups(footer: Bytes) -> tuple[Whole, Whole]:
    """Return the place of the head of the field with the number of rows, and that behind the row groups after it.

    What is before and behind them is about all row groups: schema, metadata, writer. Both ``UNKNOWN`` where the
    footer is not understood.
    """
    nested = np.empty((_MOST_NESTED, 2), np.int64)
    behind = len(footer)
    first, place, field = UNKNOWN, 0, 0
    while True:
        start = place
        field, kind, place = _field(footer, place, behind, field)
        if place < 0 or kind == 0:
            return UNKNOWN, UNKNOWN
        if field == 3:
            first = start
        place = _skipped(footer, place, behind, kind, nested)
        if field == 4:
            return (first, place) if first > 0 and place > 0 else (UNKNOWN, UNKNOWN)


@kernel
def read_row_groups(
    footer: Bytes,
    first: Whole,
    behind: Whole,
    types: NDArray[np.int64],
    groups: NDArray[np.int64],
    columns: NDArray[np.int64],
) -> Whole:
    """Read the row groups of a footer, and return how many there are.

    ``UNKNOWN``: there is more in them than bounds, counts and sizes, or it is not as expected.

    Parameters
    ----------
    first, behind
        As ``find_row_groups`` returns them.
    types
        Codes of the stored types of all columns.
    groups
        Filled with facts of row groups, (most, ``GROUP_FACTS``).
    columns
        Filled with facts of their columns, (most, columns, ``COLUMN_FACTS``).
    """
    nested = np.empty((_MOST_NESTED, 2), np.int64)
    field, kind, place = _field(footer, first, behind, 2)
    if field != 3 or kind != _INT64:
        return UNKNOWN
    rows, place = _signed(footer, place, behind)
    field, kind, place = _field(footer, place, behind, field)
    if field != 4 or kind != _LIST:
        return UNKNOWN
    count, kind, place = _list(footer, place, behind)
    if kind != _STRUCT or count > len(groups):
        return UNKNOWN
    for group in range(count):
        if place < 0:
            return UNKNOWN
        groups[group] = UNKNOWN
        field, has_columns = 0, False
        while True:
            field, kind, place = _field(footer, place, behind, field)
            if place < 0:
                return UNKNOWN
            if kind == 0:
                break
            if field == 1 and kind == _LIST:
                length, kind, place = _list(footer, place, behind)
                if kind != _STRUCT or length != len(types):
                    return UNKNOWN
                for column in range(length):
                    place = _read_column(footer, place, behind, types[column], columns[group, column], nested)
                has_columns = True
            elif field == 2 and kind == _INT64:
                groups[group, GROUP_BYTES], place = _signed(footer, place, behind)
            elif field == 3 and kind == _INT64:
                groups[group, ROWS], place = _signed(footer, place, behind)
            else:
                place = _skipped(footer, place, behind, kind, nested)
            if place < 0:
                return UNKNOWN
        if not has_columns or groups[group].min() < 0:
            return UNKNOWN
        rows -= groups[group, ROWS]
    return count if place == behind and rows == 0 else UNKNOWN


@kernel
def _read_column(
    footer: Bytes, place: Whole, behind: Whole, type_: Whole, facts: NDArray[np.int64], nested: NDArray[np.int64]
) -> Whole:
    """Fill in the facts of a column of a row group, and return the place behind them."""
    facts[:] = UNKNOWN
    facts[ENCODINGS] = 0
    field, is_there = 0, False
    while True:
        field, kind, place = _field(footer, place, behind, field)
        if place < 0 or kind == 0:
            return place if is_there else UNKNOWN
        if field == 3 and kind == _STRUCT:
            place = _read_details(footer, place, behind, type_, facts, nested)
            is_there = True
        elif field in (1, 8, 9):  # in another file, or encrypted
            return UNKNOWN
        else:
            place = _skipped(footer, place, behind, kind, nested)
        if place < 0:
            return UNKNOWN


@kernel
def _read_details(
    footer: Bytes, place: Whole, behind: Whole, type_: Whole, facts: NDArray[np.int64], nested: NDArray[np.int64]
) -> Whole:
    field = 0
    found_type = np.int64(UNKNOWN)
    while True:
        field, kind, place = _field(footer, place, behind, field)
        if place < 0:
            return UNKNOWN
        if kind == 0:
            is_whole = found_type == type_ and facts[CODEC] >= 0 and facts[PLAIN_BYTES] >= 0
            return place if is_whole else UNKNOWN
        if field == 1 and kind == _INT32:
            found_type, place = _signed(footer, place, behind)
        elif field == 2 and kind == _LIST:
            length, kind, place = _list(footer, place, behind)
            for _ in range(length):
                encoding, place = _signed(footer, place, behind)
                if place < 0 or kind != _INT32 or not 0 <= encoding <= _MOST_ENCODINGS:
                    return UNKNOWN
                facts[ENCODINGS] |= np.int64(1) << encoding
        elif field == 4 and kind == _INT32:
            facts[CODEC], place = _signed(footer, place, behind)
        elif field == 6 and kind == _INT64:
            facts[PLAIN_BYTES], place = _signed(footer, place, behind)
        elif field == 12 and kind == _STRUCT:
            place = _read_statistics(footer, place, behind, type_, facts, nested)
        else:
            place = _skipped(footer, place, behind, kind, nested)
        if place < 0:
            return UNKNOWN


@kernel
def _read_statistics(
    footer: Bytes, place: Whole, behind: Whole, type_: Whole, facts: NDArray[np.int64], nested: NDArray[np.int64]
) -> Whole:
    field, has_old_bounds = 0, False
    while True:
        field, kind, place = _field(footer, place, behind, field)
        if place < 0:
            return UNKNOWN
        if kind == 0:
            has_both = (facts[LOW_LENGTH] >= 0) == (facts[HIGH_LENGTH] >= 0)
            is_known = has_both and (facts[LOW_LENGTH] >= 0 or not has_old_bounds)
            return place if is_known else UNKNOWN
        if field in (5, 6) and kind == _BINARY:
            length, place = _number(footer, place, behind)
            if place < 0 or not 0 <= length <= behind - place:
                return UNKNOWN
            if type_ != TEXT and length != _WIDTHS[type_]:
                return UNKNOWN
            bound = LOW if field == 6 else HIGH
            facts[bound], facts[bound + 1] = place, length
            if type_ != TEXT:
                facts[bound] = _bits(footer, place, length)
            place += length
        elif field == 3 and kind == _INT64:
            facts[NULLS], place = _signed(footer, place, behind)
            if facts[NULLS] < 0:
                return UNKNOWN
        else:
            has_old_bounds |= field in (1, 2)
            place = _skipped(footer, place, behind, kind, nested)
        if place < 0:
            return UNKNOWN


@inlined_kernel
def _bits(footer: Bytes, place: Whole, length: Whole) -> Whole:
    """Return the bits of a stored number, with the sign of the highest one."""
    bits = np.int64(0)
    for byte in range(length):
        bits |= np.int64(footer[place + byte]) << (8 * byte)
    unused = 64 - 8 * length
    return (bits << unused) >> unused
