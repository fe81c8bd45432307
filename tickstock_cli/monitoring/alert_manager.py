"""The life cycle of alerts: findings in, changes out. Durations use monotonic time, dates wall time.

    condition holds ──▶ raised ──▶ (worse: escalated) ──▶ absent for resolve_after ──▶ resolved
                          ▲                                                               │
                          └─── returns within the cooldown: same alert, not reported ─────┘

A condition that returns within the cooldown of the last report reopens its resolved alert and adds 1 to its ``times``.
A reopened alert is reported if it is worse than the last report, or if it still holds when the cooldown is over. Only a
reported alert is reported as resolved.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tickstock_cli.monitoring.alerts import Alert, AlertChange, AlertType, Finding, Severity

Key = tuple[AlertType, str]


@dataclass(slots=True)
class _AlertState:
    """An alert with its last report to handlers; times in ns, monotonic."""

    alert: Alert
    seen: int
    """When the condition last held."""
    reported: int
    """When handlers last got a report."""
    reported_severity: Severity
    reported_open: bool
    """Whether the last report says that the alert is open."""


class AlertManager:
    """All alerts of a run: the open ones, and the latest ``history`` of all.

    Parameters
    ----------
    cooldown_ns, resolve_after_ns, history
        See `AlertThresholds`.
    """

    def __init__(self, cooldown_ns: int, resolve_after_ns: int, history: int) -> None:
        self._cooldown = cooldown_ns
        self._resolve_after = resolve_after_ns
        self._open: dict[Key, _AlertState] = {}
        self._closed: dict[Key, _AlertState] = {}
        self._all: deque[_AlertState] = deque(maxlen=history)
        self._raised = 0

    @property
    def active(self) -> tuple[Alert, ...]:
        """The open alerts, worst first, then oldest first."""
        alerts = [state.alert for state in self._open.values()]
        return tuple(sorted(alerts, key=lambda alert: (-alert.finding.severity, alert.number)))

    @property
    def history(self) -> tuple[Alert, ...]:
        """The latest alerts, open ones included, in the order in which they were raised."""
        return tuple(state.alert for state in self._all)

    def update(self, findings: Sequence[Finding], now: int, wall: int) -> list[tuple[AlertChange, Alert]]:
        """Apply the findings of one moment, and return the changes to report."""
        found = {(finding.type, finding.subject): finding for finding in findings}
        changes = [self._found(key, finding, now, wall) for key, finding in found.items()]
        changes += [self._missing(key, now, wall) for key in [*self._open] if key not in found]
        for key in [key for key, state in self._closed.items() if now - state.reported >= self._cooldown]:
            del self._closed[key]
        return [change for change in changes if change is not None]

    def close(self, now: int, wall: int) -> list[tuple[AlertChange, Alert]]:
        """Resolve all open alerts because the system has ended, and return the changes to report."""
        changes = [self._resolve(key, now, wall) for key in [*self._open]]
        return [change for change in changes if change is not None]

    def _found(self, key: Key, finding: Finding, now: int, wall: int) -> tuple[AlertChange, Alert] | None:
        state = self._open.get(key)
        if state is None:
            return (
                self._reopen(key, finding, now, wall)
                if self._cooling(key, now)
                else self._raise(key, finding, now, wall)
            )
        worst = max(state.alert.worst, finding.severity)
        state.alert = replace(state.alert, finding=finding, worst=worst, seen_at=wall)
        state.seen = now
        return self._report_if_due(state, now)

    def _cooling(self, key: Key, now: int) -> bool:
        state = self._closed.get(key)
        return state is not None and now - state.reported < self._cooldown

    def _raise(self, key: Key, finding: Finding, now: int, wall: int) -> tuple[AlertChange, Alert]:
        self._raised += 1
        alert = Alert(self._raised, finding, finding.severity, wall, wall)
        state = _AlertState(alert, now, now, finding.severity, reported_open=True)
        self._open[key] = state
        self._all.append(state)
        return AlertChange.RAISED, alert

    def _reopen(self, key: Key, finding: Finding, now: int, wall: int) -> tuple[AlertChange, Alert] | None:
        state = self._closed.pop(key)
        before = state.alert
        worst = max(before.worst, finding.severity)
        state.alert = replace(
            before, finding=finding, worst=worst, seen_at=wall, resolved_at=None, times=before.times + 1
        )
        state.seen = now
        self._open[key] = state
        return self._report_if_due(state, now)

    def _report_if_due(self, state: _AlertState, now: int) -> tuple[AlertChange, Alert] | None:
        severity = state.alert.finding.severity
        worse = severity > state.reported_severity
        if not (worse or (not state.reported_open and now - state.reported >= self._cooldown)):
            return None
        change = AlertChange.ESCALATED if state.reported_open else AlertChange.RAISED
        state.reported_severity = severity
        state.reported = now
        state.reported_open = True
        return change, state.alert

    def _missing(self, key: Key, now: int, wall: int) -> tuple[AlertChange, Alert] | None:
        if now - self._open[key].seen < self._resolve_after:
            return None
        return self._resolve(key, now, wall)

    def _resolve(self, key: Key, now: int, wall: int) -> tuple[AlertChange, Alert] | None:
        state = self._open[key]
        state.alert = replace(state.alert, resolved_at=wall)
        self._closed[key] = self._open.pop(key)
        if not state.reported_open:
            return None
        state.reported_open = False
        state.reported = now
        return AlertChange.RESOLVED, state.alert
