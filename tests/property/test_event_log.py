"""Whatever is appended, read, cut off or damaged: readers get the events of a plain list."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.eventlog.making import KINDS, RUN, SOURCES, TICKERS, digest_of, events, passes, read_on
from tickstock_cli.errors import DataError
from tickstock_cli.eventlog.filters import Filter
from tickstock_cli.eventlog.limits import LogLimits
from tickstock_cli.eventlog.opening import open_log
from tickstock_cli.eventlog.writer import EventLog

memories = st.sampled_from([20_000, 65_536, 1 << 20])
"""From a segment for every few events, through a few blocks, to everything in memory."""
counts = st.one_of(st.integers(0, 5), st.integers(0, 150))
appends = st.lists(counts, max_size=20)


def some(names: tuple[str, ...]) -> st.SearchStrategy[frozenset[str] | None]:
    """Draw some of the names, or no filter."""
    return st.none() | st.frozensets(st.sampled_from([*names, "nobody"]), max_size=4)


filters = st.builds(Filter, some(KINDS), some(TICKERS[:9]), some(SOURCES), st.none() | st.integers(0, 9))


@contextmanager
def new_folder() -> Iterator[Path]:
    """Return a folder that does not exist yet."""
    with TemporaryDirectory() as folder:
        yield Path(folder) / "log"


@settings(max_examples=40)
@given(memories, appends, st.data())
def test_any_reading_gives_what_a_plain_list_would(memory: int, batches: list[int], data: st.DataObject) -> None:
    """While the log grows, from any number, with any limit and filter; and again after it was finished and opened."""
    with new_folder() as folder, EventLog(folder, RUN, LogLimits(memory_bytes=memory)) as log:
        for count in batches:
            log.append(events(log.next_sequence, count))
            sequence = data.draw(st.integers(1, log.next_sequence))
            limit = data.draw(st.integers(1, 200))
            where = data.draw(st.none() | filters)
            expected = [
                number for number in range(sequence, log.next_sequence) if where is None or passes(number, where)
            ]
            part = log.read(sequence, limit, where)
            assert part.sequences.tolist() == part.events.column("event_id").to_pylist() == expected[:limit]
            assert [number for number in expected if number < part.next_sequence] == expected[:limit]
        log.finish()
        assert log.digest == digest_of(sum(batches))
        assert read_on(open_log(folder), 1) == list(range(1, sum(batches) + 1))


@settings(max_examples=30)
@given(memories, appends, st.data())
def test_retention_leaves_an_unbroken_end(memory: int, batches: list[int], data: st.DataObject) -> None:
    """Whatever is dropped is dropped from the beginning, from memory and disk alike, and stays dropped."""
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
    """Never a wrong event and never a hole; whoever opens the log is told of torn bytes, and of nothing else."""
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
def test_whatever_a_manifest_holds_one_line_says_what_is_wrong(content: bytes) -> None:
    """No error of a library comes through."""
    with new_folder() as folder:
        folder.mkdir()
        (folder / "log.json").write_bytes(content)
        with pytest.raises(DataError, match=r"^[^\n]*log\.json[^\n]*$"):
            open_log(folder)
