"""Drivers: when the core gets which rows. Flat out as fast as it can, or paced by recorded time.

Either way the core computes the same: a driver only decides how rows are cut into steps.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.clock import Clock
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.lateness import Lateness
from tickstock_cli.engine.schedule import Schedule


class Stepper(Protocol):
    """What a driver drives."""

    def step(self, batch: MergedBatch) -> None:
        """Compute a batch."""

    def advance(self, watermark: int) -> None:
        """Let market time pass without a row."""

    def batch_done(self, batch: MergedBatch) -> None:
        """Hear that a whole batch of the source is used up: a place where a run can be restarted."""


def flat_out(batches: Iterable[MergedBatch], stepper: Stepper, control: Control) -> None:
    """Step batch by batch, as fast as they come, until the input ends or the run is stopped."""
    for batch in batches:
        stepper.step(batch)
        stepper.batch_done(batch)
        if control.stopped:
            return


class Pacer:
    """Feeds rows when their recorded time has come, on one absolute schedule.

    Parameters
    ----------
    clock
        Wall time.
    control
        Pause, step, speed and stop; its speed is not None.
    """

    def __init__(self, clock: Clock, control: Control) -> None:
        self._clock = clock
        self._control = control
        self._schedule: Schedule | None = None
        self.lateness = Lateness()
        self.standing = 0
        """Wall time spent paused, in ns."""

    def run(self, batches: Iterable[MergedBatch], stepper: Stepper) -> None:
        """Step through batches in pieces, each as soon as its rows are due."""
        for batch in batches:
            if not self._run_batch(batch, stepper):
                return
            stepper.batch_done(batch)

    def _run_batch(self, batch: MergedBatch, stepper: Stepper) -> bool:
        """Feed one batch; tells whether all of it was fed."""
        times = batch.available_at()
        done = 0
        while done < len(times):
            if self._control.stopped:
                return False
            now = self._clock.now()
            schedule = self._current_schedule(now, int(times[done]))
            if self._control.paused:
                due = self._steps_while_paused(done)
            else:
                due = int(np.searchsorted(times, schedule.market_at(now), side="right"))
            if due > done:
                self._feed(batch, times, done, due, stepper)
                done = due
            elif not self._control.paused:
                stepper.advance(min(int(times[done]), schedule.market_at(now)))
                self._wait(schedule.due(int(times[done])))
        return True

    def _feed(self, batch: MergedBatch, times: NDArray[np.int64], start: int, stop: int, stepper: Stepper) -> None:
        watermark = int(times[stop]) if stop < len(times) else batch.watermark
        stepper.step(batch.cut(start, stop, min(watermark, int(times[stop - 1]) + 1)))
        schedule = self._schedule
        if schedule is not None and not self._control.paused:
            now = self._clock.now()
            due = schedule.wall + (times[start:stop] - schedule.market) / schedule.speed
            self.lateness.record(np.maximum(now - due, 0.0))

    def _current_schedule(self, now: int, market: int) -> Schedule:
        """Give the schedule, anchored at the first row, and moved on if the speed was changed."""
        speed = self._control.speed
        assert speed is not None  # a paced run has one from its beginning
        if self._schedule is None:
            self._schedule = Schedule(now, market, speed)
        elif self._schedule.speed != speed:
            self._schedule = self._schedule.at_speed(speed, now)
        return self._schedule

    def _steps_while_paused(self, done: int) -> int:
        """Stand still until the pause ends, the run is stopped, or one row may pass."""
        paused_at = self._clock.now()
        while self._control.stands_still():
            if self._control.take_step():
                self._stand_since(paused_at)
                return done + 1
            self._control.changed.clear()
            if self._control.stands_still():
                self._clock.wait(self._control.changed, self._clock.now() + 200_000_000)
        self._stand_since(paused_at)
        return done

    def _stand_since(self, paused_at: int) -> None:
        now = self._clock.now()
        self.standing += now - paused_at
        if self._schedule is not None:
            self._schedule = self._schedule.resumed(paused_at, now)

    def _wait(self, until: int) -> None:
        self._control.changed.clear()
        if not (self._control.stopped or self._control.paused):
            self._clock.wait(self._control.changed, until)
