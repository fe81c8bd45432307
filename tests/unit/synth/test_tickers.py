"""Ticker names."""

from __future__ import annotations

import re

from tickstock_cli.synth.options import MAX_SYMBOLS
from tickstock_cli.synth.tickers import make_tickers


def test_the_largest_market_has_enough_tickers() -> None:
    """No two symbols share one."""
    assert len(set(make_tickers(1, MAX_SYMBOLS))) == MAX_SYMBOLS


def test_names_look_like_an_exchange_s() -> None:
    """Two to four letters, a few with a share class."""
    tickers = make_tickers(1, 8_000)

    assert all(re.fullmatch(r"[A-Z]{2,4}(\.[AB])?", ticker) for ticker in tickers)
    assert 50 < sum("." in ticker for ticker in tickers) < 250
    assert {len(ticker) for ticker in tickers if "." not in ticker} == {2, 3, 4}


def test_a_smaller_market_has_the_first_names_of_a_larger() -> None:
    """So that --symbols can be changed without losing sight of a ticker."""
    assert make_tickers(9, 50) == make_tickers(9, 8_000)[:50]
