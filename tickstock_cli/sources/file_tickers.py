"""Tickers in names of files and folders: `AAPL_full_1min.parquet`, `NASDAQ_AAPL, 5.parquet`, `AAPL/2024.parquet`."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tickstock_cli.storage.names import is_object

_ENDINGS = re.compile(r"(\.(parquet|pq|parq|csv|tsv|txt|gz|gzip|bz2|xz|zip|zst|zstd|snappy|us|arrow|feather))+$", re.I)
_EXCHANGES = r"NASDAQ|NYSE|AMEX|ARCA|BATS|NYSEARCA|XNAS|XNYS|BINANCE|CBOE|OTC|US"
_KINDS = (
    r"trades?|ticks?|quotes?|bars?|candles?|candlesticks?|klines?|ohlcv?|stocks?|equit(?:y|ies)|etfs?|crypto|forex|fx"
    r"|data|dataset|history|hist|historical|table|part|file|chunk|output|dat|ascii|intraday|minutes?|hourly|daily|days?"
    r"|raw|adjusted|full|\d+[a-z]+"
)
_DATE = r"(?:19|20)\d\d(?:[-_.]?\d\d){0,2}"
_BEFORE = re.compile(rf"(?:{_KINDS}|{_DATE}|(?:{_EXCHANGES})(?=[:_\- .]))(?:[_.\-:]|\s)+(?=\S)", re.I)
"""What can stand in front of a ticker: kinds of rows, a date, an exchange."""
_NO_TICKER = re.compile(rf"{_KINDS}|{_DATE}|{_EXCHANGES}", re.I)
_END = re.compile(r"[_,\s(]|-(?=\d)|(?<=[A-Z0-9])-(?=[a-z])|\.(?=\d{4})|$")
"""Where a ticker ends: `AAPL_1min`, `AAPL-2024-01-03`, `BTCUSDT-aggTrades`, `AAPL (1)`. A class stays: `BRK-B`."""
_FOLDER_OF_TICKER = re.compile(r"[A-Za-z][A-Za-z0-9.\-/]{0,14}")


def ticker_of(path: str) -> str | None:
    """Return the ticker that the name of a file begins with; None if there is none.

    Kinds of rows, dates and exchanges in front of it are left out.

    Examples
    --------
    >>> [ticker_of(name) for name in ("AAPL_full_1min_adjsplit.parquet", "BRK.B.csv.parquet", "NASDAQ:MSFT.parquet")]
    ['AAPL', 'BRK.B', 'MSFT']
    >>> [ticker_of(name) for name in ("trades_IBM_2013-10-08.parquet", "bars-1m-BTC-USD.parquet", "spy.parquet")]
    ['IBM', 'BTC-USD', 'SPY']
    >>> [ticker_of(name) for name in ("aapl.us.parquet", "BTCUSDT-1m-2024-01.parquet", "2024-01-03.parquet")]
    ['AAPL', 'BTCUSDT', None]
    >>> [ticker_of(name) for name in ("DAT_ASCII_EURUSD_M1_2024.parquet", "20240103_aapl_min.parquet", "ALL.parquet")]
    ['EURUSD', 'AAPL', 'ALL']
    """
    return _ticker(_ENDINGS.sub("", Path(path).name))


def _ticker(stem: str) -> str | None:
    before = _BEFORE.match(stem)
    if before is not None and (behind := _ticker(stem[before.end() :])) is not None:
        return behind
    ticker = stem[: _END.search(stem).start()]  # type: ignore[union-attr]  # the end of the name matches, too
    if not any(character.isalpha() for character in ticker):
        return None
    if _NO_TICKER.fullmatch(ticker) and not ticker.isupper():
        return None
    return ticker.upper() if ticker.islower() else ticker


def ticker_of_folder(path: str) -> str | None:
    """Return the ticker that the innermost folder of a file has as its name; None if there is none.

    Folders of dates, numbers, lengths, kinds of rows and partitions are left out.

    Examples
    --------
    >>> [ticker_of_folder(path) for path in ("/us/AAPL/2024-01-03.parquet", "/brk.b/1min/01.parquet", "/x.parquet")]
    ['AAPL', 'BRK.B', None]
    """
    whole = path if is_object(path) else os.path.abspath(path)
    for name in reversed(Path(whole).parts[1:-1]):
        if _FOLDER_OF_TICKER.fullmatch(name) and not _NO_TICKER.fullmatch(name):
            return name.upper() if name.islower() else name
    return None


def offer(path: str) -> str:
    """Return the advice to take the ticker from where the path of a file has it."""
    in_name, in_folder = ticker_of(path), ticker_of_folder(path)
    if in_name is not None and in_name in path:  # as it is written, or in upper case
        return f"--ticker-from filename takes {in_name} from the name of the file"
    if in_folder is not None and in_folder in path and in_folder.isupper():
        return f"--ticker-from folder takes {in_folder} from its folder"
    return (
        "if the name of the file begins with the ticker, --ticker-from filename takes it from there, "
        "and --ticker-from folder from that of its folder"
    )


TICKER_PLACES = {"filename": ticker_of, "folder": ticker_of_folder}
"""By `recordings.ticker_from`, what finds the ticker of a path."""
