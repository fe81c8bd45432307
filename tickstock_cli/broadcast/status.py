"""The status of a served replay: metrics, health and market time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from tickstock_cli.core.calendar import Calendar
from tickstock_cli.core.events import PHASES
from tickstock_cli.monitoring.debug import health_summary
from tickstock_cli.monitoring.monitor import ChannelMonitor
from tickstock_cli.runtime.pipeline import MultiChannelPipeline
from tickstock_cli.serving.ports import Health, MarketState


@dataclass(slots=True)
class RunStatus:
    """The status of a served replay: metrics, health and market time."""

    calendar: Calendar
    pipeline: MultiChannelPipeline | None = None
    over: bool = False
    market_time: int | None = None
    opened: Event = field(default_factory=Event)
    """Set once the fields below are known."""
    span: tuple[int, int] | None = None
    """First and last available time of the recording (ns UTC); None if its files do not tell."""
    repeatable: bool = True
    """Whether the recording can be read again."""
    is_live: bool = False
    """Whether rows are fed as they arrive, in the time of their sender."""
    log_problem: Callable[[], str | None] = lambda: None
    """Returns one line that says what is wrong with the event log; None = nothing."""

    def report(self, part: str, problem: str | None) -> None:
        """Report a problem of a part, which becomes an alert; None: it works again."""
        if self.pipeline is not None:
            self.pipeline.system.reporter.report(part, problem)

    def catching_up(self, arrived: Callable[[], bool]) -> None:
        """Suppress alerts about late rows until ``arrived`` returns true, because a seek feeds rows flat out."""
        if self.pipeline is not None:
            self.pipeline.system.reporter.catching_up(arrived)

    def status(self) -> Mapping[str, Any]:
        """Return the dashboard document; before the system runs, the status is starting."""
        if self.pipeline is None:
            return {"system_overview": {"status": "starting"}}
        return self.pipeline.last_status or self.pipeline.system.reporter.dashboard()

    def health(self) -> Health:
        """Return the health of the run; a run that has ended is healthy as long as its log can be read."""
        if self.over:
            problem = self.log_problem()
            return Health(ok=True) if problem is None else Health(ok=False, reasons=(problem,))
        if self.pipeline is None:
            return Health(ok=False, reasons=("the system is starting",))
        reasons = self.pipeline.system.reporter.monitor.unhealthy_reasons()
        return Health(not reasons, reasons)

    def market(self) -> MarketState:
        if self.market_time is None:
            return MarketState()
        return MarketState(self.market_time, PHASES[self.calendar.phase(self.market_time)])

    def debug(self) -> Mapping[str, Any]:
        return health_summary((), ()) if self.pipeline is None else self._monitor(self.pipeline).get_health_summary()

    def debug_channel(self, channel: str) -> Mapping[str, Any] | None:
        return None if self.pipeline is None else self._monitor(self.pipeline).get_channel_debug_info(channel)

    @staticmethod
    def _monitor(pipeline: MultiChannelPipeline) -> ChannelMonitor:
        return pipeline.system.reporter.monitor
