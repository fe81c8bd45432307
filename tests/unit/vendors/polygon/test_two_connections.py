"""Stocks and fair values on two hosts in one run: one order of rows, and gaps of each connection alone."""

from __future__ import annotations

from typing import Any

from tests.unit.vendors.polygon.scripted_vendor import NOW_MS, Client, Feed, Script, trade, vendor
from tickstock_cli.core.metrics import SourceState


def fair_value(number: int) -> dict[str, Any]:
    """Return a fair value as the vendor sends it."""
    return {"ev": "FMV", "sym": "AAPL", "fmv": 100.0 + number, "t": NOW_MS + number}


def sends(*events: dict[str, Any], ends: bool = False) -> Script:
    """Return a script that sends events, one a frame, and breaks off or stays."""

    async def script(client: Client) -> None:
        await client.ready()
        for event in events:
            await client.tell(event)
        await client.received()
        if ends:
            client.abort()
        await client.stay()

    return script


def two_connections(stocks: str, business: str) -> Feed:
    """Return a feed whose channels are on two played hosts."""
    return Feed(stocks, channels=("T", "FMV"), fmv_url=business)


def test_rows_of_two_connections_are_in_one_order() -> None:
    """Stamps rise over both: a recording of the run is in order, and a replay of it has the same merge order."""
    values = [fair_value(number) for number in range(200)]
    with vendor(sends(*map(trade, range(200)))) as stocks, vendor(sends(*values)) as business:
        feed = two_connections(stocks.url, business.url)
        stamps: list[int] = []
        for batch in feed.source.batches(1_000):
            stamps += batch.available_at().tolist()
            if len(stamps) == 400:
                feed.source.interrupt()

    assert stamps == sorted(set(stamps))
    health = feed.source.health()
    assert (health.state, health.wanted, health.acknowledged) == (SourceState.ENDED, 2, 2)


def test_a_connection_that_is_lost_leaves_the_other_alone() -> None:
    """The gap is that of the lost channels; fair values came on meanwhile."""
    dropped, again = sends(trade(1), ends=True), sends(trade(2))
    with vendor(dropped, again) as stocks, vendor(sends(fair_value(1))) as business:
        feed = two_connections(stocks.url, business.url)
        feed.read(3)

    assert feed.heard.notices[0].startswith("T: the connection broke off without a close frame; connecting again")
    (gap,) = feed.source.gaps
    assert gap.channels == ("T",)
    assert gap.end is not None
    assert [len(business.clients), len(stocks.clients)] == [1, 2]


def test_a_refusal_of_one_connection_ends_both() -> None:
    """Half a feed would look like a whole one."""

    async def refuse(client: Client) -> None:
        await client.sign_on()
        await client.tell({"ev": "status", "status": "auth_failed", "message": "no business plan"})
        client.abort()

    with vendor(sends(trade(1))) as stocks, vendor(refuse) as business:
        feed = two_connections(stocks.url, business.url)
        feed.read(10)

    assert str(feed.source.failure) == "FMV: the feed refuses the key: no business plan"
    assert feed.source.health().state is SourceState.ENDED
