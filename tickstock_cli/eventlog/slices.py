"""The result of one read of the log."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class LogSlice:
    """Consecutive events of the log; empty if the log has none at ``first`` yet.

    A slice shares memory with the log: it keeps blocks of up to a MiB each alive. A consumer that waits for the next
    event keeps ``next_sequence`` instead.
    """

    first: int
    """Sequence number of the first event."""
    events: pa.RecordBatch

    @property
    def next_sequence(self) -> int:
        """Sequence number behind the last event: the cursor of the next read."""
        return self.first + self.events.num_rows
