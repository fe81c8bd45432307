"""CSV files of any tool: which column is which, by names, values or a known layout."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.importing.csv_texts import NEW_YORK, OPEN, preview_of, rows_of
from tickstock_cli.errors import TickstockError


class TestColumns:
    """Which column is which."""

    def test_bars_of_a_ticker_in_the_file_name(self, tmp_path: Path) -> None:
        """As yfinance, FirstRate and Kibot write them; other columns are named in the preview."""
        text = "Datetime,Open,High,Low,Close,Adj Close,Volume\n" + "".join(
            f"2024-01-03 09:{minute}:00-05:00,10,12,9,11,11,{minute}\n" for minute in range(30, 35)
        )

        with pytest.raises(TickstockError, match="--ticker-from filename"):
            rows_of(text, tmp_path, "BRK.B_1min.csv")
        rows = rows_of(text, tmp_path, "BRK.B_1min.csv", ticker_from="filename")
        preview = preview_of(text, tmp_path, "BRK.B_1min.csv", ticker_from="filename")

        assert [(row["ticker"], row["interval"], row["volume"]) for row in rows] == [
            ("BRK.B", 60.0, float(minute)) for minute in range(30, 35)
        ]
        assert preview.ignored == ("Adj Close",)
        assert [(column.ours, column.theirs, column.read) for column in preview.columns][:3] == [
            ("ticker", "", "BRK.B"),
            ("timestamp", "Datetime", "2024-01-03T14:30:00Z"),
            ("open", "Open", "10"),
        ]

    def test_a_mapping_beats_names(self, tmp_path: Path) -> None:
        """And an empty one hides a column."""
        text = "ticker,timestamp,price,size,flags,last,qty\nA,1704292200,1,2,64,3,4\n"

        (row,) = rows_of(text, tmp_path, map=("price=last", "size=qty", "flags="))

        assert (row["price"], row["size"], "flags" in row) == (3.0, 4.0, False)

    def test_tickers_that_look_like_nothing(self, tmp_path: Path) -> None:
        """NA, NAN and NULL are tickers; missing numbers are missing."""
        lines = [f"{ticker},170429220{place},NA,1\n" for place, ticker in enumerate(["NA", "NAN", "NULL", "TRUE"])]

        rows = rows_of("ticker,timestamp,price,size\n" + "".join(lines), tmp_path)

        assert [(row["ticker"], row["price"]) for row in rows] == [
            ("NA", None), ("NAN", None), ("NULL", None), ("TRUE", None),
        ]  # fmt: skip

    def test_daily_bars_need_no_interval(self, tmp_path: Path) -> None:
        """Dates without a time of day are days, across the change of clocks too."""
        text = "date,ticker,open,high,low,close,volume\n" + "".join(
            f"2024-03-{day:02},A,1,1,1,1,1\n" for day in (8, 11, 12)
        )

        rows = rows_of(text, tmp_path, **NEW_YORK)

        assert {row["interval"] for row in rows} == {86_400.0}
        assert sorted(path.parent.name for path in tmp_path.rglob("*.parquet")) == [
            "2024-03-08",
            "2024-03-11",
            "2024-03-12",
        ]


KLINES = "".join(
    f"{1704292200000 + at * 60_000},10,12,9,{10 + at % 3},5.5,{1704292200000 + at * 60_000 + 59_999},1,2,3,4,0\n"
    for at in range(5)
)

UNNAMED = {
    "Kibot": ("".join(f"01/16/2024,09:{30 + at},10,12,9,{10 + at % 3},5\n" for at in range(5)), NEW_YORK),
    "FirstRate": ("".join(f"2024-01-16 09:{30 + at}:00,10,12,9,{10 + at % 3},5\n" for at in range(5)), NEW_YORK),
    "HistData": ("".join(f"20240116 09{30 + at}00;10,0;12;9;{10 + at % 3};5\n" for at in range(5)), NEW_YORK),
    "Binance": (KLINES, {}),
    "Binance, microseconds": (KLINES.replace("000,", "000000,").replace("999,", "999999,"), {}),
}


class TestUnnamedColumns:
    """Files without a line of names."""

    @pytest.mark.parametrize("writer", UNNAMED)
    def test_bars_are_known_by_their_values(self, writer: str, tmp_path: Path) -> None:
        """High and low are the highest and lowest price of every bar."""
        text, options = UNNAMED[writer]
        rows = rows_of(text, tmp_path, "EURUSD.csv", ticker_from="filename", **options)
        names = ("open", "high", "low", "close")
        assert [tuple(row[name] for name in names) for row in rows] == [(10, 12, 9, 10 + at % 3) for at in range(5)]
        assert {(row["ticker"], row["interval"]) for row in rows} == {("EURUSD", 60.0)}
        assert "names of columns by their values" in preview_of(text, tmp_path, ticker="A", **options).form

    @pytest.mark.parametrize("order", ["10,9,12,{close}", "{close},12,10,9", "12,9,10,{close}"])
    def test_another_order_of_prices_is_asked_for(self, order: str, tmp_path: Path) -> None:
        """It would be read wrongly without a word."""
        bars = "".join(f"2024-01-16 09:{30 + at}:00,{order.format(close=10 + at % 3)},5\n" for at in range(5))
        with pytest.raises(TickstockError, match="its first line has no names of columns"):
            rows_of(bars, tmp_path, ticker="A", **NEW_YORK)


class TestKnownLayouts:
    """Files of vendors and programs need no mapping: the layouts are those of recordings."""

    def test_databento_trades(self, tmp_path: Path) -> None:
        """Prices are billionths, rows of a book that are no trades are dropped, flags are those of messages."""
        text = (
            "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,price,size,channel_id,order_id,flags,symbol\n"
            f"{OPEN + 5},{OPEN},160,2,38,T,B,184220000000,100,0,1,130,AAPL\n"
            f"{OPEN + 6},{OPEN + 1},160,2,38,A,B,184210000000,50,0,2,130,AAPL\n"
        )

        (row,) = rows_of(text, tmp_path)

        assert (row["ticker"], row["price"], row["size"], row["flags"]) == ("AAPL", 184.22, 100.0, 0)
        assert (row["timestamp"], row["received_at"]) == (OPEN, OPEN + 5)

    def test_binance_klines(self, tmp_path: Path) -> None:
        """The ticker is in the file's name, the length between opening and close."""
        text = (
            "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
            "taker_buy_quote_volume,ignore\n"
            "1704292200000,42500.1,42501,42500,42500.5,1.5,1704292259999,63750,10,1,42500,0\n"
        )

        (row,) = rows_of(text, tmp_path, "BTCUSDT-1m-2024-01-03.csv", ticker_from="filename")

        assert (row["ticker"], row["open"], row["interval"], row["timestamp"]) == ("BTCUSDT", 42500.1, 60.0, OPEN)

    def test_metatrader_bars(self, tmp_path: Path) -> None:
        """Names in angle brackets, date and time apart, tabs."""
        text = (
            "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
            "2024.01.03\t14:30:00\t1.1\t1.2\t1.0\t1.15\t17\t5\t2\n2024.01.03\t14:31:00\t1.1\t1.2\t1.0\t1.15\t17\t6\t2\n"
        )

        rows = rows_of(text, tmp_path, ticker="EURUSD", timezone="UTC")

        assert [(row["timestamp"], row["volume"], row["interval"]) for row in rows] == [
            (OPEN, 5.0, 60.0),
            (OPEN + 60 * 10**9, 6.0, 60.0),
        ]

    def test_a_mapping_beats_a_layout(self, tmp_path: Path) -> None:
        """What the user says is right."""
        text = f"ts_event,action,price,size,fills,symbol\n{OPEN},T,10000000000,100,7,AAPL\n"

        (row,) = rows_of(text, tmp_path, map=("size=fills",))

        assert (row["price"], row["size"]) == (10.0, 7.0)

    def test_the_preview_names_the_layout(self, tmp_path: Path) -> None:
        """With the price as it is read."""
        preview = preview_of(f"ts_event,action,price,size,symbol\n{OPEN},T,184220000000,100,AAPL\n", tmp_path)

        assert preview.form.endswith("layout of Databento trades")
        assert {column.ours: column.read for column in preview.columns}["price"] == "184.22"
