"""Every known layout reads a small file as its vendor writes it, and gives the same rows as our own layout."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tickstock_cli.core.batch import MICROS_PER_SHARE, BarBatch, TickBatch
from tickstock_cli.sources.layouts import LAYOUTS
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.recordings import Recordings

OPEN = int(datetime(2026, 3, 2, 14, 30, tzinfo=UTC).timestamp()) * 10**9
SECOND, MINUTE, DAY = 10**9, 60 * 10**9, 86_400 * 10**9
PRICES = [100.0, 100.5, 101.01]
SECONDS = [OPEN + n * SECOND for n in range(3)]
MINUTES = [OPEN + n * MINUTE for n in range(3)]
DAYS = [OPEN - (9 * 60 + 30) * MINUTE + n * DAY for n in range(3)]
"""Midnights of New York."""
BILLIONTHS = [round(price * 10**9) for price in PRICES]
X = ["X"] * 3
NAMED = ReadOptions(ticker_from="filename")


def moments(times: list[int], zone: str | None = "UTC", unit: Any = "ns") -> pa.Array[Any]:
    """Return times as datetimes; without a zone, on the clocks of New York."""
    shift = 0 if zone is not None else 5 * 3_600 * SECOND
    return pa.array([moment - shift for moment in times]).cast(pa.timestamp("ns", zone)).cast(pa.timestamp(unit, zone))


def steps(times: list[int], step: int) -> list[int]:
    """Return times as integers."""
    return [moment // step for moment in times]


def bars(pattern: str = "{}", prices: list[Any] | None = None) -> dict[str, Any]:
    """Return the columns of prices of bars, with their names in a pattern."""
    return {pattern.format(name): prices or PRICES for name in ("open", "high", "low", "close")}


def capitals() -> dict[str, Any]:
    """Return the columns of prices of bars, with capitalised names."""
    return {name.title(): column for name, column in bars().items()}


class Case(NamedTuple):
    """A file as a vendor writes it, and what its rows are."""

    columns: dict[str, Any]
    times: list[int]
    interval: int | None = None
    file: str = "file.parquet"
    options: ReadOptions = ReadOptions()
    ticker: str = "X"


CAPITALS = {**capitals(), "Volume": [5] * 3}
LETTERS = {"o": PRICES, "h": PRICES, "l": PRICES, "c": PRICES, "v": [5] * 3}
VOLUME = {"volume": [5] * 3}
DATABENTO = {
    "ts_recv": SECONDS,
    "ts_event": SECONDS,
    "rtype": pa.array([0] * 3, pa.uint8()),
    "publisher_id": pa.array([2] * 3, pa.uint16()),
    "action": ["T"] * 3,
    "price": BILLIONTHS,
    "size": pa.array([5] * 3, pa.uint32()),
    "flags": pa.array([130] * 3, pa.uint8()),
    "symbol": X,
}
METATRADER = {"time": steps(MINUTES, SECOND), **bars(), "tick_volume": [90] * 3, "spread": [1] * 3}
CASES: dict[str, list[Case]] = {
    "Databento trades": [
        Case(DATABENTO, SECONDS),
        Case({**DATABENTO, "ts_event": moments(SECONDS), "ts_recv": moments(SECONDS), "price": PRICES}, SECONDS),
        Case({**DATABENTO, "action": ["A", "T", "T"], "bid_px_00": BILLIONTHS, "ask_px_00": BILLIONTHS}, SECONDS[1:]),
    ],
    "Databento bars": [
        Case(
            {"ts_event": DAYS, "rtype": [35] * 3, **bars(prices=BILLIONTHS), **VOLUME, "symbol": X},
            DAYS,
            DAY,
        ),
        Case({"ts_event": moments(MINUTES), "rtype": [33] * 3, **bars(), **VOLUME, "symbol": X}, MINUTES, MINUTE),
    ],
    "Polygon trades": [
        Case({"ticker": X, "sip_timestamp": SECONDS, "price": PRICES, "size": [5] * 3, "conditions": X}, SECONDS),
    ],
    "Polygon flat file of bars": [
        Case({"ticker": X, **VOLUME, **bars(), "window_start": MINUTES, "transactions": [1] * 3}, MINUTES, MINUTE),
        Case({"ticker": X, **VOLUME, **bars(), "window_start": DAYS}, DAYS, DAY, "day_aggs_v1/2026.parquet"),
    ],
    "Polygon bars of a WebSocket": [
        Case(
            {"sym": X, **LETTERS, "op": PRICES, "s": steps(MINUTES, 10**6), "e": steps(MINUTES, 10**6), "a": PRICES},
            MINUTES,
            MINUTE,
        ),
    ],
    "Polygon or Alpaca bars": [
        Case({"T": X, **LETTERS, "vw": PRICES, "t": steps(MINUTES, 10**6), "n": [1] * 3}, MINUTES, MINUTE),
        Case({"S": X, **LETTERS, "t": moments(MINUTES)}, MINUTES, MINUTE),
        Case({**LETTERS, "t": MINUTES}, MINUTES, MINUTE, "AAPL.parquet", NAMED, "AAPL"),
    ],
    "Polygon or Alpaca trades": [
        Case({"sym": X, "p": PRICES, "s": [5] * 3, "t": steps(SECONDS, 10**6), "c": [[1]] * 3}, SECONDS),
        Case({"S": X, "p": PRICES, "s": [5] * 3, "t": moments(SECONDS), "x": X}, SECONDS),
    ],
    "Binance klines": [
        Case(
            {
                "open_time": steps(MINUTES, 10**6),
                **bars(),
                **VOLUME,
                "close_time": [start // 10**6 + 299_999 for start in MINUTES],
                "ignore": [0] * 3,
            },
            MINUTES,
            5 * MINUTE,
            "BTCUSDT-5m-2026-03.parquet",
            NAMED,
            "BTCUSDT",
        ),
    ],
    "Binance trades": [
        Case(
            {"agg_trade_id": [1] * 3, "price": PRICES, "quantity": [5.0] * 3, "transact_time": steps(SECONDS, 10**3)}
            | {"is_buyer_maker": [True] * 3},
            SECONDS,
            file="BTCUSDT-aggTrades-2026-03.parquet",
            options=NAMED,
            ticker="BTCUSDT",
        ),
    ],
    "Binance trades of a WebSocket": [
        Case({"s": X, "p": PRICES, "q": [5.0] * 3, "T": steps(SECONDS, 10**6), "m": [True] * 3, "a": [1] * 3}, SECONDS),
    ],
    "MetaTrader bars": [
        Case({**METATRADER, "real_volume": [5] * 3, "symbol": X}, MINUTES, MINUTE),
        Case({**METATRADER, "tick_volume": [5] * 3, "symbol": X}, MINUTES, MINUTE),
        Case(
            {"<DATE>": pa.array([20_514] * 3, pa.date32()), "<TIME>": [time(9, 30 + n) for n in range(3)]}
            | {
                **{f"<{name.upper()}>": PRICES for name in bars()},
                "<TICKVOL>": [90] * 3,
                "<VOL>": [5] * 3,
                "<SPREAD>": [1] * 3,
            },
            MINUTES,
            MINUTE,
            "X_M1.parquet",
            ReadOptions(ticker_from="filename", timezone="America/New_York"),
        ),
    ],
    "MetaTrader ticks": [
        Case(
            {"time": steps(SECONDS, SECOND), "bid": PRICES, "ask": PRICES, "last": PRICES, "volume": [9] * 3}
            | {"time_msc": steps(SECONDS, 10**6), "flags": [24] * 3, "volume_real": [5.0] * 3, "symbol": X},
            SECONDS,
        ),
    ],
    "Alpaca trades": [
        Case({"symbol": X, "timestamp": moments(SECONDS), "price": PRICES, "size": [5.0] * 3, "tape": X}, SECONDS),
    ],
    "Alpaca bars": [
        Case({"symbol": X, "timestamp": moments(MINUTES), **bars(), **VOLUME, "trade_count": [1] * 3}, MINUTES, MINUTE),
    ],
    "bars with date and time of day (Kibot)": [
        Case(
            {"Date": pa.array([20_514] * 3, pa.date32()), "Time": [time(9, 30 + n) for n in range(3)]}
            | {**capitals(), "Volume": [5] * 3},
            MINUTES,
            MINUTE,
            "X.parquet",
            NAMED,
        ),
    ],
    "trades with date and time of day (Kibot)": [
        Case(
            {"Date": moments(DAYS[:1] * 3, None), "Time": [timedelta(hours=9.5, seconds=n) for n in range(3)]}
            | {"Price": PRICES, "Size": [5] * 3, "Symbol": X},
            SECONDS,
        ),
    ],
    "pandas with an index of tickers and times (bars)": [
        Case(
            {**bars(), **VOLUME, "__index_level_0__": X, "__index_level_1__": moments(MINUTES)},
            MINUTES,
            MINUTE,
        ),
        Case({"level_0": moments(MINUTES), "level_1": X, **capitals(), "Volume": [5] * 3}, MINUTES, MINUTE),
    ],
    "pandas with an index of tickers and times (trades)": [
        Case(
            {"price": PRICES, "size": [5] * 3, "__index_level_0__": X, "__index_level_1__": moments(SECONDS)}, SECONDS
        ),
    ],
    "Finnhub trades": [
        Case({"s": X, "t": steps(SECONDS, 10**6), "p": PRICES, "v": [5] * 3, "c": [["1"]] * 3}, SECONDS),
    ],
    "bars with date and time of day": [
        Case(
            {"date": ["2026-03-02"] * 3, "minute": ["09:30", "09:31", "09:32"], "average": PRICES}
            | {**bars(), **VOLUME, "symbol": X},
            MINUTES,
            MINUTE,
        ),
        Case(
            {"trade_date": pa.array([20_514] * 3, pa.date32()), "trade_time": [time(9, 30 + n) for n in range(3)]}
            | {**bars(), **VOLUME, "ticker": X},
            MINUTES,
            MINUTE,
        ),
    ],
    "trades with date and time of day": [
        Case(
            {"DATE": pa.array([20_514] * 3, pa.date32()), "TIME_M": [f"09:30:0{n}.000000000" for n in range(3)]}
            | {"EX": X, "SYMBOL": X, "SIZE": [5] * 3, "PRICE": PRICES},
            SECONDS,
        ),
    ],
    "pandas (yfinance, FirstRate and others)": [
        Case({"Date": moments(DAYS, "America/New_York"), **capitals(), "Volume": [5] * 3, "Ticker": X}, DAYS, DAY),
        Case(
            {"Datetime": moments(MINUTES), **capitals(), "Adj Close": PRICES, "Volume": [5] * 3, "symbol": X},
            MINUTES,
            MINUTE,
        ),
        Case(
            {**capitals(), "Volume": [5] * 3, "ticker": X, "__index_level_0__": moments(MINUTES, "America/New_York")},
            MINUTES,
            MINUTE,
        ),
        Case({"date": pa.array([20_514, 20_515, 20_516], pa.date32()), **bars(), **VOLUME, "symbol": X}, DAYS, DAY),
        Case(
            {"timestamp": moments(MINUTES, None, "us"), **bars(), **VOLUME},
            MINUTES,
            5 * MINUTE,
            "X_full_5min_adjsplitdiv.parquet",
            NAMED,
        ),
        Case({"time": steps(MINUTES, SECOND), **bars(), "Volume": [5] * 3, "symbol": X}, MINUTES, MINUTE),
    ],
    "pandas with trades": [
        Case({"index": moments(SECONDS), "Price": PRICES, "Size": [5] * 3, "Symbol": X}, SECONDS),
    ],
}


def test_every_layout_has_a_case() -> None:
    """A new layout brings a file of its vendor."""
    assert {layout.name for layout in LAYOUTS} == set(CASES)


@pytest.mark.parametrize(
    ("name", "case"),
    [(name, case) for name, cases in CASES.items() for case in cases],
    ids=lambda value: str(value)[:30],
)
def test_a_file_of_the_layout_has_the_rows_of_ours(tmp_path: Path, name: str, case: Case) -> None:
    """Tickers, times, prices, volumes and the length of bars are right without a mapping."""
    path = tmp_path / case.file
    path.parent.mkdir(exist_ok=True)
    pq.write_table(pa.table(case.columns), path)
    with Recordings.open([path], case.options) as recordings:
        (step,) = recordings.batches(10)
        (file,) = recordings.files
        rows: TickBatch | BarBatch = step.ticks if case.interval is None else step.bars
        prices = PRICES[-len(case.times) :]
        assert file.layout.understood is not None
        assert file.layout.understood.layout == name
        assert [recordings.symbols.tickers[code] for code in rows.code] == [case.ticker] * len(prices)
    assert rows.timestamp.tolist() == case.times
    if isinstance(rows, TickBatch):
        assert rows.price.tolist() == prices
        assert rows.size.tolist() == [5 * MICROS_PER_SHARE] * len(prices)
        assert not rows.flags.any()
    else:
        assert rows.close.tolist() == rows.open.tolist() == prices
        assert rows.volume.tolist() == [5 * MICROS_PER_SHARE] * 3
        assert np.unique(rows.interval).tolist() == [case.interval]
