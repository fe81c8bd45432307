"""What is asked for is a set of ours: sent in short commands, and held against the vendor's acknowledgements."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.errors import UsageError
from tickstock_cli.vendors.polygon.subscriptions import Subscriptions, chunks, command, wanted_items

TICKERS = st.lists(st.text("ABCXYZ.p", min_size=1, max_size=8), unique=True, min_size=1)


def test_items_are_channels_of_tickers() -> None:
    """Lower-case letters and dots are part of a ticker."""
    assert wanted_items(["T", "AM"], ["BRK.B", "BACpL"]) == ("T.BRK.B", "T.BACpL", "AM.BRK.B", "AM.BACpL")


def test_all_tickers_include_the_named_ones() -> None:
    """The vendor is not asked for T.* and T.AAPL: what it does with both is not known."""
    assert wanted_items(["T"], ["AAPL", "*"]) == ("T.*",)


def test_both_kinds_of_bars_are_an_error_that_says_so() -> None:
    """They would be two rows a minute of one ticker for one channel of the system."""
    with pytest.raises(UsageError, match="A and AM are both bars"):
        wanted_items(["A", "AM"], ["*"])


@given(TICKERS, st.integers(1, 60))
def test_commands_hold_every_item_once_and_are_short(tickers: list[str], limit: int) -> None:
    """The vendor's limit is not known; ours is 8 kB, of any number of tickers."""
    items = wanted_items(["T"], tickers)
    sent = list(chunks(items, limit))

    assert [item for chunk in sent for item in chunk.split(",")] == list(items)
    assert all(len(chunk.encode()) <= limit or "," not in chunk for chunk in sent)


def test_a_command_is_as_the_vendor_documents_it() -> None:
    """A comma list without blanks."""
    assert json.loads(command("T.AAPL,AM.*")) == {"action": "subscribe", "params": "T.AAPL,AM.*"}


def test_acknowledgements_are_matched_by_name() -> None:
    """Out of order, twice, for what was never asked: none of it makes a silent item look acknowledged."""
    subscriptions = Subscriptions(["T.AAPL", "T.MSFT", "ZZ.AAPL"])

    for name in ("T.MSFT", "T.MSFT", "T.IBM", "T.AAPL"):
        subscriptions.acknowledge(f"subscribed to: {name}")
    subscriptions.refuse("not authorized")

    assert (subscriptions.acknowledged, subscriptions.missing) == (2, ("ZZ.AAPL",))
    assert subscriptions.report() == "1 of 3 not acknowledged: ZZ.AAPL (not authorized)"


def test_a_report_of_many_missing_items_is_one_line() -> None:
    """Eight thousand tickers do not fill a terminal."""
    subscriptions = Subscriptions(wanted_items(["T"], [f"T{number}" for number in range(8_000)]))
    for number in range(12, 8_000):
        subscriptions.acknowledge(f"subscribed to: T.T{number}")

    assert subscriptions.report() == "12 of 8,000 not acknowledged: T.T0, T.T1, T.T2, T.T3, T.T4, …"


def test_another_connection_begins_without_acknowledgements() -> None:
    """The vendor forgets subscriptions with the connection."""
    subscriptions = Subscriptions(["T.AAPL"])
    subscriptions.acknowledge("subscribed to: T.AAPL")
    assert subscriptions.report() is None

    subscriptions.begin()
    assert subscriptions.missing == ("T.AAPL",)
