"""Rows, events and lines that wait to be written to a recorded folder, in bounded memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from tickstock_cli.core.hour_files import EVENTS, TIME_COLUMNS

MOST_ROWS = 2_000_000
"""Limit of the rows and events in memory while the disk takes none, together: some hundred MB."""
MOST_LINES = 10_000


@dataclass(slots=True)
class Lost:
    """Rows and events of a time that were not recorded; times in ns UTC."""

    begin: int = 0
    end: int = 0
    rows: int = 0
    events: int = 0
    types: set[str] = field(default_factory=set)

    def add(self, batch: pa.RecordBatch, type: str) -> None:  # noqa: A002 - as HourFile calls it
        """Count a batch."""
        times = batch.column(TIME_COLUMNS[type])
        first, last = times[0].as_py(), times[-1].as_py()
        self.begin = min(self.begin or first, first)
        self.end = max(self.end, last)
        self.types.add(type)
        if type == EVENTS:
            self.events += batch.num_rows
        else:
            self.rows += batch.num_rows

    def as_gap(self, reason: str) -> dict[str, Any]:
        """Return it as a line of ``gaps.jsonl``."""
        return {
            "begin": self.begin,
            "end": self.end,
            "channels": sorted(self.types),
            "reason": reason,
            "rows_not_recorded": self.rows,
            "events_not_recorded": self.events,
        }


@dataclass(slots=True)
class Pending:
    """What waits. Not safe in several threads.

    Parameters
    ----------
    most
        Limit of rows and events, together.
    """

    most: int = MOST_ROWS
    rows: list[tuple[str, pa.RecordBatch]] = field(default_factory=list)
    events: list[tuple[str, pa.RecordBatch]] = field(default_factory=list)
    lines: list[tuple[Path, Mapping[str, Any]]] = field(default_factory=list)
    count: int = 0
    """Rows and events that wait or are being written."""
    lost: Lost = field(default_factory=Lost)

    def add(self, batches: Sequence[tuple[str, pa.RecordBatch]]) -> None:
        """Add batches that came together, by type: all, or none if there is no room."""
        filled = [(type_, batch) for type_, batch in batches if batch.num_rows]
        size = sum(batch.num_rows for _, batch in filled)
        if self.count and self.count + size > self.most:
            for type_, batch in filled:
                self.lost.add(batch, type_)
            return
        self.count += size
        for type_, batch in filled:
            (self.events if type_ == EVENTS else self.rows).append((type_, batch))

    def add_line(self, path: Path, line: Mapping[str, Any]) -> None:
        """Add a line of a file; without room the oldest one is dropped."""
        self.lines.append((path, line))
        del self.lines[:-MOST_LINES]

    def take(self) -> Taken:
        """Take everything that waits; ``count`` stays until it is written."""
        taken = Taken(self.rows, self.events, self.lines)
        self.rows, self.events, self.lines = [], [], []
        return taken


@dataclass(slots=True)
class Taken:
    """What is being written, in this order."""

    rows: list[tuple[str, pa.RecordBatch]] = field(default_factory=list)
    events: list[tuple[str, pa.RecordBatch]] = field(default_factory=list)
    lines: list[tuple[Path, Mapping[str, Any]]] = field(default_factory=list)

    def extend(self, later: Taken) -> None:
        """Append what was taken later."""
        self.rows += later.rows
        self.events += later.events
        self.lines += later.lines
