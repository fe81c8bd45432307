"""The old path beside the running system: the same events, and what each costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from tickstock_cli.build import settings_model
from tickstock_cli.core.stages import NamedSource
from tickstock_cli.engine.observer import Observer
from tickstock_cli.engine.result import RunResult
from tickstock_cli.errors import ThresholdError
from tickstock_cli.replaying import Request, read_options, replay
from tickstock_cli.runtime.opening import PipelineName
from tickstock_cli.sources.opening import open_repeatable

LINEAR_BATCH_ROWS = 2_048
"""The linear path goes record by record anyway; so it tells how far it is a few times a second."""


@dataclass(frozen=True, slots=True)
class PipelineComparison:
    """Both runs over the same rows."""

    multi: RunResult
    linear: RunResult

    @property
    def same(self) -> bool:
        """Whether events and ledger agree."""
        return self.multi.digest == self.linear.digest and self.multi.ledger.as_dict() == self.linear.ledger.as_dict()

    def as_dict(self) -> dict[str, Any]:
        """Return both runs as plain values; see ``RunResult.as_dict``."""
        return {"same": self.same, "multi": self.multi.as_dict(), "linear": self.linear.as_dict()}

    def check(self) -> None:
        """Raise ThresholdError if events or ledger differ."""
        if not self.same:
            raise ThresholdError(
                f"the paths differ: multi told {self.multi.tally.events:,} events ({self.multi.digest[:12]}), "
                f"linear {self.linear.tally.events:,} ({self.linear.digest[:12]})"
            )


def compare_pipelines(
    request: Request, observe: Callable[[PipelineName, NamedSource], Observer] | None = None
) -> PipelineComparison:
    """Replay a request by the running system, which writes its outputs, and then by the linear path, which does not.

    Parameters
    ----------
    observe
        Called once for each run with its opened source, and return who watches it.
    """

    def run(path: PipelineName, wanted: Request) -> RunResult:
        watch = None if observe is None else partial(observe, path)
        return replay(replace(wanted, pipeline=path), observe=watch)

    settings = request.settings if request.settings is not None else settings_model()()
    open_repeatable(request.paths, read_options(request, settings), "comparing replays it twice").close()
    multi = run(PipelineName.MULTI, request)
    rows = min(request.batch_rows, LINEAR_BATCH_ROWS)
    silent = replace(request, provenance=False, outs=(), rejects=None, checkpoint=None, batch_rows=rows)
    return PipelineComparison(multi, run(PipelineName.LINEAR, silent))
