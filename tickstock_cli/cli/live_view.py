"""A run in its own time on a terminal: the latest events and where it is, on the alternate screen.

The alternate screen leaves what was on the terminal before as it was. It is left at the end, at an error, at a signal,
and while the job is stopped or in the background; a guard leaves it behind a run that is killed.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack, redirect_stderr, suppress
from threading import current_thread, main_thread
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
from rich.console import Console
from rich.live import Live
from rich.text import Text

from tickstock_cli.cli.keys import has_keyboard
from tickstock_cli.cli.leaving import restore_all, restored
from tickstock_cli.cli.render_live import GuardedFrame, LiveFrame
from tickstock_cli.cli.render_phrases import KindPhrases
from tickstock_cli.cli.screen_guard import LEAVE_SCREEN, ScreenGuard
from tickstock_cli.cli.status_lines import StatusLines
from tickstock_cli.core.shown_times import ShownZone
from tickstock_cli.engine.observer import Observer
from tickstock_cli.runtime.pipeline import MultiChannelPipeline

LATEST = 500
"""Events that are kept for the table: more than any terminal has lines."""
REFRESH_PER_SECOND = 8


class LiveView(Observer):
    """A live table of events and a progress line, redrawn by rich in a thread of its own.

    A frame that cannot be drawn says so in its place; the run and the frames behind it go on. Lines that the program
    writes to standard error meanwhile are printed when the screen is left.

    Parameters
    ----------
    status
        Draws the last lines.
    console
        Draws on a terminal, not by way of ``sys.stderr``.
    zone
        Zone of the times.
    running
        Will hold the pipeline of a running system, whose dashboard replaces most events.
    phrases
        Phrases of the kinds of events; None: those of the project's own kinds.
    """

    def __init__(
        self,
        status: StatusLines,
        console: Console,
        zone: ShownZone,
        running: Sequence[MultiChannelPipeline] | None = None,
        phrases: KindPhrases | None = None,
    ) -> None:
        self._phrases = phrases
        self._running = running
        self._status = status
        self._zone = zone
        self._batches: tuple[pa.RecordBatch, ...] = ()
        self._seen = 0
        self._console = console
        self._hidden = False
        self._failure: str | None = None
        self._guard = ScreenGuard()
        self._stack = ExitStack()
        self._live = Live(
            get_renderable=lambda: GuardedFrame(self._draw, self._failed),
            console=console,
            refresh_per_second=REFRESH_PER_SECOND,
            screen=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            held = io.StringIO()
            undo.callback(self._print_held, held)
            undo.enter_context(redirect_stderr(held))
            undo.enter_context(restored(self._leave_screen))
            undo.callback(self._stop)
            self._start()
            if current_thread() is main_thread():
                for number, handler in ((signal.SIGTSTP, self._suspend), (signal.SIGQUIT, _quit)):
                    undo.callback(signal.signal, number, signal.signal(number, handler))
            self._stack = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        with suppress(OSError):  # the terminal can be gone
            if self._failure is not None:
                self._console.print(Text(f"note: the view could not be drawn: {self._failure}"))
            if error is not None:  # without an error, a summary follows
                self._console.print(Text("\n").join(self._below(self._console.width)))

    def advanced(self, rows: int, market_time: int) -> None:
        self._status.advanced(rows, market_time)
        if self._hidden and has_keyboard():
            self._hidden = False
            self._start()

    def released(self, events: pa.RecordBatch, count: int) -> None:
        self._seen = count
        if not len(events):
            return
        batches = [*self._batches, events.slice(max(0, len(events) - LATEST))]
        rows = sum(map(len, batches))
        while rows - len(batches[0]) >= LATEST:
            rows -= len(batches.pop(0))
        self._batches = tuple(batches)

    def jumped(self, market_time: int, events: int) -> None:
        self._batches = ()
        self._status.jumped(market_time)
        self._seen = events

    def _latest(self, count: int) -> list[dict[str, Any]]:
        latest: list[dict[str, Any]] = []
        for batch in reversed(self._batches):
            wanted = min(count - len(latest), len(batch))
            latest[:0] = batch.slice(len(batch) - wanted).to_pylist()
        return latest

    def _draw(self) -> LiveFrame:
        dashboard = self._running[0].system.reporter.dashboard() if self._running else None
        below = [*self._below(self._console.width), Text(self._status.keys, style="dim")]
        return LiveFrame(self._latest, dashboard, below, self._zone, self._phrases)

    def _below(self, width: int) -> list[Text]:
        return self._status.lines(width, self._seen)

    def _failed(self, error: Exception) -> None:
        self._failure = f"{type(error).__name__}: {error}"

    def _start(self) -> None:
        with suppress(OSError):  # a console that is no terminal needs no guard
            self._guard.arm(self._console.file.fileno())
        self._live.start()

    def _stop(self) -> None:
        with suppress(OSError):  # the terminal can be gone; the run's outputs must not depend on it
            self._live.stop()
        self._guard.disarm()

    def _print_held(self, held: io.StringIO) -> None:
        with suppress(OSError):
            sys.stderr.write(held.getvalue())

    def _leave_screen(self) -> None:
        os.write(self._console.file.fileno(), LEAVE_SCREEN)
        self._guard.release()

    def _suspend(self, number: int, frame: Any) -> None:  # noqa: ARG002 - the signal module's signature
        """Stop as the terminal wants it, on the main screen; go on when the shell continues the job."""
        self._stop()
        ours = signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, ours)
        self._hidden = not has_keyboard()
        if not self._hidden:
            self._start()


def _quit(number: int, frame: Any) -> None:  # noqa: ARG001 - the signal module's signature
    """End as without a handler, with the terminal as it was."""
    restore_all()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
