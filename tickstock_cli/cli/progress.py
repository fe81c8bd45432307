"""Progress of a flat-out run on standard error: rows, rows a second, market time, time left."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from tqdm import tqdm

from tickstock_cli.core.times import format_time


class ProgressBar:
    """A tqdm bar over the rows of a recording; silent where standard error is not a terminal."""

    def __init__(self, rows: int, shown: bool) -> None:
        self._events = 0
        self._bar: Any = tqdm(
            total=rows,
            unit="row",
            unit_scale=True,
            disable=not shown,
            leave=False,
            mininterval=0.1,
            bar_format="{percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} rows  {rate_fmt}  {postfix}  {remaining} left",
        )

    def advanced(self, rows: int, market_time: int) -> None:
        """Move the bar; see ``Observer``."""
        if self._bar.disable:
            return
        self._bar.set_postfix_str(f"market {format_time(market_time)[:19]}  {self._events:,} events", refresh=False)
        self._bar.update(rows - self._bar.n)

    def released(self, events: pa.RecordBatch) -> None:
        """Count events; see ``Observer``."""
        self._events += len(events)

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()
