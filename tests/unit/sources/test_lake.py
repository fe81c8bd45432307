"""Folders of Delta tables and their kin."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.unit.sources.conftest import Write
from tickstock_cli.errors import DataError
from tickstock_cli.sources.recordings import Recordings


def write_log(
    folder: Path,
    added: list[str],
    removed: list[str],
    reader: dict[str, object] | None = None,
    configuration: dict[str, str] | None = None,
) -> None:
    """Write the log of a Delta table of ticks."""
    fields = [("ticker", "string"), ("timestamp", "long"), ("price", "double"), ("size", "long")]
    schema = {
        "type": "struct",
        "fields": [
            {"name": name, "type": type_, "nullable": True, "metadata": _mapping(name, place)}
            for place, (name, type_) in enumerate(fields, 1)
        ],
    }
    begin = [
        {"protocol": reader or {"minReaderVersion": 1, "minWriterVersion": 2}},
        {
            "metaData": {
                "id": "5fba94ed-9794-4965-ba6e-6ee3c0d22af9",
                "format": {"provider": "parquet", "options": {}},
                "schemaString": json.dumps(schema),
                "partitionColumns": [],
                "configuration": configuration or {},
                "createdTime": 0,
            }
        },
    ]
    every = [*added, *removed]
    adds = [
        {
            "add": {
                "path": name,
                "partitionValues": {},
                "size": (folder / name).stat().st_size,
                "modificationTime": 0,
                "dataChange": True,
            }
        }
        for name in every
    ]
    removes = [{"remove": {"path": name, "deletionTimestamp": 1, "dataChange": True}} for name in removed]
    (folder / "_delta_log").mkdir()
    for number, actions in enumerate(([*begin, *adds], removes)):
        text = "\n".join(map(json.dumps, actions))
        (folder / "_delta_log" / f"{number:020}.json").write_text(text)


def _mapping(name: str, place: int) -> dict[str, object]:
    """Return what a schema says of the stored name of a column, which counts under one setting alone."""
    return {"delta.columnMapping.id": place, "delta.columnMapping.physicalName": name}


@pytest.mark.parametrize("named", [".", "*.parquet", "../*"])
def test_files_that_a_delta_table_has_removed_are_not_read(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    """They stay in the folder until it is cleaned; a named file is read anyway."""
    write("table/new.parquet", price=[180.5, 181.0])
    old = write("table/old.parquet")
    write_log(tmp_path / "table", ["new.parquet"], ["old.parquet"])
    monkeypatch.chdir(tmp_path / "table")
    with Recordings.open([named]) as recordings:
        assert [path.name for path in recordings.paths] == ["new.parquet"]
    with Recordings.open([old]) as recordings:
        assert recordings.rows == 2


@pytest.mark.parametrize("name", ["ta ble", "50%", "tä/ble"])
def test_a_delta_table_can_have_any_name(write: Write, tmp_path: Path, name: str) -> None:
    """Its library escapes blanks and others in paths."""
    write(f"{name}/new.parquet", price=[180.5, 181.0])
    write(f"{name}/old.parquet")
    write_log(tmp_path / name, ["new.parquet"], ["old.parquet"])
    with Recordings.open([tmp_path]) as recordings:
        assert [path.name for path in recordings.paths] == ["new.parquet"]


def test_a_delta_table_of_renamed_columns_is_refused(write: Write, tmp_path: Path) -> None:
    """Those of older versions list no features."""
    write("table/new.parquet")
    old: dict[str, object] = {"minReaderVersion": 2, "minWriterVersion": 5}
    write_log(tmp_path / "table", ["new.parquet"], [], old, {"delta.columnMapping.mode": "name"})
    with pytest.raises(DataError, match="is a Delta table with renamed columns, which is not read"):
        Recordings.open([tmp_path / "table"])


def test_a_delta_table_that_hides_rows_is_refused(write: Write, tmp_path: Path) -> None:
    """Rows of deletion vectors would be read as if they were there."""
    write("table/new.parquet")
    features = {
        "minReaderVersion": 3,
        "minWriterVersion": 7,
        "readerFeatures": ["deletionVectors"],
        "writerFeatures": ["deletionVectors"],
    }
    write_log(tmp_path / "table", ["new.parquet"], [], features)
    with pytest.raises(DataError, match="Delta table"):
        Recordings.open([tmp_path / "table"])


def test_a_delta_table_is_refused_without_the_extra(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Removed files would be read twice or more."""
    monkeypatch.setitem(sys.modules, "deltalake", None)  # as if it were not installed: importing it fails
    write("table/day=1/new.parquet")
    (tmp_path / "table" / "_delta_log").mkdir()
    for named in (tmp_path / "table", tmp_path / "table" / "day=1"):
        with pytest.raises(DataError, match=r"is a Delta table, .*: install tickstock\[lake\], or name the files"):
            Recordings.open([named])


def test_tables_of_iceberg_and_hudi_are_refused(write: Write, tmp_path: Path) -> None:
    """With one clear line; their files can be named."""
    data = write("ice/data/new.parquet")
    (tmp_path / "ice" / "metadata").mkdir()
    (tmp_path / "ice" / "metadata" / "v1.metadata.json").write_text("{}")
    write("hudi/new.parquet")
    (tmp_path / "hudi" / ".hoodie").mkdir()
    with pytest.raises(DataError, match="is a table of Iceberg, and its metadata say which of its files count"):
        Recordings.open([tmp_path / "ice"])
    with pytest.raises(DataError, match="is a table of Hudi"):
        Recordings.open([tmp_path / "hudi"])
    with Recordings.open([data]) as recordings:
        assert recordings.rows == 2


def test_a_folder_named_metadata_is_no_table(write: Write, tmp_path: Path) -> None:
    """Notes beside the recordings are common."""
    write("days/new.parquet")
    (tmp_path / "days" / "metadata").mkdir()
    with Recordings.open([tmp_path / "days"]) as recordings:
        assert recordings.rows == 2
