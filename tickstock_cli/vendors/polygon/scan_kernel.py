"""The kernel that reads plain frames of trades into columns; `scan` says what is plain, and makes the columns."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.jit import kernel

EXCHANGE: Final = 0
SEQUENCE: Final = 1
TAPE: Final = 2
TRF_ID: Final = 3
TIME: Final = 4
PARTICIPANT_TIME: Final = 5
_TRF_TIME: Final = 6
PRICE: Final = 7
SIZE: Final = 8
EXACT_SIZE: Final = 9
_CONDITIONS, _TICKER, TRADE_ID = 10, 11, 12

_DIGITS = 18
"""Digits that an int64 always holds."""
_EXACT = 2**53
LEAST_TRADE = len(b'{"ev":"T"},')
BEHIND = b"\n\n"
"""Follows the line end of the last frame: a key is compared up to two characters ahead."""

_QUOTE, _COMMA, _COLON, _POINT, _ZERO, _NINE = 34, 44, 58, 46, 48, 57
_OPEN, _CLOSE, _BEGIN, _END, _BACKSLASH = 91, 93, 123, 125, 92
_FIRST, _LAST = 32, 126
"""Bounds of the characters of plain text."""


class ScanTables(NamedTuple):
    """Constants of the kernel, which takes arrays as arguments alone.

    Parameters
    ----------
    letters
        The fields whose keys are one character, by character; -1 for others.
    powers
        Powers of ten that a float64 holds exactly: a quotient by one is rounded once, as correct rounding wants.
    limits
        Integers of each field are below this.
    """

    letters: NDArray[np.int64]
    powers: NDArray[np.float64]
    limits: NDArray[np.int64]

    @classmethod
    def new(cls) -> ScanTables:
        """Return the tables."""
        letters = np.full(256, -1, dtype=np.int64)
        for letter, field in zip(
            b"xqztpsci", (EXCHANGE, SEQUENCE, TAPE, TIME, PRICE, SIZE, _CONDITIONS, TRADE_ID), strict=True
        ):
            letters[letter] = field
        powers = np.array([float(10**exponent) for exponent in range(_DIGITS + 1)])
        limits = np.array([2**15, 2**63 - 1, 2**7, 2**15, 2**63 - 1, 2**63 - 1, 2**63 - 1], dtype=np.int64)
        return cls(letters, powers, limits)


class ScannedColumns(NamedTuple):
    """Columns of trades, by row.

    Parameters
    ----------
    seen
        The fields that a trade has, as bits.
    wholes, reals
        Integers and numbers, by field; the first of ``reals`` is ``PRICE``.
    text_ends, texts
        Tickers and trade ids: where each ends, behind that of row - 1, and the characters of all.
    condition_ends, conditions
        Likewise the condition ids.
    """

    seen: NDArray[np.int32]
    wholes: NDArray[np.int64]
    reals: NDArray[np.float64]
    text_ends: NDArray[np.int32]
    texts: NDArray[np.uint8]
    condition_ends: NDArray[np.int32]
    conditions: NDArray[np.int16]

    @classmethod
    def of_size(cls, size: int) -> ScannedColumns:
        """Return columns that have room for the trades of so many bytes."""
        most = size // LEAST_TRADE + 1
        return cls(
            np.empty(most, dtype=np.int32),
            np.empty((_TRF_TIME + 1, most), dtype=np.int64),
            np.empty((EXACT_SIZE - PRICE + 1, most), dtype=np.float64),
            np.zeros((2, most + 1), dtype=np.int32),
            np.empty((2, size), dtype=np.uint8),
            np.zeros(most + 1, dtype=np.int32),
            np.empty(size // 2 + 1, dtype=np.int16),
        )


# The kernels below look at no end of the data: a line end follows every frame, and nothing plain holds one.


@kernel
def _digits(data: NDArray[np.uint8], place: int) -> tuple[Any, int]:
    """Return the integer of the digits from ``place`` on, and where they end; an end of 0 if there is none to read."""
    begin = place
    value = np.int64(0)
    while _ZERO <= data[place] <= _NINE:
        value = value * 10 + np.int64(data[place] - _ZERO)
        place += 1
    digits = place - begin
    if digits == 0 or digits > _DIGITS or (digits > 1 and data[begin] == _ZERO):
        return value, 0
    return value, place


@kernel
def _real(data: NDArray[np.uint8], place: int, powers: NDArray[np.float64]) -> tuple[float, int]:
    """Return the number from ``place`` on, and where it ends; an end of 0 if it has to be read with more care."""
    begin = place
    value, place = _digits(data, place)
    if place == 0 or data[place] != _POINT:
        return np.float64(value), (place if value < _EXACT else 0)
    place += 1
    point = place
    while _ZERO <= data[place] <= _NINE:
        value = value * 10 + np.int64(data[place] - _ZERO)
        place += 1
    decimals = place - point
    if decimals == 0 or place - begin > _DIGITS + 1 or value >= _EXACT:
        return 0.0, 0
    return np.float64(value) / powers[decimals], place


@kernel
def _scan_frame(
    data: NDArray[np.uint8], place: int, end: int, row: int, tables: ScanTables, out: ScannedColumns
) -> int:
    """Write the trades of a frame from ``row`` on; return the row behind them, -1 if the frame is not plain."""
    condition = out.condition_ends[row]
    ticker_end, id_end = out.text_ends[0, row], out.text_ends[1, row]
    if data[place] != _OPEN:
        return -1
    while True:
        place += 1
        if not (
            data[place] == _BEGIN
            and data[place + 1] == _QUOTE
            and data[place + 2] == 101  # e
            and data[place + 3] == 118  # v
            and data[place + 4] == _QUOTE
            and data[place + 5] == _COLON
            and data[place + 6] == _QUOTE
            and data[place + 7] == 84  # T
            and data[place + 8] == _QUOTE
        ):
            return -1
        place += 9
        fields = 0
        while data[place] == _COMMA:
            if data[place + 1] != _QUOTE:
                return -1
            # The key, step by step: a function of it that returns two values makes the scan twice as slow.
            first, second = data[place + 2], data[place + 3]
            if second == _QUOTE:
                field = tables.letters[first]
                place += 4
            elif first == 115 and second == 121 and data[place + 4] == 109 and data[place + 5] == _QUOTE:  # sym
                field = _TICKER
                place += 6
            elif first == 100 and second == 115 and data[place + 4] == _QUOTE:  # ds
                field = EXACT_SIZE
                place += 5
            elif first == 112 and second == 116 and data[place + 4] == _QUOTE:  # pt
                field = PARTICIPANT_TIME
                place += 5
            elif first == 116 and second == 114 and data[place + 4] == 102 and data[place + 6] == _QUOTE:  # trf
                if data[place + 5] == 105:  # i
                    field = TRF_ID
                elif data[place + 5] == 116:  # t
                    field = _TRF_TIME
                else:
                    return -1
                place += 7
            else:
                return -1
            if field < 0 or data[place] != _COLON or fields >> field & 1:
                return -1
            fields |= 1 << field
            place += 1
            if field <= _TRF_TIME:
                whole, place = _digits(data, place)
                if place == 0 or whole >= tables.limits[field]:
                    return -1
                out.wholes[field, row] = whole
            elif field <= EXACT_SIZE:
                quoted = field == EXACT_SIZE and data[place] == _QUOTE
                number, place = _real(data, place + quoted, tables.powers)
                if place == 0 or (quoted and data[place] != _QUOTE):
                    return -1
                place += quoted
                out.reals[field - PRICE, row] = number
            elif field == _CONDITIONS:
                if data[place] != _OPEN:
                    return -1
                place += 1
                if data[place] == _CLOSE:
                    place += 1
                    continue
                while True:
                    id_, place = _digits(data, place)
                    if place == 0 or id_ >= tables.limits[EXCHANGE]:
                        return -1
                    out.conditions[condition] = id_
                    condition += 1
                    place += 1
                    if data[place - 1] == _CLOSE:
                        break
                    if data[place - 1] != _COMMA:
                        return -1
            else:
                if data[place] != _QUOTE:
                    return -1
                place += 1
                which = field - _TICKER
                to = ticker_end if which == 0 else id_end
                while data[place] != _QUOTE:
                    if data[place] < _FIRST or data[place] > _LAST or data[place] == _BACKSLASH:
                        return -1
                    out.texts[which, to] = data[place]
                    to += 1
                    place += 1
                place += 1
                if which == 0:
                    ticker_end = to
                else:
                    id_end = to
        if data[place] != _END or not fields >> _TICKER & 1:
            return -1
        place += 1
        out.seen[row] = fields
        row += 1
        out.text_ends[0, row], out.text_ends[1, row] = ticker_end, id_end
        out.condition_ends[row] = condition
        if data[place] != _COMMA:
            break
    return row if data[place] == _CLOSE and place + 1 == end else -1


@kernel
def scan_frames(
    data: NDArray[np.uint8],
    ends: NDArray[np.int64],
    tables: ScanTables,
    lengths: NDArray[np.int64],
    out: ScannedColumns,
) -> int:
    """Write the trades of plain frames, and the number of trades of each frame; return that of all.

    Parameters
    ----------
    data
        The frames, each with a line end behind it, and ``BEHIND``.
    ends
        Where each line end is.
    lengths
        Gets the number of trades of each frame; -1 for one that is not plain, whose trades are not written.
    """
    row = 0
    place = 0
    for frame in range(len(ends)):
        behind = _scan_frame(data, place, ends[frame], row, tables, out)
        lengths[frame] = -1 if behind < 0 else behind - row
        row = max(row, behind)
        place = ends[frame] + 1
    return row
