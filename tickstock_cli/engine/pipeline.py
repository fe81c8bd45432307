"""Pipelines: how rows that a run feeds get to its core. The results are the same; when they come is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.engine.core import Core, StepResult
from tickstock_cli.engine.schedule import Schedule

TakeResult = Callable[[StepResult], None]


@dataclass(frozen=True, slots=True)
class Drained:
    """What became of queued rows when a run was stopped: rows processed, in how many seconds, and rows left."""

    rows: int = 0
    seconds: float = 0.0
    rows_dropped: int = 0

    def __add__(self, other: Drained) -> Drained:
        return Drained(self.rows + other.rows, self.seconds + other.seconds, self.rows_dropped + other.rows_dropped)


class Pipeline(Protocol):
    """What a run feeds. It hands results on in output order, at once or later, from one thread at a time."""

    def connect(self, take: TakeResult) -> None:
        """Say who takes results, before anything is fed. What ``take`` raises is raised by a later call."""

    def prepare(self, batch: MergedBatch) -> None:
        """Make ready for the first rows, before any clock runs: room for their tickers, the calendar of their days."""

    def feed(self, batch: MergedBatch, schedule: Schedule | None) -> None:
        """Take rows behind all that were fed before; without rows, market time passes.

        Parameters
        ----------
        schedule
            When the rows were due; None: they are not on one.
        """

    def next_release(self) -> int:
        """Return the market time (int64 ns) at which it may have more to tell though no row has come."""

    def settle(self) -> Drained | None:
        """Wait until all that was fed is computed and taken; until the next ``feed``, nobody touches the core.

        Once the run has been stopped it is a drain, which has its bound: rows that are left then are lost to this run,
        and counted. None: nothing was drained, because nothing is ever queued or the run goes on.
        """


class DirectPipeline:
    """Steps the core in the caller's own thread: nothing waits, nothing is queued."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def connect(self, take: TakeResult) -> None:
        self._take = take

    def prepare(self, batch: MergedBatch) -> None:
        self._core.prepare(batch)

    def feed(self, batch: MergedBatch, schedule: Schedule | None) -> None:  # noqa: ARG002 - the protocol's
        self._take(self._core.step(batch))

    def next_release(self) -> int:
        return self._core.next_release()

    def settle(self) -> Drained | None:
        return None


class LinearPipeline(DirectPipeline):
    """The system's old path: one queue, record by record. Same core, so the same events, at its cost."""

    def feed(self, batch: MergedBatch, schedule: Schedule | None) -> None:  # noqa: ARG002 - the protocol's
        times = batch.available_at()
        for row in range(len(batch)):
            self._take(self._core.step(batch.cut(row, row + 1, int(times[row]))))
        self._take(self._core.step(batch.cut(len(batch), len(batch), batch.watermark)))
