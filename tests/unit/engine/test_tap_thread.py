"""A tap in a thread of its own sees what it would see on the run's, and its errors end where they would end there."""

from __future__ import annotations

from pathlib import Path
from threading import Event, current_thread

import numpy as np
import pytest

from tests.unit.engine.events import busy_morning
from tests.unit.engine.test_taps import MORNING, PriceSum, Recorder, tapped
from tickstock_cli.channels.judged import JudgedRows
from tickstock_cli.core.events import EVENT
from tickstock_cli.engine.checkpoint import CheckpointStore
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.observer import Observer
from tickstock_cli.engine.tap_thread import STEPS_AHEAD, TapThread
from tickstock_cli.engine.taps import TapStep
from tickstock_cli.errors import DataError, FailedOutputsError, OutputError
from tickstock_cli.testing import run_records


class Full(Recorder):
    """Has a full disk under it from the third step on."""

    def observe(self, step: TapStep) -> None:
        super().observe(step)
        if len(self.steps) == 2:
            raise OutputError("cannot write study.parquet: the disk is full")
        self.steps.append((len(step.rows), len(step.events)))


def test_steps_come_in_order_in_one_other_thread() -> None:
    """The same rows and events as on the run's thread; the end of the run waits for the last of them."""
    here, there = tapped(100), Recorder()
    run_records(MORNING, batch_rows=100, taps={"recorder": TapThread(there)})

    assert there.rows == here.rows
    assert there.events == here.events
    assert there.late == []
    assert len(there.threads) == 1
    assert current_thread().name not in there.threads
    assert there.ended == ["finish", "commit"]


def test_the_run_waits_for_a_tap_that_is_too_far_behind() -> None:
    """Memory holds the rows of a few steps, however slow the tap is."""

    class Slow(Recorder):
        def __init__(self) -> None:
            super().__init__()
            self.behind = 0

        def observe(self, step: TapStep) -> None:
            super().observe(step)
            self.steps.append((len(step.rows), 0))
            self.behind = max(self.behind, watched.fed - len(self.steps))

    class Watched(TapThread):
        fed = 0

        def observe(self, step: TapStep) -> None:
            super().observe(step)
            self.fed += 1

    slow = Slow()
    watched = Watched(slow)
    run_records(MORNING, batch_rows=20, taps={"slow": watched})

    assert watched.fed > 10 * STEPS_AHEAD
    assert slow.behind <= STEPS_AHEAD + 1


def test_a_checkpoint_has_all_steps_so_far(tmp_path: Path) -> None:
    """Stopped and resumed, the tap has seen every row once, although it was behind when the run was stopped."""
    whole, stopped, resumed = PriceSum(), PriceSum(), PriceSum()
    run_records(busy_morning(), taps={"sum": whole})
    control = Control()

    class Stop(Observer):
        def advanced(self, rows: int, market_time: int) -> None:  # noqa: ARG002 - the observer's
            if rows >= 2000:
                control.stop()

    def store() -> CheckpointStore:
        return CheckpointStore(tmp_path, {})

    run_records(
        busy_morning(),
        batch_rows=300,
        control=control,
        observer=Stop(),
        store=store(),
        taps={"sum": TapThread(stopped)},
    )
    run_records(busy_morning(), store=store(), resume=True, taps={"sum": TapThread(resumed)})

    assert 0 < stopped.cents[0] < whole.cents[0]
    assert resumed.cents[0] == whole.cents[0]


def test_an_error_of_a_step_ends_the_run_and_no_later_step_follows() -> None:
    """The message is that of the tap, and its output is removed."""

    class Damaged(Recorder):
        def observe(self, step: TapStep) -> None:
            self.steps.append((len(step.rows), len(step.events)))
            if len(self.steps) == 3:
                raise DataError("the recording is damaged")

    damaged = Damaged()
    with pytest.raises(DataError, match="the recording is damaged"):
        run_records(MORNING, batch_rows=20, taps={"damaged": TapThread(damaged)})

    assert len(damaged.steps) == 3
    assert damaged.ended == ["abort"]


@pytest.mark.parametrize("batch_rows", [20, 10_000])
def test_a_full_disk_costs_only_this_tap(batch_rows: int, tmp_path: Path) -> None:
    """Events, checkpoints and other taps are whole, whether a later step or the end of the run meets the error."""
    other, full = Recorder(), Full()
    full.steps = [(0, 0)] * 2 if batch_rows == 10_000 else []
    with pytest.raises(FailedOutputsError, match=r"cannot write study\.parquet"):
        run_records(
            MORNING, batch_rows=batch_rows, store=CheckpointStore(tmp_path, {}),
            taps={"other": other, "full": TapThread(full)},
        )  # fmt: skip

    assert other.ended == ["finish", "commit"]
    assert other.rows == tapped().rows
    assert full.ended == ["abort"]


def test_abort_waits_for_the_step_in_hand() -> None:
    """No step makes anew what the tap has removed: those that wait are dropped."""
    begun, go_on = Event(), Event()

    class Held(Recorder):
        def observe(self, step: TapStep) -> None:
            begun.set()
            assert go_on.wait(60)
            self.steps.append((len(step.rows), 0))

        def abort(self) -> None:
            self.ended.append(f"abort after {len(self.steps)}")

    held = Held()
    thread = TapThread(held)
    step = TapStep(JudgedRows.none(), np.empty(0, dtype=EVENT), 0)
    thread.observe(step)
    thread.observe(step)
    assert begun.wait(60)
    go_on.set()
    thread.abort()
    assert held.ended in (["abort after 1"], ["abort after 2"])
    thread.abort()
    assert len(held.steps) <= 2


def test_its_needs_are_those_of_the_tap() -> None:
    """The run asks the thread what it would ask the tap."""

    class Display(Recorder):
        needs_whole_run = False
        needs_rows = False

    shown = TapThread(Display())
    assert not shown.needs_whole_run
    assert not shown.needs_rows
    assert TapThread(Recorder()).needs_whole_run
