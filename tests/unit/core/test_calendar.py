"""Session tables are put together from years, and no joint shows."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from holidays import HALF_DAY, PUBLIC, financial_holidays

from tests.oracle.sessions import Segment, segment_of
from tickstock_cli.core import calendar as calendars
from tickstock_cli.core.calendar import PHASE_MASK, SEGMENT_DAY, Calendar
from tickstock_cli.core.events import PHASES
from tickstock_cli.kernels import rows
from tickstock_cli.testing import SECOND, new_york


def segment_at(time: int, name: str = "XNYS") -> Segment:
    """Return the segment of a time, as the tables have it."""
    table = Calendar(name).table(time, time)
    segment = int(table.segments[int(table.starts.searchsorted(time, side="right")) - 1])
    return Segment(date(1970, 1, 1) + timedelta(days=segment // SEGMENT_DAY), PHASES[segment & PHASE_MASK])


@pytest.mark.parametrize("name", ["XNYS", "24/7"])
def test_a_table_that_grew_is_the_table_of_all_its_years(name: str) -> None:
    """Rows with wrong times widen the table in any order; every segment is in it once, in order of time."""
    first, middle, last = (new_york(f"{year}-06-12", "10:00:00") for year in (2015, 2019, 2024))
    grown = Calendar(name)
    for time in (middle, last, first):
        grown.table(time, time)

    starts, segments = grown.table(first, last)
    whole = Calendar(name).table(first, last)

    assert starts.tolist() == whole.starts.tolist() == sorted(set(starts.tolist()))
    assert segments.tolist() == whole.segments.tolist()


@pytest.mark.parametrize("name", ["XNYS", "24/7"])
def test_no_day_is_missing_between_two_years(name: str) -> None:
    """A session of New Year's Eve is followed by one of New Year's Day."""
    _, segments = Calendar(name).table(new_york("2019-06-12", "10:00:00"), new_york("2021-06-12", "10:00:00"))
    days = [int(segment) // SEGMENT_DAY for segment in segments]

    assert sorted(set(days)) == list(range(days[0], days[-1] + 1))


@pytest.mark.parametrize(
    ("day", "clock", "date_of_segment", "phase"),
    [
        ("2026-12-06", "19:59:59", "2026-12-06", "closed"),  # the Sunday on which nights begin
        ("2026-12-06", "20:00:00", "2026-12-07", "overnight"),
        ("2026-12-07", "03:59:59", "2026-12-07", "overnight"),
        ("2026-12-07", "04:00:00", "2026-12-07", "pre"),
        ("2026-12-07", "19:59:59", "2026-12-07", "post"),
        ("2026-12-07", "20:00:00", "2026-12-08", "overnight"),
        ("2026-12-11", "20:00:00", "2026-12-11", "closed"),  # a Friday evening
        ("2026-12-12", "20:00:00", "2026-12-12", "closed"),
        ("2026-11-25", "20:00:00", "2026-11-25", "closed"),  # the evening before Thanksgiving
        ("2026-11-26", "02:00:00", "2026-11-26", "closed"),
        ("2026-11-26", "20:00:00", "2026-11-27", "overnight"),  # Thanksgiving's evening, before a half-day
        ("2026-11-27", "12:59:59", "2026-11-27", "regular"),
        ("2026-11-27", "13:00:00", "2026-11-27", "post"),
        ("2026-11-27", "17:00:00", "2026-11-27", "closed"),
        ("2026-11-27", "20:00:00", "2026-11-27", "closed"),
        ("2025-12-24", "17:00:00", "2025-12-24", "closed"),  # a half-day before a holiday: no night behind it
        ("2025-12-24", "20:00:00", "2025-12-24", "closed"),
        ("2025-12-25", "20:00:00", "2025-12-26", "overnight"),
        ("2025-07-03", "20:00:00", "2025-07-03", "closed"),
        ("1987-10-26", "19:59:59", "1987-10-26", "closed"),  # after the crash days were short: nights behind them
        ("1987-10-26", "20:00:00", "1987-10-27", "overnight"),
        ("2026-12-31", "20:00:00", "2026-12-31", "closed"),  # 2027 in UTC
        ("2027-01-03", "20:00:00", "2027-01-04", "overnight"),
    ],
)
def test_a_night_belongs_to_the_trading_day_that_it_leads_to(
    day: str, clock: str, date_of_segment: str, phase: str
) -> None:
    """There is none before weekends and holidays; after a half-day the evening is closed until 20:00 at least."""
    time = new_york(day, clock)

    assert segment_at(time) == segment_of(time, "XNYS") == Segment(date.fromisoformat(date_of_segment), phase)


def test_every_seventh_border_of_30_years_is_the_oracles() -> None:
    """Half-days, holidays on any day of the week, and clocks that changed in other months: before 2007 in April."""
    first, last = new_york("1995-01-03", "12:00"), new_york("2025-01-03", "12:00")
    table = Calendar("XNYS").table(first, last)
    inside = np.flatnonzero((table.starts > first) & (table.starts < last))
    for place in inside[::7].tolist():
        for time, segment in ((-1, table.segments[place - 1]), (0, table.segments[place])):
            day = date(1970, 1, 1) + timedelta(days=int(segment) // SEGMENT_DAY)
            expected = Segment(day, PHASES[int(segment) & PHASE_MASK])
            assert segment_of(int(table.starts[place]) + time, "XNYS") == expected


@pytest.mark.parametrize(
    ("evening", "utc_hour"), [("2026-03-01", 1), ("2026-03-08", 0), ("2026-10-25", 0), ("2026-11-01", 1)]
)
def test_the_night_of_a_sunday_begins_by_new_yorks_clocks(evening: str, utc_hour: int) -> None:
    """They change in the small hours of a Sunday, before which there is no night: every night has eight hours."""
    begin = new_york(evening, "20:00:00")
    table = Calendar("XNYS").table(begin, begin)
    place = int(table.starts.searchsorted(begin))

    assert (begin // (3_600 * SECOND)) % 24 == utc_hour
    assert table.starts[place] == begin
    assert table.starts[place + 1] - begin == 8 * 3_600 * SECOND


def test_kernels_have_the_layout_of_segments() -> None:
    """They import nothing of core, and hold two of its numbers."""
    assert (rows.PHASE_MASK, rows.POST) == (PHASE_MASK, calendars.POST)
    assert PHASES.index("overnight") == calendars.OVERNIGHT
    assert len(PHASES) <= SEGMENT_DAY


@pytest.mark.parametrize("is_where_it_was", [True, False])
def test_the_days_of_the_exchange_are_those_of_the_holidays_package(
    is_where_it_was: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its module is loaded by itself, and by the package's own function where another version has it elsewhere."""
    years = range(1990, 2041)
    if not is_where_it_was:
        monkeypatch.setattr(Path, "is_file", lambda path: False)  # noqa: ARG005
    exchange = calendars._new_york_exchange.__wrapped__()

    for kind in (PUBLIC, HALF_DAY):
        days = exchange(years=years, categories=(kind,))

        assert len(days) > 50
        assert dict(days) == dict(financial_holidays("NYSE", years=years, categories=(kind,)))
