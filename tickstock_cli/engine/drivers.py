"""Drivers decide when the core gets which rows: flat out, paced (`engine.pacer`) or live (`engine.live`).

The results are the same: a driver only decides how rows are cut into steps, and how market time passes between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.schedule import Schedule
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.prefetch import Prefetch

if TYPE_CHECKING:
    from tickstock_cli.core.metrics import ArrivalMetrics

READ_AHEAD = 2
"""Batches decoded before they are needed."""


class Stepper(Protocol):
    """A run as its driver sees it. Every method is called on the run's thread."""

    def prepare(self, batch: MergedBatch) -> None:
        """Prepare for the first rows, before any of them is due."""

    def step(self, batch: MergedBatch) -> None:
        """Compute a batch."""

    def advance(self, watermark: int) -> int:
        """Advance market time without a row; return the market time at which the next event can be released."""

    def next_release(self) -> int:
        """Return the market time at which the next event can be released, if no row comes before."""

    def show(self, market_time: int) -> None:
        """Show observers a market time that passed without a row."""

    def idle(self) -> None:
        """Use the time before a wait: the driver has nothing to feed."""

    def batch_done(self, batch: MergedBatch) -> None:
        """Mark a whole batch of the source as fed: a run can be restarted here."""

    def needs_snapshot(self, target: int) -> bool:
        """Return whether a seek to a market time needs a snapshot: it has passed, or a snapshot is closer."""

    def arrived(self, target: int) -> None:
        """End a seek: the market has reached its time."""


class Driver(Protocol):
    """Feeds the batches of a source to a run. One driver serves all runs of a request, one after the other."""

    batch_rows: int
    """The most rows that a batch of the source should have."""
    feeds_whole_batches: bool
    """Whether it steps with each batch of the source as it is."""
    paused_ns: int
    """Wall time spent paused, ns."""

    @property
    def schedule(self) -> Schedule | None:
        """When rows are due; None: they are not on a schedule."""

    def lateness_ms(self) -> dict[str, float] | None:
        """Return p50, p99 and max of the lateness of processed rows; None without a schedule."""

    def arrivals(self) -> ArrivalMetrics | None:
        """Return the metrics of the arrival queue and its source, in any thread; None if there is no such queue."""

    def read_ahead(
        self, batches: Iterator[MergedBatch], interrupt: Callable[[], None]
    ) -> AbstractContextManager[Iterable[MergedBatch]]:
        """Return a context that reads batches in a thread for ``run``; its end calls ``interrupt``."""

    def run(self, batches: Iterable[MergedBatch], stepper: Stepper) -> int | None:
        """Feed batches until the input ends or the run is stopped.

        Returns
        -------
        int or None
            The market time of a seek that needs a snapshot and another run; None at the end.
        """


class ReadingAhead:
    """Base of drivers whose source can wait: a thread decodes a few batches before they are needed."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def arrivals(self) -> None:
        return None

    def read_ahead(
        self, batches: Iterator[MergedBatch], interrupt: Callable[[], None]
    ) -> AbstractContextManager[Iterable[MergedBatch]]:
        return Prefetch(batches, READ_AHEAD, lambda: self._control.stopped, interrupt)


class FlatOut(ReadingAhead):
    """Feeds batches as fast as they come."""

    batch_rows = 1 << 62
    feeds_whole_batches = True
    paused_ns = 0
    schedule = None

    def lateness_ms(self) -> None:
        return None

    def run(self, batches: Iterable[MergedBatch], stepper: Stepper) -> int | None:
        for number, batch in enumerate(batches):
            if not number:
                stepper.prepare(batch)
            stepper.step(batch)
            stepper.batch_done(batch)
            if self._control.stopped:
                break
        return None
