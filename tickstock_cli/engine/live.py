"""The driver of rows that arrive: each is fed as it comes, and how late it is counts from a schedule set elsewhere.

Market time passes with what comes: a source that has nothing to tell says so, by batches without rows. So the same
rows give the same events however late they are.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.clock import Clock
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.drivers import Stepper
from tickstock_cli.engine.lateness import Lateness
from tickstock_cli.engine.schedule import Schedule


class LiveDriver:
    """Feeds batches as they come.

    Parameters
    ----------
    schedule
        When rows were due: lateness and latencies count from it. It waits for nobody.
    """

    batch_rows = 262_144
    paused_ns = 0

    def __init__(self, clock: Clock, control: Control, schedule: Schedule) -> None:
        self._clock = clock
        self._control = control
        self._schedule = schedule
        self._lateness = Lateness()

    @property
    def schedule(self) -> Schedule:
        return self._schedule

    def lateness_ms(self) -> dict[str, float]:
        return self._lateness.as_dict()

    def run(self, batches: Iterable[MergedBatch], stepper: Stepper) -> int | None:
        """Step batch by batch until the input ends or the run is stopped; see ``Pacer.run``."""
        for batch in batches:
            if len(batch):
                stepper.step(batch)
                due = self._schedule.due_times(batch.available_at())
                self._lateness.record(np.maximum(self._clock.now() - due, 0.0))
            else:
                stepper.advance(batch.watermark)
            stepper.batch_done(batch)
            if self._control.stopped:
                break
        return None
