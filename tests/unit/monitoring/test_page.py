"""docs/monitoring.md describes the document and the alerts as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.unit.monitoring.making import THRESHOLDS, channel, rollout, system, with_breaker, with_queue
from tickstock_cli.core.feed import Gap
from tickstock_cli.core.metrics import (
    ArrivalMetrics,
    BreakerState,
    QueueMetrics,
    RelayHealth,
    RouterMetrics,
    SourceHealth,
)
from tickstock_cli.monitoring.alerts import AlertChange, AlertType, Severity
from tickstock_cli.monitoring.monitor import ChannelMonitor
from tickstock_cli.runtime.assignment import RoutingStrategy
from tickstock_cli.runtime.batching import Strategy

PAGE = (Path(__file__).parents[3] / "docs" / "monitoring.md").read_text(encoding="utf-8")
WORDS = set(re.findall(r"`([\w.\" ]+?)`", PAGE))


def keys(document: Any) -> Iterator[str]:
    """Return every key of a document, at any depth, but for the names that things happen to have."""
    if isinstance(document, Mapping):
        for key, value in document.items():
            if key not in ("tick-1", "tick-2", "tick"):
                yield key
            yield from keys(value)
    elif isinstance(document, list):
        for item in document:
            yield from keys(item)


def test_every_key_of_the_dashboard_document_is_described() -> None:
    """A page and a terminal are written from this; a key without a meaning is a riddle."""
    monitor = ChannelMonitor(THRESHOLDS)
    channels = [with_queue("tick-1", 1_000), with_breaker("tick-2", BreakerState.OPEN), channel()]
    router = RouterMetrics("health_based", rows_by_type={"tick": 1})
    gap = Gap(0, None, ("T",), "connection lost")
    arrivals = ArrivalMetrics(QueueMetrics(1, 1, 10), source=SourceHealth(last_gap=gap, relay=RelayHealth()))
    monitor.observe(channels, system(router=router, arrivals=arrivals, rollout=rollout()))

    described = WORDS | {severity.label for severity in Severity}

    assert set(keys(monitor.get_monitoring_dashboard_data())) - described == set()


def test_every_name_that_users_meet_is_described() -> None:
    """Alert types, changes, batching and routing strategies."""
    names = [*AlertType, *AlertChange, *Strategy, *RoutingStrategy]

    assert [name for name in names if name not in WORDS and f"**{name}**" not in PAGE] == []
