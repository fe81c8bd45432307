"""Alerts: what is wrong, with whom, how badly, since when."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any

from tickstock_cli.core.times import format_time


class AlertType(StrEnum):
    """What may be wrong. Names and values are those of the system's papers."""

    CHANNEL_FAILURE = "CHANNEL_FAILURE"
    HIGH_LATENCY = "HIGH_LATENCY"
    LOW_SUCCESS_RATE = "LOW_SUCCESS_RATE"
    MEMORY_USAGE = "MEMORY_USAGE"
    QUEUE_OVERFLOW = "QUEUE_OVERFLOW"


class Severity(IntEnum):
    """How badly, rising."""

    INFO = 1
    WARNING = 2
    ERROR = 3
    CRITICAL = 4

    @property
    def label(self) -> str:
        """The name as documents have it: ``warning``."""
        return self.name.lower()


class AlertChange(StrEnum):
    """What a handler is told: an alert was raised, got worse, or is over."""

    RAISED = "raised"
    ESCALATED = "escalated"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Finding:
    """A condition that holds at one moment, before cooldown and resolution make an alert of it.

    Parameters
    ----------
    subject
        Who has it: a channel instance (``tick-1``), ``system``, or a named part.
    value, threshold
        What was measured and the threshold of ``severity`` that it is beyond, both in ``unit``; None where
        the finding is no matter of numbers.
    """

    type: AlertType
    subject: str
    severity: Severity
    message: str
    value: float | None = None
    threshold: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert at one moment. Never changed: a later state is another object with the same ``number``.

    Parameters
    ----------
    number
        Counts the alerts of a run from 1.
    finding
        The condition as it was last seen.
    worst
        The highest severity it has had.
    raised_at, seen_at, resolved_at
        ns since the epoch, UTC: first seen, last seen, and found to be over (None: it is not).
    times
        How often the condition came: one more for each time that it returned within the cooldown.
    """

    number: int
    finding: Finding
    worst: Severity
    raised_at: int
    seen_at: int
    resolved_at: int | None = None
    times: int = 1

    @property
    def active(self) -> bool:
        """Whether it is not over yet."""
        return self.resolved_at is None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it; times as ISO 8601 with nanoseconds, UTC."""
        return {
            "id": self.number,
            "type": str(self.finding.type),
            "severity": self.finding.severity.label,
            "worst_severity": self.worst.label,
            "subject": self.finding.subject,
            "message": self.finding.message,
            "value": self.finding.value,
            "threshold": self.finding.threshold,
            "unit": self.finding.unit,
            "raised_at": format_time(self.raised_at),
            "seen_at": format_time(self.seen_at),
            "resolved_at": format_time(self.resolved_at) if self.resolved_at is not None else None,
            "times": self.times,
        }
