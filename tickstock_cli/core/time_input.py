"""Times that users write: a full time, or a time of day on the recording's only date."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from tickstock_cli.core.times import NS_PER_DAY, NS_PER_SECOND, TIME_FORMS, has_no_zone, parse_time
from tickstock_cli.errors import UsageError

_CLOCK = re.compile(
    r"(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d)(?:\.(?P<fraction>\d{1,9}))?)?", re.ASCII
)
_FORMS = (
    f"{TIME_FORMS.replace('= UTC', '= that of recordings.timezone, else UTC')}; or, if the recording has one date, a "
    "time of day of its market such as 10:31:05"
)
_UNIX_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class TimeInput:
    """A time that a user wrote, before the recording is open.

    Parameters
    ----------
    text
        The text of the user.
    ns
        Nanoseconds since the Unix epoch, UTC; for a time of day, since midnight in the market's zone.
    of_day
        Whether it is a time of day; its date is that of the recording.
    has_no_zone
        Whether it is a full time without a zone; ``ns`` is then right only if its zone is UTC.
    """

    text: str
    ns: int
    of_day: bool = False
    has_no_zone: bool = False

    def resolved(self, span: tuple[int, int] | None, zone: tzinfo) -> int:
        """Return the time in nanoseconds since the Unix epoch, UTC.

        Parameters
        ----------
        span
            First and last available time of the recording, int64 ns UTC; None = unknown.
        zone
            The market's zone.

        Raises
        ------
        UsageError
            The text is a time of day, and the recording has several dates or an unknown one.
        """
        if not self.of_day:
            return self.ns
        if span is None:
            raise UsageError(
                f"the recording does not show the date of {self.text}; write it too, as in 2013-10-08T10:31:05-04:00"
            )
        first, last = (_local_date(time, zone) for time in span)
        if first != last:
            raise UsageError(
                f"the recording goes from {first} to {last}, so the date of {self.text} is unclear; "
                f"write it too, as in {first}T{self.text:0>5}{_offset(first, zone)}"
            )
        noon = datetime(first.year, first.month, first.day, 12, tzinfo=zone).astimezone(UTC)
        # From noon, which no clock change affects.
        days = (noon.date() - _UNIX_EPOCH).days
        at_noon = days * NS_PER_DAY + (noon.hour * 3_600 + noon.minute * 60) * NS_PER_SECOND
        return at_noon + self.ns - NS_PER_DAY // 2


def parse_time_input(text: str, forms: str = _FORMS) -> TimeInput:
    """Read a time.

    Parameters
    ----------
    text
        A text for ``parse_time``, or a time of day such as 10:31:05.
    forms
        The accepted forms, for the message.

    Raises
    ------
    UsageError
        The text is not a time.
    """
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        return TimeInput(text, parse_time(text, forms), has_no_zone=has_no_zone(text))
    seconds = int(match["hour"]) * 3_600 + int(match["minute"]) * 60 + int(match["second"] or 0)
    return TimeInput(text.strip(), seconds * NS_PER_SECOND + int((match["fraction"] or "").ljust(9, "0")), of_day=True)


def local_clock(time: int, zone: tzinfo) -> str:
    """Return a time (int64 ns UTC) as text, to the millisecond, as in 2013-10-08 10:31:05.000 EDT."""
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time // 1_000)).astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 1_000:03d} {local.tzname()}"


def _local_date(time: int, zone: tzinfo) -> date:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time // NS_PER_SECOND)).astimezone(zone).date()


def _offset(day: date, zone: tzinfo) -> str:
    return datetime(day.year, day.month, day.day, 12, tzinfo=zone).isoformat()[-6:]
