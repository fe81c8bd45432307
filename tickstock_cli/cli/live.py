"""A paced run on a terminal: the latest events, where the market stands, and keys that steer it."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from collections import deque
from collections.abc import Sequence
from threading import Event, Thread
from time import monotonic
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text
from tqdm import tqdm

from tickstock_cli.cli.render import event_table
from tickstock_cli.cli.render_dashboard import DashboardView
from tickstock_cli.core.times import format_time
from tickstock_cli.engine.control import Control
from tickstock_cli.runtime.pipeline import MultiChannelPipeline

LATEST = 18
"""Events that the table shows."""
BESIDE_DASHBOARD = 5
"""The same, below a dashboard."""
REFRESH_PER_SECOND = 8
KEYS = "space pause/go on   s one row   + faster   - slower   q stop"


class LiveView:
    """A live table of events and a progress line, redrawn by rich in a thread of its own.

    Parameters
    ----------
    rows
        How many there are to come.
    running
        Where the pipeline of a running system will stand: its dashboard is shown in place of most events.
    """

    def __init__(
        self, rows: int, control: Control, console: Console, running: Sequence[MultiChannelPipeline] | None = None
    ) -> None:
        self._running = running
        self._total = rows
        self._control = control
        self._events: deque[dict[str, Any]] = deque(maxlen=LATEST)
        self._rows = 0
        self._seen = 0
        self._market_time = 0
        self._begun = monotonic()
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
        """Note how far the run is; see ``Observer``."""
        self._rows = rows
        self._market_time = market_time

    def released(self, events: pa.RecordBatch) -> None:
        """Note the latest events; see ``Observer``."""
        self._seen += len(events)
        self._events.extend(events.slice(max(0, len(events) - LATEST)).to_pylist())

    def _draw(self) -> Group:
        elapsed = monotonic() - self._begun
        width = self._console.width - 2
        meter = tqdm.format_meter(self._rows, self._total, elapsed, ncols=width, unit="row", unit_scale=True)
        market = format_time(self._market_time)[:23] if self._market_time else "waiting for the first row"
        state = "paused" if self._control.paused else f"{self._control.speed:g}x"
        status = Text.assemble(
            ("market ", "dim"), market, ("   speed ", "dim"), (state, "bold"), ("   events ", "dim"), f"{self._seen:,}"
        )
        rows = list(self._events)
        if not self._running:
            return Group(event_table(rows), status, Text(meter), Text(KEYS, style="dim"))
        view = DashboardView(self._running[0].system.dashboard())
        return Group(view, event_table(rows[-BESIDE_DASHBOARD:]), status, Text(meter), Text(KEYS, style="dim"))


class Keys:
    """Reads single keys from the terminal in a thread and passes them on to the control of a run."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._closed = Event()
        self._terminal = sys.stdin.fileno()
        self._before = termios.tcgetattr(self._terminal)
        self._thread = Thread(target=self._run, name="tickstock-keys", daemon=True)

    def __enter__(self) -> Self:
        tty.setcbreak(self._terminal)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._thread.join()
        termios.tcsetattr(self._terminal, termios.TCSADRAIN, self._before)

    def _run(self) -> None:
        while not self._closed.is_set():
            ready, _, _ = select.select([self._terminal], [], [], 0.1)
            if ready:
                self._press(os.read(self._terminal, 1))

    def _press(self, key: bytes) -> None:
        if key == b" ":
            self._control.toggle_pause()
        elif key in (b"s", b"n"):
            self._control.step()
        elif key in (b"+", b"="):
            self._control.multiply_speed(2)
        elif key in (b"-", b"_"):
            self._control.multiply_speed(0.5)
        elif key == b"q":
            self._control.stop()
