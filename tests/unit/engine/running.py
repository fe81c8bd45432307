"""A run of records put together by hand, for what `testing.run_records` does not ask for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tickstock_cli.build import build_core, build_encoder, settings_model
from tickstock_cli.core.clock import Clock
from tickstock_cli.core.ledger import Ledger
from tickstock_cli.core.stages import Sink, Source
from tickstock_cli.engine.checkpoint import CheckpointStore
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.observer import Observer, Unwatched
from tickstock_cli.engine.outputs import Outputs
from tickstock_cli.engine.run import Run, RunOptions, RunResult
from tickstock_cli.testing import ListSource, Record


def run_source(
    source: Source,
    sinks: Iterable[Sink] = (),
    *,
    observer: Observer | None = None,
    control: Control | None = None,
    clock: Clock | None = None,
    store: CheckpointStore | None = None,
    workers: int = 1,
    ledger: Ledger | None = None,
    **options: Any,
) -> RunResult:
    """Run a source under default settings.

    Parameters
    ----------
    ledger
        What the core has counted before its first row.
    options
        Those of `RunOptions`.
    """
    settings = settings_model()()
    with ThreadPoolExecutor(workers) as executor:
        core = build_core(settings, source.symbols, workers, executor)
        core.ledger = ledger or Ledger()
        outputs = Outputs(build_encoder(settings, source.symbols), list(sinks))
        run = Run(
            source,
            core,
            outputs,
            control or Control(),
            observer or Unwatched(),
            RunOptions(**options),
            store=store,
            clock=clock,
        )
        return run.execute()


def run_strictly(rows: Sequence[Record], **how: Any) -> RunResult:
    """Run records that must not be rejected."""
    return run_source(ListSource(rows), strict=True, **how)
