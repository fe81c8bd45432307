"""Pipelines: how rows that a run feeds get to its core. The results are the same; when they come is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.engine.core import Core, StepResult
from tickstock_cli.engine.schedule import Schedule


class Pipeline(Protocol):
    """What a run feeds. Results come in output order, at once or with a later call."""

    def feed(self, batch: MergedBatch, schedule: Schedule | None) -> Sequence[StepResult]:
        """Take rows behind all that were fed before; without rows, market time passes.

        Parameters
        ----------
        schedule
            When the rows were due; None: they are not on one.
        """

    def settle(self) -> Sequence[StepResult]:
        """Wait until all that was fed is computed; until the next ``feed``, nobody touches the core."""


class DirectPipeline:
    """Steps the core in the caller's own thread: nothing waits, nothing is queued."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def feed(self, batch: MergedBatch, schedule: Schedule | None) -> Sequence[StepResult]:  # noqa: ARG002
        """See ``Pipeline``."""
        return (self._core.step(batch),)

    def settle(self) -> Sequence[StepResult]:
        """See ``Pipeline``."""
        return ()


class LinearPipeline:
    """The system's old path: one queue, record by record. Same core, so the same events, at its cost."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def feed(self, batch: MergedBatch, schedule: Schedule | None) -> Sequence[StepResult]:  # noqa: ARG002
        """See ``Pipeline``."""
        if len(batch) < 2:
            return (self._core.step(batch),)
        times = batch.available_at()
        rows = (batch.cut(row, row + 1, int(times[row])) for row in range(len(batch)))
        return (*map(self._core.step, rows), self._core.step(batch.cut(len(batch), len(batch), batch.watermark)))

    def settle(self) -> Sequence[StepResult]:
        """See ``Pipeline``."""
        return ()
