"""Which files beside recordings are told, because they look like data and are not read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tickstock_cli.backtest.outputs import RESULT
from tickstock_cli.core.hour_files import RUN_FILE, STATE_FILE
from tickstock_cli.engine.checkpoint import MANIFEST as CHECKPOINT
from tickstock_cli.errors import DataError
from tickstock_cli.eventlog.manifest import MANIFEST as EVENT_LOG
from tickstock_cli.recording.folder import GAPS, WIRE_ERRORS
from tickstock_cli.recording.manifest import MANIFEST
from tickstock_cli.sources.discover import discover
from tickstock_cli.sources.unread import unread_files, unread_notes

LINES = "time,price,size\n2024-01-03 09:30:00,100.5,200\n2024-01-03 09:30:01,100.6,100\n"
NAMELESS = "a Parquet file is read when it ends in .parquet or is named itself, and tickstock import reads a named text"
STREAMS = "arrow:FILE reads those that are Arrow streams: write others to Parquet"
NOTHING = "no command reads such files: write their rows to Parquet, or to CSV for tickstock import"
IMPORT = "tickstock import makes recordings of CSV and zip files, see tickstock import --help"


def put(folder: Path, *names: str, content: str = LINES) -> None:
    """Write files with the same content."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def told(folder: Path) -> list[str]:
    """Return the notes of a folder with a recording, with paths below it."""
    put(folder, "AAPL.parquet")
    others: list[str] = []
    discover([folder], others)
    return [note.replace(f"{folder}/", "") for note in unread_notes(unread_files(others))]


def test_files_of_text_are_counted_by_ending_with_what_reads_them(tmp_path: Path) -> None:
    """A folder with both looks complete, and half of its tickers would be missing without a word."""
    put(tmp_path, "MSFT.csv", "IBM.CSV", "old/2024.csv.gz", "kibot/GE.txt", "lean.zip")
    assert told(tmp_path) == [
        f"2 .csv files, 1 .csv.gz file, 1 .txt file and 1 .zip file are not read, first IBM.CSV; {IMPORT}"
    ]


def test_a_single_file_is_named_alone(tmp_path: Path) -> None:
    """A count of one is no count."""
    put(tmp_path, "MSFT.csv")
    assert told(tmp_path) == [f"MSFT.csv is not read; {IMPORT}"]


@pytest.mark.parametrize("name", ["v.parquet.gz", "x.parquet.tmp", "w.pq.zip", "Z.PARQUET.PART"])
def test_packed_and_unfinished_parquet_files_are_told(tmp_path: Path, name: str) -> None:
    """A download that stopped is a file that is missing."""
    put(tmp_path, name)
    assert told(tmp_path) == [
        f"{name} is not read; a Parquet file is read once it is whole, is not packed, and ends in .parquet"
    ]


@pytest.mark.parametrize("name", ["y.PARQUET", "z.parq", "w.pq"])
def test_files_that_are_read_are_not_told(tmp_path: Path, name: str) -> None:
    """All endings of Parquet files count."""
    put(tmp_path, name)
    assert told(tmp_path) == []


@pytest.mark.parametrize("name", ["MSFT", "part-00000", "20200101_123_abcde", "part.0"])
def test_a_file_without_an_ending_is_told(tmp_path: Path, name: str) -> None:
    """Athena writes Parquet files so."""
    put(tmp_path, name)
    assert told(tmp_path) == [f"{name} is not read; {NAMELESS}"]


def test_each_advice_has_a_note(tmp_path: Path) -> None:
    """Arrow streams are read by another source, JSON by nothing."""
    put(tmp_path, "a.feather", "b.arrow", "c.jsonl", "d.json.gz", "e.dbn.zst")
    assert told(tmp_path) == [
        f"1 .arrow file and 1 .feather file are not read, first a.feather; {STREAMS}",
        f"1 .dbn.zst file, 1 .json.gz file and 1 .jsonl file are not read, first c.jsonl; {NOTHING}",
    ]


@pytest.mark.parametrize(
    "name",
    [
        *("README", "readme.txt", "LICENSE", "_SUCCESS", ".hidden.csv", "_tmp/a.csv", "AAPL.parquet.crc", "SHA256SUMS"),
        *("load.py", "metadata.json", RUN_FILE, STATE_FILE, GAPS, WIRE_ERRORS, MANIFEST, RESULT, CHECKPOINT, EVENT_LOG),
    ],
)
def test_what_is_plainly_no_data_is_not_told(tmp_path: Path, name: str) -> None:
    """A note that is always there is read by nobody."""
    put(tmp_path, name)
    assert told(tmp_path) == []


def test_text_without_a_table_and_empty_files_are_not_told(tmp_path: Path) -> None:
    """Remarks are no rows, and neither is a mark such as DONE."""
    put(tmp_path, "todo.txt", content="ask for March, April and May\nthen merge 3 files\n")
    put(tmp_path, "DONE", "empty.csv", content="")
    assert told(tmp_path) == []


def test_events_that_a_replay_wrote_are_not_told(tmp_path: Path) -> None:
    """They are outputs of tickstock; the note of a second run would be about the first one."""
    put(tmp_path, "events.csv", content='"event_id","emitted_at","timestamp"\n1,2,3\n')
    put(tmp_path, "events.jsonl", content='{"event_id":1,"emitted_at":2}\n')
    assert told(tmp_path) == []


def test_files_that_an_import_has_read_are_not_told(tmp_path: Path) -> None:
    """Their rows are in the recording."""
    put(tmp_path, "raw/a.csv", "raw/b.csv")
    entry = {"format": "csv", "source": str(tmp_path / "raw" / "a.csv"), "path": "a.csv"}
    put(tmp_path, "imported/manifest.jsonl", content=json.dumps(entry) + "\n")
    assert told(tmp_path) == [f"raw/b.csv is not read; {IMPORT}"]


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    """That would wait for a writer."""
    os.mkfifo(tmp_path / "rows.csv")
    assert told(tmp_path) == []


def test_files_behind_a_link_count_once(tmp_path: Path) -> None:
    """`latest` leads to a folder that is there, too."""
    put(tmp_path, "2024/a.csv")
    (tmp_path / "latest").symlink_to("2024")
    (note,) = told(tmp_path)
    assert note.endswith(f"/a.csv is not read; {IMPORT}")


def test_a_folder_without_recordings_says_what_reads_its_files(tmp_path: Path) -> None:
    """The error has the advice of the notes."""
    put(tmp_path, "a.csv", "b.arrow")
    with pytest.raises(DataError) as raised:
        discover([tmp_path])
    assert str(raised.value) == (
        f"no recordings in {tmp_path}: no file below it is named *.parquet; {STREAMS}; {IMPORT}"
    )


def test_files_beside_those_that_a_glob_names_are_not_told(tmp_path: Path) -> None:
    """Whoever writes *.parquet has left the others out; below a folder that matches they are told."""
    put(tmp_path, "a.parquet", "a.csv", "day/b.parquet", "day/b.csv")
    others: list[str] = []
    discover([tmp_path / "*.parquet"], others)
    assert others == []
    discover([tmp_path / "da*"], others)
    assert others == [str(tmp_path / "day" / "b.csv")]
