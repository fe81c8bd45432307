"""Flat files become recordings: every row once, exact, with the flags of a live feed."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.importing.flat_files import BARS, OPEN, QUOTES, SECOND, TRADES, trade, write_gz
from tickstock_cli.importing.polygon_flatfiles import FlatFileOptions, PolygonFlatFiles
from tickstock_cli.importing.results import SourceResult
from tickstock_cli.importing.run import ImportRequest, run_import


def imported(paths: Sequence[Path], out: Path, **options: Any) -> list[SourceResult]:
    """Import flat files, and return what became of each."""
    sizes = {name: options.pop(name) for name in ("block_bytes", "run_bytes", "replace") if name in options}
    part = PolygonFlatFiles(FlatFileOptions(**options))
    return list(run_import(part, ImportRequest("polygon-flatfiles", part.sources(paths), out, **sizes)))


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file of a day."""
    return pq.read_table(path).to_pylist()


def trades_read_plainly(path: Path) -> list[tuple[Any, ...]]:
    """Read trades with the csv module and Decimal alone: those that count, by time, ties in the order of the file."""
    with gzip.open(path, "rt", newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["correction"] in ("", "0", "12")]
    lines.sort(key=lambda line: int(line["sip_timestamp"]))
    return [
        (
            line["ticker"],
            int(line["sip_timestamp"]),
            float(Decimal(line["price"])),
            float(Decimal(line["size"])),
            [int(word) for word in line["conditions"].split(",") if word],
            line["id"],
        )
        for line in lines
    ]


def trades_imported(path: Path) -> list[tuple[Any, ...]]:
    """Return imported trades in the form of `trades_read_plainly`."""
    names = ("ticker", "timestamp", "price", "size", "conditions", "trade_id")
    return [tuple(row[name] for name in names) for row in rows_of(path)]


class TestTrades:
    """trades_v1."""

    def test_rows_are_sorted_by_time_and_exact(self, tmp_path: Path) -> None:
        """The file is sorted by ticker; the recording by time, to the nanosecond and the millionth of a share."""
        source = write_gz(
            tmp_path / "trades_v1" / "2024-01-03.csv.gz",
            TRADES,
            [
                trade("AAA", 2, "11.4", size="0.000001"),
                trade("AAA", 5, "11.40"),
                trade("BBB", 1, "123456.789012"),
                trade("BBB", 2, "0.0001", size="12.5"),
            ],
        )

        (result,) = imported([source], tmp_path / "out")

        assert (result.state, result.entry and result.entry.outputs) == ("imported", ("2024-01-03/tick.parquet",))
        assert [
            (row["ticker"], row["timestamp"] - OPEN, row["price"], row["size"])
            for row in rows_of(tmp_path / "out" / "2024-01-03" / "tick.parquet")
        ] == [
            ("BBB", 1, 123456.789012, 100.0),
            ("AAA", 2, 11.4, 1e-06),
            ("BBB", 2, 0.0001, 12.5),
            ("AAA", 5, 11.4, 100.0),
        ]

    def test_flags_follow_from_conditions_and_late_prints(self, tmp_path: Path) -> None:
        """Odd lots, official closes and old prices are flagged; a Form T trade before the open is not."""
        hour = 3_600 * SECOND
        lines = [
            trade("A", -hour, "10", conditions="12"),
            trade("A", -hour + 1, "10", conditions="12,37"),
            trade("A", 0, "10"),
            trade("A", 1, "10", conditions="12"),
            trade("A", 2, "10", conditions="15"),
            trade("A", 3, "10", printed=10 * SECOND),
            trade("A", 4, "10", printed=10 * SECOND + 1),
            trade("A", 5, "10", conditions="14,999"),
        ]
        source = write_gz(tmp_path / "2024-01-03.csv.gz", TRADES, lines)

        (result,) = imported([source], tmp_path / "out")

        rows = rows_of(tmp_path / "out" / "2024-01-03" / "tick.parquet")
        assert [row["flags"] for row in rows] == [0, 5, 0, 5, 7, 0, 5, 5]
        assert result.entry is not None
        assert result.entry.noted == {"late_print": 1, "unknown condition 999": 1}

    def test_corrected_and_cancelled_trades_are_dropped_and_counted(self, tmp_path: Path) -> None:
        """Only the trade itself, blank or 0, and the correction, 12, stay."""
        numbers = ["", "0", "1", "7", "8", "8", "10", "11", "12"]
        lines = [trade("A", place, "10", correction=number) for place, number in enumerate(numbers)]
        source = write_gz(tmp_path / "2024-01-03.csv.gz", TRADES, lines)

        (result,) = imported([source], tmp_path / "out")

        assert result.entry is not None
        assert result.entry.dropped == {
            "cancel_record": 1,
            "cancelled": 2,
            "corrected_original": 1,
            "erroneous": 1,
            "error_record": 1,
        }
        assert (result.entry.rows, result.entry.written) == (9, 3)

    @given(data=st.data())
    @settings(max_examples=25, deadline=None)
    def test_an_import_equals_the_plain_reading(
        self, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        """Whatever the rows and however they are cut into blocks and runs."""
        folder = tmp_path_factory.mktemp("drawn")
        lines = [
            trade(ticker, at, price, size=size, conditions=conditions, correction=correction, number=number)
            for ticker in data.draw(st.lists(st.sampled_from(["A", "NA", "BRK.B", "null"]), unique=True, max_size=3))
            for number, (at, price, size, conditions, correction) in enumerate(
                data.draw(
                    st.lists(
                        st.tuples(
                            st.integers(0, 50),
                            st.decimals(0, 10_000, places=6, allow_nan=False).map(str),
                            st.decimals(0, 1_000, places=6, allow_nan=False).map(str),
                            st.sampled_from(["", "12", "14,37", "12,37,41"]),
                            st.sampled_from(["", "0", "8", "12"]),
                        ),
                        max_size=30,
                    )
                )
            )
        ]
        source = write_gz(folder / "2024-01-03.csv.gz", TRADES, lines)

        (result,) = imported(
            [source],
            folder / "out",
            block_bytes=data.draw(st.sampled_from([100, 1_000, 1 << 20])),
            run_bytes=data.draw(st.sampled_from([200, 5_000, 1 << 20])),
        )

        wanted = trades_read_plainly(source)
        path = folder / "out" / "2024-01-03" / "tick.parquet"
        assert (trades_imported(path) if wanted else []) == wanted
        assert result.entry is not None
        assert result.entry.rows == len(lines)
        assert result.entry.written == len(wanted)


class TestBars:
    """minute_aggs_v1 and day_aggs_v1."""

    LINES = (f"A,1000.5,10,11,12,9,{OPEN},7", f"B,1,5,5,5,5,{OPEN},1", f"A,20,11,11,11,11,{OPEN + 60 * SECOND},2")

    def test_minute_bars_are_known_at_their_end(self, tmp_path: Path) -> None:
        """The columns are read by name: close stands before high and low."""
        source = write_gz(tmp_path / "minute_aggs_v1" / "2024-01-03.csv.gz", BARS, self.LINES)

        imported([source], tmp_path / "out")

        rows = rows_of(tmp_path / "out" / "2024-01-03" / "ohlcv.parquet")
        assert [(row["ticker"], (row["timestamp"] - OPEN) // SECOND, row["interval"]) for row in rows] == [
            ("A", 0, 60.0),
            ("B", 0, 60.0),
            ("A", 60, 60.0),
        ]
        first = rows[0]
        assert [first[name] for name in ("open", "high", "low", "close", "volume", "transactions")] == [
            10, 12, 9, 11, 1000.5, 7,
        ]  # fmt: skip

    @pytest.mark.parametrize("folder", ["day_aggs_v1", "downloads"])
    def test_day_bars_belong_to_their_day(self, tmp_path: Path, folder: str) -> None:
        """Without the vendor's folder, bars that all begin at New York's midnight are those of days."""
        midnight = OPEN - 9 * 3_600 * SECOND - 1_800 * SECOND
        lines = [f"{ticker},100,1,1,1,1,{midnight},3" for ticker in ("A", "B")]
        source = write_gz(tmp_path / folder / "2024-01-03.csv.gz", BARS, lines)

        (result,) = imported([source], tmp_path / "out")

        assert result.entry is not None
        assert result.entry.outputs == ("2024-01-03/ohlcv.parquet",)
        rows = rows_of(tmp_path / "out" / "2024-01-03" / "ohlcv.parquet")
        assert [row["interval"] for row in rows] == [86_400.0] * 2


class TestQuotes:
    """quotes_v1."""

    @staticmethod
    def _quote(ticker: str, at: int, bid: str, ask: str) -> str:
        return f"{ticker},1,{ask},1,2,{bid},1,,,0,1,{OPEN + at},1,0"

    def test_mids_that_move_stand_in_for_fair_values(self, tmp_path: Path) -> None:
        """Others are dropped, and the reasons say why."""
        lines = [
            self._quote("A", 0, "10", "10.02"),
            self._quote("A", 1, "10", "10.02"),
            self._quote("A", 2, "0", "10.02"),
            self._quote("A", 3, "10.03", "10.02"),
            self._quote("A", 4, "10.02", "10.04"),
            self._quote("B", 1, "10.02", "10.04"),
        ]
        source = write_gz(tmp_path / "quotes_v1" / "2024-01-03.csv.gz", QUOTES, lines)

        (result,) = imported([source], tmp_path / "out", quotes_as_fmv=True, block_bytes=60)

        rows = rows_of(tmp_path / "out" / "2024-01-03" / "fmv.parquet")
        assert [(row["ticker"], row["timestamp"] - OPEN, row["fmv"]) for row in rows] == [
            ("A", 0, 10.01),
            ("B", 1, 10.03),
            ("A", 4, 10.03),
        ]
        assert result.entry is not None
        assert Counter(result.entry.dropped) == {"one_sided": 1, "crossed": 1, "unchanged": 1}

    def test_quotes_are_imported_on_request_only(self, tmp_path: Path) -> None:
        """A stand-in is not the vendor's fair value, so the user has to want it."""
        source = write_gz(tmp_path / "quotes_v1" / "2024-01-03.csv.gz", QUOTES, [self._quote("A", 0, "1", "2")])

        (result,) = imported([source], tmp_path / "out")

        assert result.state == "wrong_data"
        assert "--quotes-as-fmv" in str(result.error)


MISTAKES: Mapping[str, tuple[str, str]] = {
    "a word for a price": (trade("A", 1, "ten"), "line 3: price is 'ten', but a number is wanted"),
    "a time with a fraction": (trade("A", 1, "10").replace(str(OPEN + 1), "1.5"), "sip_timestamp is '1.5'"),
    "a line cut in the middle": ("A,,0,11", "line 3: has 4 fields, but there are 13 columns"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, mistake: str) -> None:
    """With file, line and value; nothing is imported. Or it is dropped and counted, if the user says so."""
    line, message = MISTAKES[mistake]
    source = write_gz(tmp_path / "2024-01-03.csv.gz", TRADES, [trade("A", 0, "10"), line, trade("A", 2, "10")])

    (failed,) = imported([source], tmp_path / "out")
    (dropped,) = imported([source], tmp_path / "out", bad_rows="drop")

    assert failed.state == "wrong_data"
    assert message in str(failed.error)
    assert dropped.entry is not None
    assert (dropped.entry.dropped, dropped.entry.written) == ({"unreadable": 1}, 2)


def test_trades_without_a_time_are_dropped_and_counted(tmp_path: Path) -> None:
    """No date is theirs; every other faulty row is kept, for the replay to reject."""
    lines = [trade("A", 0, ""), trade("A", 1, "10").replace(str(OPEN + 1), ""), trade("", 2, "-1")]
    source = write_gz(tmp_path / "2024-01-03.csv.gz", TRADES, lines)

    (result,) = imported([source], tmp_path / "out")

    assert result.entry is not None
    assert result.entry.dropped == {"no_time": 1}
    rows = rows_of(tmp_path / "out" / "2024-01-03" / "tick.parquet")
    assert [(row["ticker"], row["price"]) for row in rows] == [("A", None), (None, -1.0)]


def test_other_files_are_refused_by_their_columns(tmp_path: Path) -> None:
    """And pointed to the command that may read them."""
    source = write_gz(tmp_path / "prices.csv.gz", "date,open,close", ["2024-01-03,1,2"])

    (result,) = imported([source], tmp_path / "out")

    assert "not those of a flat file of stocks: date, open, close" in str(result.error)
    assert "tickstock import csv" in str(result.error)


class TestOtherMarkets:
    """Conditions of options are other numbers: read as those of stocks, they hid every price or none."""

    @pytest.mark.parametrize(
        ("path", "ticker"),
        [
            ("us_options_opra/trades_v1/2024-01-03.csv.gz", "A"),
            ("global_crypto/trades_v1/2024-01-03.csv.gz", "A"),
            ("2024-01-03.csv.gz", "O:SPY240103C00450000"),
        ],
    )
    def test_they_are_refused_where_they_are_named(self, path: str, ticker: str, tmp_path: Path) -> None:
        """By a folder of the path, or by their tickers."""
        source = write_gz(tmp_path / path, TRADES, [trade(ticker, 0, "10")])

        (result,) = imported([source], tmp_path / "out")

        assert result.state == "wrong_data"
        assert "only flat files of us_stocks_sip are imported" in str(result.error)

    def test_they_are_left_out_of_a_folder_with_a_note(self, tmp_path: Path) -> None:
        """A mirror of the vendor's store has all of them."""
        for market in ("us_stocks_sip", "us_options_opra"):
            write_gz(tmp_path / market / "trades_v1" / "2024-01-03.csv.gz", TRADES, [trade("A", 0, "10")])
        part = PolygonFlatFiles(FlatFileOptions())

        (source,) = part.sources([tmp_path])

        assert source.path.parent.parent.name == "us_stocks_sip"
        assert part.notes == ["left out 1 file of us_options_opra: only those of us_stocks_sip are imported"]


@pytest.mark.parametrize(("steps", "unit"), [(1_000, "us"), (1_000_000, "ms"), (1_000_000_000, "s")])
def test_times_of_another_unit_are_refused(steps: int, unit: str, tmp_path: Path) -> None:
    """They were times of January 1970, or of the last hours of 1969 in New York."""
    line = trade("A", 0, "10").replace(str(OPEN), str(OPEN // steps))
    source = write_gz(tmp_path / "2024-01-03.csv.gz", TRADES, [line])

    (result,) = imported([source], tmp_path / "out")

    assert result.state == "wrong_data"
    assert f"sip_timestamp is {OPEN // steps}, but ns since 1970 are wanted" in str(result.error)
    assert f"these seem to be {unit}:" in str(result.error)


def test_lines_that_end_with_a_carriage_return_alone_are_lines(tmp_path: Path) -> None:
    """The whole file was its heading: no row, and no error."""
    source = tmp_path / "2024-01-03.csv"
    source.write_bytes("".join(f"{line}\r" for line in (TRADES, trade("A", 0, "10"), trade("A", 1, "11"))).encode())

    imported([source], tmp_path / "out")

    rows = rows_of(tmp_path / "out" / "2024-01-03" / "tick.parquet")
    assert [(row["timestamp"] - OPEN, row["price"]) for row in rows] == [(0, 10.0), (1, 11.0)]


def test_conditions_that_are_no_numbers_are_noted(tmp_path: Path) -> None:
    """They hide the price of their trade, as unknown ones do."""
    lines = [trade("A", at, "10", conditions=text) for at, text in enumerate(["", "@FT", "12;37", "99999", "37"])]
    source = write_gz(tmp_path / "2024-01-03.csv.gz", TRADES, lines)

    (result,) = imported([source], tmp_path / "out")

    assert result.entry is not None
    assert result.entry.noted == {"unreadable condition": 3}
    rows = rows_of(tmp_path / "out" / "2024-01-03" / "tick.parquet")
    assert [row["flags"] for row in rows] == [0, 5, 5, 5, 5]
