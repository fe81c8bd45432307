"""What a file that is not understood is told: the record type that it is likely to hold, and the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.unit.sources.conftest import NOON, Write
from tickstock_cli.errors import SchemaError
from tickstock_cli.sources.file_tickers import ticker_of
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.recordings import Recordings

NUMBERS = [1.0, 2.0]


def advice(write: Write, columns: str, options: ReadOptions | None = None) -> str:
    """Return what a file of these columns is told; tickers are text, times integers, all others numbers."""
    types = {"ticker": ["A", "B"], "symbol": ["A", "B"], "timestamp": [NOON, NOON], "ts": [NOON, NOON]}
    named = {name: types.get(name, NUMBERS) for name in columns.split(",")}
    path = write(**{"ticker": None, "timestamp": None, "price": None, "size": None} | named)
    with pytest.raises(SchemaError) as caught:
        Recordings.open([path], options)
    return str(caught.value).removeprefix(f"{path} ")


@pytest.mark.parametrize(
    ("columns", "record", "maps"),
    [
        ("ticker,timestamp,last,qty", "tick", "--map price=last --map size=qty"),
        ("symbol,ts,last,volume", "tick", "--map ticker=symbol --map timestamp=ts --map price=last --map size=volume"),
        ("symbol,ts,fair", "fmv", "--map ticker=symbol --map timestamp=ts --map fmv=fair"),
        ("ticker,Open,High,Low,Close,Volume", "ohlcv", "--map timestamp=COLUMN --map open=Open --map high=High"),
        ("symbol,ts,op,HIGH,low,c,v", "ohlcv", "--map open=COLUMN --map high=HIGH --map close=c --map volume=v"),
    ],
)
def test_advice_is_for_the_likely_record_type(write: Write, columns: str, record: str, maps: str) -> None:
    """Names in another case and usual other names count, and no column is advised twice."""
    told = advice(write, columns)
    assert f"for {record} rows it lacks" in told
    assert maps in told


def test_what_is_mapped_counts(write: Write) -> None:
    """Only what is still missing is advised."""
    told = advice(write, "symbol,ts,last,qty", ReadOptions(columns={"price": "last", "ticker": "symbol"}))
    assert told.endswith(
        "for tick rows it lacks timestamp, size: say which columns hold them with --map timestamp=ts --map size=qty"
    )


@pytest.mark.parametrize(
    "columns", ["t,o,h,l,c,v", "timestamp,open,high,low,close,volume", "ts,Open,High,Low,Close,Volume"]
)
def test_a_missing_ticker_can_be_in_the_name(write: Write, columns: str) -> None:
    """The file's name is offered where no column has the ticker."""
    assert "--ticker-from filename" in advice(write, columns)


@pytest.mark.parametrize(
    "columns",
    [
        "ticker,timestamp,bid,ask",
        "symbol,ts,bid_price,ask_price,bid_size",
        "symbol,ts,bid_px_00,ask_px_00",
        "ticker,ts,bp,ap",
    ],
)
def test_quotes_are_named(write: Write, columns: str) -> None:
    """A file of quotes lacks no column: it is none of ours."""
    assert advice(write, columns).startswith("holds quotes: its columns are ")


def test_columns_for_each_ticker(write: Write) -> None:
    """A frame with a level of tickers above its columns needs a row for each of them first."""
    names = [f"('{field}', '{ticker}')" for field in ("Close", "Open") for ticker in ("AAPL", "MSFT")]
    columns = dict.fromkeys(names, NUMBERS)
    path = write(ticker=None, price=None, size=None, **columns)
    with pytest.raises(SchemaError, match=r"it has columns for each ticker \(AAPL, MSFT\); write a row for each"):
        Recordings.open([path])


def test_columns_of_one_ticker_in_two_levels(write: Write) -> None:
    """What yfinance downloads for one ticker says the ticker in the names of its columns."""
    columns = {f"('{field}', 'AAPL')": NUMBERS for field in ("Close", "Open", "High", "Low", "Volume")}
    dates = pa.array([NOON, NOON + 60_000_000_000]).cast(pa.timestamp("ns", "UTC"))
    path = write(ticker=None, timestamp=None, price=None, size=None, Datetime=dates, **columns)
    with Recordings.open([path]) as recordings:
        (step,) = recordings.batches(10)
        assert [recordings.symbols.tickers[code] for code in step.bars.code] == ["AAPL", "AAPL"]
        assert step.bars.close.tolist() == NUMBERS


def test_the_ticker_of_the_name(write: Write) -> None:
    """`--ticker-from filename` takes it from there only where no column has it."""
    options = ReadOptions(ticker_from="filename")
    path = write("MSFT_1min.parquet", ticker=None)
    with Recordings.open([path, write("other.parquet")], options) as recordings:
        list(recordings.batches(10))
        assert [ticker for ticker in recordings.symbols.tickers if ticker] == ["MSFT", "IBM"]
    with pytest.raises(SchemaError, match="its name does not begin with one"):
        Recordings.open([write("2026-03-02.parquet", ticker=None)], options)


def test_settings_of_the_user_win(write: Write) -> None:
    """A known layout only fills in what is not set, and a mapping is not overruled."""
    columns = {"symbol": ["A", "B"], "ts_event": [NOON, NOON + 1], "price": [10**9, 2 * 10**9], "rtype": [0, 0]}
    path = write(ticker=None, timestamp=None, **columns, other=[3, 4])
    for options, prices in (
        (ReadOptions(), [1.0, 2.0]),
        (ReadOptions(scale={"price": 1e-8}), [10.0, 20.0]),
        (ReadOptions(columns={"price": "other"}), [3e-9, 4e-9]),
    ):
        with Recordings.open([path], options) as recordings:
            (step,) = recordings.batches(10)
            assert step.ticks.price.tolist() == prices


def test_a_class_of_shares_is_part_of_a_ticker() -> None:
    """Kinds, exchanges and dates around it are not."""
    names = (
        "BRK-B",
        "BRK.B_1min",
        "NASDAQ_AAPL, 5",
        "trades_IBM_2013-10-08",
        "AAPL.20240103",
        "ES=F",
        "^GSPC",
        "1INCH",
    )
    assert [ticker_of(str(Path("day", f"{name}.parquet"))) for name in names] == [
        *("BRK-B", "BRK.B", "AAPL", "IBM", "AAPL", "ES=F", "^GSPC", "1INCH"),
    ]


def test_a_ticker_in_the_path_is_offered_and_taken(write: Write) -> None:
    """By the name of the file, or of the innermost folder that is no date, length or kind."""
    for name, place in (("AAPL_1min.parquet", "filename"), ("AAPL/1min/2024/01.parquet", "folder")):
        path = write(name, ticker=None)
        with pytest.raises(SchemaError, match=f"--ticker-from {place} takes AAPL from"):
            Recordings.open([path])
        with Recordings.open([path], ReadOptions(ticker_from=place)) as recordings:
            list(recordings.batches(10))
            assert recordings.symbols.tickers == ["AAPL"]


def test_a_folder_without_a_ticker_is_an_error(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dates and kinds of rows are no tickers."""
    path = write("2024-01-03.parquet", ticker=None)
    monkeypatch.setattr("os.path.abspath", lambda _: "/1min/trades/2024-01-03.parquet")
    with pytest.raises(SchemaError, match="has no column of tickers, and no folder of its path is named as one"):
        Recordings.open([path], ReadOptions(ticker_from="folder"))


@pytest.mark.parametrize(
    ("name", "ticker"),
    [
        ("table_aapl.parquet", "AAPL"),
        ("us_equities_AAPL.parquet", "AAPL"),
        ("XNAS-20240103.AAPL.parquet", "AAPL"),
        ("20240103_aapl_minute_trade.parquet", "AAPL"),
        ("DAY_1min_2024.parquet", "DAY"),
        ("part-0.parquet", None),
        ("data.parquet", None),
        ("2024_minute_bars.parquet", None),
    ],
)
def test_what_stands_before_a_ticker_is_none(name: str, ticker: str | None) -> None:
    """Kinds of rows, exchanges and dates; a ticker that is such a word is written in capitals."""
    assert ticker_of(name) == ticker


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (
            "symbol,time_period_start,price_open,price_high,price_low,price_close,volume_traded",
            "for ohlcv rows it lacks",
        ),
        (
            "symbol,TimeBarStart,OpenTradePrice,HighTradePrice,LowTradePrice,CloseTradePrice,Vol",
            "--map low=LowTradePrice",
        ),
        ("symbol,created_time,price,base_qty", "--map ticker=symbol --map timestamp=created_time --map size=base_qty"),
        (
            "symbol,Date/Time,Last Price (USD),Size [shares]",
            "--map 'price=Last Price (USD)' --map 'size=Size [shares]'",
        ),
        (
            "ts,A_Open,A_High,A_Low,A_Close,A_Volume,B_Open,B_High,B_Low,B_Close,B_Volume",
            "it has columns for each ticker (A, B); write a row for each ticker and time",
        ),
        (
            "timestamp,AAPL,MSFT,BRK.B,X",
            "a column of numbers for each of AAPL, MSFT, BRK.B, …, which are probably tickers",
        ),
    ],
)
def test_parts_of_names_are_advised(write: Write, columns: str, told: str) -> None:
    """Vendors compose names; tables with a column for each ticker are told apart."""
    assert told in advice(write, columns)


@pytest.mark.parametrize(
    "bars",
    [
        pa.array([{"o": 1.0}, {"o": 2.0}]),
        pa.array([[{"o": 1.0}], []]),
        pa.array([[1.0], [2.0]]),
    ],
)
def test_rows_within_a_row_are_told(write: Write, bars: Any) -> None:
    """JSON of a web interface often ends like this."""
    path = write(timestamp=None, price=None, size=None, bars=bars)
    with pytest.raises(
        SchemaError, match="column bars holds lists or records, with rows within a row; write a row for"
    ):
        Recordings.open([path])


def test_joined_names_of_one_ticker_are_read(write: Write) -> None:
    """Pandas joins the levels of columns with an underscore."""
    fields = {f"{name}_AAPL": NUMBERS for name in ("Open", "High", "Low", "Close", "Volume")}
    with Recordings.open([write(ticker=None, price=None, size=None, **fields)]) as recordings:
        list(recordings.batches(10))
        assert (recordings.files[0].record, recordings.symbols.tickers) == ("ohlcv", ["AAPL"])


@pytest.mark.parametrize(
    ("columns", "remedy"),
    [
        ({"price": ["1.5", "2"]}, "write it as numbers"),
        ({"ticker": [1, 2]}, "write it as text"),
        ({"ticker": [b"A", b"B"]}, "write it as text"),
        ({"timestamp": [[1], [2]]}, "write a row for each of its values"),
    ],
)
def test_a_column_of_another_type_is_told_with_the_remedy(
    write: Write, columns: dict[str, object], remedy: str
) -> None:
    """What to do stands in the same line."""
    with pytest.raises(SchemaError, match=f"expected .*; {remedy}"):
        Recordings.open([write(**columns)])
