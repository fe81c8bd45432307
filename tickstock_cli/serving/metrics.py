"""The values of ``/status`` in the exposition format of Prometheus.

Each metric is one line of a table: its path in the document, its name, its help text. Values that are missing or null
in the document are left out, so a finished run has no queue metrics.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE

__all__ = ["CONTENT_TYPE", "render_metrics"]


class MetricSpec(NamedTuple):
    """One metric: its dotted path in the document, its name without the prefix, and its help text.

    A name that ends in ``_total`` is a counter. ``scale`` turns the document's unit into the metric's.
    """

    path: str
    name: str
    help: str
    scale: float = 1.0


SYSTEM = (
    MetricSpec("health.ok", "healthy", "1 if the run is healthy, else 0."),
    MetricSpec("system_overview.uptime_seconds", "uptime_seconds", "Since the system was started."),
    MetricSpec("system_overview.memory_bytes", "memory_bytes", "Resident memory of the process."),
    MetricSpec("system_overview.rows", "rows_total", "Rows processed."),
    MetricSpec("system_overview.events", "events_total", "Events emitted after coordination."),
    MetricSpec("system_overview.router.decisions", "router_decisions_total", "Decisions of the router."),
    MetricSpec("system_overview.router.errors", "router_errors_total", "Records that could not be routed."),
    MetricSpec("system_overview.router.moves", "router_moves_total", "Shards moved between channel instances."),
    MetricSpec("system_overview.arrivals.received", "arrived_rows_total", "Rows that a live source sent."),
    MetricSpec("system_overview.arrivals.late", "late_rows_total", "Rows that came behind market time."),
    MetricSpec("system_overview.arrivals.spilled_total", "arrivals_spilled_rows_total", "Rows that went over disk."),
    MetricSpec("system_overview.arrivals.queue.depth", "arrivals_queue_rows", "Rows waiting to be fed."),
    MetricSpec("system_overview.arrivals.queue.max_depth", "arrivals_queue_max_rows", "Most rows that waited."),
    MetricSpec("system_overview.arrivals.queue.spilled", "arrivals_spilled_rows", "Rows waiting on disk."),
    MetricSpec("system_overview.arrivals.queue.oldest_ms", "arrivals_oldest_seconds", "Age of the oldest row.", 1e-3),
    MetricSpec(
        "system_overview.arrivals.source.subscriptions_wanted",
        "source_subscriptions_wanted",
        "Subscriptions asked for.",
    ),
    MetricSpec(
        "system_overview.arrivals.source.subscriptions_acknowledged",
        "source_subscriptions_acknowledged",
        "Subscriptions confirmed.",
    ),
    MetricSpec(
        "system_overview.arrivals.source.subscriptions_silent",
        "source_subscriptions_silent",
        "Subscriptions confirmed, of which no row has come.",
    ),
    MetricSpec(
        "system_overview.arrivals.source.lag_ms", "source_lag_seconds", "Age of the latest row on arrival.", 1e-3
    ),
    MetricSpec("system_overview.arrivals.source.gaps", "source_gaps_total", "Interruptions of the source."),
    MetricSpec("system_overview.arrivals.source.reconnects", "source_reconnects_total", "Connections made again."),
    MetricSpec("system_overview.rollout.percent", "rollout_percent", "Share of tickers for the multi-channel path."),
    MetricSpec("system_overview.rollout.fallbacks", "pipeline_fallbacks_total", "Times that a ticker fell back."),
    MetricSpec("server.clients", "clients", "Connected clients."),
    MetricSpec("server.sent_events", "sent_events_total", "Events sent, over all clients."),
    MetricSpec("server.cut_off", "cut_off_clients_total", "Clients disconnected because they took no data."),
    MetricSpec("server.max_connections", "max_connections", "Most connections at a time."),
    MetricSpec("server.refused_connections", "refused_connections_total", "Connections beyond that, answered 503."),
    MetricSpec("server.timed_out_requests", "timed_out_requests_total", "Connections that sent no request in time."),
    MetricSpec("server.first_sequence", "log_first_sequence", "Number of the oldest event kept."),
    MetricSpec("server.last_sequence", "log_last_sequence", "Number of the newest event."),
)

RELAY = (
    MetricSpec("clients", "relay_clients", "Subscribed clients of the relay."),
    MetricSpec("connections", "relay_connections_total", "Connections to the relay."),
    MetricSpec("rows", "relay_rows_total", "Rows that clients of the relay wanted."),
    MetricSpec("events", "relay_events_total", "Events written to clients of the relay."),
    MetricSpec("waiting", "relay_queue_rows", "Rows waiting for the relay."),
    MetricSpec("dropped", "relay_dropped_rows_total", "Rows that the relay dropped."),
    MetricSpec("cut_off", "relay_cut_off_clients_total", "Clients of the relay that were cut off."),
    MetricSpec("buffered_bytes", "relay_buffered_bytes", "Bytes waiting for clients of the relay."),
    MetricSpec("fullest_buffer_bytes", "relay_fullest_buffer_bytes", "Bytes waiting for its slowest client."),
    MetricSpec("buffer_limit_bytes", "relay_buffer_limit_bytes", "Bytes that may wait for one of them."),
)
"""Below ``system_overview.arrivals.source.relay``."""

CHANNEL = (
    MetricSpec("whole.processed", "channel_rows_total", "Rows processed."),
    MetricSpec("whole.failed", "channel_failed_rows_total", "Rows whose processing raised an error."),
    MetricSpec("whole.events", "channel_events_total", "Events the rows caused, before coordination."),
    MetricSpec("whole.batches", "channel_batches_total", "Batches processed."),
    MetricSpec("whole.timeouts", "channel_timeouts_total", "Batches that took longer than the timeout."),
    MetricSpec("recent.rows_per_second", "channel_rows_per_second", "Rows per second over the sliding window."),
    MetricSpec("recent.success_rate", "channel_success_ratio", "Share of successful rows, over the sliding window."),
    MetricSpec("queue.depth", "channel_queue_rows", "Rows waiting in the queue."),
    MetricSpec("queue.max_depth", "channel_queue_max_rows", "The most rows that ever waited."),
    MetricSpec("queue.limit", "channel_queue_limit_rows", "Rows that fit into the queue."),
    MetricSpec("queue.spilled", "channel_spilled_rows", "Rows waiting on disk because the queue was full."),
    MetricSpec("breaker.opened", "channel_breaker_opened_total", "Times the circuit breaker has opened."),
    MetricSpec("uptime_seconds", "channel_uptime_seconds", "Since the instance was started."),
    MetricSpec("shards", "channel_shards", "Shards that the instance owns."),
)

LATENCIES = (
    MetricSpec("recent.latency_ms", "channel_latency_seconds", "Row latency over the sliding window.", 1e-3),
    MetricSpec("recent.processing_ms", "channel_processing_seconds", "Processing of a batch, sliding window.", 1e-3),
)
SIDE = (
    MetricSpec("tickers", "rollout_tickers", "Tickers that take this side of the rollout."),
    MetricSpec("processed", "rollout_rows_total", "Rows processed."),
    MetricSpec("failed", "rollout_failed_rows_total", "Rows whose processing raised an error."),
    MetricSpec("events", "rollout_events_total", "Events the rows caused, before coordination."),
    MetricSpec("success_rate", "rollout_success_ratio", "Share of successful rows, since the start."),
)
SIDE_LATENCY = MetricSpec("latency_ms", "rollout_latency_seconds", "Row latency, since the start.", 1e-3)
SIDES = ("multi", "linear")

QUANTILES = {"p50": "0.5", "p99": "0.99", "p99.9": "0.999", "max": "1"}

STATES = (
    MetricSpec("status", "channel_status", "1 for the state the instance is in."),
    MetricSpec("breaker.state", "channel_breaker_state", "1 for the state the circuit breaker is in."),
)

LABELS = ("channel", "name")


def render_metrics(document: Mapping[str, Any]) -> str:
    """Return a status document in the format that Prometheus scrapes."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Document(document))
    return generate_latest(registry).decode()


class _Document:
    """A Prometheus collector of one document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        details: Mapping[str, Mapping[str, Any]] = document.get("channel_details", {})
        self._channels = [((str(detail["channel"]), name), detail) for name, detail in details.items()]

    def collect(self) -> Iterator[Metric]:
        """Yield every metric that the document has a value for."""
        for spec in SYSTEM:
            yield from _family(spec, (), [((), _at(self._document, spec.path))])
        relay = _at(self._document, "system_overview.arrivals.source.relay") or {}
        for spec in RELAY:
            yield from _family(spec, (), [((), _at(relay, spec.path))])
        severities = _at(self._document, "system_overview.alerts") or {}
        alerts = MetricSpec("", "active_alerts", "Alerts that are not resolved.")
        yield from _family(alerts, ("severity",), [((severity,), count) for severity, count in severities.items()])
        for spec in CHANNEL:
            samples = [(labels, _at(detail, spec.path)) for labels, detail in self._channels]
            yield from _family(spec, LABELS, samples)
        for spec in LATENCIES:
            latencies = [
                ((*labels, quantile), _at(detail, spec.path, key))
                for labels, detail in self._channels
                for key, quantile in QUANTILES.items()
            ]
            yield from _family(spec, (*LABELS, "quantile"), latencies)
        yield from self._rollout()
        for spec in STATES:
            states = [((*labels, str(_at(detail, spec.path))), 1) for labels, detail in self._channels]
            yield from _family(spec, (*LABELS, "state"), states)

    def _rollout(self) -> Iterator[Metric]:
        """Yield the metrics of both sides of a gradual rollout."""
        sides = [(side, _at(self._document, f"system_overview.rollout.{side}") or {}) for side in SIDES]
        for spec in SIDE:
            yield from _family(spec, ("side",), [((side,), _at(figures, spec.path)) for side, figures in sides])
        latencies = [
            ((side, quantile), _at(figures, SIDE_LATENCY.path, key))
            for side, figures in sides
            for key, quantile in QUANTILES.items()
        ]
        yield from _family(SIDE_LATENCY, ("side", "quantile"), latencies)


def _at(document: Mapping[str, Any], path: str, *more: str) -> Any:
    """Return the value at a dotted path, then below keys that can hold dots; None if a key is missing."""
    found: Any = document
    for key in (*path.split("."), *more):
        if not isinstance(found, Mapping) or key not in found:
            return None
        found = found[key]
    return found


def _family(
    spec: MetricSpec, labels: tuple[str, ...], samples: Iterable[tuple[tuple[str, ...], Any]]
) -> Iterator[Metric]:
    known = [(values, float(value) * spec.scale) for values, value in samples if value is not None]
    if not known:
        return
    kind = CounterMetricFamily if spec.name.endswith("_total") else GaugeMetricFamily
    family = kind(f"tickstock_{spec.name}", spec.help, labels=labels)
    for values, number in known:
        family.add_metric(values, number)
    yield family
