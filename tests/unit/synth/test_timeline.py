"""Sessions and their seconds."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from tickstock_cli.core.times import format_time
from tickstock_cli.errors import UsageError
from tickstock_cli.synth.timeline import find_sessions, trading_timeline


def test_a_session_runs_from_four_to_eight_in_new_york() -> None:
    """Winter time: five hours behind UTC."""
    (session,) = find_sessions(date(2026, 3, 2), 1)

    assert format_time(session.start) == "2026-03-02T09:00:00Z"
    assert (session.opens, session.closes, session.seconds) == (19_800, 43_200, 57_600)


def test_a_half_day_ends_early() -> None:
    """The day after Thanksgiving: regular trading to 13:00, the rest to 17:00."""
    (session,) = find_sessions(date(2026, 11, 27), 1)

    assert (session.opens, session.closes, session.seconds) == (19_800, 32_400, 46_800)


def test_days_skip_the_weekend_and_follow_the_clock_change() -> None:
    """Clocks went forward on Sunday, 8 March 2026."""
    friday, monday = find_sessions(date(2026, 3, 6), 2)

    assert format_time(friday.start) == "2026-03-06T09:00:00Z"
    assert format_time(monday.start) == "2026-03-09T08:00:00Z"


def test_a_holiday_is_refused_with_the_next_session() -> None:
    """Good Friday 2026."""
    with pytest.raises(
        UsageError, match=r"2026-04-03 is no trading day in New York \(Friday\); the next is 2026-04-06"
    ):
        find_sessions(date(2026, 4, 3), 1)


def test_rows_are_cut_to_the_last_one() -> None:
    """Whatever the number: none is lost in rounding, none is invented."""
    timeline = trading_timeline(1, find_sessions(date(2026, 3, 2), 2))

    for rows in (0, 1, 7, 1_000_003, 10_000_000_000):
        cuts = timeline.allot(rows, timeline.busy)
        assert (cuts[0], cuts[-1]) == (0, rows)
        assert (np.diff(cuts) >= 0).all()


def test_volume_is_u_shaped_with_a_burst_at_the_open() -> None:
    """Busy at the open, calm at noon, busy at the close, thin outside."""
    (session,) = find_sessions(date(2026, 3, 2), 1)
    busy = trading_timeline(1, [session]).busy

    def pace(first_minute: int, minutes: int) -> float:
        first = session.opens + first_minute * 60
        return float(busy[first : first + minutes * 60].mean())

    open_, noon, close, pre, post = pace(0, 5), pace(180, 30), pace(385, 5), pace(-120, 100), pace(400, 100)
    assert open_ > 3 * noon
    assert close > 2 * noon
    assert max(pre, post) < noon / 10
    assert busy[session.opens] > 3 * busy[session.opens + 30 : session.opens + 60].mean()
