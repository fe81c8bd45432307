"""Moments as people write them: a whole time, or a time of day on the recording's only date."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from tickstock_cli.core.times import NS_PER_DAY, NS_PER_SECOND, parse_time
from tickstock_cli.errors import UsageError

_CLOCK = re.compile(
    r"(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d)(?:\.(?P<fraction>\d{1,9}))?)?"
)
_UNIX_EPOCH = date(1970, 1, 1)


def market_zone(calendar: str) -> tzinfo:
    """Give the zone of a calendar's days: New York's, or UTC for ``24/7``."""
    return UTC if calendar == "24/7" else ZoneInfo("America/New_York")


def resolve_moment(text: str, span: tuple[int, int] | None, zone: tzinfo) -> int:
    """Read a moment.

    Parameters
    ----------
    text
        As ``parse_time`` takes it, or a time of day such as 10:31:05 in ``zone``.
    span
        First and last available time of the recording, int64 ns UTC; None if unknown.

    Returns
    -------
    int
        Nanoseconds since the Unix epoch, UTC.

    Raises
    ------
    UsageError
        The text is no time, or a time of day while the recording has more than one date.
    """
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        return parse_time(text)
    if span is None:
        raise UsageError(
            f"cannot tell the date of {text} from the recording; write it too, as in 2013-10-08T10:31:05-04:00"
        )
    first, last = (_local_date(time, zone) for time in span)
    if first != last:
        raise UsageError(
            f"the recording goes from {first} to {last}, so the date of {text} is unclear; "
            f"write it too, as in {first}T{text}{_offset(first, zone)}"
        )
    seconds = int(match["hour"]) * 3_600 + int(match["minute"]) * 60 + int(match["second"] or 0)
    noon = datetime(first.year, first.month, first.day, 12, tzinfo=zone).astimezone(UTC)
    # From noon, which is never in the hours that a change of clocks takes or gives.
    days = (noon.date() - _UNIX_EPOCH).days
    at_noon = days * NS_PER_DAY + (noon.hour * 3_600 + noon.minute * 60) * NS_PER_SECOND
    return at_noon + (seconds - 12 * 3_600) * NS_PER_SECOND + int((match["fraction"] or "").ljust(9, "0"))


def local_clock(time: int, zone: tzinfo) -> str:
    """Write a time (int64 ns UTC) to the millisecond, as in 2013-10-08 10:31:05.000 EDT."""
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time // 1_000)).astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 1_000:03d} {local.tzname()}"


def _local_date(time: int, zone: tzinfo) -> date:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time // NS_PER_SECOND)).astimezone(zone).date()


def _offset(day: date, zone: tzinfo) -> str:
    return datetime(day.year, day.month, day.day, 12, tzinfo=zone).isoformat()[-6:]
