"""The status of a finished run, taken from its log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tickstock_cli.errors import DamagedError
from tickstock_cli.serving.ports import EventLogPort, Health, MarketState


class RecordedStatus:
    """Status of a log that no longer grows.

    Parameters
    ----------
    problem
        Returns one line that says what is wrong with the log; None = nothing.
    alerts
        Returns the active alerts, as their documents.
    """

    def __init__(
        self,
        log: EventLogPort,
        problem: Callable[[], str | None] = lambda: None,
        alerts: Callable[[], list[Mapping[str, Any]]] = list,
    ) -> None:
        self._log = log
        self._problem = problem
        self._alerts = alerts
        self._market = _last_market_state(log)

    def status(self) -> Mapping[str, Any]:
        """Return the dashboard document of a run without channels."""
        problem = self._problem()
        return {
            "system_overview": {
                "status": "finished" if self._log.finished else "broken off",
                "events": self._log.next_sequence - 1,
                "problems": {} if problem is None else {"event log": problem},
            },
            "channel_details": {},
            "active_alerts": self._alerts(),
            "recent_alerts": [],
            "performance_thresholds": {},
        }

    def health(self) -> Health:
        problem = self._problem()
        return Health(ok=True) if problem is None else Health(ok=False, reasons=(problem,))

    def market(self) -> MarketState:
        """Return time and phase of the last event; unknown if it cannot be read."""
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
    try:
        last = log.read(log.next_sequence - 1, 1).events.to_pylist()[0]
    except DamagedError:
        return MarketState()
    return MarketState(last["emitted_at"], last["phase"])
