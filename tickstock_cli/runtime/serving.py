"""Serving an embedded system, as a served replay is: an event log, and a server in a thread of its own.

released events ──▶ AsyncOutputs ──▶ event log ◀── pull ── WebSocket clients, page
running system  ──▶ /status, /health, /metrics, alerts
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Any, Self

from tickstock_cli import __version__
from tickstock_cli.build import event_kinds
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.calendar import Calendar
from tickstock_cli.core.events import PHASES
from tickstock_cli.core.temporary_folder import LockedFolder
from tickstock_cli.core.trading_hours import calendar_label
from tickstock_cli.engine.taps import TapContext
from tickstock_cli.eventlog.manifest import RunInfo
from tickstock_cli.eventlog.sink import LogSink
from tickstock_cli.eventlog.writer import EventLog
from tickstock_cli.monitoring.handlers import CallHandler
from tickstock_cli.runtime.prices import PriceTap
from tickstock_cli.runtime.publication import AsyncOutputs, Publication
from tickstock_cli.runtime.sections import log_limits_of
from tickstock_cli.runtime.system import MultiChannelSystem
from tickstock_cli.serving.ports import Health, MarketState
from tickstock_cli.serving.served import ServedRun
from tickstock_cli.serving.server import Address, ServerThread, parse_host_port

TITLE = "embedded system"
DRAIN_SECONDS = 5.0
"""How long the end waits for clients to get the events that are logged."""


class SystemStatus:
    """The status of a system, for its server."""

    def __init__(self, system: MultiChannelSystem, calendar: Calendar) -> None:
        self._system = system
        self._calendar = calendar

    def status(self) -> Mapping[str, Any]:
        return self._system.reporter.dashboard()

    def health(self) -> Health:
        if self._system.has_ended:
            return Health(ok=True)
        reasons = self._system.reporter.monitor.unhealthy_reasons()
        return Health(not reasons, reasons)

    def market(self) -> MarketState:
        time = self._system.market_time
        return MarketState() if time is None else MarketState(time, PHASES[self._calendar.phase(time)])

    def debug(self) -> Mapping[str, Any]:
        return self._system.reporter.monitor.get_health_summary()

    def debug_channel(self, channel: str) -> Mapping[str, Any] | None:
        return self._system.reporter.monitor.get_channel_debug_info(channel)


class SystemServer:
    """The server of a running system; an asynchronous context.

    Leaving it waits until clients have the events that are logged, for 5 s at most, and ends the server. Events that
    the system releases at its end are served if ``MultiChannelSystem.finish`` is awaited inside.

    Raises
    ------
    UsageError
        The address is none, or, on entering, the system does not run.
    ServingError
        On entering: the address is taken.
    OutputError
        On entering: the folder cannot be written, or is not empty.
    """

    def __init__(
        self,
        system: MultiChannelSystem,
        settings: Settings,
        publication: Publication,
        address: str | Address,
        folder: Path | None,
    ) -> None:
        self._system = system
        self._settings = settings
        self._publication = publication
        self._address = Address(*parse_host_port(address)) if isinstance(address, str) else address
        self._folder = folder
        self._prices = PriceTap()
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        """The address of the page, with the token if there is one."""
        return self._thread.server.url

    @property
    def host(self) -> str:
        """The address that is listened on."""
        return str(self._thread.server.host)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._thread.server.port)

    async def __aenter__(self) -> Self:
        self._system.check_running()
        with ExitStack() as undo:
            undo.callback(self._stack.close)
            await asyncio.to_thread(self._open)
            hub = self._thread.server.hub
            self._stack.callback(self._system.reporter.monitor.add_handler(CallHandler(hub.alerts.post)))
            self._system.core.judges_rows = True  # from the next rows on, and for a next server, too
            self._stack.callback(self._publication.attach_tap(self._prices))
            self._stack.callback(self._system.reporter.report_clients, None)
            self._system.reporter.report_clients(lambda: len(hub.clients))
            self._outputs: AsyncOutputs = self._publication.open_outputs(
                [LogSink(self._log, self._system.reporter.report)]
            )
            undo.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await self._publication.close(self._outputs)
                await asyncio.to_thread(self._thread.drain, DRAIN_SECONDS)
            else:
                await self._publication.drop(self._outputs)
        finally:
            await asyncio.to_thread(self._stack.close)

    def _open(self) -> None:
        """Open the log and start the server; blocks on disk and sockets."""
        folder = self._folder
        if folder is None:
            folder = self._stack.enter_context(LockedFolder("log")) / "log"
        universes = self._settings.priority.by_name()
        calendar = self._settings.session.market_calendar
        label = calendar_label(calendar)
        run = RunInfo(token_hex(8), time.time_ns(), TITLE, "", __version__, universes, calendar=label)
        limits = log_limits_of(self._settings.event_log)
        self._log = self._stack.enter_context(EventLog(folder, run, limits, self._publication.schema))
        served = ServedRun(
            self._log,
            run.id,
            SystemStatus(self._system, Calendar(calendar)),
            about={"title": TITLE, "tickstock": __version__, "calendar": label},
            kinds=event_kinds(self._settings),
            universes={name: frozenset(tickers) for name, tickers in universes.items()},
            prices=self._prices,
        )
        self._prices.begin(TapContext(self._system.core.symbols, self._publication.encoder))
        self._thread = ServerThread(served, self._address)
        self._stack.enter_context(self._thread)
