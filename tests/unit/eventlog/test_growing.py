"""A growing log: sequence numbers, memory, retention, callbacks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from tests.unit.eventlog.making import KINDS, RUN, SMALL, STEP_NS, events, numbers, read_on
from tickstock_cli.core.events import EVENT_SCHEMA
from tickstock_cli.errors import DataError, ExpiredError, OutputError, SchemaError
from tickstock_cli.eventlog.limits import MIB, LogLimits
from tickstock_cli.eventlog.slices import LogSlice
from tickstock_cli.eventlog.writer import EventLog


def test_numbers_begin_at_one_and_have_no_holes(tmp_path: Path) -> None:
    """A consumer's cursor is one sequence number."""
    with EventLog(tmp_path / "log", RUN) as log:
        assert (log.first_sequence, log.next_sequence) == (1, 1)
        assert log.append(events(1, 3)) == 4
        assert log.append(events(4, 0)) == 4
        assert log.append(events(4, 5)) == 9

        assert read_on(log, 1, limit=2) == list(range(1, 9))
        assert read_on(log, 6) == [6, 7, 8]


def test_reading_at_the_end_gives_an_empty_slice(tmp_path: Path) -> None:
    """A consumer that has read everything gets no error, and its cursor stays."""
    with EventLog(tmp_path / "log", RUN) as log:
        log.append(events(1, 3))

        part = log.read(4, 100)

        assert part.events.schema.equals(EVENT_SCHEMA)
        assert part.events.num_rows == 0
        assert (part.first, part.next_sequence) == (4, 4)


def test_a_number_beyond_the_next_one_is_an_error(tmp_path: Path) -> None:
    """A client of an earlier run must not wait for events of this one."""
    with EventLog(tmp_path / "log", RUN) as log:
        log.append(events(1, 3))

        with pytest.raises(
            DataError, match=r"has no event 5: the next one will be 4; does the number belong to another run\?$"
        ):
            log.read(5, 100)


def test_the_newest_part_is_read_without_the_disk(tmp_path: Path) -> None:
    """Consumers that keep up need no disk access: the folder can even be gone."""
    with EventLog(tmp_path / "log", RUN) as log:
        log.append(events(1, 20_000))
        shutil.rmtree(tmp_path / "log")

        assert read_on(log, 1) == list(range(1, 20_001))


def test_memory_is_bounded_and_nothing_is_lost(tmp_path: Path) -> None:
    """300,000 events of 50 MB are appended and read back within a bound of 4 MiB."""
    limits = LogLimits(memory_bytes=4 * MIB)
    before = pa.total_allocated_bytes()
    with EventLog(tmp_path / "log", RUN, limits) as log:
        for first in range(1, 300_001, 1_000):
            log.append(events(first, 1_000))
            assert pa.total_allocated_bytes() - before < limits.memory_bytes + 2 * limits.block_bytes

        sequence = 1
        while sequence < log.next_sequence:
            part = log.read(sequence, 10_000)
            assert part.events.column("event_id").to_pylist() == numbers(part)
            sequence = part.next_sequence
            held = pa.total_allocated_bytes() - before
            assert held < limits.memory_bytes + limits.cache_bytes + part.events.nbytes + 2 * limits.block_bytes
    assert sequence == 300_001


def test_a_slice_keeps_no_large_batch_alive(tmp_path: Path) -> None:
    """A run that appends a large batch in slices must not keep the whole batch in memory."""
    before = pa.total_allocated_bytes()
    with EventLog(tmp_path / "log", RUN) as log:
        large = events(1, 100_000)
        log.append(large.slice(0, 10))
        del large

        assert pa.total_allocated_bytes() - before < 50_000


def test_a_consumer_far_behind_shares_the_memory_of_the_log(tmp_path: Path) -> None:
    """Only the small blocks at the end are joined; an older slice is a view of its block."""
    with EventLog(tmp_path / "log", RUN) as log:
        for first in range(1, 20_001, 100):
            log.append(events(first, 100))
        before = pa.total_allocated_bytes()
        parts = [log.read(sequence, 100) for sequence in range(1, 18_901, 100)]

        assert sum(part.events.num_rows for part in parts) == 18_900
        assert pa.total_allocated_bytes() - before < 10_000 * 150


def address(part: LogSlice) -> int:
    """Return where the first column of a slice is in memory."""
    buffer = part.events.column(0).buffers()[1]
    assert buffer is not None
    return buffer.address


def test_single_events_are_folded_into_few_blocks(tmp_path: Path) -> None:
    """Without folding, 1,000 single events would leave 1,000 blocks that every reader visits."""
    with EventLog(tmp_path / "log", RUN) as log:
        for number in range(1, 1_001):
            log.append(events(number, 1))
            assert len(log._state.blocks) <= 10

        assert read_on(log, 1) == list(range(1, 1_001))


def test_readers_at_one_place_share_the_joined_events(tmp_path: Path) -> None:
    """The last ten appends lie in several blocks; 500 clients must not each join them."""
    with EventLog(tmp_path / "log", RUN) as log:
        for number in range(1, 1_001):
            log.append(events(number, 1))

        one, other = log.read(991, 100), log.read(991, 100)

        assert numbers(one) == list(range(991, 1_001))
        assert address(one) == address(other)


def test_a_batch_larger_than_the_whole_memory_bound_is_taken(tmp_path: Path) -> None:
    """The log cuts the batch into blocks of the usual size."""
    with EventLog(tmp_path / "log", RUN, SMALL) as log:
        log.append(events(1, 10_000))

        assert len(log._state.blocks) < 6
        assert read_on(log, 1) == list(range(1, 10_001))


def test_retention_by_bytes_deletes_the_oldest(tmp_path: Path) -> None:
    """Expired segments are deleted from disk, and a reader of them gets the oldest number that is left."""
    folder = tmp_path / "log"
    with EventLog(folder, RUN, LogLimits(memory_bytes=65_536, keep_bytes=20_000)) as log:
        for first in range(1, 10_001, 50):
            log.append(events(first, 50))
        log.append(events(10_001, 1))

        assert 5_000 < log.first_sequence < 10_000
        assert sum(path.stat().st_size for path in folder.glob("*.arrow")) <= 20_000
        assert read_on(log, log.first_sequence) == list(range(log.first_sequence, 10_002))
        with pytest.raises(ExpiredError, match=f"keeps event 17: the oldest one is {log.first_sequence}$") as caught:
            log.read(17, 10)
        assert caught.value.first_sequence == log.first_sequence


def test_retention_by_age_counts_in_event_time(tmp_path: Path) -> None:
    """A replay keeps the same events at any speed: here the last second of event time, in whole segments."""
    with EventLog(tmp_path / "log", RUN, LogLimits(memory_bytes=65_536, keep_ns=1_000 * STEP_NS)) as log:
        for first in range(1, 5_001, 50):
            log.append(events(first, 50))

        assert 3_700 < log.first_sequence <= 4_000
        assert read_on(log, log.first_sequence) == list(range(log.first_sequence, 5_001))


def test_retention_drops_expired_events_from_memory_too(tmp_path: Path) -> None:
    """Whether an event can be read must not depend on the memory bound."""
    with EventLog(tmp_path / "log", RUN, LogLimits(memory_bytes=4 * MIB, keep_bytes=1)) as log:
        log.append(events(1, 20_000))

        assert log._state.blocks[0].first == log.first_sequence > 1


def test_callbacks_are_called_after_every_append_and_at_the_end(tmp_path: Path) -> None:
    """A consumer waits for the callback and then reads: the events must be in the log by then."""
    with EventLog(tmp_path / "log", RUN) as log:
        heard: list[tuple[int, bool]] = []
        stop = log.listen(lambda: heard.append((log.next_sequence, log.finished)))
        log.append(events(1, 3))
        log.append(events(4, 2))
        assert heard == [(4, False), (6, False)]

        left: list[int] = []
        leave = log.listen(lambda: left.append(log.next_sequence))
        leave()
        leave()
        log.finish()
        assert heard[-1] == (6, True)
        assert left == []
        stop()


def test_an_error_in_a_callback_affects_neither_the_run_nor_other_callbacks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The error is logged. The append succeeds: repeating it would store the events twice."""
    heard: list[int] = []
    with EventLog(tmp_path / "log", RUN) as log:
        log.listen(lambda: [][0])
        log.listen(lambda: heard.append(log.next_sequence))

        assert log.append(events(1, 3)) == 4

    assert heard == [4]
    assert "a listener of event log" in caplog.text
    assert "IndexError" in caplog.text


def test_columns_beyond_those_of_every_event_are_kept(tmp_path: Path) -> None:
    """The running system adds provenance: the channel instance and the time of receipt."""
    schema = EVENT_SCHEMA.append(pa.field("channel", pa.string())).append(pa.field("received_at", pa.int64(), False))
    with EventLog(tmp_path / "log", RUN, SMALL, schema) as log:
        log.append(events(1, 500, schema))

        assert log.schema.equals(schema)
        assert log.read(1, 3).events.column("received_at").to_pylist() == [1, 2, 3]


def test_an_append_with_other_columns_is_an_error(tmp_path: Path) -> None:
    """A segment with other columns than the ones before it could not be read."""
    schema = EVENT_SCHEMA.append(pa.field("channel", pa.string()))
    with EventLog(tmp_path / "log", RUN) as log:
        with pytest.raises(SchemaError, match="has other columns"):
            log.append(events(1, 2, schema))
        assert log.next_sequence == 1

    with pytest.raises(SchemaError, match="needs the column event_id"):
        EventLog(tmp_path / "other", RUN, schema=pa.schema([pa.field("ticker", pa.string())]))


def test_a_log_begins_in_an_empty_folder_or_not_at_all(tmp_path: Path) -> None:
    """Other files in the folder, perhaps of another run, are neither mixed with the log nor deleted."""
    (tmp_path / "notes.txt").write_text("mine")

    with pytest.raises(OutputError, match=r"it is not empty \(notes\.txt\); name a new or empty folder$"):
        EventLog(tmp_path, RUN)
    with pytest.raises(OutputError, match=r"notes\.txt: it is a file, not a folder"):
        EventLog(tmp_path / "notes.txt", RUN)

    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_finished_log_takes_no_more(tmp_path: Path) -> None:
    """Its digest is final; a second ``finish`` is allowed, as in a ``finally`` block."""
    with EventLog(tmp_path / "log", RUN) as log:
        log.append(events(1, 10))
        log.finish()
        log.finish()

        with pytest.raises(OutputError, match="the run is finished"):
            log.append(events(11, 1))
        assert read_on(log, 1) == list(range(1, 11))
        assert log.read(1, 1).events.column("kind").to_pylist() == [KINDS[1]]
