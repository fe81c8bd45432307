"""CSV files of any tool: how they are written is found out."""

from __future__ import annotations

import bz2
import gzip
import lzma
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.importing.csv_texts import NEW_YORK, OPEN, TICK_ROWS, TICKS, preview_of, rows_of, ticks, zip_of
from tickstock_cli.errors import TickstockError
from tickstock_cli.importing.number_forms import number_form

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
