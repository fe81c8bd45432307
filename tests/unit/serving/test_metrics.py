"""What Prometheus scrapes: read back with its own parser."""

from __future__ import annotations

from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.unit.serving.served_runs import NewLog, RunOutput, served
from tickstock_cli.serving.metrics import render_metrics
from tickstock_cli.serving.recorded import RecordedStatus

SERVER = {"clients": 2, "sent_events": 10, "cut_off": 1, "first_sequence": 1, "last_sequence": 10}
CHANNEL = {
    "channel": "tick",
    "status": "active",
    "uptime_seconds": 12.5,
    "shards": 64,
    "queue": {"depth": 45, "max_depth": 600, "limit": 1000, "spilled": 0, "oldest_ms": 1.5},
    "breaker": {"state": "half_open", "opened": 1, "transitions": []},
    "whole": {"processed": 200_000, "failed": 3, "events": 1_655, "batches": 900, "timeouts": 2},
    "recent": {
        "rows_per_second": 1_150.0,
        "success_rate": None,
        "latency_ms": {"p50": 2.0, "p99": 28.5, "p99.9": 30.0, "max": None, "mean": 3.0},
        "processing_ms": {"p50": 1.0, "p99": 2.0, "p99.9": 3.0, "max": 4.0, "mean": 1.2},
    },
}
DOCUMENT = {
    "system_overview": {"rows": 200_003, "events": 1_655, "alerts": {"warning": 2, "critical": 0}, "router": None},
    "channel_details": {"tick-1": CHANNEL},
    "health": {"ok": False, "reasons": ["tick-1: breaker open"]},
    "server": SERVER,
}


def scraped(document: dict[str, Any]) -> dict[str, float]:
    """Return what a scrape holds: sample with its labels -> value."""
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(render_metrics(document))
        for sample in family.samples
    }


def test_figures_of_channels_carry_their_names() -> None:
    """One time series an instance; seconds and ratios, as Prometheus has them."""
    told = scraped(DOCUMENT)

    assert told["tickstock_channel_rows_total tick tick-1"] == 200_000
    assert told["tickstock_channel_queue_rows tick tick-1"] == 45
    assert told["tickstock_channel_latency_seconds tick tick-1 0.99"] == 0.0285
    assert told["tickstock_channel_latency_seconds tick tick-1 0.999"] == 0.03
    assert told["tickstock_channel_breaker_state tick tick-1 half_open"] == 1
    assert told["tickstock_active_alerts warning"] == 2


def test_figures_of_the_system_and_the_server_are_there() -> None:
    """Health too, so that one alert rule covers every reason."""
    told = scraped(DOCUMENT)

    assert (told["tickstock_healthy"], told["tickstock_rows_total"], told["tickstock_clients"]) == (0, 200_003, 2)
    assert told["tickstock_log_last_sequence"] == 10


def test_metrics_without_a_value_are_left_out() -> None:
    """An invented zero would look like a measurement."""
    told = scraped(DOCUMENT)

    assert not [
        name for name in told if "success_ratio" in name or "router" in name or name == "tickstock_uptime_seconds"
    ]
    assert "tickstock_channel_latency_seconds tick tick-1 1" not in told


def test_a_finished_run_has_metrics(new_log: NewLog) -> None:
    """Without channels, with its log."""
    log = new_log(3)
    log.finish()
    with served(log, status=RunOutput(RecordedStatus(log).status())) as server:
        answer = httpx.get(f"http://127.0.0.1:{server.server.port}/metrics", timeout=60)

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "tickstock_events_total 3.0" in answer.text


def test_both_sides_of_a_rollout_have_the_same_figures() -> None:
    """One time series a side, so that a graph can show them beside each other."""
    sides = {
        "multi": {"tickers": 2, "processed": 500, "failed": 1, "events": 3, "latency_ms": {"p50": 2.0, "p99": 4.0}},
        "linear": {"tickers": 98, "processed": 9_000, "failed": 0, "events": 6, "latency_ms": {"p50": None}},
    }
    told = scraped({"system_overview": {"rollout": {"percent": 1.0, "fallbacks": 3, **sides}}})

    assert told["tickstock_rollout_percent"] == 1
    assert told["tickstock_pipeline_fallbacks_total"] == 3
    assert told["tickstock_rollout_tickers linear"] == 98
    assert told["tickstock_rollout_failed_rows_total multi"] == 1
    assert told["tickstock_rollout_latency_seconds 0.99 multi"] == 0.004
    assert "tickstock_rollout_latency_seconds 0.5 linear" not in told
