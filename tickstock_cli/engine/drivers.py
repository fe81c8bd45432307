"""Drivers decide when the core gets which rows: flat out, paced (`engine.pacer`) or live (`engine.live`).

Either way the core computes the same: a driver only decides how rows are cut into steps, and how market time passes
between them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.schedule import Schedule


class Stepper(Protocol):
    """A run as its driver sees it. Every method is called on the run's thread."""

    def step(self, batch: MergedBatch) -> None:
        """Compute a batch."""

    def advance(self, watermark: int) -> int:
        """Let market time pass without a row; return the market time at which the next event can be released."""

    def idle(self) -> None:
        """Use the time before a wait: the driver has nothing to feed."""

    def batch_done(self, batch: MergedBatch) -> None:
        """Note that a whole batch of the source is used up: a run can be restarted here."""

    def needs_snapshot(self, target: int) -> bool:
        """Return whether the way to a market time begins at a snapshot: it has passed, or a snapshot lies closer."""

    def arrived(self, target: int) -> None:
        """Note that the market has come to a time that was sought."""


class Driver(Protocol):
    """Feeds the batches of a source to a run. One driver serves all runs of a request, one after the other."""

    batch_rows: int
    """The most rows that a batch of the source should have."""
    paused_ns: int
    """Wall time spent paused, ns."""

    @property
    def schedule(self) -> Schedule | None:
        """When rows are due; None: they are not on a schedule."""

    def lateness_ms(self) -> dict[str, float] | None:
        """Return p50, p99 and max of how late rows were processed; None without a schedule."""

    def run(self, batches: Iterable[MergedBatch], stepper: Stepper) -> int | None:
        """Feed batches until the input ends or the run is stopped.

        Returns
        -------
        int or None
            The market time of a seek that needs a snapshot: the rest of the way is for the next run. None: the end.
        """


class FlatOut:
    """Feeds batches as fast as they come."""

    batch_rows = 1 << 62
    paused_ns = 0
    schedule = None

    def __init__(self, control: Control) -> None:
        self._control = control

    def lateness_ms(self) -> None:
        return None

    def run(self, batches: Iterable[MergedBatch], stepper: Stepper) -> int | None:
        for batch in batches:
            stepper.step(batch)
            stepper.batch_done(batch)
            if self._control.stopped:
                break
        return None
