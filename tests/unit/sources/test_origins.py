"""From a row in a batch back to the row in the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tickstock_cli.core.batch import pack_origin
from tickstock_cli.sources import origins
from tickstock_cli.sources.recordings import Recordings

NOON = 1_381_248_000_000_000_000
Write = Callable[..., Path]


def test_a_row_is_found_with_its_file_number_and_original_values(write: Write, write_bars: Write) -> None:
    """Columns that decide nothing are there too."""
    path = write(exchange=["P", "Q"], ticker=pa.array(["IBM", None]).dictionary_encode())
    with Recordings.open([write_bars(), path]) as recordings:
        found = recordings.origins().fetch(1)
    values = {"ticker": None, "timestamp": NOON + 1_000_000_000, "price": 181.0, "size": 2, "exchange": "Q"}
    assert found == (path, 1, values)


def test_a_table_gives_the_rows_in_the_order_asked_for(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the lots, the row groups and the direction in which rows are asked for."""
    monkeypatch.setattr(origins, "CHUNK_ROWS", 3)
    rows = 50
    columns = {"ticker": ["A"] * rows, "timestamp": range(NOON, NOON + rows), "size": [1] * rows}
    paths = [
        write(f"{name}.parquet", row_group_size=7, price=np.arange(rows) + base, **columns)
        for name, base in (("a", 0.0), ("b", 100.0))
    ]
    with Recordings.open(paths) as recordings:
        lookup = recordings.origins()
        for wanted in (np.arange(0, 50, 7), np.array([49, 3, 3, 0, 20]), np.array([], dtype=np.int64)):
            packed = np.concatenate([pack_origin(1, wanted), pack_origin(0, wanted)])
            table = lookup.table(packed, ["late"] * len(packed))
            assert table.schema == lookup.schema
            assert table["row"].to_pylist() == [*wanted, *wanted]
            assert table["price"].to_pylist() == [*(wanted + 100.0), *wanted]
            assert set(table["file"].to_pylist()) <= {str(path) for path in paths}
        lookup.close()


def test_the_schema_joins_the_columns_of_all_files(write: Write, write_fmvs: Write) -> None:
    """A type that differs becomes text; a partition's value is text; taken names get an underscore."""
    first = write("venue=X/a.parquet", size=[1, 2], note=pa.array(["x", None]), file=["f", "g"], odd=[[1], None])
    second = write("b.parquet", size=[1.5, 2.5], note=pa.nulls(2), odd=["p", "q"])
    with Recordings.open([write_fmvs(), first, second]) as recordings:
        lookup = recordings.origins()
        packed = np.concatenate([pack_origin(0, np.array([0])), pack_origin(1, np.array([1]))])
        table = lookup.table(np.append(packed, pack_origin(2, np.array([1]))), ["price", "size", "fmv"])
    types = {field.name: str(field.type) for field in lookup.schema}
    assert list(types)[-3:] == ["file", "row", "reason"]
    assert (types["size"], types["note"], types["venue"], types["odd"]) == ("string", "string", "string", "string")
    assert table["size"].to_pylist() == ["1", "2.5", None]
    assert table["file_"].to_pylist() == ["f", None, None]
    assert table["venue"].to_pylist() == ["X", None, None]
    assert table["odd"].to_pylist() == ["[1]", "q", None]
    assert table["fmv"].to_pylist() == [None, None, 181.0]
