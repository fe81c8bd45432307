"""The reference run: the same workload flat out through the direct pipeline, in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator

from tickstock_cli.build import build_core, build_encoder, settings_from
from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.execution import execute
from tickstock_cli.engine.observer import Observer
from tickstock_cli.engine.outputs import Outputs
from tickstock_cli.engine.run import RunOptions, RunParts
from tickstock_cli.errors import DataError
from tickstock_cli.loadtest.child import Child, run_child
from tickstock_cli.loadtest.scenario import Scenario
from tickstock_cli.loadtest.transport.base import Frame
from tickstock_cli.loadtest.transport_source import NoOriginals, batch_of
from tickstock_cli.loadtest.workload import Workload
from tickstock_cli.sources.rows import RowIngest

BATCH_ROWS = 65_536


class WorkloadSource:
    """A workload as a ``core.stages.Source`` that can be read once."""

    def __init__(self, workload: Workload, interval_seconds: int) -> None:
        self._workload = workload
        self._interval_seconds = interval_seconds
        self.symbols = SymbolTable(workload.tickers)

    def batches(self, batch_rows: int, positions: tuple[int, ...] = ()) -> Iterator[MergedBatch]:
        if positions:
            raise DataError("a workload can only be made from its beginning")
        ingest = RowIngest(self.symbols, self._interval_seconds)
        frames: list[Frame] = []
        rows = 0
        for slot in self._workload.slots():
            if slot.parts:
                parts = {str(record): part for record, part in slot.parts.items()}
                frames.append(Frame(slot.number, slot.due + 1, parts))
                rows += sum(part.num_rows for part in slot.parts.values())
                if rows >= batch_rows:
                    yield batch_of(frames, ingest)
                    frames, rows = [], 0
        if frames:
            yield batch_of(frames, ingest)

    def origins(self) -> NoOriginals:
        return NoOriginals()

    def interrupt(self) -> None:
        """Do nothing: making rows never waits."""


def work(child: Child) -> None:
    """Run the workload, and report its events, digest and ledger."""
    settings = settings_from(child.job["settings"])
    workload = Workload(Scenario.model_validate(child.job["scenario"]))
    source = WorkloadSource(workload, settings.recordings.interval_seconds)
    core = build_core(settings, source.symbols)
    outputs = Outputs(build_encoder(settings, source.symbols), [])
    result = execute(RunParts(source, core, outputs, Control(), Observer(), RunOptions(batch_rows=BATCH_ROWS)))
    child.report("done", events=result.tally.events, digest=result.digest, ledger=result.ledger.as_dict())


if __name__ == "__main__":
    run_child(work)
