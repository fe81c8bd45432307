"""Alerts: type, subject, severity and times."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any

from tickstock_cli.core.times import format_time


class AlertType(StrEnum):
    """Types of alerts, with the names and values of the system's papers; fallbacks and gaps are ours."""

    CHANNEL_FAILURE = "CHANNEL_FAILURE"
    HIGH_LATENCY = "HIGH_LATENCY"
    LOW_SUCCESS_RATE = "LOW_SUCCESS_RATE"
    MEMORY_USAGE = "MEMORY_USAGE"
    QUEUE_OVERFLOW = "QUEUE_OVERFLOW"
    PIPELINE_FALLBACK = "PIPELINE_FALLBACK"
    FEED_GAP = "FEED_GAP"


class Severity(IntEnum):
    """Severities, rising."""

    INFO = 1
    WARNING = 2
    ERROR = 3
    CRITICAL = 4

    @property
    def label(self) -> str:
        """The name in documents, such as ``warning``."""
        return self.name.lower()


class AlertChange(StrEnum):
    """What happened to an alert: it was raised, got worse, or is resolved."""

    RAISED = "raised"
    ESCALATED = "escalated"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Finding:
    """A condition that holds at one moment, before cooldown and resolution make an alert of it.

    Parameters
    ----------
    subject
        What the condition concerns: a channel instance (``tick-1``), ``system``, or a named part.
    value, threshold
        Measured value and the threshold of ``severity`` that it exceeds, both in ``unit``; None for a finding
        without a number.
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
    """An alert at one moment; a later state is another object with the same ``number``.

    Parameters
    ----------
    number
        Counts the alerts of a run from 1.
    finding
        The condition when it last held.
    worst
        The highest severity it has had.
    raised_at, seen_at, resolved_at
        ns since the epoch, UTC: when the condition first held, last held, and was resolved (None: it is active).
    times
        Number of times that the condition began, counting returns within the cooldown.
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
        """Whether it is not resolved."""
        return self.resolved_at is None

    def message_at(self, wall: int) -> str:
        """Return the message as of ``wall`` (ns UTC): it says so if the condition held earlier and not then."""
        message = self.finding.message
        return message if self.seen_at >= wall else f"{message}; not since {format_time(self.seen_at)}"

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values; times are ISO 8601 with nanoseconds, UTC."""
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
