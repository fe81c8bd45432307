"""Conversion of times between text and int64 nanoseconds since the Unix epoch, UTC; never through a float."""

from __future__ import annotations

import re
from bisect import bisect_right
from datetime import date, timedelta

from tickstock_cli.errors import UsageError

NS_PER_UNIT = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
"""Nanoseconds per unit of integer times, the longest first."""
UNIT_LIMITS = (10**11, 10**14, 10**17)
"""Magnitudes of times from which on the next unit of ``NS_PER_UNIT`` is meant; see ``epoch_unit``."""

NS_PER_SECOND = 1_000_000_000
NS_PER_DAY = 86_400 * NS_PER_SECOND

MIN_NS = -(2**63)
MAX_NS = 2**63 - 1

_UNITS = tuple(NS_PER_UNIT)
_UNIX_EPOCH_DAY = date(1970, 1, 1).toordinal()

_ISO = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})"
    r"(?:[T ](?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"\s?(?P<zone>Z|[+-]\d{2}(?::?\d{2})?)?)?",
    re.IGNORECASE | re.ASCII,
)
_INTEGER = re.compile(r"-?\d{1,19}", re.ASCII)
_BARE_DATE = re.compile(r"(?:19|20)\d{6}", re.ASCII)

_LONG_UNITS = (("d", 86_400, "h", 3_600), ("h", 3_600, "min", 60), ("min", 60, "s", 1))

TIME_FORMS = "write 2013-10-08, 2013-10-08T09:30:00.5-04:00 (no zone = UTC) or an integer of s, ms, us or ns since 1970"


def parse_time(text: str, forms: str = TIME_FORMS) -> int:
    """Read a time.

    Parameters
    ----------
    text
        ISO 8601 date (its midnight, UTC) or date and time, with up to nine digits of fraction, with a zone
        (``Z``, ``-04:00``, ``-0400``, ``-04``) or in UTC without one; or an integer since the Unix epoch whose
        unit follows from its magnitude, as in ``epoch_unit``.
    forms
        The accepted forms, for the message.

    Returns
    -------
    int
        Nanoseconds since the Unix epoch, UTC, within the range of an int64 (years 1677 to 2262).

    Raises
    ------
    UsageError
        The text is not a time, is out of range, or can be both a date and an integer.

    Examples
    --------
    >>> parse_time("2013-10-08T09:30:00.000000001-04:00")
    1381239000000000001
    >>> parse_time("1381239000")
    1381239000000000000
    """
    stripped = text.strip()
    if _BARE_DATE.fullmatch(stripped):
        raise UsageError(f"time {text!r} may be a date or seconds since 1970; {forms}")
    if _INTEGER.fullmatch(stripped):
        value = int(stripped)
        return _in_range(value * NS_PER_UNIT[epoch_unit(value)], text)
    match = _ISO.fullmatch(stripped)
    if match is None:
        raise UsageError(f"cannot read {text!r} as a time; {forms}")
    return _in_range(_iso_ns(match, text), text)


def has_no_zone(text: str) -> bool:
    """Return whether a text that ``parse_time`` reads is a date or a time without a zone."""
    match = _ISO.fullmatch(text.strip())
    return match is not None and match["zone"] is None


def epoch_unit(value: float) -> str:
    """Guess the unit (a key of ``NS_PER_UNIT``) of a time from its magnitude.

    Below 1e11 seconds (the year 5138), below 1e14 milliseconds, below 1e17 microseconds, else nanoseconds: each
    unit covers 1973-03-03 to 5138, so the unit of a market's time is unambiguous.
    """
    return _UNITS[bisect_right(UNIT_LIMITS, abs(value))]


def format_time(ns: int) -> str:
    """Return a time as ISO 8601 text in UTC, with the shortest exact fraction.

    Parameters
    ----------
    ns
        Nanoseconds since the Unix epoch, UTC; any int64.

    Examples
    --------
    >>> format_time(1381239000500000000)
    '2013-10-08T13:30:00.5Z'
    """
    days, rest = divmod(int(ns), NS_PER_DAY)
    day = date.fromordinal(_UNIX_EPOCH_DAY + days).isoformat()
    seconds, fraction = divmod(rest, NS_PER_SECOND)
    digits = f".{fraction:09d}".rstrip("0").rstrip(".")
    return f"{day}T{timedelta(seconds=seconds)!s:0>8}{digits}Z"


def format_clock(ns: int, digits: int = 3) -> str:
    """Return a time as text for a table, in UTC, truncated to ``digits`` digits of fraction, in constant width.

    Examples
    --------
    >>> format_clock(1381239000500000000), format_clock(1381239000999999999, 0)
    ('2013-10-08 13:30:00.500', '2013-10-08 13:30:00')
    """
    seconds, fraction = divmod(int(ns), NS_PER_SECOND)
    text = format_time(seconds * NS_PER_SECOND).replace("T", " ").removesuffix("Z")
    return f"{text}.{fraction:09d}"[: len(text) + 1 + digits] if digits else text


def format_duration(ns: int) -> str:
    """Return a duration as text: its two largest units, or one unit with up to three digits of fraction.

    Examples
    --------
    >>> [format_duration(ns) for ns in (0, 850, 2_500_000, 59_999_000_000, 90_000_000_000, 7_500_000_000_000)]
    ['0 s', '850 ns', '2.5 ms', '59.999 s', '1 min 30 s', '2 h 5 min']
    """
    if ns < 0:
        return f"-{format_duration(-ns)}"
    if ns and ns < NS_PER_SECOND:
        unit = next(unit for unit in ("ms", "us", "ns") if ns >= NS_PER_UNIT[unit])
        return _decimal(ns, NS_PER_UNIT[unit], unit)
    if ns < 60 * NS_PER_SECOND:
        return _decimal(ns, NS_PER_SECOND, "s")
    seconds = ns // NS_PER_SECOND
    upper, upper_seconds, lower, lower_seconds = next(pair for pair in _LONG_UNITS if seconds >= pair[1])
    whole, rest = divmod(seconds, upper_seconds)
    return f"{whole} {upper} {rest // lower_seconds} {lower}"


def _decimal(ns: int, divisor: int, unit: str) -> str:
    """Return a number truncated, not rounded, to three digits: 59.9999 s must not become 60 s."""
    whole, rest = divmod(ns, divisor)
    digits = f".{rest * 1_000 // divisor:03d}".rstrip("0").rstrip(".")
    return f"{whole}{digits} {unit}"


def _iso_ns(match: re.Match[str], text: str) -> int:
    try:
        day = date.fromisoformat(match["date"])
    except ValueError as error:
        raise UsageError(f"time {text!r}: {error}") from error
    hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    for name, value, greatest in (("hour", hour, 23), ("minute", minute, 59), ("second", second, 59)):
        if value > greatest:
            raise UsageError(f"time {text!r}: {name} is {value}, but 0 to {greatest} is allowed")
    seconds = (day.toordinal() - _UNIX_EPOCH_DAY) * 86_400 + hour * 3_600 + minute * 60 + second
    fraction = int((match["fraction"] or "").ljust(9, "0"))
    return (seconds - _zone_seconds(match["zone"], text)) * NS_PER_SECOND + fraction


def _zone_seconds(zone: str | None, text: str) -> int:
    """Return a zone's offset to the east of UTC in seconds."""
    if zone is None or zone in "Zz":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
    if hours > 23 or minutes > 59:
        raise UsageError(f"time {text!r}: zone {zone} is out of range")
    return (hours * 3_600 + minutes * 60) * (-1 if zone[0] == "-" else 1)


def _in_range(ns: int, text: str) -> int:
    if not MIN_NS <= ns <= MAX_NS:
        raise UsageError(f"time {text!r} is out of range: {format_time(MIN_NS)} to {format_time(MAX_NS)} is allowed")
    return ns
