"""What a program that hands in data gets back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class EventProcessingResult:
    """What became of the rows of one call.

    Parameters
    ----------
    record
        Their type: ``tick``, ``ohlcv`` or ``fmv``.
    rows
        How many there were.
    rejected
        Why rows were rejected, one reason each, in the ledger's words.
    events
        What became final because of them, as rows of the event schema. An event that has to wait for its window's
        end comes with a later call, or when market time is advanced.
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
