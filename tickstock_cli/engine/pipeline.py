"""Pipelines: how rows that a run feeds get to its core. The results are the same; when they come is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.engine.core import Core, StepResult
from tickstock_cli.engine.schedule import Schedule

Take = Callable[[StepResult], None]


class Pipeline(Protocol):
    """What a run feeds. It hands results on in output order, at once or later, from one thread at a time."""

    def connect(self, take: Take) -> None:
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
        """Give the market time (int64 ns) at which it may have more to tell though no row has come."""

    def settle(self) -> None:
        """Wait until all that was fed is computed and taken; until the next ``feed``, nobody touches the core."""


class DirectPipeline:
    """Steps the core in the caller's own thread: nothing waits, nothing is queued."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def connect(self, take: Take) -> None:
        """See ``Pipeline``."""
        self._take = take

    def prepare(self, batch: MergedBatch) -> None:
        """See ``Pipeline``."""
        self._core.prepare(batch)

    def feed(self, batch: MergedBatch, schedule: Schedule | None) -> None:  # noqa: ARG002 - the protocol's
        """See ``Pipeline``."""
        self._take(self._core.step(batch))

    def next_release(self) -> int:
        """See ``Pipeline``."""
        return self._core.next_release()

    def settle(self) -> None:
        """See ``Pipeline``."""


class LinearPipeline(DirectPipeline):
    """The system's old path: one queue, record by record. Same core, so the same events, at its cost."""

    def feed(self, batch: MergedBatch, schedule: Schedule | None) -> None:  # noqa: ARG002 - the protocol's
        """See ``Pipeline``."""
        times = batch.available_at()
        for row in range(len(batch)):
            self._take(self._core.step(batch.cut(row, row + 1, int(times[row]))))
        self._take(self._core.step(batch.cut(len(batch), len(batch), batch.watermark)))
