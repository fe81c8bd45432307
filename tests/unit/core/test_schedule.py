"""The schedule: one anchor, one speed, exact integers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.core.schedule import Schedule

OPEN = 1_718_199_000_000_000_000
"""2024-06-12 09:30 in New York, ns."""
SECOND = 1_000_000_000
HOUR = 3600 * SECOND

clocks = st.integers(0, 10**18)
spans = st.integers(-(10**17), 10**17)
speeds = st.floats(min_value=5e-324, allow_infinity=False, allow_nan=False)


@given(clocks, spans, speeds)
def test_a_row_is_due_at_the_first_instant_at_which_its_time_has_come(wall: int, span: int, speed: float) -> None:
    """Not one nanosecond early, not one late; at its due time a row can be fed, so that nobody waits twice."""
    schedule = Schedule(wall, OPEN, speed)
    due = schedule.due(OPEN + span)

    assert schedule.market_at(due) >= OPEN + span
    assert schedule.market_at(due - 1) < OPEN + span


@pytest.mark.parametrize(("speed", "wall"), [(1, 8 * HOUR), (2, 4 * HOUR), (0.5, 16 * HOUR), (0.001, 8000 * HOUR)])
def test_hours_take_exactly_as_long_as_the_speed_says(speed: float, wall: int) -> None:
    """A float would have lost nanoseconds after 104 days of wall time; here there are none to lose."""
    if speed != 0.001:  # which is no binary number: exactly, it is a little more than a thousandth
        assert Schedule(7, OPEN, speed).due(OPEN + 8 * HOUR) == 7 + wall
    assert abs(Schedule(7, OPEN, speed).due(OPEN + 8 * HOUR) - 7 - wall) < wall * 1e-15


@given(clocks, st.lists(st.tuples(st.integers(0, 10**14), st.floats(1e-3, 1e6)), max_size=20))
def test_changes_of_speed_neither_move_the_market_nor_let_it_go_back(
    wall: int, changes: list[tuple[int, float]]
) -> None:
    """At the instant of a change the market stands where it stood under the former speed."""
    schedule = Schedule(wall, OPEN, 1.0)
    for pause, speed in changes:
        wall += pause
        before = schedule.market_at(wall)
        schedule = schedule.at_speed(speed, wall)
        assert schedule.market_at(wall) == before
        assert schedule.market_at(wall + 1) >= before


@given(clocks, st.integers(0, 10**14), st.integers(0, 10**14), spans, speeds)
def test_a_pause_moves_every_later_due_time_by_its_length(
    wall: int, before: int, pause: int, span: int, speed: float
) -> None:
    """Up to the nanosecond of market time that a pause cuts in two."""
    schedule = Schedule(wall, OPEN, speed)
    resumed = schedule.resumed(wall + before, wall + before + pause)

    assert resumed.market_at(wall + before + pause) == schedule.market_at(wall + before)
    moved = resumed.due(OPEN + span) - schedule.due(OPEN + span)
    assert 0 <= moved - pause <= Schedule(0, 0, speed).due(1)


@given(st.integers(0, 10**16), st.lists(st.tuples(st.integers(1, 10**12), st.floats(1e-3, 1e6)), max_size=6))
def test_a_row_was_due_by_the_speed_of_its_time(wall: int, changes: list[tuple[int, float]]) -> None:
    """However the speed changed since: a row that came by one schedule is measured by that one."""
    schedule = Schedule(wall, OPEN, 1.0)
    rows, due = [], []
    for pause, speed in changes:
        rows.append(schedule.market_at(wall + pause // 2))
        due.append(schedule.due(rows[-1]))
        wall += pause
        schedule = schedule.at_speed(speed, wall)

    assert schedule.due_times(np.array(rows, dtype=np.int64)) == pytest.approx(due, abs=2_000)
    assert schedule.settled() == Schedule(schedule.wall, schedule.market, schedule.speed)


def test_a_moved_market_goes_on_from_its_new_time() -> None:
    """And one that is beyond that place already is not set back."""
    schedule = Schedule(0, OPEN, 2.0)

    assert schedule.reached(OPEN + 60 * SECOND, 5 * SECOND) == Schedule(5 * SECOND, OPEN + 60 * SECOND, 2.0)
    assert schedule.reached(OPEN + 60 * SECOND, 31 * SECOND) is schedule
