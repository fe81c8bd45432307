"""For any appends, reads, cuts and damage: readers get the same events as from a plain list."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.eventlog.making import RUN, digest_of, events, numbers, read_on
from tickstock_cli.errors import DataError
from tickstock_cli.eventlog.limits import LogLimits
from tickstock_cli.eventlog.opening import open_log
from tickstock_cli.eventlog.writer import EventLog

memories = st.sampled_from([20_000, 65_536, 1 << 20])
"""Bounds that make a segment of every few events, keep a few blocks, and keep everything in memory."""
counts = st.one_of(st.integers(0, 5), st.integers(0, 150))
appends = st.lists(counts, max_size=20)


@contextmanager
def new_folder() -> Iterator[Path]:
    """Return a folder that does not exist yet."""
    with TemporaryDirectory() as folder:
        yield Path(folder) / "log"


@settings(max_examples=40)
@given(memories, appends, st.data())
def test_reads_of_any_size_equal_those_of_a_list(memory: int, batches: list[int], data: st.DataObject) -> None:
    """Read the growing log from any number with any limit, and the whole log after ``finish`` and ``open_log``."""
    with new_folder() as folder, EventLog(folder, RUN, LogLimits(memory_bytes=memory)) as log:
        for count in batches:
            log.append(events(log.next_sequence, count))
            sequence = data.draw(st.integers(1, log.next_sequence))
            limit = data.draw(st.integers(1, 200))
            expected = list(range(sequence, log.next_sequence))[:limit]
            part = log.read(sequence, limit)
            assert numbers(part) == part.events.column("event_id").to_pylist() == expected
        log.finish()
        assert log.digest == digest_of(sum(batches))
        assert read_on(open_log(folder), 1) == list(range(1, sum(batches) + 1))


@settings(max_examples=30)
@given(memories, appends, st.data())
def test_retention_leaves_an_unbroken_end(memory: int, batches: list[int], data: st.DataObject) -> None:
    """Retention drops events from the beginning only, in memory and on disk, and they stay dropped."""
    limits = LogLimits(
        memory_bytes=memory,
        keep_bytes=data.draw(st.none() | st.integers(0, 30_000)),
        keep_ns=data.draw(st.none() | st.integers(0, 500_000_000)),
    )
    with new_folder() as folder, EventLog(folder, RUN, limits) as log:
        first = 1
        for count in batches:
            log.append(events(log.next_sequence, count))
            assert log.first_sequence >= first
            first = log.first_sequence
            assert read_on(log, first, 70) == list(range(first, log.next_sequence))
        log.finish()
        assert read_on(open_log(folder), log.first_sequence) == list(range(log.first_sequence, sum(batches) + 1))


@settings(max_examples=60)
@given(memories, appends, st.data())
def test_a_journal_cut_or_damaged_anywhere_gives_the_events_before(
    memory: int, batches: list[int], data: st.DataObject
) -> None:
    """An opened log has no wrong event and no gap, and ``problem`` reports torn bytes only."""
    with new_folder() as folder:
        with EventLog(folder, RUN, LogLimits(memory_bytes=memory)) as log:
            for count in batches:
                log.append(events(log.next_sequence, count))
            end = log.next_sequence
        journal = bytearray((folder / "journal").read_bytes())
        cut = data.draw(st.integers(0, len(journal)))
        torn = journal[:cut]
        if cut and data.draw(st.booleans()):
            torn[data.draw(st.integers(0, cut - 1))] ^= 1 << data.draw(st.integers(0, 7))
        (folder / "journal").write_bytes(torn)

        opened = open_log(folder)

        assert read_on(opened, 1) == list(range(1, opened.next_sequence))
        assert opened.next_sequence == end or torn != journal
        assert opened.problem is None or opened.next_sequence < end


@settings(max_examples=40)
@given(st.binary(max_size=300) | st.sampled_from([b"null", b"[]", b"{}", b'{"format": "tickstock event log"}']))
def test_any_invalid_manifest_is_an_error_of_one_line(content: bytes) -> None:
    """Errors of libraries are translated into one line."""
    with new_folder() as folder:
        folder.mkdir()
        (folder / "log.json").write_bytes(content)
        with pytest.raises(DataError, match=r"^[^\n]*log\.json[^\n]*$"):
            open_log(folder)
