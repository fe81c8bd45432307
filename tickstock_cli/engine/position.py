"""The position of a run: where it goes on, from a checkpoint or a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunPosition:
    """The position of a run after a row.

    Parameters
    ----------
    positions
        Rows read of each file; empty = none.
    ledger
        Counts up to the position.
    rows, events, rejects
        Rows fed, events released and rows rejected up to the position.
    first_time, market_time
        Market time (ns UTC) of the first row, and of the position.
    watermark
        No later row is available earlier (ns UTC), and all events before it have been released.
    """

    positions: tuple[int, ...] = ()
    ledger: Mapping[str, int] | None = None
    rows: int = 0
    events: int = 0
    rejects: int = 0
    first_time: int = 0
    market_time: int = 0
    watermark: int = 0
