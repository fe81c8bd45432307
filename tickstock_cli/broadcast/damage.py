"""The alert about a recorded log of which events cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from tickstock_cli.core.clock import Clock
from tickstock_cli.eventlog.view import LogView
from tickstock_cli.monitoring.alerts import Alert, AlertChange, AlertType, Finding, Severity
from tickstock_cli.monitoring.handlers import alert_message

SUBJECT = "event log"


class DamageAlert:
    """One alert for a log that no longer grows; it changes when more damage is found. Safe in any thread."""

    def __init__(self, log: LogView, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._alert: Alert | None = None
        self._lock = Lock()

    def active(self) -> list[Mapping[str, Any]]:
        """Return the documents of active alerts: one, or none without damage."""
        alert = self._current()
        return [] if alert is None else [alert.to_dict()]

    def post_to(self, post: Callable[[Mapping[str, Any]], None]) -> Callable[[], None]:
        """Pass the alert on whenever reading finds more damage; return the function that stops this."""

        def damaged() -> None:
            if (alert := self._current()) is not None:
                post(alert_message(AlertChange.RAISED if alert.times == 1 else AlertChange.ESCALATED, alert))

        return self._log.listen(damaged)

    def _current(self) -> Alert | None:
        problem = self._log.problem
        with self._lock:
            if problem is None:
                self._alert = None
            elif self._alert is None or self._alert.finding.message != f"{SUBJECT}: {problem}":
                self._alert = self._raised(problem)
            return self._alert

    def _raised(self, problem: str) -> Alert:
        now, before = self._clock.now(), self._alert
        finding = Finding(AlertType.CHANNEL_FAILURE, SUBJECT, Severity.CRITICAL, f"{SUBJECT}: {problem}")
        if before is None:
            return Alert(1, finding, Severity.CRITICAL, now, now)
        return Alert(before.number, finding, Severity.CRITICAL, before.raised_at, now, times=before.times + 1)
