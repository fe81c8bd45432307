"""Compares the linear pipeline with the running system: their events must be equal; the report shows both costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from tickstock_cli.build import settings_model
from tickstock_cli.core.counted import counted
from tickstock_cli.core.stages import NamedSource
from tickstock_cli.engine.observer import Observer
from tickstock_cli.engine.result import RunResult
from tickstock_cli.errors import ThresholdError
from tickstock_cli.replaying import Request, read_options, replay
from tickstock_cli.runtime.opening import PipelineName
from tickstock_cli.sources.opening import open_repeatable

LINEAR_BATCH_ROWS = 2_048
"""Batch size of the linear pipeline. It processes single records: small batches update the progress more often."""


@dataclass(frozen=True, slots=True)
class PipelineComparison:
    """The results of both runs over the same rows."""

    multi: RunResult
    linear: RunResult

    @property
    def same(self) -> bool:
        """Whether events and ledger agree."""
        return self.multi.digest == self.linear.digest and self.multi.ledger.as_dict() == self.linear.ledger.as_dict()

    def as_dict(self) -> dict[str, Any]:
        """Return both results as plain values, as ``RunResult.as_dict`` does."""
        return {"same": self.same, "multi": self.multi.as_dict(), "linear": self.linear.as_dict()}

    def check(self) -> None:
        """Raise ThresholdError if events or ledger differ."""
        if not self.same:
            raise ThresholdError(
                f"the pipelines differ: multi emitted {counted(self.multi.tally.events, 'event')} "
                f"({self.multi.digest[:12]}), linear {self.linear.tally.events:,} ({self.linear.digest[:12]})"
            )


def compare_pipelines(
    request: Request, observe: Callable[[PipelineName, NamedSource], Observer] | None = None
) -> PipelineComparison:
    """Replay a request with the running system, which writes the outputs, then with the linear pipeline.

    Parameters
    ----------
    observe
        Called once for each run with the opened source; returns the observer of the run.
    """

    def run(path: PipelineName, wanted: Request) -> RunResult:
        watch = None if observe is None else partial(observe, path)
        return replay(replace(wanted, pipeline=path), observe=watch)

    settings = request.settings if request.settings is not None else settings_model()()
    open_repeatable(request.paths, read_options(request, settings), "the comparison replays it twice").close()
    multi = run(PipelineName.MULTI, request)
    rows = min(request.batch_rows, LINEAR_BATCH_ROWS)
    silent = replace(request, provenance=False, outs=(), rejects=None, checkpoint=None, batch_rows=rows)
    return PipelineComparison(multi, run(PipelineName.LINEAR, silent))
