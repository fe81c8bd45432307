"""Lengths of bars, from numbers with a unit, durations, or texts such as 5min."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from tickstock_cli.core.batch import Int64s
from tickstock_cli.core.times import NS_PER_SECOND, NS_PER_UNIT
from tickstock_cli.sources.plain_numbers import real, whole

MINUTE, HOUR, DAY = 60 * NS_PER_SECOND, 3_600 * NS_PER_SECOND, 86_400 * NS_PER_SECOND
UNITS = {"s": NS_PER_SECOND, "min": MINUTE, "h": HOUR, "d": DAY, "ms": 1_000_000, "us": 1_000, "ns": 1}
"""Nanoseconds per unit of numbers, the likeliest first."""

FORMS = "seconds, or a text such as 30s, 1m, 5min, 1h or 1d"

_WORDS = {
    **UNITS,
    "m": MINUTE,
    "t": MINUTE,
    **dict.fromkeys(("sec", "secs", "second", "seconds"), NS_PER_SECOND),
    **dict.fromkeys(("mins", "minute", "minutes"), MINUTE),
    **dict.fromkeys(("hr", "hrs", "hour", "hours", "hourly"), HOUR),
    **dict.fromkeys(("day", "days", "daily"), DAY),
    **dict.fromkeys(("w", "wk", "week", "weeks", "weekly"), 7 * DAY),
}
_TEXT = re.compile(r"\s*(\d{0,12}(?:\.\d{1,9})?)[\s_-]*([A-Za-z]*)\s*", re.ASCII)
_ISO = re.compile(r"\s*P(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?)?\s*", re.ASCII)
_ISO_WEEKS = re.compile(r"\s*P(\d{1,6})W\s*", re.ASCII)
_UNIT_FIRST = re.compile(r"\s*([A-Za-z]+)_?(\d{1,6})\s*", re.ASCII)
"""MetaTrader's M5 and H1, and MINUTE_5; its month is MN1."""
_CLOCK = re.compile(r"\s*(?:(\d{1,6}) days? )?(\d{1,2}):(\d{2}):(\d{2})\s*", re.ASCII)
"""A duration as pandas and databases write it: 00:05:00, 0 days 00:05:00."""
_LONGEST = 2**62
LAST_MOMENTS = (NS_PER_SECOND, 1_000_000, 1_000, 1)
"""How far before the end of a bar its last moment is, in the units of clocks."""
_FEWEST_STEPS = 20


def parse_interval(text: str, unit_ns: int = NS_PER_SECOND) -> int | None:
    """Return the length of a bar that a text says, in ns; None if it says none.

    Parameters
    ----------
    unit_ns
        Unit of a number alone, in ns.

    Examples
    --------
    >>> [parse_interval(text) for text in ("1m", "5min", "PT1H", "90")]
    [60000000000, 300000000000, 3600000000000, 90000000000]
    >>> parse_interval("1M") is None  # a month
    True
    """
    iso = _ISO.fullmatch(text)
    if iso is not None and any(iso.groups()):
        return _sum(iso.groups()) or None
    clock = _CLOCK.fullmatch(text)
    if clock is not None:
        return _sum(clock.groups()) or None
    unit_first = _UNIT_FIRST.fullmatch(text)
    match = _TEXT.fullmatch(text)
    if unit_first is not None:
        word, number = unit_first.groups()
    elif match is not None:
        number, word = match.groups()
    else:
        weeks = _ISO_WEEKS.fullmatch(text)
        number, word = (weeks[1], "w") if weeks is not None else ("", "")
    if (word == "M" and unit_first is None) or not (number or len(word) > 2):
        return None
    ns = _WORDS.get(word.lower()) if word else unit_ns
    length = None if ns is None else round(float(number or 1) * ns)
    return length if length and 0 < length < _LONGEST else None


def _sum(counts: Sequence[str | None]) -> int:
    """Return days, hours, minutes and seconds in ns; None is 0."""
    units = (DAY, HOUR, MINUTE, NS_PER_SECOND)
    return sum(int(count or 0) * ns for count, ns in zip(counts, units, strict=True))


def lengths(column: pa.Array[Any], unit_ns: int, default_ns: int) -> Int64s:
    """Return the lengths of bars in ns; ``default_ns`` for null and NaN, 0 where a value is no length.

    Parameters
    ----------
    unit_ns
        Unit of numbers, in ns.
    """
    if isinstance(column, pa.DictionaryArray):
        column = column.dictionary_decode()
    if isinstance(column.type, pa.DurationType):
        numbers = real(column.cast(pa.int64()), np.nan) * NS_PER_UNIT[column.type.unit]
    elif pt.is_string(column.type) or pt.is_large_string(column.type) or pt.is_string_view(column.type):
        return _of_texts(column, unit_ns, default_ns)
    else:
        numbers = real(column, np.nan) * unit_ns
    numbers = np.where(np.isnan(numbers), default_ns, numbers)
    numbers[~((numbers > 0) & (numbers <= _LONGEST))] = 0
    return np.rint(numbers).astype(np.int64)


def whole_ends(labels: Int64s, length: Int64s | int) -> Int64s:
    """Return the ends of bars (ns) that are labelled by them, or by their last moment, such as 09:30:59.999.

    A label is the last moment where it is one second, millisecond, microsecond or nanosecond before a multiple of the
    bar's length, at most of a minute, and that step is no more than a twentieth of it.

    Examples
    --------
    >>> [whole_ends(np.array([ns]), 60 * 10**9).item() // 10**9 for ns in (59 * 10**9, 60 * 10**9, 59_999_000_000)]
    [60, 60, 60]
    """
    multiple = np.minimum(length, MINUTE)
    ends = labels
    for step in LAST_MOMENTS:
        is_last = (multiple >= _FEWEST_STEPS * step) & ((labels + step) % multiple == 0)
        ends = np.where(is_last, labels + step, ends)
    return ends


def _of_texts(column: pa.Array[Any], unit_ns: int, default_ns: int) -> Int64s:
    encoded: Any = column.dictionary_encode()
    known = [0 if text is None else parse_interval(text, unit_ns) or 0 for text in encoded.dictionary.to_pylist()]
    table = np.array([*known, default_ns], dtype=np.int64)
    found: Int64s = table[whole(encoded.indices, len(known))]
    return found
