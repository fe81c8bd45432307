"""The same figures as ``/status``, in the exposition format of Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE

__all__ = ["CONTENT_TYPE", "render_metrics"]


def render_metrics(document: Mapping[str, Any]) -> str:
    """Give a status document as Prometheus scrapes it. What was not measured (null) is left out."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Document(document))
    return generate_latest(registry).decode()


class _Document:
    """A collector of one document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def collect(self) -> Iterator[Metric]:
        server = self._document["server"]
        yield GaugeMetricFamily("tickstock_clients", "Connected WebSocket clients.", value=server["clients"])
