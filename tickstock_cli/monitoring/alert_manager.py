"""The life of alerts: findings in, changes out. Durations go by a monotonic time, dates by wall time.

    condition seen ──▶ raised ──▶ (worse: escalated) ──▶ away for resolve_after ──▶ resolved
                         ▲                                                             │
                         └──── returns within the cooldown: the same alert, untold ────┘

What returns within the cooldown of the last word on it takes up the resolved alert again: one more of its ``times``.
That is told if it is worse than what was told before, or once the cooldown is over and it is still there; only what
was told is told to be over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tickstock_cli.monitoring.alerts import Alert, AlertChange, AlertType, Finding, Severity

Key = tuple[AlertType, str]


@dataclass(slots=True)
class _AlertState:
    """An alert and what was said of it; times in ns, monotonic."""

    alert: Alert
    seen: int
    spoken: int
    told: Severity
    """The severity handlers know of."""
    known_open: bool
    """Whether they know that it is open."""


class AlertManager:
    """All alerts of a run: those that are open, and the latest of all.

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
        """Alerts that are not over, worst first, then oldest first."""
        alerts = [case.alert for case in self._open.values()]
        return tuple(sorted(alerts, key=lambda alert: (-alert.finding.severity, alert.number)))

    @property
    def history(self) -> tuple[Alert, ...]:
        """The latest alerts, active ones included, in the order in which they were raised."""
        return tuple(case.alert for case in self._all)

    def note(self, findings: Sequence[Finding], now: int, wall: int) -> list[tuple[AlertChange, Alert]]:
        """Note what is wrong now, and return what is to be told."""
        found = {(finding.type, finding.subject): finding for finding in findings}
        changes = [self._see(key, finding, now, wall) for key, finding in found.items()]
        changes += [self._miss(key, now, wall) for key in [*self._open] if key not in found]
        for key in [key for key, case in self._closed.items() if now - case.spoken >= self._cooldown]:
            del self._closed[key]
        return [change for change in changes if change is not None]

    def close(self, now: int, wall: int) -> list[tuple[AlertChange, Alert]]:
        """Resolve what is open, because what it was about has ended; give what is to be told."""
        changes = [self._resolve(key, now, wall) for key in [*self._open]]
        return [change for change in changes if change is not None]

    def _see(self, key: Key, finding: Finding, now: int, wall: int) -> tuple[AlertChange, Alert] | None:
        case = self._open.get(key)
        if case is None:
            return (
                self._reopen(key, finding, now, wall)
                if self._cooling(key, now)
                else self._raise(key, finding, now, wall)
            )
        worst = max(case.alert.worst, finding.severity)
        case.alert = replace(case.alert, finding=finding, worst=worst, seen_at=wall)
        case.seen = now
        return self._tell_if_due(case, now)

    def _cooling(self, key: Key, now: int) -> bool:
        case = self._closed.get(key)
        return case is not None and now - case.spoken < self._cooldown

    def _raise(self, key: Key, finding: Finding, now: int, wall: int) -> tuple[AlertChange, Alert]:
        self._raised += 1
        alert = Alert(self._raised, finding, finding.severity, wall, wall)
        case = _AlertState(alert, now, now, finding.severity, known_open=True)
        self._open[key] = case
        self._all.append(case)
        return AlertChange.RAISED, alert

    def _reopen(self, key: Key, finding: Finding, now: int, wall: int) -> tuple[AlertChange, Alert] | None:
        case = self._closed.pop(key)
        before = case.alert
        worst = max(before.worst, finding.severity)
        case.alert = replace(
            before, finding=finding, worst=worst, seen_at=wall, resolved_at=None, times=before.times + 1
        )
        case.seen = now
        self._open[key] = case
        return self._tell_if_due(case, now)

    def _tell_if_due(self, case: _AlertState, now: int) -> tuple[AlertChange, Alert] | None:
        severity = case.alert.finding.severity
        worse = severity > case.told
        if not (worse or (not case.known_open and now - case.spoken >= self._cooldown)):
            return None
        change = AlertChange.ESCALATED if case.known_open else AlertChange.RAISED
        case.told = severity
        case.spoken = now
        case.known_open = True
        return change, case.alert

    def _miss(self, key: Key, now: int, wall: int) -> tuple[AlertChange, Alert] | None:
        if now - self._open[key].seen < self._resolve_after:
            return None
        return self._resolve(key, now, wall)

    def _resolve(self, key: Key, now: int, wall: int) -> tuple[AlertChange, Alert] | None:
        case = self._open[key]
        case.alert = replace(case.alert, resolved_at=wall)
        self._closed[key] = self._open.pop(key)
        if not case.known_open:
            return None
        case.known_open = False
        case.spoken = now
        return AlertChange.RESOLVED, case.alert
