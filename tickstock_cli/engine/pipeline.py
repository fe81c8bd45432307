"""Pipelines: how the rows of a run get to its core. All give the same results, at different times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.schedule import Schedule
from tickstock_cli.engine.core import Core, StepResult

TakeResult = Callable[[StepResult], None]


@dataclass(frozen=True, slots=True)
class Drained:
    """The rows that were queued when a run was stopped: rows processed, in how many seconds, and rows dropped."""

    rows: int = 0
    seconds: float = 0.0
    rows_dropped: int = 0

    def __add__(self, other: Drained) -> Drained:
        return Drained(self.rows + other.rows, self.seconds + other.seconds, self.rows_dropped + other.rows_dropped)


class Pipeline(Protocol):
    """Computes rows. It passes results on in output order, at once or later, from one thread at a time."""

    def connect(self, take: TakeResult) -> None:
        """Set the function that takes results, before any row is fed. A later call raises the errors of ``take``."""

    def prepare(self, batch: MergedBatch) -> None:
        """Prepare for the first rows, before any clock runs: room for their tickers, the calendar of their days."""

    def ahead(self, batches: Iterator[MergedBatch]) -> Iterator[MergedBatch]:
        """Yield batches that will be fed whole, each after the work on it that can be done in the reader's thread."""

    def feed(self, batch: MergedBatch, schedule: Schedule | None) -> None:
        """Feed rows after all rows fed before; a batch without rows advances market time.

        Parameters
        ----------
        schedule
            When the rows are due; None without a schedule.
        """

    def next_release(self) -> int:
        """Return the market time (int64 ns) at which events may be released although no row comes."""

    def settle(self) -> Drained | None:
        """Wait until all rows fed are computed and their results taken; the core is idle until the next ``feed``.

        Once the run has been stopped, the wait has a time limit; rows that remain then are dropped and counted. None:
        no row was drained, because the pipeline has no queue or the run goes on.
        """


class DirectPipeline:
    """Steps the core in the caller's thread, without a queue."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def connect(self, take: TakeResult) -> None:
        self._take = take

    def prepare(self, batch: MergedBatch) -> None:
        self._core.prepare(batch)

    def ahead(self, batches: Iterator[MergedBatch]) -> Iterator[MergedBatch]:
        return self._core.ahead(batches)

    def feed(self, batch: MergedBatch, schedule: Schedule | None) -> None:  # noqa: ARG002 - the protocol's
        self._take(self._core.step(batch))

    def next_release(self) -> int:
        return self._core.next_release()

    def settle(self) -> Drained | None:
        return None


class LinearPipeline(DirectPipeline):
    """The older path of the system: one queue, record by record. The core and the events are the same."""

    def ahead(self, batches: Iterator[MergedBatch]) -> Iterator[MergedBatch]:
        return batches

    def feed(self, batch: MergedBatch, schedule: Schedule | None) -> None:  # noqa: ARG002 - the protocol's
        times = batch.available_at()
        for row in range(len(batch)):
            self._take(self._core.step(batch.cut(row, row + 1, int(times[row]))))
        self._take(self._core.step(batch.cut(len(batch), len(batch), batch.watermark)))
