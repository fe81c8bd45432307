"""A paced run on a terminal: the latest events, and the market time."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from tickstock_cli.cli.keys import KEYS
from tickstock_cli.cli.meter import ProgressMeter
from tickstock_cli.cli.render import speed_words
from tickstock_cli.cli.render_dashboard import DashboardView
from tickstock_cli.cli.render_events import EventTable
from tickstock_cli.cli.render_phrases import KindPhrases
from tickstock_cli.cli.render_row import row_words
from tickstock_cli.core.times import format_clock
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.observer import Observer
from tickstock_cli.runtime.pipeline import MultiChannelPipeline

LATEST = 18
"""Events that the table shows."""
BESIDE_DASHBOARD = 5
"""The same, below a dashboard."""
REFRESH_PER_SECOND = 8


class LiveView(Observer):
    """A live table of events and a progress line, redrawn by rich in a thread of its own.

    Parameters
    ----------
    tickers
        The run's, by code; it grows while the run reads.
    running
        Will hold the pipeline of a running system, whose dashboard replaces most events.
    phrases
        Phrases of the kinds of events; None: those of the project's own kinds.
    """

    def __init__(
        self,
        meter: ProgressMeter,
        control: Control,
        tickers: Sequence[str],
        console: Console,
        running: Sequence[MultiChannelPipeline] | None = None,
        phrases: KindPhrases | None = None,
    ) -> None:
        self._phrases = phrases
        self._running = running
        self._meter = meter
        self._control = control
        self._tickers = tickers
        self._events: deque[dict[str, Any]] = deque(maxlen=LATEST)
        self._seen = 0
        self._market_time = 0
        self._console = console
        self._live = Live(
            get_renderable=self._draw,
            console=console,
            refresh_per_second=REFRESH_PER_SECOND,
            transient=True,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def advanced(self, rows: int, market_time: int) -> None:
        self._meter.advanced(rows, market_time)
        self._market_time = market_time

    def released(self, events: pa.RecordBatch, count: int) -> None:
        self._seen = count
        self._events.extend(events.slice(max(0, len(events) - LATEST)).to_pylist())

    def jumped(self, market_time: int, events: int) -> None:
        self._events.clear()
        self._market_time, self._seen = market_time, events

    def _draw(self) -> Group:
        rows = list(self._events)
        below = [self._status(), Text(self._meter.line(self._console.width - 2, clock=False)), Text(KEYS, style="dim")]
        if not self._running:
            return Group(EventTable(rows, phrases=self._phrases), Text(), *below)
        view = DashboardView(self._running[0].system.reporter.dashboard())
        return Group(view, Text(), EventTable(rows[-BESIDE_DASHBOARD:], phrases=self._phrases), Text(), *below)

    def _status(self) -> Text:
        market = format_clock(self._market_time) if self._market_time else "waiting for the first row"
        speed = speed_words(self._control.speed)
        state = f"paused ({speed})" if self._control.paused else speed
        status = Text.assemble(
            ("market ", "dim"), market, ("   speed ", "dim"), (state, "bold"), ("   events ", "dim"), f"{self._seen:,}"
        )
        row = self._control.stepped
        if row is not None:
            status.append("\nrow ", style="dim")
            status.append(row_words(row, self._tickers))
        status.no_wrap, status.overflow = True, "ellipsis"
        return status
