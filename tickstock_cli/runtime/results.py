"""The result of a call that hands in data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class EventProcessingResult:
    """The result for the rows of one call.

    Parameters
    ----------
    record
        Type of the rows: ``tick``, ``ohlcv`` or ``fmv``.
    rows
        Number of rows.
    rejected
        Why rows were rejected: one reason a rejected row, in the order of the rows, in the words of the ledger.
    events
        Events that these rows released, as rows of the event schema. An event that waits for the end of its window
        comes with a later call, or when market time advances.
    processing_time_ms
        From the call to the end of processing, waits in queues included.
    """

    record: str
    rows: int
    rejected: tuple[str, ...]
    events: tuple[dict[str, Any], ...]
    processing_time_ms: float

    @property
    def success(self) -> bool:
        """Whether every row was accepted."""
        return not self.rejected
