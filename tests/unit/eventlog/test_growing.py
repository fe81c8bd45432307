"""A log that grows: numbers, memory, retention, wake-ups."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from tests.unit.eventlog.making import KINDS, RUN, SMALL, STEP_NS, events, read_on
from tickstock_cli.core.events import EVENT_SCHEMA
from tickstock_cli.errors import DataError, ExpiredError, OutputError, SchemaError
from tickstock_cli.eventlog.limits import MIB, LogLimits
from tickstock_cli.eventlog.writer import EventLog


def test_numbers_begin_at_one_and_have_no_holes(tmp_path: Path) -> None:
    """A consumer's cursor is such a number and nothing else."""
    with EventLog(tmp_path / "log", RUN) as log:
        assert (log.first_sequence, log.next_sequence) == (1, 1)
        assert log.append(events(1, 3)) == 4
        assert log.append(events(4, 0)) == 4
        assert log.append(events(4, 5)) == 9

        assert read_on(log, 1, limit=2) == list(range(1, 9))
        assert read_on(log, 6) == [6, 7, 8]


def test_reading_at_the_end_gives_an_empty_slice(tmp_path: Path) -> None:
    """To have read everything is no error; the cursor stays where it is."""
    with EventLog(tmp_path / "log", RUN) as log:
        log.append(events(1, 3))

        part = log.read(4, 100)

        assert part.events.schema.equals(EVENT_SCHEMA)
        assert (part.count, part.events.num_rows, part.sequences.tolist()) == (0, 0, [])
        assert (part.first, part.next_sequence) == (4, 4)


def test_a_number_that_never_was_is_an_error(tmp_path: Path) -> None:
    """A client that returns after another run was started must not wait for events that it takes for its own."""
    with EventLog(tmp_path / "log", RUN) as log:
        log.append(events(1, 3))

        with pytest.raises(DataError, match=r"has no event 5: the next one will be 4; is the number of another run\?$"):
            log.read(5, 100)


def test_the_newest_part_is_read_without_the_disk(tmp_path: Path) -> None:
    """Even if the folder is gone: consumers that keep up cost memory alone."""
    with EventLog(tmp_path / "log", RUN) as log:
        log.append(events(1, 20_000))
        shutil.rmtree(tmp_path / "log")

        assert read_on(log, 1) == list(range(1, 20_001))


def test_memory_is_bounded_and_nothing_is_lost(tmp_path: Path) -> None:
    """300,000 events of 50 MB pass through 4 MiB; all of them can still be read, in memory that is bounded, too."""
    limits = LogLimits(memory_bytes=4 * MIB)
    before = pa.total_allocated_bytes()
    with EventLog(tmp_path / "log", RUN, limits) as log:
        for first in range(1, 300_001, 1_000):
            log.append(events(first, 1_000))
            assert pa.total_allocated_bytes() - before < limits.memory_bytes + 2 * limits.block_bytes

        sequence = 1
        while sequence < log.next_sequence:
            part = log.read(sequence, 10_000)
            assert part.events.column("event_id").to_pylist() == part.sequences.tolist()
            sequence = part.next_sequence
            held = pa.total_allocated_bytes() - before
            assert held < limits.memory_bytes + limits.cache_bytes + part.events.nbytes + 2 * limits.block_bytes
    assert sequence == 300_001


def test_a_slice_keeps_no_large_batch_alive(tmp_path: Path) -> None:
    """Whoever appends a large batch bit by bit would else have all of it in memory as long as one bit is."""
    before = pa.total_allocated_bytes()
    with EventLog(tmp_path / "log", RUN) as log:
        large = events(1, 100_000)
        log.append(large.slice(0, 10))
        del large

        assert pa.total_allocated_bytes() - before < 50_000


def test_a_consumer_far_behind_shares_the_memory_of_the_log(tmp_path: Path) -> None:
    """Only the newest few events, that lie in small blocks, are joined for readers."""
    with EventLog(tmp_path / "log", RUN) as log:
        for first in range(1, 20_001, 100):
            log.append(events(first, 100))
        before = pa.total_allocated_bytes()
        parts = [log.read(sequence, 1_000) for sequence in range(1, 19_001, 100)]

        assert sum(part.events.num_rows for part in parts if len(part.picks) == 1) > 100_000
        assert pa.total_allocated_bytes() - before < 10_000 * 150


def test_single_events_are_folded_into_few_blocks(tmp_path: Path) -> None:
    """Else each of 1,000 quiet seconds would leave a block that every reader has to look at."""
    with EventLog(tmp_path / "log", RUN) as log:
        for number in range(1, 1_001):
            log.append(events(number, 1))
            assert len(log._snapshot.blocks) <= 10

        assert read_on(log, 1) == list(range(1, 1_001))


def test_consumers_that_were_woken_by_one_append_share_its_joined_events(tmp_path: Path) -> None:
    """The newest ten appends lie in several blocks; 500 clients must not each put them together."""
    with EventLog(tmp_path / "log", RUN) as log:
        for number in range(1, 1_001):
            log.append(events(number, 1))

        [mine] = log.read(991, 100).picks
        [others] = log.read(991, 100).picks

        assert mine.block is others.block
        assert mine.block.rows == 10


def test_a_batch_larger_than_the_whole_memory_bound_is_taken(tmp_path: Path) -> None:
    """It is cut into blocks of the usual size."""
    with EventLog(tmp_path / "log", RUN, SMALL) as log:
        log.append(events(1, 10_000))

        assert len(log._snapshot.blocks) < 6
        assert read_on(log, 1) == list(range(1, 10_001))


def test_retention_by_bytes_deletes_the_oldest(tmp_path: Path) -> None:
    """What is deleted is gone from the disk; its readers are told where they can go on."""
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
    """A replay at any speed keeps the same events: the market's last second here, in whole segments."""
    with EventLog(tmp_path / "log", RUN, LogLimits(memory_bytes=65_536, keep_ns=1_000 * STEP_NS)) as log:
        for first in range(1, 5_001, 50):
            log.append(events(first, 50))

        assert 3_700 < log.first_sequence <= 4_000
        assert read_on(log, log.first_sequence) == list(range(log.first_sequence, 5_001))


def test_what_retention_deletes_leaves_the_memory_too(tmp_path: Path) -> None:
    """Else the same event would be there or not, depending on the memory bound."""
    with EventLog(tmp_path / "log", RUN, LogLimits(memory_bytes=4 * MIB, keep_bytes=1)) as log:
        log.append(events(1, 20_000))

        assert log._snapshot.blocks[0].first == log.first_sequence > 1


def test_listeners_hear_of_every_append_and_of_the_end(tmp_path: Path) -> None:
    """A consumer sleeps until it is called, then reads; when it is called, the events are there."""
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


def test_a_failing_listener_hurts_neither_the_run_nor_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged; the events are in the log, and appending them again would tell them twice."""
    heard: list[int] = []
    with EventLog(tmp_path / "log", RUN) as log:
        log.listen(lambda: [][0])
        log.listen(lambda: heard.append(log.next_sequence))

        assert log.append(events(1, 3)) == 4

    assert heard == [4]
    assert "a listener of event log" in caplog.text
    assert "IndexError" in caplog.text


def test_columns_beyond_those_of_every_event_are_kept(tmp_path: Path) -> None:
    """Provenance, for example: which instance of a channel told it, and when it was received."""
    schema = EVENT_SCHEMA.append(pa.field("channel", pa.string())).append(pa.field("received_at", pa.int64(), False))
    with EventLog(tmp_path / "log", RUN, SMALL, schema) as log:
        log.append(events(1, 500, schema))

        assert log.schema.equals(schema)
        assert log.read(1, 3).events.column("received_at").to_pylist() == [1, 2, 3]


def test_events_of_other_columns_are_refused(tmp_path: Path) -> None:
    """A segment whose rows do not fit those before it could never be read."""
    schema = EVENT_SCHEMA.append(pa.field("channel", pa.string()))
    with EventLog(tmp_path / "log", RUN) as log:
        with pytest.raises(SchemaError, match="has other columns"):
            log.append(events(1, 2, schema))
        assert log.next_sequence == 1

    with pytest.raises(SchemaError, match="needs the column event_id"):
        EventLog(tmp_path / "other", RUN, schema=pa.schema([pa.field("ticker", pa.string())]))


def test_a_log_begins_in_an_empty_folder_or_not_at_all(tmp_path: Path) -> None:
    """Whatever stands there, events of another run perhaps, is not ours to mix with or to delete."""
    (tmp_path / "notes.txt").write_text("mine")

    with pytest.raises(OutputError, match=r"it is not empty \(notes\.txt\); name a new or empty folder$"):
        EventLog(tmp_path, RUN)
    with pytest.raises(OutputError, match=r"notes\.txt: file exists"):
        EventLog(tmp_path / "notes.txt", RUN)

    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_finished_log_takes_no_more(tmp_path: Path) -> None:
    """Its digest is told; finishing twice is fine, as in a `finally`."""
    with EventLog(tmp_path / "log", RUN) as log:
        log.append(events(1, 10))
        log.finish()
        log.finish()

        with pytest.raises(OutputError, match="the run was finished before"):
            log.append(events(11, 1))
        assert read_on(log, 1) == list(range(1, 11))
        assert log.read(1, 1).events.column("kind").to_pylist() == [KINDS[1]]
