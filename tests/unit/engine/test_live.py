"""Rows that arrive are fed at once, late or not; time passes with what comes."""

from __future__ import annotations

from tests.unit.engine.pacing import OPEN, Noted, batches_at
from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.live import LiveDriver
from tickstock_cli.engine.schedule import Schedule
from tickstock_cli.testing import SECOND, ManualClock


def test_rows_are_fed_as_they_come_and_late_by_their_schedule() -> None:
    """Nothing waits for its due time here: whoever sends keeps the schedule, and the clock says how late it was."""
    clock = ManualClock()
    noted = Noted(clock)
    clock.advance(10 * SECOND)
    driver = LiveDriver(clock, Control(1.0), Schedule(0, OPEN, 1.0))

    driver.run(batches_at(0, 4, 8), noted)

    assert [wall for wall, _ in noted.pieces] == [10 * SECOND]
    assert 9_900 < driver.lateness_ms()["max"] < 10_100


def test_a_batch_without_rows_lets_market_time_pass() -> None:
    """A silent feed says so: windows end on time, whatever the wall clock says."""
    noted = Noted(ManualClock())
    driver = LiveDriver(ManualClock(), Control(1.0), Schedule(0, OPEN, 1.0))

    driver.run([MergedBatch.empty(0, OPEN + SECOND), MergedBatch.empty(0, OPEN + 2 * SECOND)], noted)

    assert [market - OPEN for _, market in noted.passed] == [SECOND, 2 * SECOND]


def test_a_stopped_run_takes_no_further_batch() -> None:
    """Ctrl-C ends a load test though rows keep coming."""
    control = Control(1.0)
    clock = ManualClock()
    noted = Noted(clock)
    control.stop()

    LiveDriver(clock, control, Schedule(0, OPEN, 1.0)).run(batches_at(0, 1, 2, batch_rows=1), noted)

    assert len(noted.pieces) == 1
