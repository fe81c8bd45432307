"""Drivers: rows come when their recorded time has come, whatever the user does meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.engine.pacing import OPEN, Noted, batches_at, wall_seconds
from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.schedule import Schedule
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.drivers import FlatOut
from tickstock_cli.engine.pacer import TOGETHER_NS, Pacer
from tickstock_cli.testing import MILLISECOND, SECOND, ManualClock

HOUR = 3600


def paced(
    seconds: list[float], speed: float, batch_rows: int = 1000, **how: int
) -> tuple[ManualClock, Control, Noted, Pacer]:
    """Return a clock, a control, a stepper and a pacer that has run over ticks at these times."""
    clock, control = ManualClock(), Control(speed)
    noted = Noted(clock, lambda _: how.get("work", 0))
    pacer = Pacer(clock, control)
    pacer.run(batches_at(*seconds, batch_rows=batch_rows), noted)
    return clock, control, noted, pacer


def test_flat_out_takes_whole_batches_until_it_is_stopped() -> None:
    """A stop takes effect behind the batch at hand, which counts as used up."""
    control, noted = Control(), Noted(ManualClock())

    def stopped_on_the_way_to_the_second() -> Iterator[MergedBatch]:
        for batch in batches_at(*range(10), batch_rows=3):
            if noted.pieces:
                control.stop()
            yield batch

    FlatOut(control).run(stopped_on_the_way_to_the_second(), noted)

    assert [len(times) for _, times in noted.pieces] == [3, 3]
    assert noted.done == [(3,), (6,)]


@pytest.mark.parametrize(("speed", "factor"), [(1, 1.0), (4, 0.25), (0.25, 4.0), (0.5, 2.0)])
def test_rows_are_fed_at_the_speed(speed: float, factor: float) -> None:
    """Faster than recorded, and slower, counted from the first row."""
    seconds = [0, 0.25, 0.25, 7, 7.125, 3600]

    _, _, noted, _ = paced(seconds, speed)

    assert noted.fed() == [(second * factor, second) for second in seconds]


def test_rows_close_in_time_are_fed_in_one_step() -> None:
    """A thousand rows within 10 ms are half a dozen steps, none late by more than the time between two."""
    _, _, noted, pacer = paced([row * 1e-5 for row in range(1_000)], 1)

    walls = [wall for wall, _ in noted.pieces]
    assert all(after - before >= TOGETHER_NS for before, after in pairwise(walls[:-1]))
    assert len(walls) <= 7
    assert pacer.lateness_ms()["max"] <= TOGETHER_NS / MILLISECOND


def test_hours_of_recorded_time_do_not_drift() -> None:
    """Six and a half hours, each row costing 3 ms and each wait beginning late: the last row is exactly on time."""
    seconds = [row * 5.859375 for row in range(4_000)]

    _, _, noted, pacer = paced(seconds, 0.75, work=3 * MILLISECOND)

    exact = Schedule(0, OPEN, 0.75)
    assert [wall for wall, _ in noted.pieces] == [exact.due(times[0]) for _, times in noted.pieces]
    assert noted.fed()[-1][0] == pytest.approx(seconds[-1] / 0.75, abs=1e-8)
    assert pacer.lateness_ms()["max"] == pytest.approx(3, rel=1e-3)


@given(
    st.lists(st.integers(0, 5_000), min_size=1, max_size=40).map(sorted),
    st.sampled_from([0.001, 0.3, 1.0, 7.0, 1e6]),
    st.lists(st.integers(0, 3_000), min_size=40, max_size=40),
    st.integers(1, 9),
)
def test_after_stalls_every_row_is_fed_and_none_early(
    thousandths: list[int], speed: float, work: list[int], batch_rows: int
) -> None:
    """However long a step takes: the next one begins when a row is due and the step is over, or shortly after.

    A step of a few rows may wait until ``TOGETHER_NS`` after the one before it began.
    """
    clock = ManualClock()
    noted = Noted(clock, lambda number: work[number % 40] * MILLISECOND)
    seconds = [thousandth / 1000 for thousandth in thousandths]
    Pacer(clock, Control(speed)).run(batches_at(*seconds, batch_rows=batch_rows), noted)

    schedule = Schedule(0, OPEN + thousandths[0] * MILLISECOND, speed)
    free = together = 0
    for number, (wall, times) in enumerate(noted.pieces):
        earliest = max(free, schedule.due(times[0]))
        assert wall in (earliest, max(earliest, together))
        assert all(schedule.due(time) <= wall for time in times)
        free, together = wall + work[number % 40] * MILLISECOND, wall + TOGETHER_NS
    assert [time for _, times in noted.pieces for time in times] == [
        OPEN + thousandth * MILLISECOND for thousandth in thousandths
    ]
    assert len(noted.done) == -(-len(seconds) // batch_rows)


def test_lateness_counts_from_the_schedule() -> None:
    """One stall makes every row that was due meanwhile late, though each was processed as soon as it was met."""
    clock = ManualClock()
    noted = Noted(clock, lambda number: round(9.5 * SECOND) if number == 0 else 0)
    pacer = Pacer(clock, Control(1))
    pacer.run(batches_at(*range(10)), noted)

    # Row 0 was done 9.5 s after it was due, then rows 1 to 9 at once: 8.5 s, 7.5 s, … 0.5 s after they were.
    assert [len(times) for _, times in noted.pieces] == [1, 9]
    assert pacer.lateness_ms() == pytest.approx({"p50": 4500, "p99": 9500, "max": 9500}, rel=1e-3)


def test_market_time_passes_in_step_with_the_clock_and_never_ahead_of_it() -> None:
    """The watermark tells the core what has become final; the stepper sees to it that no row comes before it."""
    clock, _, noted, _ = paced([0, 1, 1, 30, 30.5, 31], 2, batch_rows=2)

    assert all(market <= OPEN + 2 * wall for wall, market in noted.passed)
    assert clock.now() == 15.5 * SECOND


def test_waiting_events_are_released_before_the_next_row() -> None:
    """A bar's event is final half a second after the bar; the next bar may be an hour away."""
    clock = ManualClock()
    noted = Noted(clock, next_event=OPEN + round(0.5 * SECOND))
    Pacer(clock, Control(1)).run(batches_at(0, HOUR), noted)

    assert (SECOND // 2, OPEN + SECOND // 2) in noted.passed


def test_a_change_of_speed_keeps_the_market_time() -> None:
    """Twice as fast from 2.5 s on: the row of 3 s has half of its half second to go."""
    clock, control = ManualClock(), Control(1)
    clock.at(round(2.5 * SECOND), lambda: control.multiply_speed(2))
    clock.at(round(3.25 * SECOND), lambda: control.multiply_speed(0.125))
    noted = Noted(clock)
    Pacer(clock, control).run(batches_at(0, 1, 2, 3, 4, 5), noted)

    assert wall_seconds(noted.fed()) == [0, 1, 2, 2.75, 3.25, 7.25]


@pytest.mark.parametrize("pause", [0, 7])
def test_lateness_of_a_row_counts_by_the_speed_at_its_due_time(pause: int) -> None:
    """Behind by half a second at 10x when slowed down to a thousandth, a row was not due 5,000 seconds ago."""
    clock, control = ManualClock(), Control(10)
    clock.at(round(1.2 * SECOND), lambda: control.multiply_speed(1e-4))
    if pause:
        clock.at(round(1.3 * SECOND), control.pause)
        clock.at(round((1.5 + pause) * SECOND), control.resume)
    noted = Noted(clock, lambda number: round(1.5 * SECOND) if number == 0 else 0)
    pacer = Pacer(clock, control)
    pacer.run(batches_at(0, 10, 20, batch_rows=2), noted)

    assert wall_seconds(noted.fed()) == pytest.approx([0, 1.5 + pause, 5001.5 + pause])
    assert pacer.lateness_ms() == pytest.approx({"p50": 500, "p99": 1500, "max": 1500}, rel=1e-3)


def test_a_change_of_speed_just_before_the_wait_ends_it() -> None:
    """A key pressed after the pacer looked and before it sleeps must wake it, or the market would seem stuck."""
    clock, control = ManualClock(), Control(1)
    noted = Noted(clock)
    noted.on_advance = lambda: control.multiply_speed(1000) if control.speed == 1 else None
    Pacer(clock, control).run(batches_at(0, HOUR), noted)

    assert wall_seconds(noted.fed()) == [0, 3.6]


def test_a_pause_keeps_the_position_and_does_not_count_as_run_time() -> None:
    """Paused at 2.5 s for nearly an hour, the row of 3 s comes half a second after going on."""
    clock, control = ManualClock(), Control(1)
    clock.at(round(2.5 * SECOND), control.toggle_pause)
    clock.at(HOUR * SECOND, control.toggle_pause)
    noted, pacer = Noted(clock), Pacer(clock, control)
    pacer.run(batches_at(0, 1, 2, 3, 4), noted)

    assert wall_seconds(noted.fed()) == [0, 1, 2, HOUR + 0.5, HOUR + 1.5]
    assert pacer.paused_ns == round((HOUR - 2.5) * SECOND)
    assert pacer.lateness_ms()["max"] == 0


def test_a_step_feeds_one_row_and_the_market_goes_on_from_it() -> None:
    """Rows 2 and 3, far apart, come at the keys; the one behind them then waits for its distance from row 3."""
    clock, control = ManualClock(), Control(1)
    clock.at(5 * SECOND, control.step)
    clock.at(9 * SECOND, control.step)
    clock.at(20 * SECOND, control.toggle_pause)
    noted, pacer = Noted(clock, lambda _: MILLISECOND), Pacer(clock, control)
    pacer.run(batches_at(0, 1, 600, HOUR, HOUR + 2, batch_rows=2), noted)

    assert noted.fed() == [(0, 0), (1, 1), (5, 600), (9, HOUR), (22, HOUR + 2)]
    assert pacer.paused_ns == 15 * SECOND
    assert pacer.lateness_ms()["max"] == pytest.approx(1, rel=1e-3)


def test_the_row_of_a_step_is_kept_until_the_pause_ends() -> None:
    """Who steps through a market wants to see its rows."""
    clock, control = ManualClock(), Control(1)
    clock.at(5 * SECOND, control.step)
    clock.at(9 * SECOND, control.toggle_pause)
    seen: list[int | None] = []
    for second in (4, 8, 10):
        clock.at(second * SECOND, lambda: seen.append(None if control.stepped is None else control.stepped.watermark))
    Pacer(clock, control).run(batches_at(0, 60, HOUR), Noted(clock))

    assert seen == [None, OPEN + 60 * SECOND + 1, None]


def test_rows_of_one_instant_are_stepped_one_by_one() -> None:
    """A key lets one row through, not all of its time."""
    clock, control = ManualClock(), Control(1)
    control.toggle_pause()
    for second in (1, 2, 3):
        clock.at(second * SECOND, control.step)
    noted = Noted(clock)
    Pacer(clock, control).run(batches_at(0, 0, 0), noted)

    assert [(wall, len(times)) for wall, times in noted.pieces] == [(second * SECOND, 1) for second in (1, 2, 3)]


def test_a_speed_chosen_during_a_pause_holds_from_its_end() -> None:
    """The pause itself takes no market time at either speed."""
    clock, control = ManualClock(), Control(1)
    clock.at(round(1.5 * SECOND), control.toggle_pause)
    clock.at(10 * SECOND, lambda: control.multiply_speed(0.5))
    clock.at(100 * SECOND, control.toggle_pause)
    noted = Noted(clock)
    Pacer(clock, control).run(batches_at(0, 1, 2, 3), noted)

    assert wall_seconds(noted.fed()) == [0, 1, 101, 103]


@pytest.mark.parametrize("paused", [False, True])
def test_a_stop_ends_the_wait_at_once(paused: bool) -> None:
    """The next row may be hours away. The batch is not done: a run goes on within it."""
    clock, control = ManualClock(), Control(1)
    if paused:
        clock.at(2 * SECOND, control.toggle_pause)
    clock.at(3 * SECOND, control.stop)
    noted, pacer = Noted(clock), Pacer(clock, control)
    pacer.run(batches_at(0, 1, 6 * HOUR, batch_rows=3), noted)

    assert clock.now() == 3 * SECOND
    assert wall_seconds(noted.fed()) == [0, 1]
    assert noted.done == []
    assert pacer.paused_ns == (SECOND if paused else 0)


@pytest.mark.parametrize("speed", [1e-300, 1e-9, 1e15, 1e300])
def test_extreme_speeds_work(speed: float) -> None:
    """Times beyond what a machine word or a float holds are still in order."""
    clock, control = ManualClock(), Control(speed)
    clock.at(10**30, control.stop)
    noted = Noted(clock)
    Pacer(clock, control).run(batches_at(0, 1, 2), noted)

    assert len(noted.fed()) == (3 if speed > 1e-15 else 1)


def test_a_seek_runs_flat_out_to_its_time_and_is_paced_from_there() -> None:
    """Rows between are fed at once, in order, and are neither early nor late: they had no due time any more."""
    clock, control = ManualClock(), Control(1)
    noted = Noted(clock)
    clock.at(1_500_000_000, lambda: control.seek(OPEN + 100 * SECOND))

    pacer = Pacer(clock, control)
    pacer.run(batches_at(0, 1, 50, 99, 100, 103, batch_rows=2), noted)

    assert noted.fed() == [(0, 0), (1, 1), (1.5, 50), (1.5, 99), (1.5, 100), (4.5, 103)]
    assert control.target is None


def test_a_seek_during_a_pause_stays_paused_at_the_target() -> None:
    """Going on starts from there."""
    clock, control = ManualClock(), Control(1)
    noted = Noted(clock)
    clock.at(500_000_000, control.pause)
    clock.at(1_000_000_000, lambda: control.seek(OPEN + 60 * SECOND))
    clock.at(9_000_000_000, control.resume)

    Pacer(clock, control).run(batches_at(0, 30, 61, 62), noted)

    assert noted.fed() == [(0, 0), (1, 30), (10, 61), (11, 62)]
