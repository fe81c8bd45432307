"""Tickers in the names of files: `AAPL.parquet`, `AAPL_full_1min_adjsplit.parquet`, `NASDAQ_AAPL, 5.parquet`."""

from __future__ import annotations

import re
from pathlib import Path

_ENDINGS = re.compile(r"(\.(parquet|pq|csv|tsv|txt|gz|bz2|xz|zip|zst|snappy|us|arrow|feather))+$", re.IGNORECASE)
_EXCHANGES = ("NASDAQ", "NYSE", "AMEX", "ARCA", "BATS", "NYSEARCA", "XNAS", "XNYS", "BINANCE", "CBOE", "OTC", "US")
_EXCHANGE = re.compile(rf"({'|'.join(_EXCHANGES)})[:_\- ]+(?=\S)", re.IGNORECASE)
_KINDS = r"trades?|ticks?|bars?|candles?|klines?|ohlcv?|stocks?|data|history|\d+[a-z]+"
_KIND = re.compile(rf"({_KINDS})[_-]+(?=\S)", re.IGNORECASE)
_END = re.compile(r"[_,\s(]|-(?=\d)|(?<=[A-Z0-9])-(?=[a-z])|\.(?=\d{4})|$")
"""Where a ticker ends: `AAPL_1min`, `AAPL-2024-01-03`, `BTCUSDT-aggTrades`, `AAPL (1)`. A class stays: `BRK-B`."""


def ticker_of(path: str) -> str | None:
    """Return the ticker that the name of a file begins with; None if there is none.

    Examples
    --------
    >>> [ticker_of(name) for name in ("AAPL_full_1min_adjsplit.parquet", "BRK.B.csv.parquet", "NASDAQ:MSFT.parquet")]
    ['AAPL', 'BRK.B', 'MSFT']
    >>> [ticker_of(name) for name in ("trades_IBM_2013-10-08.parquet", "bars-1m-BTC-USD.parquet", "spy.parquet")]
    ['IBM', 'BTC-USD', 'SPY']
    >>> [ticker_of(name) for name in ("aapl.us.parquet", "BTCUSDT-1m-2024-01.parquet", "2024-01-03.parquet")]
    ['AAPL', 'BTCUSDT', None]
    """
    stem = _ENDINGS.sub("", Path(path).name)
    while (kind := _KIND.match(stem)) is not None:
        stem = stem[kind.end() :]
    stem = _EXCHANGE.sub("", stem, count=1) if _EXCHANGE.match(stem) else stem
    ticker = stem[: _END.search(stem).start()]  # type: ignore[union-attr]  # the end of the name matches, too
    if not any(character.isalpha() for character in ticker):
        return None
    return ticker.upper() if ticker.islower() else ticker
