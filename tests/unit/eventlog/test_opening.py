"""Open finished logs; report in one line whatever is damaged or not a log."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from tests.unit.eventlog.making import RUN, SMALL, digest_of, events, read_on
from tickstock_cli.core.events import EVENT_SCHEMA
from tickstock_cli.errors import DataError
from tickstock_cli.eventlog.limits import LogLimits
from tickstock_cli.eventlog.opening import copy_in, open_log
from tickstock_cli.eventlog.writer import EventLog

COUNT = 2_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a finished log of 2,000 events in many segments."""
    copy_in((events(first, 100) for first in range(1, COUNT + 1, 100)), tmp_path / "log", RUN, SMALL)
    return tmp_path / "log"


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest."""
    document = json.loads((folder / "log.json").read_text())
    change(document)
    (folder / "log.json").write_text(json.dumps(document))


def message_of(folder: Path) -> str:
    """Return the message of the error that opening raises, with LOG for the path."""
    with pytest.raises(DataError) as caught:
        open_log(folder)
    line = str(caught.value)
    assert "\n" not in line
    assert str(folder) in line
    return line.replace(str(folder), "LOG")


def test_a_finished_log_reads_as_it_was_written(folder: Path) -> None:
    """Run, columns, numbers, events and digest are the same; the folder holds segments and the manifest only."""
    log = open_log(folder)

    assert (log.run, log.schema, log.finished, log.problem) == (RUN, EVENT_SCHEMA, True, None)
    assert (log.first_sequence, log.next_sequence) == (1, COUNT + 1)
    assert read_on(log, 1) == list(range(1, COUNT + 1))
    assert log.digest == digest_of(COUNT)
    assert {path.suffix for path in folder.iterdir()} == {".json", ".arrow"}


def test_segments_are_plain_arrow_files_in_the_order_of_their_names(folder: Path) -> None:
    """Any Arrow reader can process a log without tickstock."""
    table = pl.scan_ipc(folder / "*.arrow").collect()

    assert table["event_id"].to_list() == list(range(1, COUNT + 1))


def test_a_run_without_events_is_a_log(tmp_path: Path) -> None:
    """A run can end without an event; its log opens like any other."""
    log = open_log(copy_in([], tmp_path / "log", RUN).folder)

    assert (log.first_sequence, log.next_sequence, log.finished) == (1, 1, True)
    assert log.read(1, 10).events.num_rows == 0
    assert log.digest == digest_of(0)


def test_a_process_that_died_while_it_was_cleaning_up_has_finished(folder: Path) -> None:
    """The manifest counts once it is written; a journal that was not deleted is ignored."""
    (folder / "journal").write_bytes(b"TEV1 whatever")

    log = open_log(folder)

    assert (log.finished, log.problem, log.next_sequence) == (True, None, COUNT + 1)


def test_provenance_survives_a_restart(tmp_path: Path) -> None:
    """The manifest holds all columns, including those beyond the common schema."""
    schema = EVENT_SCHEMA.append(pa.field("channel", pa.string())).append(pa.field("received_at", pa.int64(), False))
    log = open_log(copy_in([events(1, 10, schema)], tmp_path / "log", RUN, schema=schema).folder)

    assert log.schema.equals(schema)
    assert log.read(4, 2).events.to_pylist() == events(4, 2, schema).to_pylist()


def test_events_that_retention_deleted_stay_deleted(tmp_path: Path) -> None:
    """The manifest holds the first number, in case the process died before it deleted the file."""
    folder = tmp_path / "log"
    with EventLog(folder, RUN, LogLimits(memory_bytes=65_536, keep_bytes=10_000)) as log:
        first_segment = None
        for first in range(1, COUNT + 1, 100):
            log.append(events(first, 100))
            if first_segment is None:
                first_segment = next(folder.glob("*.arrow"))
                content = first_segment.read_bytes()
        log.finish()
        first = log.first_sequence
    assert first_segment is not None
    assert not first_segment.exists()
    first_segment.write_bytes(content)

    with pytest.raises(DataError, match="is followed by"):
        open_log(folder)  # a file that leaves a gap is not a leftover: two logs were mixed
    first_segment.unlink()
    opened = open_log(folder)

    assert opened.first_sequence == first > 1
    assert read_on(opened, first) == list(range(first, COUNT + 1))
    assert opened.digest == digest_of(COUNT)


def test_paths_that_are_no_log_are_errors(tmp_path: Path) -> None:
    """The likely mistakes are a wrong path, another folder and a file."""
    (tmp_path / "file").touch()
    way_out = "name a folder that tickstock wrote events to"

    assert message_of(tmp_path / "nowhere") == f"LOG does not exist; {way_out}"
    assert message_of(tmp_path) == f"LOG is not an event log: it has no log.json; {way_out}"
    assert message_of(tmp_path / "file") == f"LOG is not an event log: it is not a folder; {way_out}"


def test_the_manifest_of_another_program_is_an_error(folder: Path) -> None:
    """Other programs write a log.json, too."""
    (folder / "log.json").write_text('{"level": "info"}')

    assert message_of(folder) == "LOG is not an event log: another program wrote its log.json"


def test_a_newer_format_is_an_error_of_its_own(folder: Path) -> None:
    """The remedy is an update of tickstock, not a copy of the log."""
    edit(folder, lambda document: document.update(version=2, colour="blue"))

    assert message_of(folder) == (
        "a newer tickstock wrote event log LOG: its format is 2, this one reads up to 1; update tickstock"
    )


CORRUPT: dict[str, Callable[[dict[str, Any]], object]] = {
    "run: field required": lambda document: document.pop("run"),
    "run.started_at: input should be a valid integer": lambda document: document["run"].update(started_at="noon"),
    "version: input should be 1": lambda document: document.update(version="one"),
    "finished.last: input should be greater than or equal to 0": lambda document: document["finished"].update(last=-1),
    "columns: No type alias for tensor": lambda document: document["columns"][0].update(type="tensor"),
    "extra: extra inputs are not permitted": lambda document: document.update(extra=1),
}


@pytest.mark.parametrize("message", CORRUPT)
def test_the_error_of_an_invalid_manifest_names_the_field(folder: Path, message: str) -> None:
    """The message is one line, not the report of pydantic."""
    edit(folder, CORRUPT[message])

    assert message_of(folder).startswith(f"event log LOG is damaged: log.json, {message}")


@pytest.mark.parametrize("content", [b"", b'{"format": "tick', b"\xff\xfe\x00"])
def test_a_manifest_that_is_not_json_is_an_error(folder: Path, content: bytes) -> None:
    """The file can be empty, cut off or binary."""
    (folder / "log.json").write_bytes(content)

    assert message_of(folder).startswith("event log LOG is damaged: log.json is not JSON (")


def test_opening_reports_a_missing_segment(folder: Path) -> None:
    """A segment is missing in the middle, at the end, or all are: the error comes before the first read."""
    segments = sorted(folder.glob("*.arrow"))
    segments[3].unlink()
    hole = f"{segments[2].name} is followed by {segments[4].name}"
    assert message_of(folder) == f"event log LOG is damaged: {hole}; restore the files between them"

    for segment in segments[3:4] + segments[4:]:
        segment.unlink(missing_ok=True)
    assert message_of(folder).startswith(
        "event log LOG is damaged: it should hold events 1 to 2000, but its files hold 1 to"
    )

    for segment in segments[:3]:
        segment.unlink()
    assert message_of(folder).endswith("but its files hold none; restore it from a copy")


@pytest.mark.parametrize("damage", ["a bit", "the end", "everything"])
def test_a_damaged_segment_is_an_error_and_the_others_are_read(folder: Path, damage: str) -> None:
    """The checksum in the name keeps a damaged event from being delivered."""
    segment = sorted(folder.glob("*.arrow"))[2]
    first, last, _ = (int(part, 10 if place < 2 else 16) for place, part in enumerate(segment.stem.split("-")))
    data = segment.read_bytes()
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 16
    segment.write_bytes({"a bit": bytes(flipped), "the end": data[:-1], "everything": b""}[damage])
    log = open_log(folder)

    with pytest.raises(DataError) as caught:
        log.read(first, 10)

    assert str(caught.value) == (
        f"cannot read events {first} to {last} in {segment}: the file is damaged (wrong checksum); "
        "restore it from a copy"
    )
    assert read_on(log, last + 1) == list(range(last + 1, COUNT + 1))


def test_a_segment_that_is_deleted_later_is_an_error(folder: Path) -> None:
    """Retention moves the first number; without that, the file was deleted by something else."""
    log = open_log(folder)
    segment = sorted(folder.glob("*.arrow"))[0]
    segment.unlink()

    with pytest.raises(DataError, match=rf"cannot read events 1 to \d+ in {segment}: the file is gone; restore it"):
        log.read(1, 10)


def test_a_log_that_is_still_being_written_is_an_error(tmp_path: Path) -> None:
    """The opened log would not grow with the run."""
    with EventLog(tmp_path / "log", RUN) as log:
        log.append(events(1, 10))

        assert message_of(tmp_path / "log") == "event log LOG is still being written: wait for the end of its run"


def test_opening_changes_nothing(folder: Path, tmp_path: Path) -> None:
    """A log can be on a read-only medium, or be read by several processes."""
    with EventLog(tmp_path / "broken", RUN, SMALL) as log:
        log.append(events(1, 500))
    for place in (folder, tmp_path / "broken"):
        before = {path.name: path.read_bytes() for path in place.iterdir()}
        read_on(open_log(place), 1)

        assert {path.name: path.read_bytes() for path in place.iterdir()} == before
