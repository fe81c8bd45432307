"""The state of a relay: in that of its feed, in the status document and in the metrics."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.unit.monitoring.making import THRESHOLDS, system
from tests.unit.serving.test_metrics import scraped
from tests.unit.vendors.polygon.played_client import raw_client
from tests.unit.vendors.polygon.recorded_rows import trades
from tests.unit.vendors.polygon.scripted_vendor import Feed
from tests.unit.vendors.polygon.test_relay import subscribed, until
from tickstock_cli.core.metrics import ArrivalMetrics, QueueMetrics, RelayHealth
from tickstock_cli.monitoring.dashboard import dashboard
from tickstock_cli.vendors.polygon.relay import Relay, RelayOptions


def status_of(feed: Feed) -> dict[str, Any]:
    """Return the status document of a run on a feed."""
    arrivals = ArrivalMetrics(QueueMetrics(0, 0, 100), source=feed.source.health())
    return dashboard([], system(arrivals=arrivals), [], [], THRESHOLDS)


def test_a_feed_without_a_relay_has_no_figures_of_one() -> None:
    """Zeros would say that nobody has connected to what does not exist."""
    document = status_of(Feed("ws://127.0.0.1:1"))

    assert document["system_overview"]["arrivals"]["source"]["relay"] is None
    assert not [name for name in scraped(document) if "relay" in name]


def test_clients_and_rows_of_the_relay_are_in_status_and_metrics() -> None:
    """Whoever watches the run sees who reads from it, what they were sent, and what was dropped."""
    feed = Feed("ws://127.0.0.1:1", "*")

    async def story(relay: Relay) -> dict[str, Any]:
        async with raw_client(relay.url) as one, raw_client(relay.url) as other:
            await subscribed(relay, one, "T.*")
            await subscribed(relay, other, "T.AAPL")
            relay.rows([trades("AAPL", "MSFT")])
            assert (len(await one.events(2)), len(await other.events(1))) == (2, 1)
            await until(lambda: relay.health().buffered_bytes == 0)
            return status_of(feed)

    relay = feed.source.relay("127.0.0.1", 0, None, print)
    assert isinstance(relay, Relay)
    assert status_of(feed)["system_overview"]["arrivals"]["source"]["relay"]["clients"] == 0
    with relay:
        document = asyncio.run(story(relay))

    shown = document["system_overview"]["arrivals"]["source"]["relay"]
    sent = RelayHealth(clients=2, connections=2, rows=2, events=3, buffer_limit_bytes=4 << 20)
    assert shown == sent.as_dict()
    metrics = scraped(document)
    assert (metrics["tickstock_relay_clients"], metrics["tickstock_relay_events_total"]) == (2, 3)
    assert metrics["tickstock_relay_dropped_rows_total"] == 0


def test_what_waits_for_a_client_is_counted_in_bytes() -> None:
    """A program that will be cut off soon can be found before it is."""

    async def story(relay: Relay) -> None:
        async with raw_client(relay.url) as slow, raw_client(relay.url) as quick:
            await subscribed(relay, slow, "T.*")
            await subscribed(relay, quick, "T.AAPL")
            while relay.health().buffered_bytes < 100_000:
                relay.rows([trades(*["MSFT"] * 1_000)])
                await until(lambda: relay.health().waiting == 0)
            health = relay.health()
            assert health.fullest_buffer_bytes == health.buffered_bytes <= health.buffer_limit_bytes
            assert health.cut_off == 0

    with Relay(["T.*"], RelayOptions(client_buffer=1 << 20)) as relay:
        asyncio.run(story(relay))
