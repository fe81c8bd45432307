"""The status of a finished run, taken from its log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tickstock_cli.serving.ports import EventLogPort, Health, MarketState


class RecordedStatus:
    """Status of a log that no longer grows.

    Parameters
    ----------
    problem
        One line that says what is wrong with the log; None = nothing.
    """

    def __init__(self, log: EventLogPort, problem: str | None = None) -> None:
        self._log = log
        self._problem = problem
        self._market = _last_market_state(log)

    def status(self) -> Mapping[str, Any]:
        """Return the dashboard document of a run without channels."""
        return {
            "system_overview": {
                "status": "finished" if self._problem is None and self._log.finished else "broken off",
                "events": self._log.next_sequence - 1,
                "problems": {} if self._problem is None else {"event log": self._problem},
            },
            "channel_details": {},
            "active_alerts": [],
            "recent_alerts": [],
            "performance_thresholds": {},
        }

    def health(self) -> Health:
        return Health(ok=True) if self._problem is None else Health(ok=False, reasons=(self._problem,))

    def market(self) -> MarketState:
        """Return time and phase of the last event."""
        return self._market

    def debug(self) -> Mapping[str, Any]:
        return {
            "summary": "the run is over: it has no channels any more",
            "channels": [],
            "performance_issues": [],
            "active_alerts": [],
        }

    def debug_channel(self, channel: str) -> None:
        """Return None: a finished run has no channels."""


def _last_market_state(log: EventLogPort) -> MarketState:
    if log.next_sequence == log.first_sequence:
        return MarketState()
    last = log.read(log.next_sequence - 1, 1).events.to_pylist()[0]
    return MarketState(last["emitted_at"], last["phase"])
