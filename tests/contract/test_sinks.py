"""What every registered sink promises, tried on every line of the table."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tickstock_cli.core.events import EVENT_SCHEMA
from tickstock_cli.errors import OutputError
from tickstock_cli.sinks import PARTS
from tickstock_cli.sinks.opening import open_sink

every_sink = pytest.mark.parametrize("suffix", PARTS)

text = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)
finite = st.floats(allow_nan=False, allow_infinity=False)
VALUES: dict[pa.DataType, st.SearchStrategy[object]] = {
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.int32(): st.integers(-(2**31), 2**31 - 1),
    pa.int8(): st.integers(-128, 127),
    pa.float64(): finite,
    pa.string(): text,
}
READERS = {
    type_: float if pa.types.is_floating(type_) else str if pa.types.is_string(type_) else int for type_ in VALUES
}
one_event = st.fixed_dictionaries(
    {field.name: st.none() | VALUES[field.type] if field.nullable else VALUES[field.type] for field in EVENT_SCHEMA}
)


def batch_of(rows: list[dict[str, object]]) -> pa.RecordBatch:
    """Return rows as a batch of the event schema."""
    return pa.RecordBatch.from_pylist(rows, schema=EVENT_SCHEMA)


def many_events(count: int) -> pa.RecordBatch:
    """Return ``count`` different rows quickly."""
    numbers = pa.array(range(count))
    columns = [
        pa.array([f"T{number % 97}" for number in range(count)])
        if pa.types.is_string(field.type)
        else numbers.cast(pa.float64()).cast(field.type)
        if pa.types.is_floating(field.type) or field.type.bit_width > 8
        else pa.array([number % 100 for number in range(count)], field.type)
        for field in EVENT_SCHEMA
    ]
    return pa.RecordBatch.from_arrays(columns, schema=EVENT_SCHEMA)


def write_whole(target: Path, batch: pa.RecordBatch, cuts: list[int]) -> bytes:
    """Write ``batch`` cut at row numbers, commit, and return the file's bytes."""
    sink = open_sink(str(target))
    for start, stop in pairwise([0, *sorted(cuts), batch.num_rows]):
        sink.write(batch.slice(start, stop - start))
    sink.commit()
    return target.read_bytes()


def read_back(target: Path) -> list[dict[str, object]]:
    """Read an event file with a library that did not write it."""
    if target.suffix == ".parquet":
        return pl.read_parquet(target).to_dicts()
    if target.suffix == ".jsonl":
        return [json.loads(line) for line in target.read_bytes().splitlines()]
    with target.open(newline="", encoding="utf-8") as file:
        return [
            {name: READERS[EVENT_SCHEMA.field(name).type](value) if value else None for name, value in row.items()}
            for row in csv.DictReader(file)
        ]


@every_sink
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(rows=st.lists(one_event, min_size=1, max_size=12))
def test_what_was_written_reads_back_equal(tmp_path: Path, suffix: str, rows: list[dict[str, object]]) -> None:
    """Every digit, every null and every character survives."""
    target = tmp_path / f"events.{suffix}"

    write_whole(target, batch_of(rows), [])

    assert read_back(target) == rows


@every_sink
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(cuts=st.lists(st.integers(0, 70_000), max_size=6))
def test_any_split_into_writes_gives_the_same_bytes(tmp_path: Path, suffix: str, cuts: list[int]) -> None:
    """A file shows its rows, not the batches they came in."""
    events = EVENTS_70K

    whole = write_whole(tmp_path / f"whole.{suffix}", events, [])
    parts = write_whole(tmp_path / f"parts.{suffix}", events, cuts)

    assert parts == whole


EVENTS_70K = many_events(70_000)


@every_sink
def test_a_run_without_events_leaves_a_valid_file(tmp_path: Path, suffix: str) -> None:
    """No events is an answer, not a failure."""
    target = tmp_path / f"events.{suffix}"

    write_whole(target, batch_of([]), [])

    assert read_back(target) == []


@every_sink
def test_nothing_stands_under_the_name_until_commit(tmp_path: Path, suffix: str) -> None:
    """A reader never meets half a file, and no temporary stays behind."""
    target = tmp_path / f"events.{suffix}"
    sink = open_sink(str(target))
    sink.write(many_events(10))

    assert not target.exists()
    sink.commit()

    assert [path.name for path in tmp_path.iterdir()] == [target.name]


@every_sink
def test_abort_leaves_the_old_file_untouched(tmp_path: Path, suffix: str) -> None:
    """A run that fails late must not cost the result of the run before."""
    target = tmp_path / f"events.{suffix}"
    target.write_text("of yesterday")
    sink = open_sink(str(target))
    sink.write(many_events(100_000))

    sink.abort()
    sink.abort()

    assert target.read_text() == "of yesterday"
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


@every_sink
def test_abort_after_commit_keeps_the_file(tmp_path: Path, suffix: str) -> None:
    """Callers may abort in a `finally` without asking how far they got."""
    target = tmp_path / f"events.{suffix}"
    sink = open_sink(str(target))
    sink.commit()

    sink.abort()

    assert target.exists()


FULL_DISK = """
import resource, signal, sys
from tests.contract.test_sinks import many_events
from tickstock_cli.errors import OutputError
from tickstock_cli.sinks.opening import open_sink

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
sink = open_sink(sys.argv[1])
events = many_events(20_000)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    for _ in range(5):
        sink.write(events)
    sink.commit()
except OutputError as error:
    print(error)
sink.abort()
"""


@every_sink
@pytest.mark.parametrize("limit", [0, 60_000])
def test_a_disk_that_fills_up_raises_and_keeps_the_old_file(tmp_path: Path, suffix: str, limit: int) -> None:
    """Whenever the system takes no more bytes, early or at the last flush, it is an error and nothing is damaged."""
    target = tmp_path / f"events.{suffix}"
    target.write_text("of yesterday")

    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", FULL_DISK, str(target), str(limit)], capture_output=True, text=True
    )

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"cannot write {target}: the file is larger than this system")
    assert target.read_text() == "of yesterday"
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


@every_sink
@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("missing/events", "its folder does not exist; create it first"),
        ("file/events", "part of its path is a file"),
        ("folder", "it is a folder; name a file inside it"),
    ],
)
def test_an_unwritable_place_fails_before_any_work(tmp_path: Path, suffix: str, place: str, reason: str) -> None:
    """The user learns it when the sink opens, in one line with the way out."""
    (tmp_path / "file").write_text("")
    (tmp_path / f"folder.{suffix}").mkdir()
    target = tmp_path / f"{place}.{suffix}"

    with pytest.raises(OutputError, match=reason) as caught:
        open_sink(str(target))

    assert str(caught.value).startswith(f"cannot write {target}: ")
    assert "\n" not in str(caught.value)


@every_sink
def test_two_sinks_of_one_file_are_found_out(tmp_path: Path, suffix: str) -> None:
    """Two spellings of one name would otherwise overwrite each other in silence."""
    first = open_sink(str(tmp_path / f"events.{suffix}"))

    with pytest.raises(OutputError, match="named as an output twice"):
        open_sink(str(tmp_path / "." / f"events.{suffix}"))

    first.abort()
