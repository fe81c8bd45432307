"""Filtered reading: exactly the events that pass, with their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.eventlog.making import RUN, SMALL, TICKERS, events, passes, read_on
from tickstock_cli.eventlog.filters import Filter
from tickstock_cli.eventlog.view import EXAMINED_ROWS
from tickstock_cli.eventlog.writer import EventLog

FILTERS = [
    Filter(kinds=frozenset({"surge"})),
    Filter(tickers=frozenset({"T03", "T50"})),
    Filter(sources=frozenset({"ohlcv", "websocket"})),
    Filter(max_priority=2),
    Filter(frozenset({"high", "low"}), frozenset(TICKERS[:40]), frozenset({"tick"}), 4),
    Filter(),
    Filter(kinds=frozenset()),
    Filter(tickers=frozenset({"NOBODY"})),
]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    """Return a log most of whose 990 events are on disk, in batches of growing size."""
    with EventLog(tmp_path / "log", RUN, SMALL) as log:
        first = 1
        for count in range(1, 45):
            log.append(events(first, count))
            first += count
        yield log


@pytest.mark.parametrize("where", FILTERS, ids=[f"filter{number}" for number in range(len(FILTERS))])
@pytest.mark.parametrize("limit", [1, 7, 10_000])
def test_exactly_what_passes_is_given(log: EventLog, where: Filter, limit: int) -> None:
    """From disk, from memory and across both, however little is read at once."""
    expected = [number for number in range(17, log.next_sequence) if passes(number, where)]

    assert read_on(log, 17, limit, where) == expected


def test_a_cursor_moves_on_though_nothing_passes(log: EventLog) -> None:
    """What a filter left out need not be looked at again."""
    part = log.read(1, 100, Filter(tickers=frozenset({"NOBODY"})))

    assert (part.count, part.next_sequence) == (0, log.next_sequence)


def test_a_limit_stops_the_cursor_before_the_next_event_that_passes(log: EventLog) -> None:
    """So that it is neither missed nor told twice."""
    where = Filter(tickers=frozenset({"T05"}))

    part = log.read(1, 2, where)

    assert part.sequences.tolist() == [5, 102]
    assert 102 < part.next_sequence <= 199
    assert log.read(part.next_sequence, 1, where).sequences.tolist() == [199]


def test_one_reading_looks_at_a_bounded_number_of_events(tmp_path: Path) -> None:
    """A client that wants what never happens must not keep the server from the others."""
    with EventLog(tmp_path / "log", RUN) as log:
        log.append(events(1, EXAMINED_ROWS + 1_000))

        part = log.read(1, 100, Filter(kinds=frozenset()))

        assert part.next_sequence == 1 + EXAMINED_ROWS


def test_nothing_is_put_together_that_nobody_looks_at(log: EventLog) -> None:
    """A server that has encoded the events for all clients needs the numbers of those that pass, and no more."""
    part = log.read(1, 100, Filter(max_priority=1))

    assert part.count == len(part.sequences) == 100
    assert "events" not in vars(part)
