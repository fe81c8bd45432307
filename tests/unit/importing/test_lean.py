"""LEAN's zip files become recordings: deci-cents, milliseconds of New York, conditions as bits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pyarrow.parquet as pq
import pytest

from tickstock_cli.errors import UsageError
from tickstock_cli.importing.lean import LeanFiles, LeanOptions
from tickstock_cli.importing.results import SourceResult
from tickstock_cli.importing.run import ImportRequest, run_import

MIDNIGHT = 1_381_204_800_000_000_000
"""00:00 in New York on 8 October 2013, ns UTC."""
OPEN_MS = 34_200_000
"""09:30 on its clocks."""
MS = 1_000_000


def zipped(path: Path, lines: Sequence[str], name: str = "rows.csv") -> Path:
    """Write a zip with one CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with ZipFile(path, "w") as archive:
        archive.writestr(name, "".join(f"{line}\n" for line in lines))
    return path


def imported(paths: Sequence[Path], out: Path, **options: Any) -> list[SourceResult]:
    """Import LEAN's files, and return what became of each."""
    part = LeanFiles(LeanOptions(**options))
    return list(run_import(part, ImportRequest("lean", part.sources(paths), out)))


def rows_of(out: Path, record: str) -> list[dict[str, Any]]:
    """Return the rows of a type."""
    return [row for path in sorted(out.rglob(f"{record}.parquet")) for row in pq.read_table(path).to_pylist()]


def test_trades_have_times_prices_and_flags_of_ours(tmp_path: Path) -> None:
    """Regular, odd lot, Form T before the open, official close, suspicious."""
    lines = [
        "14400009.367,137450,100,D,400,0",
        f"{OPEN_MS},137455,200,Q,1,0",
        f"{OPEN_MS + 1},137460,7,Z,80000001,0",
        f"{OPEN_MS + 2},137460,100,N,1000000,0",
        f"{OPEN_MS + 3},990000,100,P,0,1",
    ]
    source = zipped(tmp_path / "tick" / "bac" / "20131008_trade.zip", lines)

    (result,) = imported([source], tmp_path / "out")

    rows = rows_of(tmp_path / "out", "tick")
    assert [(row["ticker"], row["timestamp"] - MIDNIGHT, row["price"], row["size"]) for row in rows] == [
        ("BAC", 14_400_009_367_000, 13.745, 100.0),
        ("BAC", OPEN_MS * MS, 13.7455, 200.0),
        ("BAC", (OPEN_MS + 1) * MS, 13.746, 7.0),
        ("BAC", (OPEN_MS + 2) * MS, 13.746, 100.0),
        ("BAC", (OPEN_MS + 3) * MS, 99.0, 100.0),
    ]
    assert [row["flags"] for row in rows] == [0, 0, 5, 7, 7]
    assert [row["conditions"] for row in rows] == [[12], [], [37], [15], []]
    assert [row["exchange"] for row in rows] == [4, 12, 19, 10, 11]
    assert result.entry is not None
    assert result.entry.noted == {"suspicious": 1}


def test_minutes_of_many_tickers_become_one_file(tmp_path: Path) -> None:
    """A zip a ticker and date in; a file a date out, sorted by time."""
    for ticker in ("aapl", "spy"):
        lines = [f"{OPEN_MS + 60_000 * minute},10000,12000,9000,11000,{minute}" for minute in range(3)]
        zipped(tmp_path / "in" / "minute" / ticker / "20131008_trade.zip", lines)

    results = imported([tmp_path / "in"], tmp_path / "out")

    rows = rows_of(tmp_path / "out", "ohlcv")
    assert {result.entry and result.entry.outputs for result in results} == {("2013-10-08/ohlcv.parquet",)}
    assert [(row["ticker"], row["volume"]) for row in rows] == [
        (ticker, volume) for volume in (0.0, 1.0, 2.0) for ticker in ("AAPL", "SPY")
    ]
    assert [rows[0][name] for name in ("open", "high", "low", "close", "interval")] == [1.0, 1.2, 0.9, 1.1, 60.0]


def test_daily_bars_have_all_dates_of_a_ticker(tmp_path: Path) -> None:
    """Summer and winter time."""
    lines = ["20131008 00:00,10000,12000,9000,11000,5", "20131112 00:00,10000,12000,9000,11000,6"]
    source = zipped(tmp_path / "daily" / "aapl.zip", lines)

    imported([source], tmp_path / "out")

    paths = sorted(tmp_path.rglob("*.parquet"))
    assert [(path.parent.name, *pq.read_table(path)["timestamp"].to_pylist()) for path in paths] == [
        ("2013-10-08", MIDNIGHT),
        ("2013-11-12", MIDNIGHT + (35 * 24 + 1) * 3_600_000 * MS),
    ]


class TestQuotes:
    """Quotes stand in for fair values, on request."""

    TICKS = (
        f"{OPEN_MS},100000,1,0,0,N,1,0",
        f"{OPEN_MS + 1},0,0,100200,1,N,1,0",
        f"{OPEN_MS + 2},100000,1,0,0,P,1,0",
        f"{OPEN_MS + 3},500000,1,0,0,P,1,1",
        f"{OPEN_MS + 4},100300,1,0,0,P,1,0",
        f"{OPEN_MS + 5},100100,1,0,0,P,1,0",
    )

    def test_a_mid_is_that_of_the_last_bid_and_ask(self, tmp_path: Path) -> None:
        """A quote has one side; others are dropped, and the reasons say why."""
        source = zipped(tmp_path / "tick" / "bac" / "20131008_quote.zip", self.TICKS)

        (result,) = imported([source], tmp_path / "out", quotes_as_fmv=True)

        rows = rows_of(tmp_path / "out", "fmv")
        assert [((row["timestamp"] - MIDNIGHT) // MS - OPEN_MS, row["fmv"]) for row in rows] == [
            (1, 10.01),
            (5, 10.015),
        ]
        assert result.entry is not None
        assert result.entry.dropped == {"crossed": 1, "one_sided": 1, "suspicious": 1, "unchanged": 1}

    def test_bars_of_quotes_count_at_their_end(self, tmp_path: Path) -> None:
        """The closing bid and ask are known then."""
        line = f"{OPEN_MS},0,0,0,100000,5,0,0,0,100200,5"
        source = zipped(tmp_path / "minute" / "bac" / "20131008_quote.zip", [line])

        imported([source], tmp_path / "out", quotes_as_fmv=True)

        (row,) = rows_of(tmp_path / "out", "fmv")
        assert ((row["timestamp"] - MIDNIGHT) // MS - OPEN_MS, row["fmv"]) == (60_000, 10.01)

    def test_they_are_left_out_otherwise(self, tmp_path: Path) -> None:
        """With a note."""
        zipped(tmp_path / "tick" / "bac" / "20131008_quote.zip", self.TICKS)
        part = LeanFiles(LeanOptions())

        assert part.sources([tmp_path]) == []
        assert part.notes == ["left out 1 file of quotes; --quotes-as-fmv imports their mids as fair values"]


def test_lengths_of_bars_are_not_mixed(tmp_path: Path) -> None:
    """A folder with all of LEAN's resolutions needs a choice."""
    zipped(tmp_path / "minute" / "aapl" / "20131008_trade.zip", [f"{OPEN_MS},1,1,1,1,1"])
    zipped(tmp_path / "daily" / "aapl.zip", ["20131008 00:00,1,1,1,1,1"])
    zipped(tmp_path / "tick" / "aapl" / "20131008_trade.zip", [f"{OPEN_MS},1,1,N,0,0"])

    with pytest.raises(UsageError, match=r"bars of several lengths \(\w+, \w+\).*--resolution"):
        imported([tmp_path], tmp_path / "out")
    results = imported([tmp_path], tmp_path / "out", resolution="daily")

    assert [result.state for result in results] == ["imported"]


def test_splits_and_dividends_are_not_applied_and_said(tmp_path: Path) -> None:
    """Where LEAN's own files of them lie beside the prices."""
    zipped(tmp_path / "daily" / "aapl.zip", ["20131008 00:00,1,1,1,1,1"])
    (tmp_path / "factor_files").mkdir()
    part = LeanFiles(LeanOptions())

    part.sources([tmp_path])

    (note,) = part.notes
    assert note.endswith(f"splits and dividends of {tmp_path / 'factor_files'} are not applied")


def test_files_that_are_none_of_lean(tmp_path: Path) -> None:
    """A name that says nothing, a zip that is cut, one with two files."""
    line = f"{OPEN_MS},1,1,1,1,1"
    odd = zipped(tmp_path / "prices.zip", [line])
    whole = zipped(tmp_path / "minute" / "a" / "20131008_trade.zip", [line]).read_bytes()
    cut = tmp_path / "minute" / "b" / "20131009_trade.zip"
    cut.parent.mkdir()
    cut.write_bytes(whole[:-10])
    two = zipped(tmp_path / "minute" / "c" / "20131010_trade.zip", [line])
    with ZipFile(two, "a") as archive:
        archive.writestr("other.csv", line)

    results = {result.source.path: result for result in imported([odd, cut, two], tmp_path / "out")}

    assert "is not named as LEAN names files" in str(results[odd].error)
    assert (results[cut].state, "the zip data end too early" in str(results[cut].error)) == ("truncated", True)
    assert "has 2 files (rows.csv, other.csv), but one is wanted" in str(results[two].error)


@pytest.mark.parametrize(
    ("path", "bad", "good"),
    [
        ("minute/aapl/20131008_trade.zip", "9:30am,1,1,1,1,1", f"{OPEN_MS},1,1,1,1,1"),
        ("daily/aapl.zip", "8 October,1,1,1,1,1", "20131008 00:00,1,1,1,1,1"),
        ("tick/aapl/20131008_trade.zip", "soon,1,1,N,0,0", f"{OPEN_MS},1,1,N,0,0"),
    ],
)
def test_a_time_that_cannot_be_read_is_no_missing_one(path: str, bad: str, good: str, tmp_path: Path) -> None:
    """It is an error that names its line, or is dropped as unreadable; a missing one is counted as no_time."""
    source = zipped(tmp_path / path, [good, bad, bad[bad.index(",") :], good])

    (failed,) = imported([source], tmp_path / "strict")
    assert f"line 2: the time is '{bad.partition(',')[0]}'" in str(failed.error)

    (result,) = imported([source], tmp_path / "out", bad_rows="drop")
    assert result.entry is not None
    assert (result.entry.rows, result.entry.written) == (4, 2)
    assert result.entry.dropped == {"no_time": 1, "unreadable": 1}


def test_real_trades_keep_price_size_time_and_conditions(real_recordings: Path, tmp_path: Path) -> None:
    """A day of IBM, written as LEAN writes it: extended hours, crosses, official prices, average prices."""
    real = pq.read_table(real_recordings / "trades_IBM_2013-10-08.parquet").to_pylist()
    lines = [
        f"{(row['timestamp'] - MIDNIGHT) // MS},{round(row['price'] * 10_000)},{row['size']},{row['exchange']},"
        f"{row['conditions']},{int(row['suspicious'])}"
        for row in real
    ]
    source = zipped(tmp_path / "tick" / "ibm" / "20131008_trade.zip", lines)

    imported([source], tmp_path / "out")

    rows = rows_of(tmp_path / "out", "tick")
    assert [(row["timestamp"], row["price"], row["size"]) for row in rows] == [
        (row["timestamp"], round(row["price"], 4), row["size"]) for row in real
    ]
    by_conditions = {theirs["conditions"]: ours["conditions"] for theirs, ours in zip(real, rows, strict=True)}
    assert by_conditions["20000020"] == [14, 41]
    assert by_conditions["1"] == []
    assert all(row["flags"] == 7 for row in rows if {15, 16} & set(row["conditions"]))


class TestOtherMarkets:
    """Only US equities have prices in 1/10,000 dollar and times on New York's clocks."""

    @pytest.mark.parametrize(
        "path",
        [
            "crypto/gdax/minute/btcusd/20161007_trade.zip",
            "crypto/gdax/daily/btcusd_trade.zip",
            "future/cme/minute/es/20131007_trade.zip",
            "index/usa/second/spx/20210104_trade.zip",
            "equity/india/minute/reliance/20191001_trade.zip",
            "Forex/Oanda/Hour/eurusd.zip",
        ],
    )
    def test_they_are_refused_where_they_are_named(self, path: str, tmp_path: Path) -> None:
        """A bitcoin of 617 dollars would be one of 6 cents."""
        source = zipped(tmp_path / path, [f"{OPEN_MS},617,618,616,617,1"])

        (result,) = imported([source], tmp_path / "out")

        assert result.state == "wrong_data"
        assert f"is of {'/'.join(path.lower().split('/')[:2])}, whose prices and times" in str(result.error)

    def test_they_are_left_out_of_a_folder_with_a_note(self, tmp_path: Path) -> None:
        """LEAN's folder of data has all of them."""
        line = f"{OPEN_MS},10000,10000,10000,10000,1"
        zipped(tmp_path / "Data" / "equity" / "usa" / "minute" / "aapl" / "20131008_trade.zip", [line])
        for day in (7, 8):
            zipped(tmp_path / "Data" / "crypto" / "gdax" / "minute" / "btcusd" / f"2016100{day}_trade.zip", [line])
        part = LeanFiles(LeanOptions())

        (source,) = part.sources([tmp_path / "Data"])

        assert source.key == "minute/aapl/20131008_trade"
        assert part.notes == ["left out 2 files of crypto/gdax: only those of equity/usa are imported"]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("20131009_aapl_minute_trade.csv", "20131009"),
        ("20131008_aapl_second_trade.csv", "second"),
        ("20131008_aapl_Quote_Minute.csv", "quote"),
    ],
)
def test_the_file_in_a_zip_must_not_say_another_date_or_meaning(entry: str, said: str, tmp_path: Path) -> None:
    """A zip file that was renamed, or packed wrongly: its rows would get the date of its name."""
    line = f"{OPEN_MS},10000,10000,10000,10000,1"
    source = zipped(tmp_path / "minute" / "aapl" / "20131008_trade.zip", [line], entry)

    (result,) = imported([source], tmp_path / "out")

    assert result.state == "wrong_data"
    assert f"the file in it is {entry}, which says {said}" in str(result.error)


@pytest.mark.parametrize("entry", ["20131008_fb_minute_trade.csv", "20131008_meta_trade_minute.csv", "quotes.csv"])
def test_the_file_in_a_zip_may_have_another_ticker(entry: str, tmp_path: Path) -> None:
    """A company that changed its ticker; names that are not LEAN's say nothing."""
    source = zipped(tmp_path / "minute" / "meta" / "20131008_trade.zip", [f"{OPEN_MS},1,1,1,1,1"], entry)

    (result,) = imported([source], tmp_path / "out")

    assert result.state == "imported"


@pytest.mark.parametrize("time", ["86400000", "90000000", "1381239000000"])
def test_a_time_behind_the_end_of_the_day_cannot_be_read(time: str, tmp_path: Path) -> None:
    """Milliseconds since 1970 were a time of the year 2057, without a word."""
    lines = [f"{time},1,1,1,1,1", "86399999,1,1,1,1,1"]
    source = zipped(tmp_path / "minute" / "aapl" / "20131008_trade.zip", lines)

    (failed,) = imported([source], tmp_path / "strict")
    (result,) = imported([source], tmp_path / "out", bad_rows="drop")

    assert f"line 1: the time is '{time}', but a number of ms since midnight, below 86,400,000" in str(failed.error)
    assert result.entry is not None
    assert (result.entry.written, result.entry.dropped) == (1, {"unreadable": 1})


@pytest.mark.parametrize("day", ["99991231", "19690108", "20131308"])
def test_a_date_in_a_name_must_be_one(day: str, tmp_path: Path) -> None:
    """The year 9999 was an error of tickstock's own; of 1969, every time was no number."""
    source = zipped(tmp_path / "minute" / "aapl" / f"{day}_trade.zip", [f"{OPEN_MS},1,1,1,1,1"])

    (result,) = imported([source], tmp_path / "out")

    assert f"{day} is no date" in str(result.error)


def test_the_ticker_of_all_dates_has_no_word_of_the_kind(tmp_path: Path) -> None:
    """``aapl_trade.zip`` is of AAPL, not of AAPL_TRADE."""
    source = zipped(tmp_path / "daily" / "aapl_trade.zip", ["20131008 00:00,1,1,1,1,1"])

    imported([source], tmp_path / "out")

    assert [row["ticker"] for row in rows_of(tmp_path / "out", "ohlcv")] == ["AAPL"]


def test_conditions_that_nobody_knows_are_noted(tmp_path: Path) -> None:
    """Text, a bit beyond those of LEAN, a number below 0: they hide the price of their trade."""
    lines = [f"{OPEN_MS},100000,100,P,{text},0" for text in ("0", "20", "xyz", "100000000", "-1")]
    source = zipped(tmp_path / "tick" / "aapl" / "20131008_trade.zip", lines)

    (result,) = imported([source], tmp_path / "out")

    assert result.entry is not None
    assert result.entry.noted == {"unknown condition": 3}
    assert [row["conditions"] for row in rows_of(tmp_path / "out", "tick")] == [[], [14], [-1], [-1], [-1]]


def test_a_zip_file_with_a_password_is_named(tmp_path: Path) -> None:
    """Python's error named an object of its own."""
    source = zipped(tmp_path / "daily" / "aapl.zip", ["20131008 00:00,1,1,1,1,1"])
    content = bytearray(source.read_bytes())
    for place in (6, content.index(b"PK\x01\x02") + 8):  # the flag of encryption, in both headers
        content[place] |= 1
    source.write_bytes(content)

    (result,) = imported([source], tmp_path / "out")

    assert "is locked by a password: pack it anew" in str(result.error)


def test_prices_may_have_a_point(tmp_path: Path) -> None:
    """Programs that rewrite LEAN's files write 1375500.0; a hundredth of a unit is exact, too."""
    lines = [f"{OPEN_MS},{text},100,P,0,0" for text in ("1375500.0", "1.3755e6", "100000.1", "4550.7", "3", "")]
    source = zipped(tmp_path / "tick" / "aapl" / "20131008_trade.zip", lines)

    imported([source], tmp_path / "out")

    prices = [row["price"] for row in rows_of(tmp_path / "out", "tick")]
    assert prices[:-1] == [137.55, 137.55, 10.00001, 0.45507, 0.0003]
    assert prices[-1] is None or prices[-1] != prices[-1]
