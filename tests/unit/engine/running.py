"""A run of records put together by hand, for what `testing.run_records` does not ask for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import Any

from tickstock_cli.assembly import RunPlan, assemble
from tickstock_cli.build import settings_model
from tickstock_cli.core.clock import Clock, SystemClock
from tickstock_cli.core.ledger import Ledger
from tickstock_cli.core.stages import Sink, Source
from tickstock_cli.engine.checkpoint import CheckpointStore
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.execution import execute
from tickstock_cli.engine.observer import Observer
from tickstock_cli.engine.result import RunResult
from tickstock_cli.engine.run import RunOptions
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
    plan = RunPlan(
        source,
        settings_model()(),
        control or Control(),
        observer or Observer(),
        workers=workers,
        options=RunOptions(**options),
        open_sinks=lambda schema: list(sinks),  # noqa: ARG005
        store=store,
        clock=clock or SystemClock(),
    )
    with ExitStack() as stack:
        parts = assemble(plan, stack)
        parts.core.ledger = ledger or Ledger()
        return execute(parts)


def run_strictly(rows: Sequence[Record], **how: Any) -> RunResult:
    """Run records that must not be rejected."""
    return run_source(ListSource(rows), strict=True, **how)
