"""What a file that is not understood is told: the record type that it is likely to hold, and the remedy."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
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
        ("ticker,Open,High,Low,Close,Volume", "ohlcv", "--map open=Open --map high=High"),
        ("symbol,ts,op,HIGH,low,c,v", "ohlcv", "--map open=COLUMN --map high=HIGH --map close=c --map volume=v"),
        ("symbol,ts,O,H,L,C,V", "ohlcv", "--map open=O --map high=H --map low=L --map close=C --map volume=V"),
        ("symbol,ts,mid", "fmv", "--map ticker=symbol --map timestamp=ts --map fmv=mid"),
        ("symbol,ts,bid,ask,trade_price,trade_size", "tick", "--map price=trade_price --map size=trade_size"),
        ("ticker,timestamp,prise,size", "tick", "with --map price=prise"),
        ("ticker,timestamp,open,hgih,low,close,volum", "ohlcv", "with --map high=hgih --map volume=volum"),
        ("ticker,timestamp,open,high,low,close,Volume BTC,Volume USD", "ohlcv", "with --map 'volume=Volume BTC'"),
        ("symbol,ts,OPENPRC,ASKHI,BIDLO,PRC,VOL", "ohlcv", "--map high=ASKHI --map low=BIDLO --map close=PRC"),
        ("timestamp,price,qty", "tick", "--map ticker=COLUMN --map size=qty; "),
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


def test_a_day_is_advised_with_its_time_of_day(write: Write) -> None:
    """With the day alone, all rows of a day would have one time; a class of shares is no part of TAQ's root."""
    clocks = [time(9, 30), time(9, 31)]
    names = {"DATE": ["2026-03-02"] * 2, "TIME_M": clocks, "SYM_ROOT": ["A", "B"], "SYM_SUFFIX": ["", "A"]}
    path = write(ticker=None, timestamp=None, price=None, size=None, **names, PX=NUMBERS, SIZE=NUMBERS)
    with pytest.raises(SchemaError) as caught:
        Recordings.open([path])
    told = str(caught.value)
    assert "--map ticker=SYM_ROOT --map timestamp=DATE --map price=PX --map size=SIZE --map time_of_day=TIME_M" in told
    assert "SYM_SUFFIX tells classes of shares apart" in told


def test_times_are_not_advised_as_prices(write: Write) -> None:
    """CoinAPI has the times of a bar's prices beside them."""
    times = {f"time_{name}": [NOON, NOON + 1] for name in ("open", "close")}
    prices = {f"px_{name}": NUMBERS for name in ("open", "high", "low", "close")}
    moments = {name: pa.array(values, pa.timestamp("ns", "UTC")) for name, values in times.items()}
    path = write(price=None, size=None, **moments, **prices)
    with pytest.raises(
        SchemaError, match="--map open=px_open --map high=px_high --map low=px_low --map close=px_close"
    ):
        Recordings.open([path])


def test_a_column_that_is_nowhere_is_said(write: Write) -> None:
    """No mapping can name it."""
    assert advice(write, "ticker,timestamp,open,high,low,close").endswith(
        "; for ohlcv rows it lacks volume; no other column can hold volume: write it, too"
    )


@pytest.mark.parametrize("columns", ["ticker,fiscal_year,revenue,eps", "company,sector", "c0,c1"])
def test_other_tables_are_no_recordings(write: Write, columns: str) -> None:
    """Fundamentals among recordings lack no column: they are to be left out."""
    told = advice(write, columns)
    assert told.startswith(
        f"is not a recording: its columns are {columns.replace(',', ', ')}; a replay reads tick rows"
    )
    assert "Name recordings alone" in told


def test_a_table_without_columns(tmp_path: Path) -> None:
    """There is nothing to map."""
    pq.write_table(pa.table({}), tmp_path / "empty.parquet")
    with pytest.raises(SchemaError, match="is not a recording: it has no columns"):
        Recordings.open([tmp_path / "empty.parquet"])


def test_ten_thousand_columns_fit_into_a_line(write: Write) -> None:
    """The first names tell what it is."""
    assert len(advice(write, ",".join(f"column_{number}" for number in range(10_000)))) < 1_500


def test_a_record_is_told_how_to_become_columns(write: Write) -> None:
    """There is one row in it, so nothing is to be exploded."""
    path = write(timestamp=None, price=None, size=None, bar=[{"o": 1.0}, {"o": 2.0}])
    with pytest.raises(SchemaError, match=r"column bar holds records: write .* as polars\.DataFrame\.unnest does"):
        Recordings.open([path])


def test_a_time_of_day_alone_is_told_to_lack_its_day(write: Write) -> None:
    """Any form of it would be of no day."""
    with pytest.raises(SchemaError, match="09:30:00 in column timestamp is a time of day: map the column that has its"):
        Recordings.open([write(timestamp=["09:30:00", "09:30:01"])])


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
        ({"ticker": [b"A", b"B"]}, r"decode its bytes, as polars.Expr.cast\(polars.String\)"),
        ({"ticker": pa.array([b"AB", b"CD"], pa.binary(2))}, "decode its bytes"),
        ({"price": [{"value": 1.0}, {"value": 2.0}]}, "write its fields as columns"),
        ({"timestamp": [time(9, 30), time(9, 31)]}, "a time of day is read beside a column of days"),
        ({"time_of_day": [34_200.5, 34_201.0]}, "write it as times of day or as durations"),
        ({"timestamp": [[1], [2]]}, "write a row for each of its values"),
    ],
)
def test_a_column_of_another_type_is_told_with_the_remedy(
    write: Write, columns: dict[str, object], remedy: str
) -> None:
    """What to do stands in the same line."""
    with pytest.raises(SchemaError, match=f"expected .*; {remedy}"):
        Recordings.open([write(**columns)])
