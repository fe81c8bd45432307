"""CSV files of any tool: which files an import makes of them, and which it leaves out."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.importing.csv_texts import NEW_YORK, TICKS, imported, rows_of, ticks
from tickstock_cli.errors import TickstockError


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
