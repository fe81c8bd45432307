"""The reason why a row was admitted, suspect, filtered or rejected."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from tickstock_cli.channels.judged import Judged
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.calendar import PHASE_MASK
from tickstock_cli.core.events import PHASES
from tickstock_cli.core.rule_verdict import Check, Relation
from tickstock_cli.engine.rejection import WORDS
from tickstock_cli.kernels.admission import HIDES_EXTREMES, HIDES_LAST, HIDES_VOLUME
from tickstock_cli.kernels.reasons import REASONS

MEANINGS = {HIDES_LAST: "no last price", HIDES_VOLUME: "no volume", HIDES_EXTREMES: "no high or low"}


class AdmissionStatus(StrEnum):
    """The outcome of admission for a row."""

    ADMITTED = "admitted"
    SUSPECT = "suspect"
    """Admitted, but no rule uses its price."""
    FILTERED = "filtered"
    """Its phase is not among `session.phases`."""
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Admission:
    """The admission of a row: ``reason`` is the name in the ledger, ``words`` are for people."""

    status: AdmissionStatus
    reason: str
    words: str
    phase: str | None
    checks: tuple[Check, ...] = ()

    @property
    def admitted(self) -> bool:
        """Whether detectors see the row."""
        return self.status in (AdmissionStatus.ADMITTED, AdmissionStatus.SUSPECT)


def read_admission(
    record: str, judged: Judged[Any], suspect: bool, before: Any, after: Any, settings: Settings
) -> Admission:
    """Return what admission made of one row.

    Parameters
    ----------
    judged
        The row, as the run judged it.
    suspect
        Whether the guard suspects its price.
    before, after
        The ticker's admission state before and after the row.
    """
    if not judged.accepted[0]:
        reason = REASONS[judged.reason[0]]
        return Admission(AdmissionStatus.REJECTED, reason, f"it {WORDS[reason]}", None)
    phase = PHASES[judged.phase[0]]
    if not judged.in_session[0]:
        words = "session.phases leaves it out"
        return Admission(AdmissionStatus.FILTERED, "market_hours", words, phase)
    if record != "tick":
        return Admission(AdmissionStatus.ADMITTED, "", "", phase)
    return _read_guard(judged, before, after, suspect, settings)


def _read_guard(judged: Judged[Any], before: Any, after: Any, suspect: bool, settings: Settings) -> Admission:
    percent, rows = settings.guard.outlier_percent, settings.guard.confirm_rows
    flags, price, segment = int(judged.rows.flags[0]), float(judged.rows.price[0]), int(judged.segment[0])
    checks = [Check("flags", ", ".join(words for bit, words in MEANINGS.items() if flags & bit) or "none")]
    begins = before["segment"] != segment
    level = np.nan if begins else float(before["level"])
    words = f"begins a new segment, {PHASES[segment & PHASE_MASK]}" if begins else ""
    if np.isnan(level):
        checks.append(Check("last good price", None, "$"))
    else:
        distance = abs(price - level) / level * 100.0
        near = not percent or abs(price - level) <= level * percent / 100.0
        checks.append(Check("last good price", level, "$"))
        checks.append(Check("distance from it", distance, "%", Relation.AT_MOST, percent or None, near))
        if suspect:
            agreeing = f"{int(after['suspect_run'])} of {rows} rows in a row agree on it"
            words = f"more than guard.outlier_percent away from the last good price; {agreeing}"
            words = words if not flags & HIDES_LAST else "more than guard.outlier_percent away from the last good price"
        elif not near and after["level"] == price:
            words = f"far from the last good price, but {rows} rows in a row agree: the level has moved"
    status = AdmissionStatus.SUSPECT if suspect else AdmissionStatus.ADMITTED
    return Admission(status, "suspect" if suspect else "", words, PHASES[segment & PHASE_MASK], tuple(checks))
