"""The paced driver: rows are fed when their recorded time has come, on one absolute schedule."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.clock import Clock
from tickstock_cli.core.schedule import Schedule
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.drivers import ReadingAhead, Stepper
from tickstock_cli.engine.lateness import Lateness

PAUSE_LOOK_NS = 200_000_000
"""The longest sleep of a paused run, because a clock has no wait without a limit."""

TOGETHER_NS = 2_000_000
"""Least time between two steps. Each step costs several thread switches: steps of a few rows would take all of a
processor, and rows would be late."""


class Pacer(ReadingAhead):
    """Feeds rows when their recorded time has come; pauses, steps, changes speed and seeks.

    Parameters
    ----------
    clock
        Wall time.
    control
        Pause, step, speed and stop; its speed is not None.
    """

    batch_rows = 8_192
    """Checkpoints are between batches, and a batch of a slow market takes long."""
    feeds_whole_batches = False

    def __init__(self, clock: Clock, control: Control) -> None:
        super().__init__(control)
        self._clock = clock
        self._schedule: Schedule | None = None
        self._paused_at: int | None = None
        self._together_until = 0
        self._lateness = Lateness()
        self.paused_ns = 0

    @property
    def schedule(self) -> Schedule | None:
        return self._schedule

    def lateness_ms(self) -> dict[str, float]:
        return self._lateness.as_dict()

    def run(self, batches: Iterable[MergedBatch], stepper: Stepper) -> int | None:
        for number, batch in enumerate(batches):
            if not number:
                stepper.prepare(batch)
            if not self._run_batch(batch, stepper):
                break
            stepper.batch_done(batch)
        target = self._control.target
        if target is not None and not self._control.stopped:
            if stepper.needs_snapshot(target):
                self._schedule = None
                return target
            self._arrive(target, stepper)
        self._end_pause()
        return None

    def _run_batch(self, batch: MergedBatch, stepper: Stepper) -> bool:
        """Feed one batch; return whether all of it was fed."""
        times = batch.available_at()
        done = 0
        while done < len(times):
            self._control.changed.clear()  # before the checks: a change from here on ends the wait below
            if self._control.stopped:
                return False
            target = self._control.target
            if target is not None:
                if stepper.needs_snapshot(target):
                    return False
                done += self._feed_up_to(target, batch, times, done, stepper)
            elif self._control.paused:
                done += self._feed_by_hand(batch, times, done, stepper)
            else:
                self._end_pause()
                done += self._feed_what_is_due(batch, times, done, stepper)
        return True

    def _feed_what_is_due(self, batch: MergedBatch, times: NDArray[np.int64], done: int, stepper: Stepper) -> int:
        """Feed the rows that are due, or wait for the next one, and return the number of rows fed."""
        now = self._clock.now()
        next_time = int(times[done])
        schedule = self._current_schedule(now, next_time)
        due = bisect_right(times, schedule.market_at(now))
        if due <= done:
            self._schedule = schedule.settled()
            next_event = stepper.advance(min(next_time, schedule.market_at(now)))
            self._clock.wait(self._control.changed, schedule.due(min(next_time, next_event)))
            return 0
        if due < len(times) and now < self._together_until:
            self._clock.wait(self._control.changed, self._together_until)
            return 0
        self._together_until = now + TOGETHER_NS
        stepper.step(_piece(batch, times, done, due))
        self._lateness.record(np.maximum(self._clock.now() - schedule.due_times(times[done:due]), 0.0))
        if times[due - 1] > schedule.market:
            self._schedule = schedule.settled()
        return due - done

    def _feed_up_to(
        self, target: int, batch: MergedBatch, times: NDArray[np.int64], done: int, stepper: Stepper
    ) -> int:
        """Feed the rows up to the target of a seek, flat out, and return the number of rows fed."""
        due = bisect_right(times, target, lo=done)
        if due > done:
            stepper.step(_piece(batch, times, done, due))
        if due < len(times):
            now = self._clock.now() if self._paused_at is None else self._paused_at
            self._schedule = self._current_schedule(now, target).reached(target, now)
            self._arrive(target, stepper)
        return due - done

    def _arrive(self, target: int, stepper: Stepper) -> None:
        """End a seek, after the release of all events up to its target."""
        stepper.advance(target + 1)
        stepper.arrived(target)
        self._control.arrived(target)

    def _feed_by_hand(self, batch: MergedBatch, times: NDArray[np.int64], done: int, stepper: Stepper) -> int:
        """Feed one row if a step was asked for, else wait; return the number of rows fed.

        Such a row has no due time, so it is never late.
        """
        now = self._clock.now()
        if self._paused_at is None:
            self._paused_at = now
        if not self._control.take_step():
            stepper.idle()
            self._clock.wait(self._control.changed, now + PAUSE_LOOK_NS)
            return 0
        # After the pause the market goes on from this row.
        next_time = int(times[done])
        self._schedule = self._current_schedule(self._paused_at, next_time).reached(next_time, self._paused_at)
        row = _piece(batch, times, done, done + 1)
        stepper.step(row)
        self._control.let_through(row)
        return 1

    def _current_schedule(self, now: int, market: int) -> Schedule:
        """Return the schedule, which begins at the first row, at the present speed."""
        speed = self._control.speed
        assert speed is not None  # a paced run has one from its beginning
        if self._schedule is None:
            self._schedule = Schedule(now, market, speed)
        elif self._schedule.speed != speed:
            self._schedule = self._schedule.at_speed(speed, now)
        return self._schedule

    def _end_pause(self) -> None:
        """End a pause, if there is one, and go on from the present market time."""
        if self._paused_at is None:
            return
        now = self._clock.now()
        self.paused_ns += now - self._paused_at
        if self._schedule is not None:
            self._schedule = self._schedule.resumed(self._paused_at, now)
        self._paused_at = None


def _piece(batch: MergedBatch, times: NDArray[np.int64], start: int, stop: int) -> MergedBatch:
    """Return rows of a batch, with a watermark right after them, because later market time has not passed yet."""
    watermark = int(times[stop]) if stop < len(times) else batch.watermark
    return batch.cut(start, stop, min(watermark, int(times[stop - 1]) + 1))
