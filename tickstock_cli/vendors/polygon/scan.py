"""Reads plain frames of trades straight into columns: no object is made of a message, and the GIL is free meanwhile.

A frame is plain if it holds nothing but trades, written as the vendor writes them: no spaces, no escapes, ASCII text,
known fields, each at most once, numbers without a sign or an exponent. `messages` reads all others, and reads the same
from these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.core.batch import Float64s, Int64s
from tickstock_cli.kernels.jit import kernel

Bools = NDArray[np.bool_]

EXCHANGE: Final = 0
SEQUENCE: Final = 1
TAPE: Final = 2
TRF_ID: Final = 3
TIME: Final = 4
PARTICIPANT_TIME: Final = 5
PRICE: Final = 6
SIZE: Final = 7
EXACT_SIZE: Final = 8
_CONDITIONS, _TICKER, _TRADE_ID = 9, 10, 11

_LIMITS = np.array([2**15, 2**63 - 1, 2**7, 2**15, 2**63 - 1, 2**63 - 1], dtype=np.int64)
"""Integers of each field are below this."""
_POWERS: Float64s = np.array([float(10**exponent) for exponent in range(23)])
"""Powers of ten that a float64 holds exactly: a quotient by one of them is rounded once, as correct rounding wants."""
_EXACT = 2**53
_DIGITS = 18
"""Digits that an int64 always holds."""
_LEAST_TRADE = len(b'{"ev":"T"},')

_QUOTE, _COMMA, _COLON, _POINT, _ZERO, _NINE = 34, 44, 58, 46, 48, 57
_OPEN, _CLOSE, _BEGIN, _END, _BACKSLASH = 91, 93, 123, 125, 92
_START = np.frombuffer(b'{"ev":"T"', dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class PlainTrades:
    """The trades of plain frames.

    Parameters
    ----------
    lengths
        The number of trades of each frame.
    ticker, trade_id
        Text columns; null where a trade lacks its id.
    conditions
        Lists of condition ids, empty where a trade has none.
    """

    lengths: Int64s
    ticker: pa.Array[Any]
    trade_id: pa.Array[Any]
    conditions: pa.Array[Any]
    _seen: NDArray[np.int32]
    _in_all: int
    _in_some: int
    _wholes: NDArray[np.int64]
    _reals: NDArray[np.float64]

    def known(self, field: int) -> Bools | None:
        """Return where a field is known; None if it is everywhere."""
        return None if self._in_all >> field & 1 else (self._seen >> field & 1) != 0

    def has(self, field: int) -> bool:
        """Return whether a field is known anywhere."""
        return bool(self._in_some >> field & 1)

    def whole(self, field: int) -> Int64s:
        """Return the integers of a field; 0 where unknown."""
        return self._wholes[field, : len(self._seen)]

    def wholes(self, field: int, type_: Any) -> Any:
        """Return the integers of a field as a column of a numpy type."""
        if not self.has(field):
            nulls: Any = pa.nulls
            return nulls(len(self._seen), pa.from_numpy_dtype(type_))
        return _column(self.whole(field).astype(type_), self.known(field))

    def reals(self, *fields: int) -> Any:
        """Return the numbers of the first of some fields that is known, as a column."""
        known = self.known(fields[0])
        numbers = self._reals[fields[0] - PRICE, : len(self._seen)]
        for field in fields[1:]:
            if known is None:
                break
            numbers = np.where(known, numbers, self._reals[field - PRICE, : len(self._seen)])
            others = self.known(field)
            known = None if others is None else known | others
        return _column(numbers, known)


def scan_trades(frames: Sequence[bytes | str]) -> PlainTrades | None:
    """Return the trades of frames; None if one of them is not plain, or if there is no trade."""
    if not frames or not all(isinstance(frame, bytes) for frame in frames):
        return None
    data = np.frombuffer(b"".join(cast(Sequence[bytes], frames)), dtype=np.uint8)
    ends = np.cumsum(np.fromiter(map(len, frames), np.int64, len(frames)))
    most = len(data) // _LEAST_TRADE + 1
    lengths = np.empty(len(frames), dtype=np.int64)
    seen = np.empty(most, dtype=np.int32)
    wholes = np.zeros((6, most), dtype=np.int64)
    reals = np.empty((3, most), dtype=np.float64)
    text_ends = np.zeros((2, most + 1), dtype=np.int32)
    texts = np.empty((2, len(data)), dtype=np.uint8)
    condition_ends = np.zeros(most + 1, dtype=np.int32)
    conditions = np.empty(len(data) // 2 + 1, dtype=np.int16)
    rows = _scan(data, ends, lengths, seen, wholes, reals, text_ends, texts, condition_ends, conditions)
    if rows < 1:
        return None
    seen = seen[:rows]
    in_all = int(np.bitwise_and.reduce(seen))
    offsets = condition_ends[: rows + 1]
    return PlainTrades(
        lengths,
        _text(text_ends[0, : rows + 1], texts[0], None),
        _text(text_ends[1, : rows + 1], texts[1], None if in_all >> _TRADE_ID & 1 else (seen >> _TRADE_ID & 1) != 0),
        pa.ListArray.from_arrays(_column(offsets), _column(conditions[: offsets[-1]])),
        seen,
        in_all,
        int(np.bitwise_or.reduce(seen)),
        wholes,
        reals,
    )


def _column(numbers: NDArray[Any], known: Bools | None = None) -> Any:
    column: pa.Array[Any] = pa.array(numbers, mask=None if known is None else ~known)
    return column


def _text(ends: NDArray[np.int32], text: NDArray[np.uint8], known: Bools | None) -> pa.Array[Any]:
    """Return a text column of its own memory: the scan's is many times as large."""
    bitmap = None if known is None else pa.py_buffer(np.packbits(known, bitorder="little").tobytes())
    buffers = [bitmap, pa.py_buffer(ends.tobytes()), pa.py_buffer(text[: ends[-1]].tobytes())]
    return pa.Array.from_buffers(pa.string(), len(ends) - 1, buffers)


@kernel
def _field(data: NDArray[np.uint8], begin: int, end: int) -> int:
    """Return the field of a key; -1 for others."""
    size = end - begin
    first = data[begin] if size > 0 else 0
    if size == 1:
        if first == 112:  # p
            return PRICE
        if first == 115:  # s
            return SIZE
        if first == 116:  # t
            return TIME
        if first == 120:  # x
            return EXCHANGE
        if first == 105:  # i
            return _TRADE_ID
        if first == 113:  # q
            return SEQUENCE
        if first == 122:  # z
            return TAPE
        if first == 99:  # c
            return _CONDITIONS
    elif size == 2:
        if first == 100 and data[begin + 1] == 115:  # ds
            return EXACT_SIZE
        if first == 112 and data[begin + 1] == 116:  # pt
            return PARTICIPANT_TIME
    elif size == 3:
        if first == 115 and data[begin + 1] == 121 and data[begin + 2] == 109:  # sym
            return _TICKER
    elif size == 4 and first == 116 and data[begin + 1] == 114 and data[begin + 2] == 102 and data[begin + 3] == 105:
        return TRF_ID
    return -1


@kernel
def _digits(data: NDArray[np.uint8], place: int, end: int) -> tuple[Any, int]:
    """Return the integer of the digits from ``place`` on, and where they end; an end of -1 if there is none to read."""
    begin = place
    value = np.int64(0)
    while place < end and _ZERO <= data[place] <= _NINE:
        value = value * 10 + np.int64(data[place] - _ZERO)
        place += 1
        if place - begin > _DIGITS:
            return 0, -1
    if place == begin or (data[begin] == _ZERO and place - begin > 1):
        return 0, -1
    return value, place


@kernel
def _real(data: NDArray[np.uint8], place: int, end: int, powers: NDArray[np.float64]) -> tuple[float, int]:
    """Return the number from ``place`` on, and where it ends; an end of -1 if it has to be read with more care."""
    value, place = _digits(data, place, end)
    if place < 0 or place >= end or data[place] != _POINT:
        return (np.float64(value), place) if value < _EXACT else (0.0, -1)
    point = place
    place += 1
    while place < end and _ZERO <= data[place] <= _NINE:
        value = value * 10 + np.int64(data[place] - _ZERO)
        place += 1
        if value >= _EXACT or place - point >= len(powers):
            return 0.0, -1
    decimals = place - point - 1
    if decimals == 0:
        return 0.0, -1
    return np.float64(value) / powers[decimals], place


@kernel
def _text_end(data: NDArray[np.uint8], place: int, end: int) -> int:
    """Return where the text from ``place`` on ends, at its quote; -1 if it is not plain."""
    while place < end and data[place] != _QUOTE:
        if data[place] < 32 or data[place] > 126 or data[place] == _BACKSLASH:
            return -1
        place += 1
    return place if place < end else -1


@kernel
def _scan_frames(
    data: NDArray[np.uint8],
    ends: NDArray[np.int64],
    start: NDArray[np.uint8],
    powers: NDArray[np.float64],
    limits: NDArray[np.int64],
    lengths: NDArray[np.int64],
    seen: NDArray[np.int32],
    wholes: NDArray[np.int64],
    reals: NDArray[np.float64],
    text_ends: NDArray[np.int32],
    texts: NDArray[np.uint8],
    condition_ends: NDArray[np.int32],
    conditions: NDArray[np.int16],
) -> int:
    """Fill the columns with the trades of frames; return their number, or -1 if a frame is not plain."""
    row = 0
    condition = 0
    place = 0
    for frame in range(len(ends)):
        end = ends[frame]
        first_row = row
        if end - place < 2 or data[place] != _OPEN or data[end - 1] != _CLOSE:
            return -1
        place += 1
        last = end - 1
        while place < last:
            if row > first_row:
                if data[place] != _COMMA:
                    return -1
                place += 1
            for one in range(len(start)):
                if place >= last or data[place] != start[one]:
                    return -1
                place += 1
            fields = 0
            text_ends[0, row + 1] = text_ends[0, row]
            text_ends[1, row + 1] = text_ends[1, row]
            while place < last and data[place] == _COMMA:
                if place + 1 >= last or data[place + 1] != _QUOTE:
                    return -1
                key = place + 2
                place = _text_end(data, key, last)
                if place < 0 or place + 2 >= last or data[place + 1] != _COLON:
                    return -1
                field = _field(data, key, place)
                if field < 0 or fields >> field & 1:
                    return -1
                fields |= 1 << field
                place += 2
                if field <= PARTICIPANT_TIME:
                    whole, place = _digits(data, place, last)
                    if place < 0 or whole >= limits[field]:
                        return -1
                    wholes[field, row] = whole
                elif field <= EXACT_SIZE:
                    quoted = field == EXACT_SIZE and data[place] == _QUOTE
                    number, place = _real(data, place + quoted, last, powers)
                    if place < 0 or (quoted and (place >= last or data[place] != _QUOTE)):
                        return -1
                    place += quoted
                    reals[field - PRICE, row] = number
                elif field == _CONDITIONS:
                    if data[place] != _OPEN:
                        return -1
                    place += 1
                    if place < last and data[place] == _CLOSE:
                        place += 1
                        continue
                    while True:
                        id_, place = _digits(data, place, last)
                        if place < 0 or place >= last or id_ >= limits[EXCHANGE]:
                            return -1
                        conditions[condition] = id_
                        condition += 1
                        place += 1
                        if data[place - 1] == _CLOSE:
                            break
                        if data[place - 1] != _COMMA:
                            return -1
                else:
                    if data[place] != _QUOTE:
                        return -1
                    begin = place + 1
                    place = _text_end(data, begin, last)
                    if place < 0:
                        return -1
                    which = field - _TICKER
                    to = text_ends[which, row]
                    for at in range(begin, place):
                        texts[which, to] = data[at]
                        to += 1
                    text_ends[which, row + 1] = to
                    place += 1
            if place >= last or data[place] != _END or not fields >> _TICKER & 1:
                return -1
            place += 1
            seen[row] = fields
            row += 1
            condition_ends[row] = condition
        if place != last:
            return -1
        place = end
        lengths[frame] = row - first_row
    return row


def _scan(data: NDArray[np.uint8], ends: Int64s, *columns: NDArray[Any]) -> int:
    return _scan_frames(data, ends, _START, _POWERS, _LIMITS, *columns)
