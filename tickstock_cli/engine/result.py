"""The figures of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tickstock_cli.core.ledger import Ledger
from tickstock_cli.core.registry import Plugin
from tickstock_cli.engine.output_states import OutputReport
from tickstock_cli.engine.pipeline import Drained
from tickstock_cli.engine.tally import Tally

if TYPE_CHECKING:
    from tickstock_cli.core.metrics import ArrivalMetrics, RolloutMetrics


@dataclass(frozen=True, slots=True)
class SpeedFigures:
    """Requested speed (None = flat out) and reached speed, in times recorded time, and the lateness of rows in ms.

    ``last`` is the speed at the end, if the user changed it.
    """

    requested: float | None
    achieved: float
    lateness_ms: dict[str, float] | None
    last: float | None = None

    @property
    def asked(self) -> tuple[float | None, ...]:
        """The speed at the beginning, and the one at the end if it is another."""
        return (self.requested,) if self.last in (None, self.requested) else (self.requested, self.last)


@dataclass(frozen=True, slots=True)
class ShadowResult:
    """The figures of a shadow: a second configuration on the rows of a run.

    Parameters
    ----------
    config
        Name of the configuration.
    outputs
        The end of its outputs.
    by_kind
        Per kind of events: ``both`` counts those that both configurations told, with the same ticker and timestamp;
        ``main`` and ``shadow`` those that one told alone.
    own
        The end of the shadow itself, whose rows are those of the run; if it failed, its figures end there.
    """

    config: str
    ledger: Ledger
    events: int
    digest: str
    outputs: tuple[OutputReport, ...]
    by_kind: Mapping[str, Mapping[str, int]]
    own: OutputReport

    @property
    def reports(self) -> tuple[OutputReport, ...]:
        """The end of its outputs, after that of the shadow itself if it failed."""
        return self.outputs if self.own.reason is None else (self.own, *self.outputs)

    def as_dict(self) -> dict[str, Any]:
        """Return the entry of ``--json``."""
        return {
            "config": self.config,
            "events": self.events,
            "digest": self.digest,
            "ledger": self.ledger.as_dict(),
            "outputs": [report.as_dict() for report in self.outputs],
            "by_kind": {kind: dict(counts) for kind, counts in self.by_kind.items()},
            "rows": self.own.rows,
            "missing": self.own.missing,
            "problem": self.own.reason,
        }


@dataclass(frozen=True, slots=True)
class RunResult:
    """The figures of a run.

    ``rows`` and times are of this run only; ledger, tally and digest include the runs that it resumed. ``rows_before``
    is the rows of those runs; ``drained`` the rows that were queued when a running system was stopped.
    """

    ledger: Ledger
    tally: Tally
    digest: str
    rows: int
    market_seconds: float
    seconds: float
    peak_rss_bytes: int
    speed: SpeedFigures
    interrupted: bool
    rows_before: int = 0
    drained: Drained | None = None
    plugins: tuple[Plugin, ...] = ()
    """The plugins that took part in the run; the digest is that of the events only."""

    arrivals: ArrivalMetrics | None = None
    """The arrival queue at the end; None without one."""

    rollout: RolloutMetrics | None = None
    """Both sides of a gradual rollout; None without one."""

    outputs: tuple[OutputReport, ...] = ()
    """The end of every output."""

    shadow: ShadowResult | None = None
    """The figures of a second configuration; None without one."""

    @property
    def reports(self) -> tuple[OutputReport, ...]:
        """The end of every output, including those of the shadow."""
        return self.outputs if self.shadow is None else (*self.outputs, *self.shadow.reports)

    @property
    def rows_per_second(self) -> float:
        """Rows of all types over wall time."""
        return self.rows / self.seconds if self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the figures of ``--json``."""
        return {
            "ledger": self.ledger.as_dict(),
            "events": self.tally.events,
            "digest": self.digest,
            "seconds": self.seconds,
            "rows_per_second": self.rows_per_second,
            "peak_rss_bytes": self.peak_rss_bytes,
            "speed": {
                "requested": "max" if self.speed.requested is None else self.speed.requested,
                "achieved": self.speed.achieved,
                "lateness_ms": self.speed.lateness_ms or {"p50": None, "p99": None, "max": None},
            },
            "interrupted": self.interrupted,
            "outputs": [report.as_dict() for report in self.outputs],
            "drained": None if self.drained is None else asdict(self.drained),
            "plugins": [plugin.as_dict() for plugin in self.plugins],
            **({} if self.arrivals is None else {"arrivals": _arrival_counts(self.arrivals)}),
            **({} if self.rollout is None else {"rollout": self.rollout.as_dict()}),
            **({} if self.shadow is None else {"shadow": self.shadow.as_dict()}),
        }


def _arrival_counts(arrivals: ArrivalMetrics) -> dict[str, int]:
    return {
        "received": arrivals.received,
        "unfed": arrivals.unfed,
        "spilled": arrivals.spilled_total,
        "late": arrivals.late,
    }
