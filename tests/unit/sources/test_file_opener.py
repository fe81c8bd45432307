"""Files are opened in blocks, to the same as one by one."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tickstock_cli.core.marks import OutputMark, marked
from tickstock_cli.errors import DataError, NoRowsError, OwnOutputError, SchemaError
from tickstock_cli.sources.discover import FoundFile
from tickstock_cli.sources.file_opener import FileOpener
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.recordings import RecordingFile, Recordings

NOON = 1_381_248_000_000_000_000


def ticks(ticker: str = "A") -> pa.Table:
    """Return a tick at noon."""
    time = pa.array([NOON], pa.timestamp("ns", "UTC"))
    return pa.table({"ticker": [ticker], "timestamp": time, "price": [1.0], "size": [100]})


def write_odd_files(folder: Path) -> list[FoundFile]:
    """Write nine files of which every second one can be opened, and name a tenth."""
    pq.write_table(ticks("A"), folder / "0.parquet")
    (folder / "1.parquet").write_bytes(b"PAR1 and no more")
    pq.write_table(ticks("B"), folder / "2.parquet")
    pq.write_table(
        ticks().replace_schema_metadata(marked(ticks().schema, OutputMark.EVENTS).metadata), folder / "3.parquet"
    )
    pq.write_table(ticks("C"), folder / "4.parquet")
    pq.write_table(pa.table({"city": ["Bern"]}), folder / "5.parquet")
    pq.write_table(ticks("D"), folder / "6.parquet")
    pq.write_table(pa.table({"city": pa.array([], pa.string())}), folder / "7.parquet")
    pq.write_table(ticks("E"), folder / "8.parquet")
    return [FoundFile(str(folder / f"{number}.parquet"), {}, False) for number in range(10)]


def test_files_that_cannot_be_opened_are_told_in_their_places(tmp_path: Path) -> None:
    """Each by its error; the others are numbered without them."""
    found = write_odd_files(tmp_path)
    opened = list(FileOpener(ReadOptions()).open_each(found))
    assert [one for one, _ in opened] == found
    assert [file.index for _, file in opened if isinstance(file, RecordingFile)] == [0, 1, 2, 3, 4]
    errors = [type(file) for _, file in opened if isinstance(file, DataError)]
    assert errors == [DataError, OwnOutputError, SchemaError, NoRowsError, DataError]
    assert "9.parquet" in str(opened[-1][1])


def test_a_block_without_faults_is_what_opening_one_by_one_gives(tmp_path: Path) -> None:
    """Two hundred files are several blocks."""
    for number in range(200):
        pq.write_table(ticks(f"T{number}"), tmp_path / f"{number:03}.parquet")
    with Recordings.open([tmp_path]) as recordings:
        together = recordings.files
    opener = FileOpener(ReadOptions())
    one_by_one = [opener.open(FoundFile(str(file.path), {}, False)) for file in together]
    assert [file.index for file in together] == list(range(200))
    assert [file.groups for file in together] == [file.groups for file in one_by_one]
    assert [file.checked for file in together] == [file.checked for file in one_by_one]
    assert [file.first_available for file in together] == [file.first_available for file in one_by_one]
