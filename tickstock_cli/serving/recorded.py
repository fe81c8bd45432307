"""The status of a run that is over: what its log tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tickstock_cli.serving.ports import EventLogPort, Health, MarketState


class RecordedStatus:
    """A status port for a log that nobody appends to.

    Parameters
    ----------
    problem
        What is wrong with the log, in one line; None = nothing.
    """

    def __init__(self, log: EventLogPort, problem: str | None = None) -> None:
        self._log = log
        self._problem = problem
        self._market = _last_place(log)

    def status(self) -> Mapping[str, Any]:
        """See ``StatusPort``: the dashboard document of a run without channels."""
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
        """See ``StatusPort``: where the last event was."""
        return self._market


def _last_place(log: EventLogPort) -> MarketState:
    if log.next_sequence == log.first_sequence:
        return MarketState()
    last = log.read(log.next_sequence - 1, 1).events.to_pylist()[0]
    return MarketState(last["emitted_at"], last["phase"])
