"""A replay's event log and server.

outputs ──▶ event log ◀── pull ── WebSocket clients, page
running system ──▶ status, health, alerts
control ◀── pause, step, speed, seek
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Self

import pyarrow as pa

from tickstock_cli import __version__
from tickstock_cli.broadcast.control import RunControl
from tickstock_cli.broadcast.epochs import EpochLog
from tickstock_cli.broadcast.recovering import RecoveringSink
from tickstock_cli.broadcast.status import RunStatus
from tickstock_cli.build import build_event_schema, event_kinds
from tickstock_cli.core.calendar import Calendar
from tickstock_cli.core.clock import SystemClock
from tickstock_cli.core.stages import NamedSink, NamedSource
from tickstock_cli.core.temporary_folder import LockedFolder
from tickstock_cli.core.trading_hours import calendar_label
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.observer import Observer, Observers
from tickstock_cli.engine.snapshots import Snapshots
from tickstock_cli.engine.taps import Tap
from tickstock_cli.eventlog.manifest import RunInfo
from tickstock_cli.eventlog.sink import EVENT_LOG, LogSink
from tickstock_cli.eventlog.writer import EventLog
from tickstock_cli.monitoring.handlers import CallHandler
from tickstock_cli.replaying import Request, plugins_of
from tickstock_cli.runtime.pipeline import MultiChannelPipeline
from tickstock_cli.runtime.prices import PriceTap
from tickstock_cli.runtime.sections import log_limits_of
from tickstock_cli.serving.hub import Limits
from tickstock_cli.serving.served import ServedRun
from tickstock_cli.serving.server import Address, EventServer, ServerThread
from tickstock_cli.sinks.opening import open_sink, path_of


class Broadcast(Observer):
    """The event log and the server of one replay; use as a context. It is an observer of the run.

    Parameters
    ----------
    address
        Where to listen.
    folder
        Keeps the event log; must be new or empty. None: a temporary one, gone with the server.
    limits
        Bounds of the server.
    title
        Says what is run. None: the names of the recordings and the speed.

    Raises
    ------
    ServingError
        The address is taken.
    OutputError
        The folder cannot be written, or is not empty.
    """

    def __init__(
        self,
        request: Request,
        control: Control,
        address: Address,
        folder: Path | None = None,
        limits: Limits | None = None,
        title: str | None = None,
    ) -> None:
        settings = request.settings
        assert settings is not None  # a command has loaded them
        self._control = control
        self._stack = ExitStack()
        if folder is None:
            folder = self._stack.enter_context(LockedFolder("log")) / "log"
        schema = build_event_schema(settings, provenance=request.provenance)
        self._state = RunStatus(Calendar(settings.session.market_calendar))
        self._prices = PriceTap()
        with ExitStack() as undo:
            undo.callback(self._stack.close)
            snapshots = self._stack.enter_context(LockedFolder("snapshots"))
            self.snapshots = Snapshots(snapshots, SystemClock(), partial(self._state.report, "snapshots"))
            self._stack.callback(self.snapshots.wait)  # otherwise a file could appear in a removed folder
            self.log = self._stack.enter_context(
                EventLog(folder, _identity(request, title), log_limits_of(settings.event_log), schema)
            )
            self._state.log_problem = lambda: self.log.problem
            self._epoch = EpochLog(self.log)
            self._served = ServedRun(
                self._epoch,
                self.log.run.id,
                self._state,
                about={
                    "title": self.log.run.title,
                    "tickstock": __version__,
                    "calendar": calendar_label(settings.session.market_calendar),
                },
                kinds=event_kinds(settings),
                universes={name: frozenset(tickers) for name, tickers in self.log.run.universes.items()},
                control=RunControl(control, self._state),
                prices=self._prices,
            )
            self._thread = ServerThread(self._served, address, limits)
            undo.pop_all()

    @property
    def server(self) -> EventServer:
        """The server that runs."""
        return self._thread.server

    @property
    def url(self) -> str:
        """Where the page is."""
        return self._thread.server.url

    @property
    def taps(self) -> Mapping[str, Tap]:
        """The taps that the server needs, by name."""
        return {"prices": self._prices}

    def __enter__(self) -> Self:
        self._stack.enter_context(self._thread)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def attach(self, pipeline: MultiChannelPipeline) -> None:
        """Set the running system; its alerts are sent to all clients."""
        self._state.pipeline = pipeline
        hub = self._thread.server.hub
        pipeline.system.reporter.monitor.add_handler(CallHandler(hub.alerts.post))
        pipeline.system.reporter.report_clients(lambda: len(hub.clients))

    def advanced(self, rows: int, market_time: int) -> None:  # noqa: ARG002 - the observer's
        self._state.market_time = market_time

    def released(self, events: pa.RecordBatch, count: int) -> None:  # noqa: ARG002 - the observer's
        self._epoch.tell_to(max(self._epoch.next_sequence, count + 1))

    def jumped(self, market_time: int, events: int) -> None:
        self._state.market_time = market_time
        self._epoch = EpochLog(self.log, events + 1)
        self._served = replace(
            self._served, log=self._epoch, epoch=self._served.epoch + 1, begins=self._epoch.next_sequence
        )
        self._thread.begin_epoch(self._served)

    def output_failed(self, name: str, reason: str) -> None:
        self._state.report(name, reason)

    def _log_grown(self) -> None:
        # At the end of the log, an epoch shows no events that its market time has not reached.
        self._epoch.tell_to(self._epoch.next_sequence if self.log.finished else self.log.next_sequence)

    def open_sinks(self, targets: Sequence[str], schema: pa.Schema) -> list[NamedSink]:
        """Open the outputs of the run: the log first, then outputs that recover from failures."""
        sinks = [NamedSink(EVENT_LOG, LogSink(self.log, self._state.report, self._log_grown))]
        try:
            for target in targets:
                reopen = partial(open_sink, target, schema)
                sink = RecoveringSink(target, reopen, self.log, self._state.report, SystemClock())
                sinks.append(NamedSink(target, sink, path_of(target)))
        except BaseException:
            for named in sinks:
                named.sink.abort()
            raise
        return sinks

    def beside(self, other: Observer, source: NamedSource) -> Observer:
        """Return an observer of a run over ``source`` that calls this one and ``other``."""
        # A speed paces rows of a pipe, too.
        self.opened(source.span, source.repeatable, is_live=source.is_live and self._control.speed is None)
        return Observers(self, other)

    def opened(self, span: tuple[int, int] | None, repeatable: bool, *, is_live: bool) -> None:
        """Set the range of seeks, first and last available time (ns UTC), and what the rows allow.

        Parameters
        ----------
        repeatable
            Whether they can be read again.
        is_live
            Whether they are fed as they arrive.
        """
        self._state.span, self._state.repeatable, self._state.is_live = span, repeatable, is_live
        self._state.opened.set()

    def finish(self) -> None:
        """Mark the run as ended and healthy; the server goes on."""
        self._state.over = True

    def drain(self, seconds: float) -> bool:
        """Wait at most ``seconds`` until every client has all events; return whether they have."""
        return self._thread.drain(seconds)


def _identity(request: Request, title: str | None) -> RunInfo:
    assert request.settings is not None  # a command has loaded them
    names = ", ".join(Path(path).name for path in request.paths)
    speed = "flat out" if request.speed is None else f"at {request.speed:g}x"
    return RunInfo(
        token_hex(8),
        time.time_ns(),
        f"{names} {speed}" if title is None else title,
        tickstock=__version__,
        universes=request.settings.priority.by_name(),
        plugins=tuple(plugin.as_dict() for plugin in plugins_of(request, request.settings)),
        calendar=calendar_label(request.settings.session.market_calendar),
    )
