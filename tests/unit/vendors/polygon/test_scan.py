"""Which frames of trades are read without making messages of them."""

from __future__ import annotations

import pytest

from tickstock_cli.vendors.polygon.scan import TradeScanner

TRADE = (
    b'{"ev":"T","sym":"MSFT","x":4,"i":"12345","z":3,"p":114.125,"s":100,"ds":"100.5","c":[12,37],"t":1536036818784,'
    b'"pt":1536036818783,"q":3681328,"trfi":201,"trft":1536036818780}'
)


def test_trades_as_the_vendor_writes_them_are_plain() -> None:
    """Prints of a TRF too, with the time of their facility: nearly half of all trades are such prints."""
    found = TradeScanner().scan([b"[" + TRADE + b"," + TRADE + b"]", b"[" + TRADE + b"]"])

    assert found.lengths.tolist() == [2, 1]
    assert found.ticker.to_pylist() == ["MSFT"] * 3
    assert found.conditions.to_pylist() == [[12, 37]] * 3


@pytest.mark.parametrize(
    "frame",
    [
        b"[]",
        b"[" + TRADE + b"] ",
        b"[" + TRADE.replace(b"4,", b"4, ", 1) + b"]",
        b"[" + TRADE.replace(b"114.125", b"1.14125e2") + b"]",
        b"[" + TRADE.replace(b"MSFT", b"MS\\u0046T") + b"]",
        b"[" + TRADE + b',{"ev":"status","status":"success"}]',
        ("[" + TRADE.decode() + "]"),
    ],
)
def test_another_frame_is_left_to_the_messages_alone(frame: bytes | str) -> None:
    """Its neighbours stay plain: one frame of bars a minute must not slow the trades around it."""
    found = TradeScanner().scan([b"[" + TRADE + b"]", frame, b"[" + TRADE + b"]"])

    assert found.lengths.tolist() == [1, -1, 1]
    assert len(found) == 2


def test_a_later_scan_leaves_earlier_columns_as_they_are() -> None:
    """The scanner keeps its memory for the next frames; rows of the ones before are still on their way."""
    scanner = TradeScanner()
    first = scanner.scan([b"[" + TRADE + b"]"])
    ticker, price, time = first.ticker, first.reals(7), first.whole(4)
    scanner.scan([b"[" + TRADE.replace(b"MSFT", b"AAPL").replace(b"114", b"226").replace(b"1536", b"1790") + b"]"])

    assert (ticker.to_pylist(), price.to_pylist(), time.tolist()) == (["MSFT"], [114.125], [1536036818784])
