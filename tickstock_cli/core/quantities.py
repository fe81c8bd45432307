"""Durations and sizes, as users write and read them."""

from __future__ import annotations

import re

from tickstock_cli.core.counted import counted
from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.errors import UsageError

_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>ms|s|m|h|d)?", re.ASCII)
_UNIT_SECONDS = {"ms": 0.001, None: 1.0, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}

_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>B|KiB|MiB|GiB|TiB)?", re.ASCII)
_UNIT_BYTES = {None: 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}


def parse_duration(text: str) -> int:
    """Return a duration in ns: a number with ms, s, m, h or d behind it; without one in seconds.

    Raises
    ------
    UsageError
        The text is none, or it is 0.

    Examples
    --------
    >>> parse_duration("1h"), parse_duration("90"), parse_duration("1.5m")
    (3600000000000, 90000000000, 90000000000)
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None or not float(match["number"]):
        raise UsageError(f"a duration must be a number above 0 with ms, s, m, h or d behind it, as in 1h, was {text}")
    return round(float(match["number"]) * _UNIT_SECONDS[match["unit"]] * NS_PER_SECOND)


def parse_size(text: str) -> int:
    """Return a number of bytes: a number with B, KiB, MiB, GiB or TiB behind it.

    Raises
    ------
    UsageError
        The text is none, or it is 0.

    Examples
    --------
    >>> parse_size("4MiB"), parse_size("1.5GiB")
    (4194304, 1610612736)
    """
    match = _SIZE.fullmatch(text.strip())
    size = 0 if match is None else int(float(match["number"]) * _UNIT_BYTES[match["unit"]])
    if size < 1:
        raise UsageError(f"a size must be a number above 0 with KiB, MiB, GiB or TiB behind it, as in 4MiB, was {text}")
    return size


def size_words(size: int) -> str:
    """Return a number of bytes in the largest unit of which it has one: bytes, KiB, MiB or GiB.

    Examples
    --------
    >>> size_words(1), size_words(5_500), size_words(1_500_000), size_words(5 << 30)
    ('1 byte', '5.37 KiB', '1.43 MiB', '5.00 GiB')
    """
    if size < _UNIT_BYTES["KiB"]:
        return counted(size, "byte")
    unit = next(unit for unit in ("GiB", "MiB", "KiB") if size >= _UNIT_BYTES[unit])
    return f"{size / _UNIT_BYTES[unit]:,.2f} {unit}"
