"""Times as a person reads them: in one zone a run, the exchange's. Files and JSON documents have UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache

from tickstock_cli.core.calendar import market_zone
from tickstock_cli.core.times import NS_PER_DAY, NS_PER_SECOND, format_clock, parse_time
from tickstock_cli.core.trading_hours import MarketCalendar

_ISO_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ShownZone:
    """The zone in which a run's times are shown."""

    zone: tzinfo

    @property
    def name(self) -> str:
        """Name of the zone for people.

        Examples
        --------
        >>> exchange_zone("XNYS").name, exchange_zone("24/7").name
        ('New York', 'UTC')
        """
        return str(self.zone).rpartition("/")[2].replace("_", " ")

    def clock(self, ns: int, digits: int = 3) -> str:
        """Return a time (ns UTC) in the zone as text of constant width, truncated to ``digits`` digits of fraction.

        Examples
        --------
        >>> exchange_zone("XNYS").clock(1381239000500000000)
        '2013-10-08 09:30:00.500'
        """
        return format_clock(self.local(ns), digits)

    def retold(self, text: str) -> str:
        """Return a text whose times, in ISO 8601 and UTC as in documents, are shown in the zone, to the second.

        Examples
        --------
        >>> exchange_zone("XNYS").retold("source: no rows since 2026-11-29T05:29:19.25Z of T, AM")
        'source: no rows since 2026-11-29 00:29:19 of T, AM'
        """
        return _ISO_UTC.sub(lambda found: self.clock(parse_time(found[0]), 0), text)

    def day(self, ns: int) -> int:
        """Return the day of a time (ns UTC) in the zone, counted from 1970."""
        return self.local(ns) // NS_PER_DAY

    def local(self, ns: int) -> int:
        """Return what the zone's clocks show at a time (ns UTC), as ns since their 1970."""
        offset = (_EPOCH + timedelta(seconds=int(ns) // NS_PER_SECOND)).astimezone(self.zone).utcoffset()
        return int(ns) + (0 if offset is None else int(offset.total_seconds()) * NS_PER_SECOND)


@cache
def exchange_zone(calendar: MarketCalendar) -> ShownZone:
    """Return the zone of an exchange's calendar, or of its label; New York's if it is unknown."""
    return ShownZone(market_zone(calendar))
