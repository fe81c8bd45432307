"""A shadow: a second configuration beside that of a run, on the same rows.

1. A core of its own gets every batch and every advance of market time that the run's pipeline gets, after it, on the
   run's thread. The run wakes for the events of either.
2. Its events go to outputs, a digest and a ledger of its own, and are counted side by side with those of the run.
3. An error of the shadow or of its outputs drops what failed, is reported and counted, and leaves the run alone. The
   end of the run says so, as with any output that failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.ledger import Ledger
from tickstock_cli.core.memory_errors import error_words
from tickstock_cli.core.schedule import Schedule
from tickstock_cli.engine.coordinator import END_OF_TIME
from tickstock_cli.engine.core import Core
from tickstock_cli.engine.output_states import Failed, OutputEnd, OutputState
from tickstock_cli.engine.outputs import Outputs
from tickstock_cli.engine.pipeline import Drained, Pipeline, TakeResult
from tickstock_cli.engine.result import ShadowResult
from tickstock_cli.engine.side_by_side import RunSide, SideBySide
from tickstock_cli.errors import OutputError

PREFIX = "shadow"
"""Prefix of the names of its arrays in a snapshot."""


class Shadow:
    """A core with outputs of its own. Methods are called on the run's thread, and raise no error of the shadow.

    Parameters
    ----------
    config
        Name of its configuration.
    core
        Shares its symbol table with the run.
    outputs
        Its outputs.
    own
        The state of the shadow itself, one of the outputs' states: while it is good, failed outputs do not end it.
    failed
        Called with its name and the reason why it failed.
    is_live
        Whether rows arrive in their own time. Then the run does not wait for the shadow's outputs: outputs that are too
        slow end the shadow.
    """

    def __init__(
        self, config: str, core: Core, outputs: Outputs, own: OutputState, failed: Failed, is_live: bool = False
    ) -> None:
        self._config = config
        self.core = core
        self._outputs = outputs
        self._own = own
        self._report = failed
        self._is_live = is_live
        self._stopped = False
        self._begun = core.ledger.as_dict()
        self._side_by_side = SideBySide()
        outputs.listen(partial(self._side_by_side.add, RunSide.SHADOW))

    def compare(self, main: Outputs) -> None:
        """Count the events of the run's outputs side by side with the shadow's."""
        main.listen(self._take_main)

    def go_on_from(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Set the state of an earlier run, by the names of the core; counts begin at 0."""
        self._attempt(lambda: self.core.restore(dict(arrays), self.core.ledger))

    def prepare(self, batch: MergedBatch) -> None:
        """Prepare for the first rows."""
        self._attempt(lambda: self.core.prepare(batch))

    def feed(self, batch: MergedBatch) -> None:
        """Compute rows; a batch without rows advances market time."""
        self._attempt(lambda: self._step(batch))
        self._own.count(len(batch))

    def next_release(self) -> int:
        """Return the market time (int64 ns) at which an event may be released although no row comes."""
        return END_OF_TIME if self._own.error is not None else self.core.next_release()

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all state as arrays, by ``shadow/NAME``, for a snapshot; none once it has failed."""
        self._attempt(self._outputs.drain)
        if self._own.error is not None:
            return {}
        counts = self.core.ledger.as_dict()
        arrays = {
            **self.core.state(),
            "released": np.array([self._outputs.released]),
            "rows": np.array([self._own.rows]),
            "counters": np.array(list(counts), dtype=np.str_),
            "counts": np.array(list(counts.values()), dtype=np.int64),
        }
        return {f"{PREFIX}/{name}": array for name, array in arrays.items()}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Set the state that ``state`` returned, among other arrays; none = before the first row."""
        prefix = f"{PREFIX}/"
        own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
        self._attempt(lambda: self._restore(own))

    def end(self, *, stopped: bool, keep_partial: bool) -> None:
        """Release the last events, check the ledger, and give every output its final name."""
        self._stopped = stopped
        self._attempt(lambda: self._end(stopped, keep_partial))
        if self._own.error is not None:
            self.abort()
            for state in self._outputs.states:
                state.error = state.error or self._own.error

    def abort(self) -> None:
        """Drop its outputs."""
        self._outputs.abort()

    def result(self) -> ShadowResult:
        """Return its figures, after ``end``."""
        end = OutputEnd.PARTIAL if self._stopped else OutputEnd.WRITTEN
        own, *outputs = (state.report(end) for state in self._outputs.states)
        return ShadowResult(
            self._config,
            self.core.ledger,
            self._outputs.tally.events,
            self._outputs.digest.hexdigest(),
            tuple(outputs),
            self._side_by_side.by_kind(),
            own,
        )

    def _take_main(self, events: pa.RecordBatch) -> None:
        """Count events of the run; on the thread that writes its outputs, which must not fail."""
        self._attempt(lambda: self._side_by_side.add(RunSide.MAIN, events))

    def _attempt(self, action: Callable[[], object]) -> None:
        """Do something unless the shadow has failed; an error ends the shadow."""
        if self._own.error is not None:
            return
        try:
            action()
        except Exception as error:  # noqa: BLE001  (whatever fails here, the run goes on)
            self._own.error = error
            self._report(self._own.name, error_words(error))

    def _step(self, batch: MergedBatch) -> None:
        events = self.core.step(batch).events
        if self._is_live and self._outputs.is_full:
            raise OutputError(f"the outputs of {self._own.name} are too slow: name faster ones")
        self._outputs.write(events)

    def _restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        self._outputs.drain()
        if not arrays:
            self.core.forget(Ledger(self._begun))
            self._outputs.rewind(0)
            self._own.rows = 0
            return
        counters, counts = arrays.pop("counters").tolist(), arrays.pop("counts").tolist()
        self._outputs.rewind(int(arrays.pop("released")[0]))
        self._own.rows = int(arrays.pop("rows")[0])
        self.core.restore(arrays, Ledger(dict(zip(counters, counts, strict=True))))

    def _end(self, stopped: bool, keep_partial: bool) -> None:
        self._outputs.write(self.core.interrupt() if stopped else self.core.finish())
        self._outputs.drain()
        self.core.ledger.check()
        self._outputs.check_emitted(self.core.ledger["coordinator.emitted"])
        self._outputs.finish()
        self._outputs.commit(stopped=stopped, keep_partial=keep_partial)


class ShadowedPipeline:
    """A pipeline with a shadow that gets the same rows after it."""

    def __init__(self, pipeline: Pipeline, shadow: Shadow) -> None:
        self._pipeline = pipeline
        self._shadow = shadow

    def connect(self, take: TakeResult) -> None:
        self._pipeline.connect(take)

    def prepare(self, batch: MergedBatch) -> None:
        self._pipeline.prepare(batch)
        self._shadow.prepare(batch)

    def ahead(self, batches: Iterator[MergedBatch]) -> Iterator[MergedBatch]:
        return self._pipeline.ahead(batches)

    def feed(self, batch: MergedBatch, schedule: Schedule | None) -> None:
        self._pipeline.feed(batch, schedule)
        self._shadow.feed(batch)

    def next_release(self) -> int:
        return min(self._pipeline.next_release(), self._shadow.next_release())

    def settle(self) -> Drained | None:
        return self._pipeline.settle()
