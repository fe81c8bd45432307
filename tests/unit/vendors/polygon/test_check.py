"""A check says what a key is good for before the market opens."""

from __future__ import annotations

from urllib.parse import urlsplit

from tests.unit.vendors.polygon.scripted_vendor import Client, Feed, status, trade, vendor


def test_a_check_tells_what_is_granted() -> None:
    """A plan without trades has bars all the same: both are told, with the vendor's words."""

    async def script(client: Client) -> None:
        await client.sign_on()
        await client.subscribe(4, refused=["T.AAPL", "T.MSFT"])
        await client.tell(trade(1))
        await client.subscribe(2, refused=["T.AAPL", "T.MSFT"])
        await client.stay()

    with vendor(script) as played:
        feed = Feed(played.url, "AAPL,MSFT", channels=("T", "AM"), subscribe_seconds=0.02)
        (found,) = feed.source.check(0)

    assert found.channels == {"T": (0, 2), "AM": (2, 2)}
    assert (found.wanted, found.acknowledged, found.missing) == (4, 2, ("T.AAPL", "T.MSFT"))
    assert found.refusals == ("not authorized",)
    assert (found.authenticated, found.rows) == (True, 1)
    assert found.lag_ms is not None
    assert found.clock_offset_ms is not None
    assert found.problem == "2 of 4 not acknowledged: T.AAPL, T.MSFT (not authorized)"
    assert found.as_dict()["channels"]["AM"] == {"acknowledged": 2, "wanted": 2}


def test_a_check_of_a_refused_key_says_so_once() -> None:
    """Nothing is tried twice, and nothing is waited for."""

    async def refuse(client: Client) -> None:
        await client.tell(status("connected"))
        await client.command()
        await client.tell(status("auth_failed", "authentication failed"))
        client.abort()

    with vendor(refuse) as played:
        feed = Feed(played.url)
        (found,) = feed.source.check()

    assert (found.authenticated, found.problem) == (False, "the feed refuses the key: authentication failed")
    assert str(feed.source.failure) == found.problem
    assert played.handshakes == 1


def test_a_check_of_a_vendor_that_is_away_ends() -> None:
    """A wrong address is told at once."""
    with vendor(status) as played:  # type: ignore[arg-type]  # nobody connects
        url = played.url
    (found,) = Feed(url).source.check()

    assert found.problem == f"gave up the feed: cannot connect to {urlsplit(url).netloc}: connection refused"
