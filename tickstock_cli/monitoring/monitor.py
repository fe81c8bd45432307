"""The channel monitor: it checks snapshots of metrics at intervals and reports alerts to handlers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

from tickstock_cli.core.channel_debug import ChannelDebug
from tickstock_cli.core.metrics import ChannelMetrics, SystemMetrics
from tickstock_cli.monitoring.alert_manager import AlertManager
from tickstock_cli.monitoring.alerts import Alert, AlertChange, Severity
from tickstock_cli.monitoring.conditions import find
from tickstock_cli.monitoring.dashboard import dashboard
from tickstock_cli.monitoring.debug import channel_document, health_summary
from tickstock_cli.monitoring.handlers import Handler
from tickstock_cli.monitoring.issues import PerformanceIssue, performance_issues
from tickstock_cli.monitoring.thresholds import AlertThresholds


@dataclass(frozen=True, slots=True)
class _Look:
    """The last snapshots and their alerts; replaced as a whole, so that any thread may read it."""

    channels: tuple[ChannelMetrics, ...] = ()
    system: SystemMetrics | None = None
    active: tuple[Alert, ...] = ()
    history: tuple[Alert, ...] = ()


class ChannelMonitor:
    """Raises, updates and resolves alerts, and makes the dashboard document.

    One thread calls ``observe``; any thread may call the other methods.

    Parameters
    ----------
    thresholds
        Thresholds and durations of alerts.
    handlers
        Called for every alert that is raised, gets worse or is resolved. The error of a handler is counted, and
        stops neither the monitor nor the other handlers.
    debug
        Returns what every channel instance did lately, in any thread.
    """

    def __init__(
        self,
        thresholds: AlertThresholds,
        handlers: Sequence[Handler] = (),
        debug: Callable[[], Sequence[ChannelDebug]] = tuple,
    ) -> None:
        self._debug = debug
        self._thresholds = thresholds
        self._alerts = AlertManager(thresholds.cooldown_ns, thresholds.resolve_after_ns, thresholds.history)
        self._look = _Look()
        self._lock = Lock()
        self._handlers = tuple(handlers)
        self._handler_failures = 0
        self._last_handler_failure: str | None = None

    def add_handler(self, handler: Handler) -> Callable[[], None]:
        """Add a handler, and return the function that removes it."""
        with self._lock:
            self._handlers = (*self._handlers, handler)

        def remove() -> None:
            with self._lock:
                self._handlers = tuple(other for other in self._handlers if other is not handler)

        return remove

    def observe(self, channels: Sequence[ChannelMetrics], system: SystemMetrics) -> None:
        """Check the snapshots of one moment. Durations use ``system.at``, dates ``system.wall``."""
        findings = find(channels, system, self._thresholds)
        changes = self._alerts.update(findings, system.at, system.wall)
        self._look = _Look(tuple(channels), system, self._alerts.active, self._alerts.history)
        for change, alert in changes:
            self._report(change, alert)

    def end(self, now: int, wall: int) -> None:
        """Resolve every alert because the system has ended well."""
        changes = self._alerts.close(now, wall)
        self._look = replace(self._look, active=self._alerts.active, history=self._alerts.history)
        for change, alert in changes:
            self._report(change, alert)

    @property
    def active(self) -> tuple[Alert, ...]:
        """The active alerts, worst first, then oldest first."""
        return self._look.active

    @property
    def history(self) -> tuple[Alert, ...]:
        """The latest alerts, active ones included, in the order in which they were raised."""
        return self._look.history

    @property
    def handler_failures(self) -> int:
        """The number of errors that handlers raised."""
        return self._handler_failures

    def unhealthy_reasons(self) -> tuple[str, ...]:
        """Return the reasons why the system is unhealthy: it is not ready, or it has critical alerts.

        An alert stays for a while after its condition held last (``resolve_after``); its reason says since when.
        """
        look = self._look
        if look.system is None or not look.system.ready:
            return ("the system is not ready",)
        critical = [alert for alert in look.active if alert.finding.severity is Severity.CRITICAL]
        return tuple(alert.message_at(look.system.wall) for alert in critical)

    def get_monitoring_dashboard_data(self) -> dict[str, Any]:
        """Return the dashboard document of the last snapshots as JSON values; see docs/monitoring.md."""
        look = self._look
        document = dashboard(look.channels, look.system, look.active, look.history, self._thresholds)
        document["system_overview"] |= {
            "handler_failures": self._handler_failures,
            "last_handler_failure": self._last_handler_failure,
        }
        return document

    def get_channel_debug_info(self, channel: str) -> dict[str, Any] | None:
        """Return the debug document of a channel instance as of now; None if there is none of that name.

        See docs/monitoring.md for its keys: the last batches, slowest tickers, errors with their rows, changes of
        status, health, breaker and shards with their causes, depths of the queue, performance issues with advice.
        """
        return next((channel_document(debug) for debug in self._debug() if debug.metrics.name == channel), None)

    def get_performance_issues(self) -> list[PerformanceIssue]:
        """Return what costs time or rows in any instance, with advice."""
        return [issue for debug in self._debug() for issue in performance_issues(debug)]

    def get_health_summary(self) -> dict[str, Any]:
        """Return the state of every instance, all performance issues and the active alerts, as JSON values."""
        return health_summary(self._debug(), self.active)

    def _report(self, change: AlertChange, alert: Alert) -> None:
        for handler in self._handlers:
            try:
                handler(change, alert)
            except Exception as error:  # noqa: BLE001 - a handler is user code; the document counts its errors
                self._handler_failures += 1
                self._last_handler_failure = f"{type(error).__name__}: {error}"
