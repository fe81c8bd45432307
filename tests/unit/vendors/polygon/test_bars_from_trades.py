"""Bars that the feed makes of trades: behind the trades that end their interval, and in silence."""

from __future__ import annotations

import pytest

from tests.unit.vendors.polygon.scripted_vendor import Client, Feed, trade, vendor
from tickstock_cli.config.settings import LiveSettings
from tickstock_cli.errors import UsageError
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.vendors.polygon.params import PolygonParams
from tickstock_cli.vendors.polygon.source import PolygonSource

PAST_MS = 1_700_000_000_000
SECOND_BARS = LiveSettings(bars_from_trades_seconds=1)


async def two_seconds(client: Client) -> None:
    """Send two trades of one second, an odd lot, and a trade of the next second, then nothing more."""
    await client.ready()
    odd_lot = trade(3, t=PAST_MS + 999, c=[37])
    await client.tell(trade(1, t=PAST_MS), trade(2, t=PAST_MS + 1), odd_lot, trade(4, t=PAST_MS + 1_000))
    await client.stay()


def test_bars_of_trades_are_rows_of_the_feed() -> None:
    """The first bar comes with the trade that ends its second, the last one in silence; the ledger has all of it."""
    with vendor(two_seconds) as played:
        feed = Feed(played.url, live=SECOND_BARS)
        rows = feed.read(6)

    first, last = (row for row in rows if "interval" in row)
    assert (first["timestamp"], last["timestamp"]) == (PAST_MS * 10**6, (PAST_MS + 1_000) * 10**6)
    assert (first["open"], first["high"], first["low"], first["close"]) == (101, 102, 101, 102)
    assert (first["volume"], last["volume"]) == (300, 100)
    assert "interval" in rows[-1]
    assert first["received_at"] == rows[3]["received_at"] < last["received_at"]
    ledger = feed.source.wire_ledger()
    assert (ledger["bars.told"], ledger["bars.trades"], ledger["bars.used_trades"]) == (2, 4, 4)


@pytest.mark.parametrize(
    ("channels", "words"),
    [(("T", "AM"), "leave AM out"), (("A", "T"), "leave A out"), (("FMV",), "add T")],
)
def test_a_ticker_has_one_kind_of_bars(channels: tuple[str, ...], words: str) -> None:
    """Two sources of bars of one ticker would contradict each other, and no trades make no bars."""
    params = PolygonParams(channels=channels)
    options = ReadOptions(params=params, sections={"live": SECOND_BARS})
    with pytest.raises(UsageError, match=words):
        PolygonSource.open(["AAPL"], options)
