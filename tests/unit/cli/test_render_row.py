"""Rows in words: whatever a recording holds, stepping through it shows what that is."""

from __future__ import annotations

import pytest

from tickstock_cli.cli.render_row import row_words
from tickstock_cli.core.shown_times import exchange_zone
from tickstock_cli.testing import MINUTE, Bar, FairValue, ListSource, Tick, new_york

TEN = new_york("2024-06-12", "10:00:00")
RECORDS: dict[str, Tick | Bar | FairValue] = {
    "10:00:00.000  IBM  tick 0.0042 x 1,500": Tick("IBM", TEN, 0.0042, size=1_500),
    "10:00:00.000  IBM  tick none x none": Tick("IBM", TEN, None, size=-1),
    "10:01:00.000  IBM  bar 1.00 3.00 0.5000 2.00, volume 900": Bar("IBM", TEN, 1.0, 3.0, 0.5, 2.0, 900),
    "10:00:00.000  IBM  fair value 101.25, market 100.00": FairValue("IBM", TEN, 101.25, market_price=100.0),
    "10:00:00.000  IBM  fair value 101.25": FairValue("IBM", TEN, 101.25),
}


@pytest.mark.parametrize("words", RECORDS)
def test_a_row_is_shown_with_its_values(words: str) -> None:
    """Its time is when it came: a bar's is its end."""
    source = ListSource([RECORDS[words]])
    (batch,) = source.batches(10)

    assert batch.available_at()[0] in (TEN, TEN + MINUTE)
    assert row_words(batch, source.symbols.tickers, exchange_zone("XNYS")) == words
