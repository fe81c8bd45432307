"""The linear path beside the channels of a running system: one queue for all record types, processed row by row.

Rules and state are those of the channels, so that a ticker changes between the paths with nothing but its queued rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tickstock_cli.channels.base import BatchOutcome
from tickstock_cli.channels.workspace import Workspace
from tickstock_cli.engine.channels import Channels
from tickstock_cli.runtime.batching import Batching, Strategy
from tickstock_cli.runtime.breaker import BreakerLimits
from tickstock_cli.runtime.chunks import ShardChunk
from tickstock_cli.runtime.instance import RANKS
from tickstock_cli.runtime.sections import MS
from tickstock_cli.runtime.work import process

LINEAR = "linear"
"""Name of the linear path's instance, in place of a record type, too."""

TIMEOUT_MS = 100
"""A batch that takes longer counts as a timeout."""
ROWS_A_BATCH = 16
"""Rows that one call in a thread processes one by one."""

BATCHING = Batching(Strategy.IMMEDIATE, ROWS_A_BATCH, MS, TIMEOUT_MS * MS)
NEVER_OPEN = BreakerLimits(failures_in_row=2**62, failure_share=1.0, window=1, open_ns=1, trials=1)
"""The linear path has no breaker: there is no other path to go to."""


class LinearPath:
    """Processes parts of any record types, row by row. One thread at a time uses it."""

    def __init__(self, channels: Channels) -> None:
        self._channels = channels
        self._workspaces = {record: Workspace() for record in RANKS}

    def process(self, parts: Sequence[ShardChunk], tickers: int) -> BatchOutcome:
        """Process parts in their order; arguments and result as those of `runtime.work.process`."""
        whole = BatchOutcome()
        for part in parts:
            for row in _rows(part):
                outcome = process(self._channels, [row], tickers, self._workspaces[row.record])
                whole.ledger.merge(outcome.ledger.as_dict())
                whole.events += outcome.events
                whole.rejected += outcome.rejected
                whole.failures += outcome.failures
        return whole


def _rows(part: ShardChunk) -> Iterator[ShardChunk]:
    """Return a part row by row, each with the lookups before the next one."""
    while len(part) > 1:
        row, part = part.cut(1)
        yield row
    yield part
