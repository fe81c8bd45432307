"""The data hash of a report tells recordings apart without reading their rows."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tickstock_cli.backtest.report.gather import data_hash


def written(path: Path, prices: list[float]) -> Path:
    """Return a Parquet file of prices."""
    pq.write_table(pa.table({"price": prices}), path)
    return path


def test_the_same_rows_have_the_same_hash_whatever_their_folder(tmp_path: Path) -> None:
    """Names count by their order alone."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    one, two = (written(tmp_path / folder / "ticks.parquet", [1.0, 2.0]) for folder in ("one", "two"))
    assert data_hash([one]) == data_hash([two])


def test_other_prices_and_other_files_have_another_hash(tmp_path: Path) -> None:
    """An extreme of a column is in the footer; a file without one counts with all its bytes."""
    first, other = written(tmp_path / "a.parquet", [1.0, 2.0]), written(tmp_path / "b.parquet", [1.0, 3.0])
    text, changed = tmp_path / "c.csv", tmp_path / "d.csv"
    text.write_text("price\n1.0\n", encoding="utf-8")
    changed.write_text("price\n2.0\n", encoding="utf-8")
    assert len({data_hash(files) for files in ([first], [other], [first, other], [text], [changed])}) == 5
    (tmp_path / "e.csv").write_bytes(b"")
    assert data_hash([tmp_path / "e.csv"]) != data_hash([])
