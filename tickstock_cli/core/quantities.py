"""Durations and sizes that users write."""

from __future__ import annotations

import re

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
