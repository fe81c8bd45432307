"""Progress of a run on standard error: share, rows, rows a second, market time, events, time left."""

from __future__ import annotations

import os
import sys
from typing import Any

import pyarrow as pa
from tqdm import tqdm

from tickstock_cli.cli.meter import ProgressMeter
from tickstock_cli.engine.observer import Observer

REDRAW_SECONDS = 0.1
USUAL_WIDTH = 80


class ProgressBar(Observer):
    """A bar that is redrawn in place and removed at the end."""

    def __init__(self, meter: ProgressMeter, title: str = "") -> None:
        self._meter = meter
        self._title = title
        self._events = 0
        # It draws given figures: tqdm's own estimates would include the rows before a resumption.
        tqdm.monitor_interval = 0  # no thread of its own: each step redraws the bar
        self._bar: Any = tqdm(
            desc=title,
            total=1.0,
            leave=False,
            mininterval=REDRAW_SECONDS,
            miniters=0,
            bar_format="{desc}",
        )

    def advanced(self, rows: int, market_time: int) -> None:
        self._meter.advanced(rows, market_time)
        self._bar.desc = self._title + self._meter.line(_width() - len(self._title), self._events)
        self._bar.update(0)

    def released(self, events: pa.RecordBatch, count: int) -> None:  # noqa: ARG002 - the observer's
        self._events = count

    def jumped(self, market_time: int, events: int) -> None:  # noqa: ARG002 - the observer's
        self._events = events

    def close(self) -> None:
        """Remove the bar."""
        self._bar.close()


def _width() -> int:
    """Return the terminal's width less one column, because some terminals break a full line."""
    try:
        return (os.get_terminal_size(sys.stderr.fileno()).columns or USUAL_WIDTH) - 1
    except OSError:
        return USUAL_WIDTH - 1
