"""A file that is replaced while it is read is an error, never a mixture of both."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tickstock_cli.errors import DataError
from tickstock_cli.sources.reading import RowReader


def write(path: Path, first: int, rows: int) -> None:
    """Write whole numbers, two in a row group, and put the file in place at once."""
    other = path.with_suffix(".part")
    pq.write_table(pa.table({"number": range(first, first + rows)}), other, row_group_size=2)
    os.replace(other, path)


def rest(reader: RowReader) -> list[int]:
    """Return the numbers that are still to be read."""
    numbers: list[int] = []
    while (batch := reader.read()) is not None:
        numbers += batch.column(0).to_numpy().tolist()
    return numbers


@pytest.mark.parametrize("rows", [2, 8])
@pytest.mark.parametrize("begun", [False, True])
def test_a_file_of_other_rows_is_refused(rows: int, begun: bool, tmp_path: Path) -> None:
    """The rows behind those that the old footer told were left out without a word."""
    path = tmp_path / "numbers.parquet"
    write(path, 0, 6)
    reader = RowReader(path, [0, 2, 4, 6], ["number"], (), 2)
    if begun:
        reader.read()
        reader.close()  # as a run does that has many files
    write(path, 100, rows)

    with pytest.raises(DataError, match=r"numbers\.parquet was replaced while it was read: run the command again"):
        rest(reader)


def test_a_file_that_stays_open_is_read_to_its_end(tmp_path: Path) -> None:
    """Its content is still there."""
    path = tmp_path / "numbers.parquet"
    write(path, 0, 6)
    reader = RowReader(path, [0, 2, 4, 6], ["number"], (), 2)
    reader.read()
    write(path, 100, 8)

    assert rest(reader) == [2, 3, 4, 5]
    reader.close()
