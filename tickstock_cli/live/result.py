"""The figures of a live run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tickstock_cli.core.counted import worded
from tickstock_cli.core.feed import Gap
from tickstock_cli.core.metrics import RelayHealth, SourceHealth
from tickstock_cli.engine.result import RunResult
from tickstock_cli.errors import LedgerError, OutputError, TickstockError

ROWS = ("tick.read", "ohlcv.read", "fmv.read")
OTHERS = ("wire.status", "wire.bad_event", "wire.unknown_event", "wire.duplicate")


@dataclass(frozen=True, slots=True)
class LiveResult:
    """The figures of a live run.

    Parameters
    ----------
    run
        The figures of its rows and events.
    wire
        Counts of what came over the wire, by the names of the ledger.
    health
        The state of the feed at the end.
    latency_ms
        p50, p99 and maximum, from the frame received to the event told.
    recording
        What the recorder did, as JSON values; None without one.
    relay
        The relay at the end; None without one.
    failure
        Why the feed ended for good; None if the run was ended.
    """

    run: RunResult
    wire: Mapping[str, int]
    gaps: tuple[Gap, ...]
    health: SourceHealth
    latency_ms: Mapping[str, float | None]
    recording: Mapping[str, Any] | None = None
    relay: RelayHealth | None = None
    failure: TickstockError | None = None

    @property
    def rows(self) -> int:
        """Rows that the run read."""
        return sum(self.run.ledger[name] for name in ROWS)

    @property
    def recording_failure(self) -> OutputError | None:
        """Why the recording is not whole at the end; None if it is, or if there is none."""
        if self.recording is None or self.recording["problem"] is None:
            return None
        waiting = self.recording["waiting"]
        lost = worded("; {} {row or event was|rows and events were} not written", waiting) if waiting else ""
        return OutputError(f"{self.recording['problem']}{lost}")

    def check(self) -> None:
        """Raise LedgerError unless every event of the wire is a row, or counted as something else.

        Rows that are bars made of trades were no events of the wire.
        """
        unfed = 0 if self.run.arrivals is None else self.run.arrivals.unfed
        made = self.wire.get("bars.told", 0)
        counted = self.rows + unfed - made + sum(self.wire.get(name, 0) for name in OTHERS)
        if self.wire.get("wire.events", 0) != counted:
            raise LedgerError(
                f"ledger does not balance: {self.wire.get('wire.events', 0)} events of the wire, {counted} counted"
            )

    def as_dict(self) -> dict[str, Any]:
        """Return the figures of ``--json``."""
        run = self.run.as_dict()
        return {
            "ledger": {**self.wire, "wire.overflow": self._overflow(), **run.pop("ledger")},
            "events": run.pop("events"),
            "digest": run.pop("digest"),
            "gaps": [gap.as_dict() for gap in self.gaps],
            "reconnects": self.health.reconnects or 0,
            "latency_ms": dict(self.latency_ms),
            "subscriptions": {
                "wanted": self.health.wanted,
                "acknowledged": self.health.acknowledged,
                "silent": self.health.silent,
            },
            "seconds": run.pop("seconds"),
            "peak_rss_bytes": run.pop("peak_rss_bytes"),
            **{name: run[name] for name in ("outputs", "plugins", "shadow") if name in run},
            "recording": self.recording,
            **({} if self.relay is None else {"relay": self.relay.as_dict()}),
            "failure": None if self.failure is None else str(self.failure),
        }

    def _overflow(self) -> int:
        return 0 if self.run.arrivals is None else self.run.arrivals.spilled_total
