"""CSV files of any tool: what is in them is recognised, and what cannot be is asked for by one line."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickstock_cli.errors import TickstockError
from tickstock_cli.importing.csv_files import CsvFiles
from tickstock_cli.importing.csv_options import CsvOptions
from tickstock_cli.importing.format import FilePreview
from tickstock_cli.importing.number_forms import number_form
from tickstock_cli.importing.results import SourceResult
from tickstock_cli.importing.run import ImportRequest, run_import

OPEN = 1_704_292_200_000_000_000
"""09:30 in New York on 3 January 2024, ns UTC."""
NEW_YORK = {"timezone": "America/New_York"}


def imported(paths: Sequence[Path], out: Path, block_bytes: int = 1 << 20, **options: Any) -> list[SourceResult]:
    """Import CSV files, and return what became of each."""
    part = CsvFiles(CsvOptions(**options))
    return list(run_import(part, ImportRequest("csv", part.sources(paths), out, block_bytes=block_bytes)))


def rows_of(text: str | bytes, folder: Path, name: str = "rows.csv", **options: Any) -> list[dict[str, Any]]:
    """Import one file of a text, and return the rows."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    (result,) = imported([folder / name], folder / "out", **options)
    if result.error is not None:
        raise result.error
    return [row for path in sorted((folder / "out").rglob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def preview_of(text: str, folder: Path, name: str = "rows.csv", **options: Any) -> FilePreview:
    """Return how a file of a text would be read."""
    (folder / name).write_text(text, encoding="utf-8")
    part = CsvFiles(CsvOptions(**options))
    (preview,) = part.preview(part.sources([folder / name]))
    return preview


TICKS = "ticker,timestamp,price,size\nA,2024-01-03T14:30:00Z,10.5,100\nB,2024-01-03T14:30:00.000000001Z,20,0.000001\n"
TICK_ROWS = [("A", OPEN, 10.5, 100.0), ("B", OPEN + 1, 20.0, 1e-06)]


def ticks(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return what makes a tick."""
    return [(row["ticker"], row["timestamp"], row["price"], row["size"]) for row in rows]


def zip_of(files: dict[str, str]) -> bytes:
    """Return a zip file of texts."""
    packed = io.BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return packed.getvalue()


NS, SECONDS = (str(OPEN), str(OPEN + 1)), ("1704292200.0", "1704292200.000000001")
WRITTEN: dict[str, bytes] = {
    "plain": TICKS.encode(),
    "ends of lines of Windows": TICKS.replace("\n", "\r\n").encode(),
    "byte order mark": TICKS.encode("utf-8-sig"),
    "UTF-16": TICKS.encode("utf-16"),
    "semicolons": TICKS.replace(",", ";").encode(),
    "tabs": TICKS.replace(",", "\t").encode(),
    "bars": TICKS.replace(",", "|").encode(),
    "decimal commas": TICKS.replace(",", ";").replace("10.5", "10,5").replace("0.000001", "0,000001").encode(),
    "gzip": gzip.compress(TICKS.encode()),
    "two members of gzip": gzip.compress(TICKS[:60].encode()) + gzip.compress(TICKS[60:].encode()),
    "bzip2": bz2.compress(TICKS.encode()),
    "two members of bzip2": bz2.compress(TICKS[:60].encode()) + bz2.compress(TICKS[60:].encode()),
    "xz": lzma.compress(TICKS.encode()),
    "zip": zip_of({"ticks.csv": TICKS}),
    "zip with what a Mac adds": zip_of({"days/ticks.csv": TICKS, "__MACOSX/days/._ticks.csv": "x", "readme.md": "x"}),
    "other names": TICKS.replace("ticker", "Symbol").replace("timestamp", "DateTime").replace("price", "LAST").encode(),
    "quotes and umlauts of Windows": TICKS.replace("ticker,", 'ticker,"note, long",')
    .replace("A,2", 'A,"é ""x"", y",2')
    .replace("B,2", "B,,2")
    .encode("cp1252"),
    "blanks": TICKS.replace("10.5", " 10.5 ").replace("20,", " 20,").encode(),
    "zstd": pa.compress(TICKS.encode(), "zstd", asbytes=True),
    "nanoseconds": TICKS.replace("2024-01-03T14:30:00Z", NS[0])
    .replace("2024-01-03T14:30:00.000000001Z", NS[1])
    .encode(),
    "seconds": TICKS.replace("2024-01-03T14:30:00Z", SECONDS[0])
    .replace("2024-01-03T14:30:00.000000001Z", SECONDS[1])
    .encode(),
}


NUMBERS = {
    "thousands by commas": ('A,{time},"1,234.5","1,000,000"\nA,{time},1234.5,7\n', {}),
    "thousands by points": ("A;{time};1.234,5;1.000.000\nA;{time};1234,5;7\n", {}),
    "thousands by blanks": ("A;{time};1 234,5;1\u00a0000\u202f000\nA;{time};1234,5;7\n", {}),
    "thousands by apostrophes": ("A;{time};1'234.5;1\u2019000'000\nA;{time};1234.5;7\n", {}),
    "decimal commas in quotes": ('A,{time},"1234,5",1000000\nA,{time},"1234,50",7\n', {}),
    "dollars": ("A;{time};$1234.5;1000000\nA;{time};$1,234.50;7\n", {}),
    "commas that are said to be decimal": ('A,{time},"1234,500","1000000"\nA,{time},"1234,500",7\n', {"decimal": ","}),
    "groups that are said": ("A;{time};1234.5;1,000,000\nA;{time};1234.5;7\n", {"thousands": ","}),
}


class TestHowFilesAreWritten:
    """One result, whatever the tool that wrote the file."""

    @pytest.mark.parametrize("written", NUMBERS)
    def test_numbers(self, written: str, tmp_path: Path) -> None:
        """Prices 1234.5, sizes a million and 7, in the forms of several countries."""
        text, options = NUMBERS[written]
        delimiter = text[1]
        heading = delimiter.join(("ticker", "timestamp", "price", "size"))

        rows = rows_of(f"{heading}\n{text.format(time=OPEN)}", tmp_path, **options)

        assert [(row["price"], row["size"]) for row in rows] == [(1234.5, 1e6), (1234.5, 7.0)]

    def test_the_preview_says_the_form_of_numbers(self, tmp_path: Path) -> None:
        """With a value as it is written and read."""
        text = f"ticker;timestamp;price;size\nA;{OPEN};1.234,5;1.000.000\n"

        preview = preview_of(text, tmp_path)

        assert preview.form == "utf-8, semicolons, decimal comma, thousands by point"
        assert [(column.written, column.read) for column in preview.columns[2:4]] == [
            ("1.234,5", "1234.5"),
            ("1.000.000", "1000000"),
        ]

    @given(
        numbers=st.lists(st.decimals(0, 10**9, places=4, allow_nan=False), min_size=1, max_size=20),
        signs=st.sampled_from([(".", ","), (",", "."), (",", " "), (".", "'")]),
    )
    def test_groups_change_no_number(self, numbers: list[Decimal], signs: tuple[str, str]) -> None:
        """Whatever groups them, numbers are the nearest doubles of what they were."""
        point, group = signs
        texts = [f"{number:,.4f}".translate(str.maketrans(",.", group + point)) for number in numbers]
        numbers_form = number_form([*texts, f"1{group}000{group}000{point}5"], ";", "", "", "a file")

        assert (numbers_form.decimal_point, numbers_form.thousands) == signs
        assert [float(numbers_form.plain_text(text)) for text in texts] == [float(number) for number in numbers]

    @pytest.mark.parametrize("written", WRITTEN)
    def test_it_is_found_out(self, written: str, tmp_path: Path) -> None:
        """Ends of lines, marks, encodings, delimiters, commas, cases, quotes, blanks, compression, units."""
        assert ticks(rows_of(WRITTEN[written], tmp_path)) == TICK_ROWS

    @pytest.mark.parametrize(
        ("time", "options"),
        [
            ("2024-01-03 09:30:00", NEW_YORK),
            ("2024-01-03 09:30", NEW_YORK),
            ("2024-01-03T09:30:00.000", NEW_YORK),
            ("2024-01-03 09:30:00-05:00", {}),
            ("2024-01-03 14:30:00+0000", {}),
            ("2024-01-03 14:30:00 UTC", {}),
            ("20240103 09:30:00", NEW_YORK),
            ("20240103 093000", NEW_YORK),
            ("03.01.2024 09:30:00", NEW_YORK),
            ("2024.01.03 09:30:00", NEW_YORK),
            ("03-Jan-2024 09:30:00 AM", NEW_YORK),
            ("01/03/2024 09:30", {**NEW_YORK, "time_format": "%m/%d/%Y %H:%M"}),
            ("1704292200", {}),
            ("1704292200000", {}),
            ("1704292200000000", {}),
        ],
    )
    def test_forms_of_times(self, time: str, options: dict[str, str], tmp_path: Path) -> None:
        """All of them are 09:30 in New York."""
        (row,) = rows_of(f"symbol,time,price,size\nA,{time},1,1\n", tmp_path, **options)

        assert row["timestamp"] == OPEN

    def test_a_date_and_a_time_of_day_are_joined(self, tmp_path: Path) -> None:
        """Two columns, as many tools write them; and by the mapping."""
        text = "Symbol,Date,Time,Price,Size\nA,01/13/2024,09:30:00.25,1,1\n"

        (row,) = rows_of(text, tmp_path / "by name", **NEW_YORK)
        (mapped,) = rows_of(
            text.replace("Date", "D").replace("Time", "T"), tmp_path / "mapped", map=("timestamp=D+T",), **NEW_YORK
        )

        assert row == mapped
        assert row["timestamp"] == OPEN + 10 * 86_400 * 10**9 + 250_000_000

    def test_a_first_line_without_names_needs_them(self, tmp_path: Path) -> None:
        """The option gives them; the line is a row then."""
        text = "A,1704292200,1,1\nA,1704292201,2,1\n"

        with pytest.raises(TickstockError, match="its first line has no names of columns"):
            rows_of(text, tmp_path)

        assert len(rows_of(text, tmp_path, columns="ticker,timestamp,price,size")) == 2


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


MISTAKES: dict[str, tuple[str | bytes, dict[str, Any], str]] = {
    "no zone": (
        "ticker,timestamp,price,size\nA,2024-01-03 09:30:00,1,1\n", {}, "have no zone; name it, as in --timezone"
    ),
    "month or day": (
        "ticker,timestamp,price,size\nA,01/02/2024 09:30,1,1\n", NEW_YORK, "can have the month or the day first"
    ),
    "1970": ("ticker,timestamp,price,size\nA,93000,1,1\n", {}, "no known form fits times such as 93000"),
    "no time": ("ticker,timestamp,price,size\nA,soon,1,1\n", {}, "no known form fits times such as soon"),
    "a late bad time": (
        "ticker,timestamp,price,size\n" + "A,1704292200,1,1\n" * 2_000 + "A,soon,1,1\n",
        {},
        "line 2,002: timestamp is 'soon', which is no time of the form since 1970, in s",
    ),
    "a number with more behind it": (
        "ticker,timestamp,price,size\n" + "A,1704292200.25,1,1\n" * 1_500 + "A,1704292200.5x,1,1\n",
        {},
        "line 1,502: timestamp is '1704292200.5x'",
    ),
    "an hour that does not exist": (
        "ticker,timestamp,price,size\n" + "A,2024-03-10 01:30:00,1,1\n" * 1_500 + "A,2024-03-10 02:30:00,1,1\n",
        NEW_YORK,
        "line 1,502: timestamp is '2024-03-10 02:30:00'",
    ),
    "no close": (
        "Date,Shut,Volume,Open,High,Low\n2024-01-03,1,1,1,1,1\n",
        {"ticker": "A"},
        "lack close for ohlcv; name them, as in --map close=COLUMN",
    ),
    "no price": (
        "ticker,timestamp,cost,size\nA,1704292200,1,1\n", {}, "lack price for tick; name them, as in --map price=COLUMN"
    ),
    "two types": (
        "ticker,timestamp,price,size,fmv\nA,1704292200,1,1,1\n", {}, "are those of tick and fmv; choose one with --type"
    ),
    "a wrong mapping": (
        "ticker,timestamp,price,size\nA,1704292200,1,1\n", {"map": ("price=lats",)}, "has no column lats"
    ),
    "bits of others": (
        "ticker,timestamp,price,size,flags\nA,1704292200,1,1,64\n", {}, "flags is 64 behind line 2, but bits beyond"
    ),
    "one bar": (
        "ticker,timestamp,open,high,low,close,volume\nA,1704292200,1,1,1,1,1\n", {}, "the length of the bars is unclear"
    ),
    "a comma of two meanings": (
        'ticker,timestamp,price,size\nA,1704292200,"1,234",1\n', {}, "1,234 can be a decimal number or one of thousands"
    ),
    "a comma behind the first lines": (
        "ticker,timestamp,price,size\n" + "A,1704292200,1.5,1\n" * 1_500 + 'A,1704292200,"1,001.5",1\n',
        {},
        "line 1,502: price is '1,001.5', but a number is wanted",
    ),
    "groups of two digits": (
        'ticker,timestamp,price,size\nA,1704292200,"1,234.5","1,000,000"\nA,1704292201,"12,34.5",1\n',
        {},
        "price is '12,34.5', but a number is wanted",
    ),
    "a point among decimal commas": (
        "ticker;timestamp;price;size\nA;1704292200;1,5;1\nA;1704292200;2,5;1.5\n", {}, "size is '1.5', but a number"
    ),
    "several files in a zip": (
        zip_of({"a.csv": TICKS, "b.csv": TICKS}), {}, "has 2 files (a.csv, b.csv), but one is wanted: put each"
    ),
    "no delimiter": ("prices\n1\n", {}, "no delimiter of"),
    "a wrong encoding": (
        "ticker,timestamp,price,size\nA,1704292200,1,1\n", {"encoding": "utf-16"}, "is not text of encoding"
    ),
    "nothing": ("\n\n", {}, "has no line of text"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_unclear_is_asked_for(mistake: str, tmp_path: Path) -> None:
    """In one line, which names the option; nothing is written."""
    text, options, message = MISTAKES[mistake]

    with pytest.raises(TickstockError) as raised:
        rows_of(text, tmp_path, **options)

    assert message in str(raised.value)
    assert not list(tmp_path.rglob("*.parquet"))


def test_files_of_many_dates_and_tickers_become_a_file_a_date(tmp_path: Path) -> None:
    """A file a ticker in, a file a date out; a new file later gets files of its own."""
    for ticker in ("A", "B"):
        lines = [f"{ticker},2024-01-0{day}T15:00:0{second}Z,1,1\n" for day in (3, 4) for second in range(3)]
        (tmp_path / f"{ticker}.csv").write_text("ticker,timestamp,price,size\n" + "".join(lines))

    results = imported([tmp_path / "A.csv", tmp_path / "B.csv"], tmp_path / "out")

    assert [result.entry and result.entry.outputs for result in results] == [
        ("2024-01-03/tick.parquet", "2024-01-04/tick.parquet")
    ] * 2
    rows = pq.read_table(tmp_path / "out" / "2024-01-03" / "tick.parquet").to_pylist()
    assert [row["ticker"] for row in rows] == ["A", "B"] * 3


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


@pytest.mark.parametrize(
    "before",
    ["# exported\n# prices, in USD\n", "My trades of 2024\n\n", "sep=,\n", "\n\n", "// one\n"],
)
def test_lines_before_the_names_are_left_out(before: str, tmp_path: Path) -> None:
    """Titles have no delimiter, comments another number of them; a name of a column may begin with #."""
    assert ticks(rows_of(before + TICKS, tmp_path)) == TICK_ROWS
    assert preview_of(before + TICKS, tmp_path).form.endswith(" in front left out")
    named = before + TICKS.replace("ticker", "#ticker")
    assert ticks(rows_of(named, tmp_path / "named", columns="ticker,timestamp,price,size")) == TICK_ROWS


def test_lines_of_old_macs(tmp_path: Path) -> None:
    """They end with a carriage return alone."""
    assert ticks(rows_of(TICKS.replace("\n", "\r"), tmp_path)) == TICK_ROWS


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_wide_encodings_are_found_out(encoding: str, tmp_path: Path) -> None:
    """With a byte order mark or without."""
    assert ticks(rows_of(TICKS.encode(encoding), tmp_path)) == TICK_ROWS


@pytest.mark.parametrize(("form", "between"), [("%Y-%m-%d %H:%M:%S.%f", "."), ("%Y-%m-%d %H:%M:%S,%f", ",")])
def test_fractions_as_python_writes_their_form(form: str, between: str, tmp_path: Path) -> None:
    """For polars, `%f` behind a point counts nanoseconds: half a second would be five of them."""
    text = f'ticker,timestamp,price,size\nA,"2024-01-03 09:30:00{between}5",10,1\n'
    (row,) = rows_of(text, tmp_path, time_format=form, **NEW_YORK)
    assert row["timestamp"] == OPEN + 500_000_000


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("symbol,timestamp,bid,ask\nA,2024-01-03T14:30:00Z,1,2\n", "holds quotes"),
        ('[{"ticker": "A", "price": 1}]', "is JSON, not CSV"),
        ('{"ticker": "A"}\n{"ticker": "B"}\n', "is JSON, not CSV"),
        ("Symbol,Date,Open,Hihg,Low,Close,Volume\nA,2024-01-03T14:30:00Z,1,1,1,1,1\n", "as in --map high=Hihg"),
        (TICKS.replace("size\n", "size\nunit,UTC,USD,shares\n"), "such as UTC"),
        (TICKS + "A,timestamp,price,size\n", "such as 2024-01-03T14:30:00Z and timestamp;"),
        (TICKS.replace("100\n", "100,\n").replace("0.000001\n", "0.000001,\n"), "ticker,timestamp,price,size,other"),
    ],
)
def test_advice_that_can_be_followed(text: str, told: str, tmp_path: Path) -> None:
    """The line says what is odd, and an option that works."""
    with pytest.raises(TickstockError) as caught:
        rows_of(text, tmp_path)
    assert told in str(caught.value)


def test_a_folder_without_such_files_is_an_error(tmp_path: Path) -> None:
    """The line does not list every form of compression."""
    with pytest.raises(TickstockError, match=r"ends with \.csv or \.txt or \.tsv or \.zip, compressed or not$"):
        imported([tmp_path], tmp_path / "out")


def test_a_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    """No vendor publishes it some day: nothing is gained by trying again, and the exit code says so."""
    (tmp_path / "empty.csv").touch()

    for name, why in (("nowhere.csv", "there is no such file"), ("empty.csv", "is empty")):
        (result,) = imported([tmp_path / name], tmp_path / "out")
        assert (result.state, str(result.error)) == ("missing", f"{tmp_path / name}: {why}")
        assert result.error is not None
        assert result.error.exit_code == 3


@pytest.mark.parametrize("compress", [bz2.compress, gzip.compress, lzma.compress])
def test_compressed_files_that_are_cut_or_damaged(compress: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """They are told apart from text that is wrong."""
    whole = compress(TICKS.encode() * 50)
    changed = bytearray(whole)
    changed[len(whole) // 2] ^= 0xFF
    (tmp_path / "cut.csv").write_bytes(whole[:-3])
    (tmp_path / "changed.csv").write_bytes(changed)

    assert [imported([tmp_path / name], tmp_path / "out")[0].state for name in ("cut.csv", "changed.csv")] == [
        "truncated",
        "damaged",
    ]


def test_a_faulty_file_keeps_its_group_out(tmp_path: Path) -> None:
    """Their rows would share files; the line names the one at fault, and the others say why."""
    (tmp_path / "good.csv").write_text(TICKS)
    (tmp_path / "bad.csv").write_text(TICKS.replace("10.5", "ten"))

    good, bad = imported([tmp_path / "good.csv", tmp_path / "bad.csv"], tmp_path / "out")

    assert (good.state, bad.state) == ("held_back", "wrong_data")
    assert str(good.error).endswith(
        "good.csv: is not imported, because bad.csv, which is imported together with it, failed"
    )
    assert not list((tmp_path / "out").rglob("*.parquet"))


def test_bars_of_two_lengths_are_not_mixed(tmp_path: Path) -> None:
    """A replay would take them for the same bars twice."""
    for name, step in (("minutes", 60), ("hours", 3_600)):
        lines = [f"A,{1_704_292_200 + step * place},1,1,1,1,1\n" for place in range(3)]
        (tmp_path / f"{name}.csv").write_text("ticker,timestamp,open,high,low,close,volume\n" + "".join(lines))

    results = imported([tmp_path / "minutes.csv", tmp_path / "hours.csv"], tmp_path / "out")

    assert "its bars seem to be 3600 s long, those of" in str(results[1].error)


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_an_import_equals_the_plain_reading(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Drawn rows, read by the csv module, Decimal and datetime."""
    folder = tmp_path_factory.mktemp("drawn")
    rows = data.draw(
        st.lists(
            st.tuples(
                st.sampled_from(["A", "BRK B", 'quo"te', "com,ma", "new\nline", "Ü"]),
                st.datetimes(datetime(2024, 1, 2, 4), datetime(2024, 1, 5, 19)),  # noqa: DTZ001 - as the file has them
                st.decimals(0, 10_000, places=4, allow_nan=False),
                st.decimals(0, 1_000, places=6, allow_nan=False),
            ),
            min_size=1,
            max_size=40,
        )
    )
    delimiter = data.draw(st.sampled_from([",", ";", "\t"]))
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter)
    writer.writerow(["symbol", "time", "price", "size"])
    writer.writerows([ticker, f"{time:%Y-%m-%d %H:%M:%S.%f}", price, size] for ticker, time, price, size in rows)

    read = rows_of(written.getvalue(), folder, block_bytes=data.draw(st.sampled_from([50, 1 << 20])), **NEW_YORK)

    wanted = []
    for line in csv.DictReader(io.StringIO(written.getvalue()), delimiter=delimiter):
        local = datetime.fromisoformat(line["time"]).replace(tzinfo=ZoneInfo("America/New_York"))
        micros = int(local.timestamp()) * 10**6 + local.microsecond
        wanted.append((line["symbol"], micros * 1_000, float(Decimal(line["price"])), float(Decimal(line["size"]))))
    assert ticks(read) == sorted(wanted, key=lambda row: row[1])


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
