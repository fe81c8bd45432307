"""Rows selected by the values of columns."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.sources.conftest import NOON, SECOND, Write
from tickstock_cli.errors import DataError, SchemaError, UsageError
from tickstock_cli.sources.options import ReadOptions, Unsorted
from tickstock_cli.sources.recordings import Recordings


def read(path: Path, unsorted: Unsorted = Unsorted.FAIL, **where: tuple[str, ...]) -> tuple[list[float], list[str]]:
    """Return the prices that are read, and the notes."""
    with Recordings.open([path], ReadOptions(where=where, unsorted=unsorted)) as recordings:
        prices = [price for step in recordings.batches(10) for price in step.ticks.price.tolist()]
        return prices, recordings.notes


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["T", "A"]),
        pa.array(["T", None]),
        pa.array(["T", "A"]).dictionary_encode(),
        pa.array(["T", "A"], pa.large_string()),
        pa.array(["T", "A"], pa.string_view()),
        pa.array([b"T", b"A"]),
        pa.array([b"T", b"A"], pa.binary(1)),
    ],
)
def test_rows_of_a_text_are_read_and_the_others_counted(write: Write, column: pa.Array[pa.Scalar[pa.DataType]]) -> None:
    """Whatever type the column has."""
    prices, notes = read(write(action=column), action=("T",))
    assert prices == [180.0]
    assert any("--where action=T leaves out 1 of 2 rows" in note for note in notes)


@pytest.mark.parametrize(
    ("column", "value"),
    [(pa.array([7, 8], pa.uint8()), "7"), (pa.array([True, False]), "true"), (pa.array([0.5, 2.0]), "0.5")],
)
def test_numbers_are_compared_as_numbers(write: Write, column: pa.Array[pa.Scalar[pa.DataType]], value: str) -> None:
    """The text of the option takes the type of the column."""
    assert read(write(kind=column), kind=(value,))[0] == [180.0]


def test_several_values_select_and_an_empty_one_is_null(write: Write) -> None:
    """All columns must agree."""
    path = write(action=pa.array(["T", None]), venue=["N", "Q"])
    assert read(path, action=("T", ""))[0] == [180.0, 181.0]
    assert read(path, action=("T", ""), venue=("Q",))[0] == [181.0]


def test_one_of_our_columns_selects_under_its_own_name(write: Write) -> None:
    """A filter can name a column that is read, too."""
    assert read(write(), size=("2",))[0] == [181.0]


@pytest.mark.parametrize("unsorted", list(Unsorted))
def test_the_order_of_rows_that_are_left_out_does_not_matter(write: Write, unsorted: Unsorted) -> None:
    """Quotes in front of the trades of a file are not there."""
    times = [NOON + 2 * SECOND, NOON, NOON + SECOND]
    path = write(ticker=["A"] * 3, timestamp=times, price=[9.0, 1.0, 2.0], size=[1] * 3, action=["Q", "T", "T"])
    assert read(path, unsorted, action=("T",))[0] == [1.0, 2.0]


def test_a_column_that_no_file_has_is_an_error(write: Write) -> None:
    """After a typo, all rows would be read."""
    with pytest.raises(UsageError, match="did you mean action=T"):
        read(write(action=["T", "T"]), acton=("T",))


def test_a_value_of_another_type_is_an_error(write: Write) -> None:
    """No row could have it."""
    with pytest.raises(UsageError, match="where size=big: the column has type int64"):
        read(write(), size=("big",))


def test_a_partition_selects_files(write: Write, tmp_path: Path) -> None:
    """A column that stands in the names of folders has one value a file."""
    write("venue=N/a.parquet", price=[1.0, 2.0])
    write("venue=Q/a.parquet", price=[3.0, 4.0])
    prices, notes = read(tmp_path, venue=("Q",))
    assert prices == [3.0, 4.0]
    assert any("--where venue=Q leaves out 1 other file" in note for note in notes)
    with pytest.raises(DataError, match="no file is left by --where venue=Z"):
        read(tmp_path, venue=("Z",))


@pytest.mark.parametrize("name", ["action", "note"])
def test_a_column_that_is_there_twice_selects_nothing_and_stops_nothing_else(write: Write, name: str) -> None:
    """A join leaves such columns: nobody can say which one a filter means."""
    path = write()
    table = pq.read_table(path)
    pq.write_table(table.append_column(name, pa.array(["T", "A"])).append_column(name, pa.array(["A", "A"])), path)
    assert read(path)[0] == [180.0, 181.0]
    with pytest.raises(SchemaError, match=rf"column {name} occurs more than once"):
        Recordings.open([path], ReadOptions(where={name: ("T",)}))
