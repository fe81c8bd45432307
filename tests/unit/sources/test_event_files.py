"""Event files as they are read back: what our sinks write, and what they did not."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.cli.market import write_recording
from tests.unit.review.conftest import at, climb
from tickstock_cli.errors import DataError, SchemaError, UsageError
from tickstock_cli.replaying import Request, replay
from tickstock_cli.sources.event_files import SUFFIXES, read_events


def written(recording: Path, folder: Path) -> list[Path]:
    """Replay into a file of every format."""
    targets = [folder / f"events{suffix}" for suffix in SUFFIXES]
    replay(Request(paths=[recording], outs=[str(target) for target in targets]))
    return targets


def recording(folder: Path, *prices: float) -> Path:
    """Write ticks of one ticker."""
    return write_recording(climb(at("10:00:00"), prices), folder / "recording")


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Return event files of three highs."""
    return written(recording(tmp_path, 100.0, 101.0, 102.25, 103.0), tmp_path)


def test_every_format_reads_back_as_the_same_events(files: list[Path]) -> None:
    """Types, nulls and the last digit of every float included."""
    parquet, *others = (read_events(file) for file in files)

    assert parquet.height == 3
    assert all(other.equals(parquet) and other.schema == parquet.schema for other in others)


def test_files_without_an_event_are_empty(tmp_path: Path) -> None:
    """A quiet day is no damaged file, in no format."""
    assert [read_events(file).height for file in written(recording(tmp_path, 100.0), tmp_path)] == [0, 0, 0]


def test_a_missing_file_says_where_event_files_come_from(tmp_path: Path) -> None:
    """What, and what to do."""
    with pytest.raises(DataError, match=r"none.parquet does not exist; name a file that tickstock replay --out wrote"):
        read_events(tmp_path / "none.parquet")
    with pytest.raises(DataError, match="none does not exist"):
        read_events(tmp_path / "none")


@pytest.mark.parametrize("name", ["events.txt", "events", "events.parquet.gz"])
def test_the_format_follows_from_the_suffix(tmp_path: Path, name: str) -> None:
    """Nothing is guessed from the content."""
    (tmp_path / name).touch()
    with pytest.raises(UsageError, match=r"unknown format of .*: name a file that ends in .parquet, .jsonl"):
        read_events(tmp_path / name)


def test_a_folder_is_no_event_file(tmp_path: Path) -> None:
    """Even if it is named like one, and even if event files are in it."""
    for suffix in SUFFIXES:
        folder = tmp_path / f"folder{suffix}"
        folder.mkdir()
        with pytest.raises(DataError, match=f"cannot read {folder}: it is a folder"):
            read_events(folder)


def test_a_file_that_was_cut_off_is_named(files: list[Path]) -> None:
    """A copy that broke off is not compared as far as it goes."""
    for file in files:
        content = file.read_bytes()
        file.write_bytes(content[: len(content) * 2 // 3])
        with pytest.raises(DataError, match=f"{file}"):
            read_events(file)


def test_a_table_of_something_else_is_no_file_of_events(tmp_path: Path) -> None:
    """A recording, say; the first column that is missing is named."""
    ticks = pl.DataFrame({"ticker": ["A"], "timestamp": [1], "price": [1.0], "size": [1]})
    ticks.write_parquet(tmp_path / "ticks.parquet")
    ticks.write_csv(tmp_path / "ticks.csv")
    ticks.write_ndjson(tmp_path / "ticks.jsonl")

    for suffix in (".parquet", ".csv"):
        with pytest.raises(SchemaError, match=f"ticks{suffix} is not a file of events: it has no column event_id"):
            read_events(tmp_path / f"ticks{suffix}")
    with pytest.raises(SchemaError, match=r"ticks.jsonl is not a file of events: event_id is empty in row 0"):
        read_events(tmp_path / "ticks.jsonl")


def test_floats_look_like_floats_to_any_reader_of_csv(files: list[Path]) -> None:
    """A whole price in the first lines must not make a guesser take the column for whole numbers."""
    guessed = pl.read_csv(files[2], columns=["price", "confidence"], infer_schema_length=1)

    assert guessed["price"].to_list() == [101.0, 102.25, 103.0]
    assert guessed["confidence"].dtype == pl.Float64


def test_some_columns_are_read_without_the_others(files: list[Path], tmp_path: Path) -> None:
    """Scoring needs five; times that somebody turned into dates and times are nanoseconds again."""
    few = tmp_path / "few.parquet"
    events = pl.read_parquet(files[0]).select("kind", pl.from_epoch("timestamp", "ns").dt.cast_time_unit("us"))
    events.write_parquet(few)

    columns = ["kind", "timestamp"]
    assert read_events(few, columns).equals(read_events(files[0]).select(columns))


def test_columns_that_are_not_ours_are_left_out(files: list[Path], tmp_path: Path) -> None:
    """Somebody's notes beside the events do not make them others."""
    events = pl.read_parquet(files[0])
    noted = tmp_path / "noted.parquet"
    events.with_columns(note=pl.lit("checked")).write_parquet(noted)

    assert read_events(noted).equals(read_events(files[0]))


def test_a_column_of_another_type_is_an_error(files: list[Path], tmp_path: Path) -> None:
    """Times as text cannot be compared with times."""
    other = tmp_path / "other.parquet"
    pl.read_parquet(files[0]).with_columns(timestamp=pl.lit("noon")).write_parquet(other)

    with pytest.raises(DataError, match=r"cannot read .*other.parquet as events: .*noon"):
        read_events(other)
